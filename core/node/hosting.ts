/**
 * Builds the groups that have a replica on this node, from the static maps and from what the disk restored.
 */
import { type GroupId, metadataGroup, type NodeId, Term } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';
import { limits } from '../base/limits.ts';
import type { MonoTime } from '../base/time.ts';
import { DirectoryMachine } from '../group/directoryMachine.ts';
import { Group } from '../group/group.ts';
import type { StateMachine } from '../group/machine.ts';
import { TenantMachine } from '../group/tenantMachine.ts';
import type { RestoredGroup } from '../log/records.ts';
import { Raft } from '../raft/raft.ts';
import type { GroupDescriptor, NodeOptions } from './options.ts';

const pristine: RestoredGroup = { hardState: { term: Term(0), votedFor: null }, entries: [] };

/** The directory's machine, if this node has a replica of the metadata group, is in `groups` too. */
export interface Hosted {
  /** By id, in order of id. */
  readonly groups: ReadonlyMap<GroupId, Group>;
  readonly directory: DirectoryMachine | null;
}

export function hostGroups(options: NodeOptions, now: MonoTime): Hosted {
  const { topology, node } = options;
  const tenantGroups = topology.groups.map(({ group }) => group).filter((group) => group !== metadataGroup);
  const groups = new Map<GroupId, Group>();
  let directory: DirectoryMachine | null = null;
  for (const descriptor of topology.groups) {
    if (!descriptor.replicas.some((replica) => replica.node === node)) continue;
    let machine: StateMachine;
    if (descriptor.group === metadataGroup) machine = directory = new DirectoryMachine(tenantGroups);
    else machine = new TenantMachine(options.random(`reads/${String(descriptor.group)}`));
    groups.set(descriptor.group, hostGroup(options, descriptor, machine, now));
  }
  return { groups, directory };
}

function hostGroup(options: NodeOptions, descriptor: GroupDescriptor, machine: StateMachine, now: MonoTime): Group {
  const { node, settings, restored, random } = options;
  const { group, replicas } = descriptor;
  const own = replicas.find((replica) => replica.node === node);
  invariant(own !== undefined, 'a hosted group has a replica here', { group, node });
  const config = {
    id: own.replica,
    voters: replicas.map(({ replica }) => replica).sort((a, b) => a - b),
    electionMs: settings.electionMs,
    isHome: replicas[0] === own,
    heartbeatMs: settings.heartbeatMs,
    maxAppendBytes: limits.appendBytes,
    maxInflightAppends: limits.appendsInFlight,
    maxUncommittedBytes: limits.uncommittedBytes,
    leases: settings.leaseReads,
  };
  const raft = new Raft(config, restored.groups.get(group) ?? pristine, random(`election/${String(group)}`), now);
  const groupLimits = { ...limits, maxValueBytes: settings.maxValueBytes };
  const nodes = new Map<number, NodeId>(replicas.map((replica) => [replica.replica, replica.node]));
  return new Group(group, raft, machine, (replica) => nodes.get(replica) ?? null, groupLimits, options.probe ?? null);
}
