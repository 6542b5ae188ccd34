/**
 * Builds the groups that have a replica on this node, from the static maps and from what the disk restored.
 */
import { type GroupId, metadataGroup, type NodeId, LogIndex, Term } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';
import { limits } from '../base/limits.ts';
import { type MonoTime, WallTime } from '../base/time.ts';
import { DirectoryMachine } from '../group/directoryMachine.ts';
import { Group, type RestoredState } from '../group/group.ts';
import type { StateMachine } from '../group/machine.ts';
import { TenantMachine } from '../group/tenantMachine.ts';
import type { RestoredGroup } from '../log/records.ts';
import { Raft } from '../raft/raft.ts';
import type { GroupDescriptor, NodeOptions } from './options.ts';

const pristine: RestoredGroup = {
  hardState: { term: Term(0), votedFor: null },
  base: { index: LogIndex(0), term: Term(0) },
  chunks: [],
  entries: [],
};

/** A log that is kept short has small pieces of snapshots too. */
const piecesOfLog = 8;

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
  const found = restored.groups.get(group) ?? pristine;
  const raft = new Raft(config, found, random(`election/${String(group)}`), now);
  const { maxValueBytes, snapshotLogBytes } = settings;
  const snapshotChunkBytes = Math.min(limits.snapshotChunkBytes, Math.ceil(snapshotLogBytes / piecesOfLog));
  const groupLimits = { ...limits, maxValueBytes, snapshotLogBytes, snapshotChunkBytes };
  const state = restoreState(machine, found);
  const nodes = new Map<number, NodeId>(replicas.map((replica) => [replica.replica, replica.node]));
  return new Group(
    group,
    raft,
    machine,
    state,
    (replica) => nodes.get(replica) ?? null,
    groupLimits,
    options.probe ?? null,
  );
}

/** Gives the machine the state of the latest snapshot on disk. */
function restoreState(machine: StateMachine, { chunks, base }: RestoredGroup): RestoredState {
  let bytes = 0;
  if (chunks.length === 0) return { bytes, stamp: WallTime(0) };
  const loader = machine.loader();
  for (const chunk of chunks) {
    invariant(loader.add(chunk), 'a snapshot on disk can be read', { index: base.index });
    bytes += chunk.length;
  }
  invariant(loader.finish(), 'a snapshot on disk is whole', { index: base.index });
  return { bytes, stamp: loader.stamp };
}
