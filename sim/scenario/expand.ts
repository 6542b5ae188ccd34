/**
 * From a seed to a scenario: a pure function. What a profile stresses is a matter of weights; every run draws
 * its own size, speeds and dangers, so that no two seeds test the same cluster.
 */
import type { Random } from '../../core/base/random.ts';
import type { MetadataMode } from '../../core/metadata/homes.ts';
import { segmentBytes } from '../../core/log/appender.ts';
import { defaultSettings } from '../../core/node/defaults.ts';
import { between, chance, pick, randomSource } from '../base/random.ts';
import { nemeses, type NemesisName, type Stage } from './nemesis.ts';
import {
  type ClockPlan,
  crashKeeps,
  type Fault,
  type Profile,
  type Scenario,
  scenarioFormat,
  type TenantPlan,
  type Timing,
} from './scenario.ts';

const kib = 1024;

type Weights = Readonly<Partial<Record<NemesisName, number>>>;

const weights: Readonly<Record<Profile, Weights>> = {
  mixed: {
    crash: 2,
    crashWhileWriting: 6,
    crashNewLeader: 2,
    rollingCrash: 1,
    powerLoss: 1,
    wipe: 1,
    flip: 1,
    crashOfSlowDisk: 1,
    pause: 2,
    drain: 1,
    partition: 3,
    isolateLeader: 3,
    isolateLeaderInThePast: 1,
    forgottenPromise: 1,
    oneWay: 2,
    flappingLink: 1,
    leaderChurn: 1,
    transfer: 1,
    shuttle: 2,
    oldNews: 1,
    membership: 2,
    membershipAndCrash: 1,
    membershipUnheard: 1,
    forgottenReplica: 1,
    save: 1,
    hold: 2,
    slow: 1,
    lossy: 2,
    reset: 2,
    clockRate: 1,
    clockJump: 1,
    diskSlow: 1,
    diskHang: 1,
    diskShort: 1,
    pinMap: 1,
    staleMap: 2,
    staleHint: 2,
    staleMapAndHint: 2,
  },
  partitions: {
    partition: 4,
    isolateLeader: 4,
    isolateLeaderInThePast: 4,
    drain: 1,
    oneWay: 3,
    flappingLink: 2,
    leaderChurn: 2,
    shuttle: 3,
    oldNews: 2,
    hold: 2,
    slow: 1,
    lossy: 3,
    reset: 2,
    pause: 2,
    clockRate: 1,
    clockJump: 1,
    crashWhileWriting: 1,
  },
  crashes: {
    crash: 3,
    drain: 1,
    forgottenPromise: 3,
    crashWhileWriting: 10,
    crashNewLeader: 4,
    rollingCrash: 2,
    powerLoss: 3,
    crashOfSlowDisk: 4,
    diskHang: 2,
    diskSlow: 2,
    diskShort: 2,
    pause: 1,
    partition: 1,
    leaderChurn: 1,
    save: 2,
    shuttle: 1,
  },
  'stale-map': {
    pinMap: 4,
    staleMap: 6,
    staleHint: 4,
    staleMapAndHint: 6,
    leaderChurn: 3,
    shuttle: 3,
    oldNews: 6,
    latecomers: 6,
    isolateLeader: 2,
    crash: 1,
    crashNewLeader: 1,
    pause: 1,
    reset: 1,
    hold: 1,
  },
  membership: {
    membership: 8,
    membershipAndCrash: 5,
    membershipUnheard: 5,
    forgottenReplica: 4,
    wipe: 3,
    flip: 1,
    rollingWipe: 2,
    isolateLeader: 3,
    isolateLeaderInThePast: 1,
    partition: 2,
    oneWay: 1,
    shuttle: 2,
    crash: 2,
    crashWhileWriting: 4,
    crashNewLeader: 2,
    powerLoss: 1,
    diskHang: 1,
    pause: 1,
    hold: 1,
    lossy: 1,
    staleHint: 1,
  },
  leases: {
    isolateLeaderInThePast: 5,
    forgottenPromise: 10,
    drain: 2,
    isolateLeader: 2,
    clockRate: 1,
    pause: 1,
  },
  moves: {
    move: 8,
    crashWhileMoving: 8,
    cutWhileMoving: 4,
    troubleWhileMoving: 6,
    moveWithoutQuorum: 2,
    moveAndShuttle: 4,
    cancelMove: 6,
    membership: 2,
    save: 2,
    crash: 1,
    crashNewLeader: 1,
    isolateLeader: 2,
    partition: 1,
    oneWay: 1,
    shuttle: 1,
    pinMap: 2,
    staleMap: 2,
    staleHint: 1,
    lossy: 1,
    hold: 1,
    wipe: 1,
    diskHang: 1,
  },
  transfers: {
    restore: 10,
    crashWhileRestoring: 6,
    troubleWhileRestoring: 6,
    move: 2,
    moveAndShuttle: 1,
    shuttle: 2,
    save: 2,
    crash: 2,
    crashNewLeader: 2,
    isolateLeader: 2,
    partition: 1,
    oneWay: 1,
    membership: 1,
    staleMap: 2,
    staleHint: 1,
    lossy: 1,
    hold: 1,
    reset: 1,
    wipe: 1,
    diskHang: 1,
  },
  reconfigure: {
    drainNode: 8,
    crash: 3,
    crashNewLeader: 2,
    rollingCrash: 2,
    partition: 2,
    isolateLeader: 2,
    oneWay: 1,
    wipe: 2,
    move: 2,
    membership: 2,
    save: 1,
    lossy: 1,
    hold: 1,
    diskHang: 1,
  },
  'metadata-down': {
    metadataOutage: 5,
    metadataOutageAtFirst: 4,
    metadataOutageWhileMoving: 8,
    move: 4,
    crashWhileMoving: 2,
    cancelMove: 1,
    crash: 2,
    crashNewLeader: 1,
    isolateLeader: 2,
    partition: 1,
    transfer: 2,
    membership: 1,
    drainNode: 1,
    save: 1,
    pause: 1,
    hold: 1,
    slow: 1,
    reset: 1,
    staleMap: 1,
    staleHint: 1,
  },
  'scale-out': {
    grow: 8,
    retire: 5,
    exchange: 5,
    troubleWhileChanging: 12,
    die: 3,
    dieAndRetire: 2,
    drainNode: 4,
    crash: 2,
    crashNewLeader: 2,
    crashWhileWriting: 2,
    rollingCrash: 1,
    isolateLeader: 2,
    partition: 2,
    oneWay: 1,
    hold: 1,
    slow: 1,
    lossy: 1,
    pause: 1,
    transfer: 1,
    shuttle: 1,
    move: 2,
    save: 1,
    wipe: 1,
    pinMap: 1,
    staleMap: 1,
    diskHang: 1,
  },
  'bad-clocks': { isolateLeader: 6, isolateLeaderInThePast: 2 },
  idle: {
    crash: 4,
    drain: 1,
    pause: 3,
    partition: 2,
    isolateLeader: 4,
    oneWay: 2,
    hold: 2,
    lossy: 1,
    reset: 2,
    powerLoss: 1,
    transfer: 1,
    membership: 1,
    diskHang: 1,
  },
  disks: {
    flip: 3,
    misdirected: 4,
    stale: 4,
    wipe: 2,
    rollingDamage: 2,
    rollingWipe: 1,
    diskError: 5,
    diskErrorOfMinority: 3,
    diskSlow: 2,
    diskHang: 2,
    diskShort: 5,
    crashOfSlowDisk: 3,
    crashWhileWriting: 4,
    quorumPowerLoss: 4,
    powerLoss: 1,
    save: 3,
    transfer: 1,
    partition: 1,
    isolateLeader: 1,
    membership: 1,
  },
  gossip: {
    move: 5,
    crashWhileMoving: 4,
    cutWhileMoving: 2,
    troubleWhileMoving: 3,
    moveAndShuttle: 3,
    cancelMove: 3,
    pinMap: 3,
    staleMap: 6,
    staleMapAndHint: 3,
    staleHint: 2,
    crash: 2,
    crashNewLeader: 2,
    crashWhileWriting: 4,
    powerLoss: 1,
    isolateLeader: 3,
    partition: 2,
    oneWay: 1,
    shuttle: 2,
    membership: 2,
    save: 3,
    wipe: 1,
    lossy: 1,
    hold: 1,
    pause: 1,
  },
  static: {
    crash: 3,
    crashNewLeader: 2,
    crashWhileWriting: 4,
    powerLoss: 1,
    isolateLeader: 3,
    partition: 2,
    shuttle: 2,
    transfer: 1,
    membership: 2,
    save: 2,
    wipe: 1,
    staleHint: 2,
    reset: 1,
    pause: 1,
  },
  calm: {},
};

/** With a metadata group if nothing is said. */
const modes: Readonly<Partial<Record<Profile, MetadataMode>>> = { gossip: 'gossip', static: 'static' };

/** What disks do comes on top, in some runs of these profiles. */
const diskTroubles: Weights = { misdirected: 2, stale: 2, diskError: 3, diskErrorOfMinority: 1, quorumPowerLoss: 3 };
const profilesWithDiskTroubles: readonly Profile[] = ['mixed', 'crashes'];

const nodeCounts: Readonly<Partial<Record<Profile, readonly number[]>>> = {
  'stale-map': [3, 4, 5, 5],
  membership: [3, 4, 5, 6],
  reconfigure: [4, 5, 6],
  'metadata-down': [5, 5, 6, 7],
  'scale-out': [3, 4, 4, 5],
};
const replicasPerGroup = 3;
/** Beside the metadata group. */
const fewestGroups: Readonly<Partial<Record<Profile, number>>> = {
  moves: 2,
  gossip: 2,
  'metadata-down': 2,
  'scale-out': 3,
};
const mostNemeses: Readonly<Partial<Record<Profile, number>>> = { 'metadata-down': 6, 'scale-out': 14 };
/** How long clients work while faults happen. */
const usualLength = [4000, 9000] as const;
const lengths: Readonly<Partial<Record<Profile, readonly [number, number]>>> = {
  'metadata-down': [6000, 14_000],
  'scale-out': [10_000, 25_000],
};
/** All clients together, at most: enough to meet every fault, and little enough for a thousand runs. */
const commandsPerSecond = 1000;
/** Where nodes come and go that takes its time, most of which is spent at rest. */
const commandsPerLongSecond = 200;
const usualSettleMs = 30_000;
const longSettleMs = 180_000;
/** Faults may strike so many nodes that are not there in the beginning. */
const newcomers = 2;
const tenantNames = ['acme', 'blue', 'corp', 'dune', 'echo', 'flux', 'gold', 'hive'] as const;

export function expand(seed: number, profile: Profile): Scenario {
  const streams = randomSource(`${profile}/${String(seed)}`);
  const topology = streams('topology');
  const isGrowing = profile === 'scale-out';
  const isFocused = profile === 'leases' || profile === 'bad-clocks';
  const nodes = isFocused ? replicasPerGroup : pick(topology, nodeCounts[profile] ?? [3, 3, 3, 4, 5, 5]);
  const fewest = fewestGroups[profile] ?? 1;
  const groupCount = 1 + (isFocused ? 1 : between(topology, fewest, 6));
  const isApart = profile === 'metadata-down' && chance(topology, 600);
  const groups = isApart
    ? drawApart(topology, nodes, groupCount)
    : Array.from({ length: groupCount }, () => drawReplicas(topology, nodes, isGrowing ? 0 : 200));
  const timing = drawTiming(profile, streams('timing'), streams('balance'));
  const [shortestMs, longestMs] = lengths[profile] ?? usualLength;
  const faultyMs = between(streams('length'), shortestMs, longestMs);
  const stage = {
    nodes: nodes + (isGrowing ? newcomers : 0),
    groups: groupCount,
    placement: groups,
    faultyMs,
    electionMs: timing.electionMs,
    commandTimeoutMs: timing.commandTimeoutMs,
  };
  const faults = drawFaults(weights[profile], mostNemeses[profile] ?? 10, {
    ...stage,
    random: streams('faults'),
  });
  if (isGrowing) faults.push(...nemeses.grow({ ...stage, random: streams('grow') }));
  if (isGrowing) faults.push(...nemeses.makeGroups({ ...stage, random: streams('groups') }));
  const troubles = streams('disk troubles');
  const hasTroubles = profilesWithDiskTroubles.includes(profile) && chance(troubles, 300);
  if (hasTroubles) faults.push(...drawFaults(diskTroubles, 3, { ...stage, random: troubles }));
  const network = streams('network');
  const disk = streams('disk');
  const segments = streams('segments');
  const snapshots = streams('snapshots');
  const turns = streams('turns');
  const isHarsh = profile !== 'calm' && chance(network, 300);
  const isolated = streams('isolated');
  const isolatedNode = between(isolated, 1, nodes);
  const scenario: Scenario = {
    format: scenarioFormat,
    name: `${profile} ${String(seed)}`,
    profile,
    noise: between(streams('noise'), 0, 2 ** 31),
    faultyMs,
    settleMs: isGrowing ? longSettleMs : usualSettleMs,
    nodes,
    metadata: modes[profile] ?? 'raft',
    groups,
    tenants: drawTenants(streams('tenants'), groupCount),
    timing,
    network: {
      baseUs: between(network, 20, 500),
      jitterUs: pick(network, [0, 50, 200, 1000, 3000]),
      tailUs: between(network, 1000, 30_000),
      tailPermille: pick(network, [0, 1, 5, 20]),
      clientUs: between(network, 20, 500),
      datagrams: isHarsh,
      lossPermille: isHarsh ? pick(network, [0, 5, 20, 80]) : 0,
      duplicatePermille: isHarsh ? pick(network, [0, 5, 50]) : 0,
      reorderPermille: isHarsh ? pick(network, [0, 20, 200]) : 0,
      encoded: chance(network, 100),
      reconnectMs: between(network, 1, 200),
      breakAfterMs: between(network, 100, 3000),
      halfOpenMs: pick(network, [0, 5, 50, 500]),
    },
    disk: {
      syncUs: between(disk, 50, 1000),
      tailUs: between(disk, 1000, 50_000),
      tailPermille: pick(disk, [0, 2, 10, 50]),
      crashKeeps: pick(disk, crashKeeps),
      segmentBytes: pick(segments, [2 * kib, 16 * kib, segmentBytes]),
      snapshotLogBytes: pick(snapshots, [kib, 4 * kib, 32 * kib, defaultSettings.snapshotLogBytes]),
      snapshotBytesPerSecond: pick(snapshots, [20 * kib, 100 * kib, defaultSettings.snapshotBytesPerSecond]),
      zerosAhead: pick(segments, [0, 512, 8 * kib]),
    },
    clocks: drawClocks(streams('clocks'), nodes, profile === 'bad-clocks' ? lyingPpm : usualPpm),
    turns: {
      gatherUs: pick(turns, [0, 0, 20, 200, 1000]),
      turnUs: between(turns, 1, 50),
      inputUs: between(turns, 1, 10),
      randomTies: chance(turns, 500),
    },
    workload: {
      ...drawWorkload(profile, streams('workload')),
      transactPermille: pick(streams('transactions'), [0, 0, 60, 200]),
      readonlyPermille: pick(streams('readonly'), [0, 0, 300, 1000]),
      numberedPermille: pick(streams('numbered'), [0, 0, 0, 600]),
    },
    faults,
    powerLoss: profile !== 'calm' && chance(streams('powerLoss'), 300),
    lost:
      profile !== 'calm' && !isGrowing && chance(streams('lost'), 300) ? [between(streams('lost/who'), 1, nodes)] : [],
    isolated: profile !== 'calm' && !isGrowing && chance(isolated, 200) ? [isolatedNode] : [],
  };
  if (isFocused) return focusOnLeases(scenario);
  return scenario.metadata === 'static' ? withFixedTenants(scenario) : scenario;
}

/**
 * A lease is at stake for milliseconds at a time: one group, read all the while through a network that is quick
 * but for its faults.
 */
function focusOnLeases(scenario: Scenario): Scenario {
  const { timing, network, workload, tenants } = scenario;
  return {
    ...scenario,
    tenants: tenants.slice(0, 1),
    timing: { ...timing, leaseReads: true },
    network: {
      ...network,
      jitterUs: Math.min(network.jitterUs, 200),
      tailPermille: 0,
      datagrams: false,
      lossPermille: 0,
      duplicatePermille: 0,
      reorderPermille: 0,
      reconnectMs: 5,
    },
    workload: {
      ...workload,
      clients: 6,
      pipeline: 2,
      thinkUs: 5000,
      readPermille: workload.readPermille === 200 ? 950 : 1000,
      eagerPermille: 1000,
      disconnectPermille: 0,
      dropPermille: 0,
      transactPermille: 0,
      createPermille: 0,
    },
  };
}

/** There are no tenants but those that are configured, and they stay. */
function withFixedTenants(scenario: Scenario): Scenario {
  const { tenants, groups, workload } = scenario;
  return {
    ...scenario,
    tenants: tenants.map(({ name, group }, i) => ({ name, group: group > 0 ? group : 1 + (i % (groups.length - 1)) })),
    workload: { ...workload, dropPermille: 0, createPermille: 0 },
  };
}

/** `allPermille`: how often every node has one. */
function drawReplicas(random: Random, nodes: number, allPermille: number): readonly number[] {
  const all = Array.from({ length: nodes }, (_, i) => i + 1);
  if (nodes > replicasPerGroup && chance(random, allPermille)) return all;
  return takeSome(random, all, replicasPerGroup);
}

function takeSome(random: Random, nodes: readonly number[], count: number): readonly number[] {
  const left = [...nodes];
  const chosen: number[] = [];
  while (chosen.length < count) {
    const [node] = left.splice(between(random, 0, left.length - 1), 1);
    if (node !== undefined) chosen.push(node);
  }
  return chosen.sort((a, b) => a - b);
}

/** Every other group has a majority without the nodes of the metadata group. */
function drawApart(random: Random, nodes: number, count: number): readonly (readonly number[])[] {
  const all = Array.from({ length: nodes }, (_, i) => i + 1);
  const metadata = takeSome(random, all, replicasPerGroup);
  const others = all.filter((node) => !metadata.includes(node));
  return Array.from({ length: count }, (_, group) => {
    if (group === 0) return metadata;
    const most = takeSome(random, others, Math.min(others.length, replicasPerGroup - between(random, 0, 1)));
    return [...most, ...takeSome(random, metadata, replicasPerGroup - most.length)].sort((a, b) => a - b);
  });
}

const usualLostAfterMs = 600_000;

function drawTiming(profile: Profile, random: Random, balance: Random): Timing {
  const isGrowing = profile === 'scale-out';
  const rebalance = profile === 'reconfigure' || isGrowing;
  const electionMs = between(random, isGrowing ? 200 : 100, 300);
  return {
    electionMs,
    heartbeatMs: Math.floor(electionMs / between(random, 3, 8)),
    commandTimeoutMs: between(random, 500, 3000),
    gossipMs: between(random, 50, 500),
    leaseReads: chance(random, 500),
    rebalance,
    lostAfterMs: rebalance ? between(balance, 1500, 6000) : usualLostAfterMs,
  };
}

/** Some tenants are configured; the others are created when they are first named. */
function drawTenants(random: Random, groupCount: number): readonly TenantPlan[] {
  const count = between(random, 1, tenantNames.length);
  return tenantNames
    .slice(0, count)
    .map((name) => ({ name, group: chance(random, 600) ? between(random, 1, groupCount - 1) : 0 }));
}

/** Clocks are allowed to be off by 10 %; beyond it leases promise what they cannot keep. */
const usualPpm = 200;
const lyingPpm = 450_000;

function drawClocks(random: Random, nodes: number, mostPpm: number): readonly ClockPlan[] {
  return Array.from({ length: nodes }, () => ({
    ratePpm: between(random, -mostPpm, mostPpm),
    wallOffsetMs: between(random, -2000, 2000),
  }));
}

function drawWorkload(
  profile: Profile,
  random: Random,
): Omit<Scenario['workload'], 'transactPermille' | 'readonlyPermille' | 'numberedPermille'> {
  const movesTenants = profile === 'stale-map' ? [4, 10, 20] : [0, 1, 3];
  const clients = between(random, 2, 8);
  const pipeline = pick(random, [1, 1, 4, 16]);
  const isIdle = profile === 'idle';
  const mostPerSecond = profile === 'scale-out' ? commandsPerLongSecond : commandsPerSecond;
  const leastThinkUs = Math.round((clients * (pipeline + 1) * 1_000_000) / (2 * mostPerSecond));
  return {
    clients,
    pipeline,
    thinkUs: Math.max(pick(random, isIdle ? [500_000, 1_500_000] : [2000, 10_000, 30_000]), leastThinkUs),
    keys: between(random, 1, 6),
    expires: true,
    readPermille: pick(random, [200, 500, 800]),
    eagerPermille: pick(random, [0, 0, 300, 1000]),
    resp3Permille: 300,
    boundPermille: 400,
    disconnectPermille: pick(random, [0, 5, 30]),
    slowPermille: pick(random, [0, 50]),
    dropPermille: pick(random, movesTenants),
    createPermille: pick(random, movesTenants),
  };
}

/** At least two nemeses. */
function drawFaults(bagOf: Weights, most: number, stage: Stage): Fault[] {
  const bag = Object.entries(bagOf).flatMap(([name, weight]) =>
    Array.from({ length: weight }, () => name as NemesisName),
  );
  if (bag.length === 0) return [];
  const count = between(stage.random, 2, most);
  return Array.from({ length: count }, () => nemeses[pick(stage.random, bag)](stage)).flat();
}
