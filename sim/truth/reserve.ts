/** What groups can bear: whom a majority is left without, whatever becomes of changes of their members that are under way. */
import { type GroupId, LogIndex, type NodeId } from '../../core/base/ids.ts';
import { settled, without, withVote } from '../../core/raft/configuration.ts';
import type { Configuration } from '../../core/raft/types.ts';
import { decodeConfiguration } from '../../core/wire/configuration.ts';
import type { GroupTruth, ReplicaTruth } from './groupTruth.ts';

export class Reserve {
  private readonly groups: ReadonlyMap<GroupId, GroupTruth>;
  private readonly isThere: (replica: ReplicaTruth) => boolean;

  /** `isThere`: its node has the replica still, if it runs. */
  constructor(groups: ReadonlyMap<GroupId, GroupTruth>, isThere: (replica: ReplicaTruth) => boolean) {
    this.groups = groups;
    this.isThere = isThere;
  }

  /** Who belongs to the group by what is committed, and by anything later that a replica has in its log. */
  configurationsOf(group: GroupTruth): readonly Configuration[] {
    const found = new Set([group.configuration]);
    const { index } = group.configurations.at(-1) ?? { index: 0 };
    for (const { raft, durable } of group.replicas.values()) {
      for (const { since, configuration } of raft?.state.log.erasSince(LogIndex(index)) ?? [])
        if (since > index) found.add(configuration);
      for (const entry of durable.slice(index)) {
        const configuration = entry.kind === 'configuration' ? decodeConfiguration(entry.data) : null;
        if (configuration !== null) found.add(configuration);
      }
    }
    return [...found];
  }

  /** Without what is on these nodes every group has a majority, whatever becomes of a change of its members. */
  canSpare(nodes: ReadonlySet<NodeId>): boolean {
    return this.areDecided(nodes, (group) => this.configurationsOf(group));
  }

  /**
   * That, of nodes that fall silent: nobody misses them for an election timeout, and until then a leader may begin a
   * change that needs them. Where a connection breaks it knows at once.
   */
  canSpareUnnoticed(nodes: ReadonlySet<NodeId>): boolean {
    return this.areDecided(nodes, (group) => [...this.configurationsOf(group), ...imminent(group)]);
  }

  /** Whatever becomes of the changes before, those that are left in the group without that node have a majority. */
  canRemove(id: GroupId, node: NodeId): boolean {
    const group = this.groups.get(id);
    if (group === undefined) return true;
    return this.configurationsOf(group).every((configuration) => {
      const former = configuration.voters.find((voter) => voter.node === node);
      const next = former === undefined ? configuration : without(configuration, former.replica);
      return this.decides(group, settled(next), new Set());
    });
  }

  private areDecided(
    lost: ReadonlySet<NodeId>,
    configurationsOf: (group: GroupTruth) => readonly Configuration[],
  ): boolean {
    return [...this.groups.values()].every((group) =>
      configurationsOf(group).every((configuration) => this.decides(group, configuration, lost)),
    );
  }

  /** A voter on a node where another replica begins is as good as lost. */
  private decides(group: GroupTruth, configuration: Configuration, lost: ReadonlySet<NodeId>): boolean {
    const isEnding = ({ node }: ReplicaTruth): boolean => configuration.learners.some((l) => l.node === node);
    return group.isQuorum(
      configuration,
      (replica) => !lost.has(replica.node) && !isEnding(replica) && this.isThere(replica),
    );
  }
}

/** What its leader may append at any moment: a learner that keeps up gets its vote. */
function imminent(group: GroupTruth): readonly Configuration[] {
  return [...group.replicas.values()].flatMap(({ raft, role }) => {
    if (raft === null || role !== 'leader') return [];
    const { log, progress } = raft.state;
    const { configuration } = log.era;
    return configuration.learners
      .filter(({ replica, joins }) => joins && progress.get(replica)?.mode === 'replicate')
      .map((learner) => withVote(configuration, learner));
  });
}
