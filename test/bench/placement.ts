/** How long it takes to plan for a large cluster, with nobody else involved: grown without care, and with a node lost. */
import { apply } from '../../core/placement/apply.ts';
import type { ClusterSnapshot } from '../../core/placement/clusterSnapshot.ts';
import { plan } from '../../core/placement/plan.ts';
import { defaultPolicy, type Policy } from '../../core/placement/policy.ts';
import { grownCluster, type Size } from '../placement/clusters.ts';
import { median } from './figures.ts';
import { atMost } from './goals.ts';
import type { PartOptions, PartResult } from './part.ts';
import { digits, table } from './screen.ts';

const large: Size = { nodes: 1_000, zones: 10, groups: 10_000, tenants: 1_000_000 };
const small: Size = { nodes: 100, zones: 5, groups: 1_000, tenants: 50_000 };
/** Of which the median counts: the first is always the slowest. */
const times = 3;

interface Planned {
  readonly what: string;
  readonly steps: number;
  readonly tookMs: number;
}

export async function placement({ isQuick, progress }: PartOptions): Promise<PartResult> {
  const size = isQuick ? small : large;
  const grown = grownCluster(size, 1);
  const first = plan(grown, defaultPolicy);
  const next = { ...apply(grown, first.steps), placed: first.placed, isBalancing: first.isBalancing };
  const lost = {
    ...grown,
    nodes: grown.nodes.map((one) => (one.node === 7 ? { ...one, state: 'lost' as const } : one)),
  };
  const still: Policy = { ...defaultPolicy, rebalance: 'off' };
  const planned = [
    timed('a first plan', grown, defaultPolicy, progress),
    timed('the plan after it', next, defaultPolicy, progress),
    timed('a node is lost, no rebalancing', lost, still, progress),
    timed('ten times as many steps', grown, { ...defaultPolicy, maxSteps: 10 * defaultPolicy.maxSteps }, progress),
  ];
  const rows = planned.map(({ what, steps, tookMs }) => [what, String(steps), (tookMs / 1000).toFixed(2)]);
  const slowest = Math.max(...planned.slice(0, 3).map(({ tookMs }) => tookMs)) / 1000;
  return Promise.resolve({
    text: [
      `${digits(size.nodes)} nodes, ${digits(size.groups)} groups of three, ${digits(size.tenants)} tenants`,
      '',
      table([['', 'steps', 'seconds'], ...rows]),
    ].join('\n'),
    figures: { size, planned },
    goals: [atMost(`the slowest plan of ${digits(defaultPolicy.maxSteps)} steps or fewer`, slowest, 10, 's')],
  });
}

function timed(what: string, snapshot: ClusterSnapshot, policy: Policy, progress: PartOptions['progress']): Planned {
  progress(what);
  let steps = 0;
  const tookMs = Array.from({ length: times }, () => {
    const beganAt = performance.now();
    ({ length: steps } = plan(snapshot, policy).steps);
    return performance.now() - beganAt;
  });
  return { what, steps, tookMs: median(tookMs) };
}
