/**
 * Ways to make a scenario simpler: fewer of everything, and knobs at values that do no harm. Each way yields
 * scenarios to be tried, the simplest first; which of them still fail is for the caller to find out. Every one is a
 * cluster that could exist: groups lie on nodes that there are, tenants in groups that there are.
 */
import { segmentBytes } from '../../core/log/appender.ts';
import { defaultSettings } from '../../core/node/defaults.ts';
import type { Anchor, Fault, Scenario } from '../scenario/scenario.ts';

type Knobs = Pick<Scenario, 'timing' | 'network' | 'disk' | 'turns' | 'workload'>;
type Section = keyof Knobs;

/**
 * A quick network and disk, a workload of plain reads and writes, and nothing else. Heartbeats come first, so that on
 * the way there they are never rarer than elections.
 */
const benign: Knobs = {
  timing: {
    heartbeatMs: 25,
    electionMs: 100,
    commandTimeoutMs: 1000,
    gossipMs: 100,
    leaseReads: false,
    rebalance: false,
    lostAfterMs: 600_000,
  },
  network: {
    baseUs: 100,
    jitterUs: 0,
    tailUs: 0,
    tailPermille: 0,
    clientUs: 100,
    datagrams: false,
    lossPermille: 0,
    duplicatePermille: 0,
    reorderPermille: 0,
    encoded: false,
    reconnectMs: 10,
    breakAfterMs: 1000,
    halfOpenMs: 0,
  },
  disk: {
    syncUs: 100,
    tailUs: 0,
    tailPermille: 0,
    crashKeeps: 'none',
    segmentBytes,
    snapshotLogBytes: defaultSettings.snapshotLogBytes,
    snapshotBytesPerSecond: defaultSettings.snapshotBytesPerSecond,
    zerosAhead: 0,
  },
  turns: { gatherUs: 0, turnUs: 1, inputUs: 1, randomTies: false },
  workload: {
    clients: 1,
    pipeline: 1,
    thinkUs: 10_000,
    keys: 1,
    expires: false,
    readPermille: 500,
    eagerPermille: 0,
    resp3Permille: 0,
    boundPermille: 0,
    readonlyPermille: 0,
    numberedPermille: 0,
    disconnectPermille: 0,
    slowPermille: 0,
    transactPermille: 0,
    dropPermille: 0,
    createPermille: 0,
  },
};

const sections: readonly Section[] = ['workload', 'network', 'disk', 'turns', 'timing'];

/** Scenarios like the given one, the simplest first. */
export type Way = (scenario: Scenario) => Iterable<Scenario>;

/** What can be off is off: all of it, or a part. */
export const calmer: readonly Way[] = [
  (scenario) => [{ ...scenario, ...benign, powerLoss: false, lost: [], clocks: [] }],
  (scenario) => [{ ...scenario, powerLoss: false }],
  (scenario) => [{ ...scenario, lost: [] }],
  (scenario) => [{ ...scenario, clocks: [] }],
  ...sections.map(
    (section): Way =>
      (scenario) => [{ ...scenario, [section]: benign[section] }],
  ),
];

/** Fewer nodes and groups. The first group is that of the metadata; clients need one more. */
export const smaller: readonly Way[] = [
  ({ groups, ...rest }) => upTo(2, groups.length - 1).map((count) => withGroups({ groups, ...rest }, count)),
  (scenario) => upTo(1, scenario.nodes - 1).map((count) => withNodes(scenario, count)),
];

/** One knob at a time at its benign value, or at least nearer to it. */
export const plainer: readonly Way[] = sections.flatMap((section) =>
  Object.entries<unknown>({ ...benign[section] }).map(
    ([knob, goal]): Way =>
      (scenario) => {
        const present = Object.entries<unknown>({ ...scenario[section] }).find(([name]) => name === knob)?.[1];
        return towards(present, goal).map((value) => ({
          ...scenario,
          [section]: { ...scenario[section], [knob]: value },
        }));
      },
  ),
);

/** Everything that happens at an instant happens earlier. */
export function earlier({ faults, ...rest }: Scenario): readonly Scenario[] {
  const instants = faults.flatMap(({ at }) => ('atMs' in at ? [at.atMs] : []));
  const first = Math.min(...instants);
  if (instants.length === 0 || first === 0) return [];
  return lower(first, 0).map((next) => ({
    ...rest,
    faults: faults.map((fault) =>
      'atMs' in fault.at ? { ...fault, at: { atMs: fault.at.atMs - first + next } } : fault,
    ),
  }));
}

/** The numbers of a fault: it strikes earlier, for a shorter time, and is less. */
export function milder(position: number): Way {
  return (scenario) => {
    const { faults } = scenario;
    const fault = faults[position];
    if (fault === undefined) return [];
    const variants: readonly Fault[] = [
      ...earlierAnchors(fault.at).map((at) => ({ ...fault, at })),
      ...lower(fault.forMs, Math.min(fault.forMs, 1)).map((forMs) => ({ ...fault, forMs })),
      ...lower(fault.amount, 0).map((amount) => ({ ...fault, amount })),
      ...lower(fault.peer, 0).map((peer) => ({ ...fault, peer })),
    ];
    return variants.map((variant) => ({ ...scenario, faults: faults.with(position, variant) }));
  };
}

/** Integers between a number and its goal, the goal first, and round ones near it. */
export function lower(present: number, goal: number): readonly number[] {
  const halfWay = goal + Math.trunc((present - goal) / 2);
  const nearby = [goal, goal + Math.trunc((present - goal) / 8), halfWay, rounded(present, 1), rounded(present, 2)];
  return [...new Set(nearby)].filter((value) => Math.abs(value - goal) < Math.abs(present - goal));
}

function towards(present: unknown, goal: unknown): readonly unknown[] {
  if (present === goal) return [];
  return typeof present === 'number' && typeof goal === 'number' ? lower(present, goal) : [goal];
}

function earlierAnchors(at: Anchor): readonly Anchor[] {
  if ('atMs' in at) return lower(at.atMs, 0).map((atMs) => ({ atMs }));
  return [...lower(at.n, 1).map((n) => ({ ...at, n })), ...lower(at.plusMs, 0).map((plusMs) => ({ ...at, plusMs }))];
}

function withGroups(scenario: Scenario, count: number): Scenario {
  const tenants = scenario.tenants.map(({ name, group }) => ({ name, group: Math.min(group, count - 1) }));
  return { ...scenario, groups: scenario.groups.slice(0, count), tenants };
}

/** Replicas on nodes that there are not any more move to others; what there is no node for goes. */
function withNodes(scenario: Scenario, count: number): Scenario {
  const nodes = upTo(1, count);
  const groups = scenario.groups.map((replicas) => {
    const staying = replicas.filter((node) => node <= count);
    const free = nodes.filter((node) => !staying.includes(node));
    return [...staying, ...free.slice(0, replicas.length - staying.length)].sort((a, b) => a - b);
  });
  return { ...scenario, nodes: count, groups, clocks: scenario.clocks.slice(0, count) };
}

function rounded(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}

function upTo(first: number, last: number): readonly number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}
