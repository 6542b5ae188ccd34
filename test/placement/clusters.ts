/** Clusters to plan for: one by hand, many by fast-check, and large ones by a seed. */
import fc from 'fast-check';
import { Epoch, GroupId, Incarnation, LogIndex, NodeId, ReplicaId, type TenantName } from '../../core/base/ids.ts';
import { below, seededRandom } from '../../core/base/random.ts';
import { WallTime } from '../../core/base/time.ts';
import type {
  ClusterSnapshot,
  GroupStatus,
  NodeState,
  NodeStatus,
  TenantStatus,
} from '../../core/placement/clusterSnapshot.ts';
import { defaultPolicy, type Policy } from '../../core/placement/policy.ts';
import { firstConfiguration } from '../../core/raft/configuration.ts';

export const takenAt = WallTime(1_000_000_000);
export const longAgo = WallTime(0);

export function node(id: number, zone: string, more: Partial<NodeStatus> = {}): NodeStatus {
  return {
    node: NodeId(id),
    zone,
    state: 'up',
    capacityBytes: 1_000_000,
    capacityOperations: 100_000,
    maxReplicas: 1_000,
    heir: null,
    ...more,
  };
}

/** Its leader is on the first of `on`. */
export function group(id: number, on: readonly number[], more: Partial<GroupStatus> = {}): GroupStatus {
  const voters = on.map((at, i) => ({ replica: ReplicaId(i + 1), node: NodeId(at) }));
  return {
    group: GroupId(id),
    confIndex: LogIndex(10 + id),
    configuration: firstConfiguration(voters),
    leader: on[0] === undefined ? null : NodeId(on[0]),
    bytes: 1_000,
    operations: 100,
    replicas: on.length,
    others: 0,
    dedicatedTo: null,
    movedAt: longAgo,
    leaderMovedAt: longAgo,
    ...more,
  };
}

export function tenant(name: string, on: number, more: Partial<TenantStatus> = {}): TenantStatus {
  return {
    tenant: name as TenantName,
    group: GroupId(on),
    epoch: Epoch(1),
    incarnation: Incarnation(1),
    bytes: 0,
    operations: 0,
    pin: null,
    exclusions: [],
    movedAt: longAgo,
    isMoving: false,
    ...more,
  };
}

export function cluster(
  nodes: readonly NodeStatus[],
  groups: readonly GroupStatus[],
  tenants: readonly TenantStatus[] = [],
): ClusterSnapshot {
  return { takenAt, placed: 0, isBalancing: false, nodes, groups, tenants };
}

export const policies: fc.Arbitrary<Policy> = fc
  .record({
    placement: fc.constantFrom('round-robin' as const, 'least-loaded' as const, 'rendezvous' as const),
    rebalance: fc.constantFrom('on' as const, 'on' as const, 'off' as const, 'dry-run' as const),
    highWaterPpt: fc.constantFrom(850, 500),
    coolDownMs: fc.constantFrom(0, 600_000),
    isolationPpt: fc.constantFrom(300, 500, 900),
    isolationFloorPpt: fc.constantFrom(10, 50, 200),
  })
  .map((some) => ({ ...defaultPolicy, ...some }));

const states: fc.Arbitrary<NodeState> = fc.oneof(
  { weight: 12, arbitrary: fc.constant('up' as const) },
  { weight: 1, arbitrary: fc.constantFrom<NodeState>('suspect', 'down', 'lost', 'draining') },
);

const nodeLists = fc.array(
  fc.record({
    zone: fc.constantFrom('a', 'b', 'c'),
    state: states,
    capacityBytes: fc.constantFrom(20_000, 100_000, 1_000_000),
    capacityOperations: fc.constantFrom(2_000, 10_000, 100_000),
    maxReplicas: fc.constantFrom(3, 8, 100),
    heir: fc.constantFrom(null, null, NodeId(1), NodeId(2)),
  }),
  { minLength: 1, maxLength: 9 },
);

const moved = fc.constantFrom(longAgo, longAgo, longAgo, WallTime(takenAt - 1_000));

/** Anything a cluster may look like, right or wrong. */
export const clusters: fc.Arbitrary<ClusterSnapshot> = nodeLists.chain((statuses) => {
  const nodes = statuses.map((status, i) => node(i + 1, status.zone, status));
  const ids = nodes.map((one) => Number(one.node));
  const groupLists = fc.array(
    fc.record({
      on: fc.shuffledSubarray(ids, { minLength: 1, maxLength: Math.min(5, ids.length) }),
      replicas: fc.constantFrom(1, 3, 3, 3, 5),
      leads: fc.option(fc.nat(4), { freq: 8 }),
      bytes: fc.integer({ min: 0, max: 8_000 }),
      operations: fc.integer({ min: 0, max: 1_500 }),
      joins: fc.option(fc.constant(true), { freq: 12 }),
      others: fc.constantFrom(0, 0, 3),
      dedicatedTo: fc.oneof(
        { weight: 10, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.nat(5).map((i) => `t${String(i)}` as TenantName) },
      ),
      movedAt: moved,
      leaderMovedAt: moved,
    }),
    { minLength: 1, maxLength: 10 },
  );
  return groupLists.chain((lists) => {
    const groups = lists.map(({ on, leads, joins, ...more }, id) => {
      const made = group(id, on, { ...more, leader: leads === null ? null : NodeId(on[leads % on.length]!) });
      const free = ids.find((one) => !on.includes(one));
      if (joins === null || free === undefined) return made;
      const learner = { replica: ReplicaId(9), node: NodeId(free), joins: free % 2 === 0, replaces: null };
      return {
        ...made,
        configuration: { ...made.configuration, learners: [learner], highest: ReplicaId(9) },
      };
    });
    const some = groups.length < 2 ? fc.constant([]) : tenantLists(groups.length - 1, ids);
    return some.map((tenants) => cluster(nodes, groups, tenants));
  });
});

function tenantLists(lastGroup: number, ids: readonly number[]): fc.Arbitrary<TenantStatus[]> {
  const inGroup = fc.integer({ min: 1, max: lastGroup });
  const one = fc.record({
    group: inGroup,
    bytes: fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.constantFrom(0, 500)),
    operations: fc.oneof(fc.integer({ min: 0, max: 600 }), fc.constantFrom(0, 100)),
    pin: fc.oneof(
      { weight: 12, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.constant('own' as const) },
      { weight: 1, arbitrary: inGroup.map(GroupId) },
    ),
    exclusions: fc.oneof(
      { weight: 10, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.subarray(ids.map(NodeId), { maxLength: Math.min(2, ids.length) }) },
    ),
    movedAt: moved,
    isMoving: fc.oneof({ weight: 15, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  });
  return fc
    .array(one, { maxLength: 25 })
    .map((list) => list.map((more, i) => tenant(`t${String(i)}`, more.group, { ...more, group: GroupId(more.group) })));
}

export interface Size {
  readonly nodes: number;
  readonly zones: number;
  readonly groups: number;
  readonly tenants: number;
}

/** A cluster that grew without anybody looking after it: some nodes have several times what others have. */
export function grownCluster(size: Size, seed: number): ClusterSnapshot {
  const random = seededRandom(seed);
  const nodes = Array.from({ length: size.nodes }, (_, i) =>
    node(i + 1, `z${String(i % size.zones)}`, {
      capacityBytes: 1_000_000_000_000,
      capacityOperations: 200_000,
      maxReplicas: 100_000,
    }),
  );
  const skewed = (): number => Math.min(below(random, size.nodes), below(random, size.nodes));
  const members = Array.from({ length: size.groups }, () => {
    const on: number[] = [];
    while (on.length < 3) {
      const one = skewed();
      if (on.every((other) => other % size.zones !== one % size.zones)) on.push(one);
    }
    return on.map((one) => one + 1);
  });
  const bytes = new Float64Array(size.groups);
  const operations = new Float64Array(size.groups);
  const mean = Math.floor((size.nodes * 1_000_000_000_000 * 0.4) / 3 / size.tenants);
  const meanOperations = Math.floor((size.nodes * 200_000 * 0.4) / size.tenants);
  const tenants = Array.from({ length: size.tenants }, (_, i) => {
    const home = below(random, size.groups);
    const own = { bytes: below(random, 2 * mean), operations: below(random, 2 * meanOperations) };
    bytes[home] = bytes[home]! + own.bytes;
    operations[home] = operations[home]! + own.operations;
    return tenant(`tenant-${String(i)}`, home + 1, own);
  });
  const groups = members.map((on, i) => group(i + 1, on, { bytes: bytes[i]!, operations: operations[i]! }));
  return cluster(nodes, groups, tenants);
}
