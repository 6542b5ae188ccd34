/**
 * N1: which nodes there are, and which groups were made. Equal versions of the NodeMap are equal maps; an id is given once, upwards, and to one address;
 * a node that was removed stays removed. An id of a group is given once, for the same members for good. N2: no two voters of a group are on one node. N5: what is ordered of a group is
 * done only as long as that has the members for whom it was planned. N3 is judged where a run settles, except that whoever
 * drains is given nothing new.
 */
import type { GroupId, LogIndex, NodeId } from '../../core/base/ids.ts';
import type { Entry } from '../../core/raft/types.ts';
import type { OrderedChange } from '../../core/wire/messages.ts';
import type { MadeGroup } from '../../core/wire/groups.ts';
import type { NodeMapImage } from '../../core/wire/nodes.ts';
import { membersOf } from '../../core/raft/configuration.ts';
import { decodeConfiguration } from '../../core/wire/configuration.ts';
import type { CommittedEntry, GroupTruth, ReplicaTruth } from '../truth/groupTruth.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle, Truth } from './oracle.ts';

/** `first`: the groups of the configuration. */
export function nodeIdsAreGivenOnce(first: ReadonlySet<GroupId>): Oracle {
  const texts = new Map<number, string>();
  const addresses = new Map<NodeId, string>();
  /** By node, the lowest version that has it, and that has it removed. */
  const since = new Map<NodeId, number>();
  const removedSince = new Map<NodeId, number>();
  const members = new Map<GroupId, string>();
  const lookAtGroups = (groups: readonly MadeGroup[], version: number): void => {
    const ids = groups.map(({ group }) => group);
    rule(new Set(ids).size === ids.length, 'N1', 'an id of a group is given once', { version, groups: ids.join(' ') });
    for (const made of groups) {
      const [text, before] = [JSON.stringify(made), members.get(made.group)];
      const facts = { group: made.group, version, text, before: before ?? '' };
      rule(before === undefined || before === text, 'N1', 'what a group began with does not change', facts);
      rule(!first.has(made.group), 'N1', 'a group that was made is none of the first', facts);
      members.set(made.group, text);
    }
  };
  return {
    rule: 'N1',
    nodesHeard(_node: NodeId, { version, nodes, groups }: NodeMapImage): void {
      const text = JSON.stringify([nodes, groups]);
      rule((texts.get(version) ?? text) === text, 'N1', 'equal versions are equal maps of nodes', { version });
      if (texts.has(version)) return;
      texts.set(version, text);
      lookAtGroups(groups, version);
      for (const { node, peerAddress, state } of nodes) {
        const facts = { node, version };
        const address = addresses.get(node) ?? peerAddress;
        rule(address === peerAddress, 'N1', 'an id of a node has one address', { ...facts, address, peerAddress });
        addresses.set(node, address);
        since.set(node, Math.min(version, since.get(node) ?? version));
        const isRemoved = state === 'removed';
        const removedAt = removedSince.get(node);
        rule(isRemoved || removedAt === undefined || version < removedAt, 'N1', 'who was removed is not back', facts);
        if (isRemoved) removedSince.set(node, Math.min(version, removedAt ?? version));
        const areLower = nodes.every((other) => other.node >= node || (since.get(other.node) ?? 0) <= version);
        rule(areLower, 'N1', 'ids of nodes are given upwards', facts);
      }
      for (const [node, from] of since)
        rule(from >= version || nodes.some((other) => other.node === node), 'N1', 'of a node a line stays', {
          node,
          version,
        });
    },
  };
}

export function votersAreApart(): Oracle {
  return {
    rule: 'N2',
    committed(group: GroupTruth, { entry: { kind, index } }: CommittedEntry): void {
      if (kind !== 'configuration') return;
      const nodes = group.configuration.voters.map(({ node }) => node);
      const facts = { group: group.id, index, nodes: nodes.join(' ') };
      rule(new Set(nodes).size === nodes.length, 'N2', 'voters of a group are on different nodes', facts);
    },
  };
}

/** A part of N3: what is told here is heard by whoever plans long before that. */
export function nobodyWhoDrainsIsGivenAnything(truth: Truth): Oracle {
  let version = 0;
  const drainsSince = new Map<NodeId, number>();
  return {
    rule: 'N3',
    nodesHeard(_node: NodeId, map: NodeMapImage): void {
      if (map.version <= version) return;
      version = map.version;
      for (const { node, state } of map.nodes) {
        if (state !== 'draining') drainsSince.delete(node);
        else if (!drainsSince.has(node)) drainsSince.set(node, truth.now);
      }
    },
    committed(group: GroupTruth, { entry: { kind, index } }: CommittedEntry): void {
      const [before, next] = group.configurations.slice(-2).map(({ configuration }) => configuration);
      if (kind !== 'configuration' || before === undefined || next === undefined) return;
      for (const { node, replica } of next.learners) {
        const isNew = replica > before.highest && membersOf(before).every((member) => member.node !== node);
        const since = drainsSince.get(node) ?? truth.now;
        const facts = { group: group.id, index, node };
        rule(!isNew || truth.now - since < toHearUs, 'N3', 'who is to have nothing is given nothing', facts);
      }
    },
  };
}

/** Partitions are over by then. */
const toHearUs = 10_000_000;

export function ordersAreOfThePresent(truth: Truth): Oracle {
  /** What came in this turn for members of before. */
  let late: readonly { readonly group: GroupId; readonly change: OrderedChange }[] = [];
  return {
    rule: 'N5',
    orderHeard(node: NodeId, id: GroupId, index: LogIndex, change: OrderedChange): void {
      const group = truth.nodes[node - 1]?.groups.get(id);
      if (group?.isLeader === true && group.raft.state.log.era.since > index) late = [...late, { group: id, change }];
    },
    entriesWritten({ group, role, term, written }: ReplicaTruth, entries: readonly Entry[]): void {
      const changed = entries.find((entry) => entry.kind === 'configuration' && entry.term === term);
      if (role !== 'leader' || changed === undefined || late.length === 0) return;
      const next = decodeConfiguration(changed.data);
      const isNew = written.length < changed.index;
      for (const { group: id, change } of late) {
        if (id !== group.id || next === null || !isNew) continue;
        const isDone =
          change.kind === 'add'
            ? next.learners.some(({ node, replaces, replica }) => {
                return node === change.node && replaces === change.replaces && replica === next.highest;
              })
            : change.kind === 'remove'
              ? next.outgoing.some(({ replica }) => replica === change.replica) &&
                !next.voters.some(({ replica }) => replica === change.replica)
              : next.outgoing.length === 0 && next.voters[0]?.replica === change.replica;
        rule(!isDone, 'N5', 'an order is for the members that a group has', { group: id, change: change.kind });
      }
    },
    turnEnded(): void {
      late = [];
    },
  };
}
