/** What a plan does about one thing at a time. */
import { describe, expect, test } from 'vitest';
import { GroupId, NodeId, ReplicaId } from '../../core/base/ids.ts';
import { WallTime } from '../../core/base/time.ts';
import { apply } from '../../core/placement/apply.ts';
import type { ClusterSnapshot, NodeState } from '../../core/placement/clusterSnapshot.ts';
import { utilisationOf } from '../../core/placement/nodeLoads.ts';
import { plan } from '../../core/placement/plan.ts';
import { defaultPolicy, type Policy } from '../../core/placement/policy.ts';
import type { Step } from '../../core/placement/step.ts';
import { membersOf } from '../../core/raft/configuration.ts';
import { cluster, grownCluster, group, node, takenAt, tenant } from './clusters.ts';

const still: Policy = { ...defaultPolicy, rebalance: 'off' };
const six = ['a', 'b', 'c', 'a', 'b', 'c'].map((zone, i) => node(i + 1, zone));

function withState(snapshot: ClusterSnapshot, id: number, state: NodeState): ClusterSnapshot {
  const nodes = snapshot.nodes.map((one) => (one.node === id ? { ...one, state } : one));
  return { ...snapshot, nodes };
}

/** Without what is for people. */
function bare(steps: readonly Step[]): readonly string[] {
  return steps.map((step) => {
    if (step.kind === 'createGroup') return `create ${String(step.group)} on ${step.nodes.join(' ')}`;
    if (step.kind === 'moveTenant') return `move ${step.tenant} ${String(step.from)}>${String(step.to)}`;
    if (step.kind === 'addReplica') return `add ${String(step.group)} >${String(step.to)}`;
    if (step.kind === 'removeReplica') return `remove ${String(step.group)} ${String(step.from)}>`;
    const word = step.kind === 'transferLeader' ? 'lead' : 'replace';
    return `${word} ${String(step.group)} ${String(step.from)}>${String(step.to)}`;
  });
}

test('a whole step: what is to be true, how long it may take, and why', () => {
  const snapshot = withState(cluster(six, [group(1, [1, 2, 3], { bytes: 160_000 })]), 2, 'lost');
  expect(plan(snapshot, still)).toEqual({
    steps: [
      {
        kind: 'replaceReplica',
        number: 1,
        phase: 'repair',
        group: 1,
        confIndex: 11,
        replica: 2,
        from: 2,
        to: 5,
        after: null,
        timeoutMs: 60_020,
        why: 'node 2 is lost; group 1 has 3 of 3 voters and can lose 0; node 5 has 0 % of its share of bytes',
      },
    ],
    proposed: [],
    notes: [],
    brake: null,
    isCut: false,
    isBalancing: false,
    placed: 0,
  });
});

describe('repair', () => {
  test('groups nearest to losing their majority come first', () => {
    const groups = [
      group(1, [4, 5, 6, 2, 1], { replicas: 5 }),
      group(2, [3, 4, 5]),
      group(3, [1, 2, 3]),
      group(4, [6, 4, 5], { configuration: group(4, [6, 4]).configuration }),
    ];
    const { steps } = plan(withState(cluster(six, groups), 1, 'lost'), still);
    expect(bare(steps).map((step) => step.split('>')[0])).toEqual(['replace 3 1', 'add 4 ', 'replace 1 1']);
  });

  test('a group that has lost its majority is told of and let alone', () => {
    const nodes = [...six, ...six.map((one, i) => ({ ...one, node: NodeId(7 + i) }))];
    const lost = withState(withState(cluster(nodes, [group(1, [1, 4, 2])]), 1, 'lost'), 4, 'lost');
    const { steps, notes, brake } = plan(lost, still);
    expect([bare(steps), brake]).toEqual([[], null]);
    expect(notes).toEqual(['group 1 has lost its majority: only an operator can bring it back']);
  });

  test('a replica that is down is waited for', () => {
    expect(plan(withState(cluster(six, [group(1, [1, 2, 3])]), 2, 'down'), still).steps).toEqual([]);
  });
});

describe('the brake', () => {
  const groups = [group(1, [1, 2, 3]), group(2, [4, 5, 6]), group(3, [2, 4, 6])];

  test('a whole zone may be lost and is repaired as far as there are nodes', () => {
    const lost = withState(withState(cluster(six, groups), 1, 'lost'), 4, 'lost');
    const { brake, steps } = plan(lost, still);
    expect(brake).toBe(null);
    expect(steps.every(({ phase }) => phase === 'repair')).toBe(true);
    expect(steps).toHaveLength(3);
  });

  test('more than a third is not', () => {
    const lost = [1, 2, 3].reduce((before, id) => withState(before, id, 'down'), cluster(six, groups));
    const { brake, steps } = plan(lost, defaultPolicy);
    expect(brake).toBe('3 of 6 nodes look lost, more than a third; no step until it is known why: 1, 2, 3');
    expect(steps).toEqual([]);
  });

  test('nor is more than a zone', () => {
    const nodes = Array.from({ length: 10 }, (_, i) => node(i + 1, ['a', 'b', 'c', 'd', 'e'][i % 5]!));
    const zone = withState(withState(cluster(nodes, [group(1, [1, 2, 3]), group(2, [6, 7, 8])]), 1, 'lost'), 6, 'lost');
    expect(plan(zone, still).brake).toBe(null);
    expect(plan(withState(zone, 2, 'lost'), still)).toMatchObject({
      steps: [],
      brake: '3 of 10 nodes look lost, more than a zone; no step until it is known why: 1, 2, 6',
    });
  });

  test('what is lost and has been replaced is no reason', () => {
    const nodes = [...six, ...[7, 8, 9].map((id) => node(id, 'd', { state: 'lost' }))];
    const { brake, steps } = plan(withState(cluster(nodes, groups), 1, 'lost'), still);
    expect([brake, steps.length]).toEqual([null, 1]);
  });
});

test('a draining node is emptied: who leads there hands over, then replicas follow', () => {
  const snapshot = withState(grownCluster({ nodes: 9, zones: 3, groups: 60, tenants: 600 }, 7), 4, 'draining');
  const { steps } = plan(snapshot, still);
  const after = apply(snapshot, steps);
  const left = after.groups.filter(({ configuration, leader }) => {
    return leader === 4 || membersOf(configuration).some((member) => member.node === 4);
  });
  expect(left).toEqual([]);
  const drained = steps.filter(({ phase }) => phase === 'drain');
  const lastLead = drained.findLastIndex(({ kind }) => kind === 'transferLeader');
  expect(lastLead).toBeGreaterThan(0);
  expect(drained.findIndex(({ kind }) => kind === 'replaceReplica')).toBe(lastLead + 1);
});

test('only leaders leave a node that is suspect', () => {
  const snapshot = withState(cluster(six, [group(1, [1, 2, 3]), group(2, [2, 1, 3])]), 1, 'suspect');
  expect(bare(plan(snapshot, still).steps)).toEqual(['lead 1 1>3']);
});

describe('constraints', () => {
  test('voters in one zone part when there are others', () => {
    const { steps } = plan(cluster(six, [group(1, [2, 1, 4])]), still);
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({ kind: 'replaceReplica', from: 1 });
    expect([3, 6]).toContain((steps[0] as { readonly to: number }).to);
  });

  test('voters beyond those wanted leave, followers first', () => {
    expect(bare(plan(cluster(six, [group(1, [1, 2, 3, 4, 5], { replicas: 3 })]), still).steps)).toHaveLength(2);
    expect(bare(plan(cluster(six, [group(1, [1, 2], { replicas: 1 })]), still).steps)).toEqual(['remove 1 2>']);
  });

  test('a node above its high-water mark is relieved, largest first', () => {
    const small = six.map((one) => ({ ...one, capacityBytes: 10_000 }));
    const groups = [group(1, [1, 2, 3], { bytes: 3_000 }), group(2, [1, 5, 6], { bytes: 6_000 })];
    expect(bare(plan(cluster(small, groups), still).steps)).toEqual(['lead 2 1>6', 'replace 2 1>4']);
  });

  test('pins: to a group, to one of its own, and never elsewhere', () => {
    const groups = [group(0, [1, 2, 3]), group(1, [1, 2, 3], { operations: 900 }), group(2, [4, 5, 6])];
    const tenants = [
      tenant('alone', 1, { pin: 'own', operations: 10, bytes: 5 }),
      tenant('pinned', 2, { pin: GroupId(1), operations: 10 }),
      tenant('nowhere', 2, { pin: GroupId(9) }),
      tenant('hot', 1, { pin: GroupId(1), operations: 890 }),
    ];
    const { steps, notes } = plan(cluster(six, groups, tenants), defaultPolicy);
    const moves = steps.filter(({ kind }) => kind === 'moveTenant');
    expect(bare(steps)[0]).toMatch(/^create 3 on /);
    expect(bare(moves)).toEqual(['move alone 1>3', 'move pinned 2>1']);
    expect(moves[0]?.after).toBe(1);
    expect(notes).toEqual(['tenant nowhere is pinned to group 9, and lives in 2: there is no such group']);
  });

  test('exclusions: the tenant leaves, or the replica does, whichever is less to copy', () => {
    const groups = [group(1, [1, 2, 3]), group(2, [4, 5, 6])];
    const small = tenant('small', 1, { exclusions: [NodeId(2)], bytes: 10 });
    const large = tenant('large', 1, { exclusions: [NodeId(2)], bytes: 900 });
    expect(bare(plan(cluster(six, groups, [small]), still).steps)).toEqual(['move small 1>2']);
    expect(bare(plan(cluster(six, groups, [large]), still).steps)).toEqual(['replace 1 2>5']);
  });

  test('a group that is for one tenant is left by others', () => {
    const groups = [group(1, [1, 2, 3], { dedicatedTo: tenant('owner', 1).tenant }), group(2, [4, 5, 6])];
    const tenants = [tenant('owner', 1, { pin: 'own' }), tenant('guest', 1)];
    expect(bare(plan(cluster(six, groups, tenants), still).steps)).toEqual(['move guest 1>2']);
  });

  test('members that are being changed are let alone', () => {
    const learner = { replica: ReplicaId(4), node: NodeId(5), joins: true, replaces: ReplicaId(2) };
    const one = group(1, [1, 2, 3]);
    const changing = { ...one, configuration: { ...one.configuration, learners: [learner] } };
    const { steps, notes } = plan(withState(cluster(six, [changing]), 2, 'lost'), still);
    expect([steps, notes]).toEqual([[], ['group 1 is changing its members: its repair waits']]);
  });

  test('who leads a group is no matter while its members are being changed', () => {
    const learner = { replica: ReplicaId(4), node: NodeId(5), joins: true, replaces: null };
    const one = group(1, [1, 2, 3]);
    const changing = { ...one, configuration: { ...one.configuration, learners: [learner] } };
    const { steps } = plan(withState(cluster(six, [changing, group(2, [1, 2, 3])]), 1, 'draining'), still);
    expect(steps.map((step) => step.kind !== 'moveTenant' && step.group)).toEqual([2, 2]);
  });

  test('a member that was to come and is lost is waited for no longer', () => {
    const learner = { replica: ReplicaId(4), node: NodeId(5), joins: true, replaces: ReplicaId(2) };
    const one = group(1, [1, 2, 3]);
    const changing = { ...one, configuration: { ...one.configuration, learners: [learner] } };
    const { steps, notes } = plan(withState(cluster(six, [changing]), 5, 'lost'), still);
    expect([bare(steps), notes]).toEqual([['remove 1 5>'], []]);
  });
});

test('a learner on a silent node is waited for as long as its copy should take', () => {
  const learner = { replica: ReplicaId(4), node: NodeId(5), joins: true, replaces: ReplicaId(2) };
  const since = (ms: number) => {
    const one = group(1, [1, 2, 3], { movedAt: WallTime(takenAt - ms) });
    const { configuration } = one;
    return withState(cluster(six, [{ ...one, configuration: { ...configuration, learners: [learner] } }]), 5, 'down');
  };
  expect(bare(plan(since(60_000), still).steps)).toEqual([]);
  const { steps } = plan(since(61_000), still);
  expect(bare(steps)).toEqual(['remove 1 5>']);
  expect(steps[0]?.why).toMatch(/^node 5 is silent, and its copy/);
});

describe('isolation', () => {
  const groups = [group(1, [1, 2, 3], { operations: 10_000 }), group(2, [4, 5, 6], { operations: 10_000, others: 9 })];
  const hot = tenant('hot', 1, { operations: 8_000 });
  const mild = tenant('mild', 1, { operations: 100 });

  test('most of its group gets a group of its own, unless it has just moved', () => {
    const { steps } = plan(cluster(six, groups, [hot, mild]), defaultPolicy);
    expect(bare(steps.filter(({ phase }) => phase === 'isolation')).at(-1)).toBe('move hot 1>3');
    const tired = { ...hot, movedAt: WallTime(takenAt - 1) };
    expect(plan(cluster(six, groups, [tired, mild]), defaultPolicy).steps.some((s) => s.phase === 'isolation')).toBe(
      false,
    );
  });

  test('that is an empty one, or one that is made if there is none, and only if the balance is on', () => {
    const empty = group(3, [1, 5, 6]);
    const isolation = (c: ClusterSnapshot, rebalance: 'on' | 'dry-run' | 'off'): readonly string[] => {
      const { steps, proposed } = plan(c, { ...defaultPolicy, rebalance });
      const such = (all: typeof steps): readonly string[] => bare(all.filter(({ phase }) => phase === 'isolation'));
      return [...such(steps), ...such(proposed).map((step) => `proposed ${step}`)];
    };
    expect(isolation(cluster(six, [...groups, empty], [hot, mild]), 'on')).toEqual(['move hot 1>3']);
    expect(isolation(cluster(six, groups, [hot, mild]), 'on')).toHaveLength(2);
    expect(isolation(cluster(six, groups, [hot, mild]), 'dry-run')).toHaveLength(2);
    expect(isolation(cluster(six, groups, [hot, mild]), 'off')).toEqual([]);
    const pinned = { ...hot, pin: 'own' as const };
    for (const rebalance of ['off', 'dry-run'] as const) {
      const { steps, notes } = plan(cluster(six, groups, [pinned, mild]), { ...defaultPolicy, rebalance });
      expect(steps.filter(({ kind }) => kind === 'createGroup')).toEqual([]);
      expect(notes.join()).toMatch(/no group is empty/);
    }
  });

  test('what has become idle is packed with others', () => {
    const own = group(3, [1, 5, 6], { operations: 10, dedicatedTo: hot.tenant });
    const idle = tenant('hot', 3, { operations: 10 });
    const { steps } = plan(cluster(six, [...groups, own], [idle, mild]), defaultPolicy);
    expect(bare(steps.filter(({ phase }) => phase === 'isolation'))).toEqual(['move hot 3>1']);
    expect(plan(cluster(six, [...groups, own], [{ ...idle, pin: 'own' }, mild]), still).steps).toEqual([]);
  });
});

describe('balance', () => {
  /** `counts`: how many groups each of three nodes leads, of groups that are on all three. */
  const led = (counts: readonly number[]): ClusterSnapshot => {
    const order = [
      [1, 2, 3],
      [2, 3, 1],
      [3, 1, 2],
    ] as const;
    const leaders = counts.flatMap((count, i) => Array.from({ length: count }, () => order[i]!));
    return cluster(
      six.slice(0, 3),
      leaders.map((on, i) => group(i + 1, on)),
    );
  };

  test('it begins above 15 %, ends below 5 %, and goes on between if it had begun', () => {
    expect(plan(led([46, 40, 34]), defaultPolicy).steps).toEqual([]);
    const begun = { ...led([46, 40, 34]), isBalancing: true };
    expect(bare(plan(begun, defaultPolicy).steps)).toHaveLength(4);
    const far = led([47, 40, 33]);
    const { steps, isBalancing } = plan(far, defaultPolicy);
    expect([steps.length, isBalancing]).toEqual([5, false]);
    expect(utilisationOf(apply(far, steps), defaultPolicy).nodes.map(({ leaders }) => leaders)).toEqual([42, 40, 38]);
  });

  test('off does nothing; a dry run says what it would do', () => {
    const far = led([20, 5, 5]);
    const on = plan(far, defaultPolicy);
    expect(on.steps.length).toBeGreaterThan(0);
    expect(plan(far, still)).toMatchObject({ steps: [], proposed: [] });
    expect(plan(far, { ...defaultPolicy, rebalance: 'dry-run' })).toMatchObject({ steps: [], proposed: on.steps });
  });

  test('tenants leave groups whose nodes do most; among equals their names decide, not their order', () => {
    const many = Array.from({ length: 30 }, (_, i) => tenant(`t${String(i)}`, 1, { operations: 1_000 }));
    const groups = [group(1, [1, 2, 3], { operations: 30_000 }), group(2, [4, 5, 6], { operations: 0 })];
    const { steps } = plan(cluster(six, groups, many), defaultPolicy);
    const moved = steps.filter(({ kind }) => kind === 'moveTenant');
    expect(moved).toHaveLength(15);
    expect(bare(moved).every((step) => step.endsWith(' 1>2'))).toBe(true);
    expect(plan(cluster(six, groups, many.toReversed()), defaultPolicy).steps).toEqual(steps);
  });

  test('what has just moved rests', () => {
    const far = led([20, 5, 5]);
    const tired = { ...far, groups: far.groups.map((one) => ({ ...one, leaderMovedAt: WallTime(takenAt - 1) })) };
    expect(plan(tired, { ...defaultPolicy, tollPpt: { leader: 10, tenant: 20, replica: 10_000 } }).steps).toEqual([]);
  });

  test('a plan is cut where it may not go on, and says so', () => {
    const cut = plan(led([20, 5, 5]), { ...defaultPolicy, maxSteps: 2 });
    expect(cut).toMatchObject({ isCut: true, isBalancing: true });
    expect(cut.steps).toHaveLength(2);
  });
});
