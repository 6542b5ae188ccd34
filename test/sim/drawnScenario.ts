/**
 * Scenarios drawn number by number: small integers, zero the benign value of each, nodes and groups taken modulo
 * how many there are. So a failing one shrinks towards a quiet network, and any numbers make a scenario.
 */
import fc from 'fast-check';
import { expand } from '../../sim/scenario/expand.ts';
import { crashKeeps, type Fault, type FaultKind, faultKinds, type Scenario } from '../../sim/scenario/scenario.ts';

const kinds = Object.keys(faultKinds) as readonly FaultKind[];
const benign = expand(0, 'calm');

const drawnFault = fc.record({
  kind: fc.nat(kinds.length - 1),
  /** In hundredths of a second; anchored to the disk instead if `sync` is not zero. */
  at: fc.nat(250),
  sync: fc.nat(60),
  /** A node, or a group whose leader it strikes. */
  node: fc.nat(4),
  leaderOf: fc.nat(6),
  peer: fc.nat(4),
  forMs: fc.nat(1500),
  amount: fc.nat(400),
});

const drawn = fc.record({
  nodes: fc.nat(2),
  groups: fc.nat(3),
  tenants: fc.nat(3),
  faults: fc.array(drawnFault, { maxLength: 10, size: 'max' }),
  clients: fc.nat(4),
  pipeline: fc.nat(7),
  eager: fc.nat(1),
  drops: fc.nat(20),
  jitter: fc.nat(30),
  datagrams: fc.nat(1),
  loss: fc.nat(50),
  duplicates: fc.nat(50),
  gather: fc.nat(10),
  slowSync: fc.nat(20),
  keeps: fc.nat(crashKeeps.length - 1),
  longSegments: fc.nat(1),
  zeros: fc.nat(4),
  leases: fc.nat(1),
  numbered: fc.nat(1),
  powerLoss: fc.nat(1),
  lost: fc.nat(3),
  isolated: fc.nat(3),
  noise: fc.nat(1_000_000),
});

type Drawn = typeof drawn extends fc.Arbitrary<infer Value> ? Value : never;

export const drawnScenario: fc.Arbitrary<Scenario> = drawn.map(scenarioOf);

function scenarioOf(d: Drawn): Scenario {
  const nodes = 3 + d.nodes;
  return {
    ...benign,
    name: 'drawn',
    profile: 'mixed',
    noise: d.noise,
    faultyMs: 2500,
    nodes,
    metadata: 'raft',
    groups: Array.from({ length: 2 + d.groups }, (_, group) =>
      [0, 1, 2].map((i) => ((group + i) % nodes) + 1).sort((a, b) => a - b),
    ),
    tenants: ['acme', 'blue', 'corp', 'dune'].slice(0, 1 + d.tenants).map((name, i) => ({ name, group: i % 2 })),
    timing: {
      electionMs: 100,
      heartbeatMs: 25,
      commandTimeoutMs: 800,
      gossipMs: 100,
      leaseReads: d.leases === 1,
      rebalance: false,
      lostAfterMs: 600_000,
    },
    network: {
      ...benign.network,
      baseUs: 100,
      jitterUs: d.jitter * 100,
      tailUs: 5000,
      tailPermille: 0,
      datagrams: d.datagrams === 1,
      lossPermille: d.datagrams * d.loss,
      duplicatePermille: d.datagrams * d.duplicates,
      reorderPermille: d.datagrams * d.duplicates,
      encoded: false,
      halfOpenMs: d.jitter,
    },
    disk: {
      syncUs: 200 + d.slowSync * 200,
      tailUs: 0,
      tailPermille: 0,
      crashKeeps: crashKeeps[d.keeps] ?? 'none',
      segmentBytes: d.longSegments === 1 ? 1_000_000 : 2000,
      snapshotBytesPerSecond: 30_000,
      snapshotLogBytes: d.longSegments === 1 ? 1_000_000 : 1024,
      zerosAhead: d.zeros * 512,
    },
    clocks: [],
    turns: { gatherUs: d.gather * 50, turnUs: 5, inputUs: 2, randomTies: false },
    workload: {
      ...benign.workload,
      clients: 1 + d.clients,
      pipeline: 1 + d.pipeline,
      thinkUs: 8000,
      keys: 2,
      readPermille: 500,
      eagerPermille: d.eager * 1000,
      disconnectPermille: 0,
      slowPermille: 0,
      dropPermille: d.drops,
      transactPermille: 100,
      numberedPermille: d.numbered * 1000,
      createPermille: 0,
    },
    faults: d.faults.map(faultOf),
    powerLoss: d.powerLoss === 1,
    lost: d.lost === 0 ? [] : [d.lost],
    isolated: d.isolated === 0 ? [] : [d.isolated],
  };
}

function faultOf({ kind, at, sync, node, leaderOf, peer, forMs, amount }: Drawn['faults'][number]): Fault {
  return {
    at: sync === 0 ? { atMs: at * 10 } : { node: node + 1, event: 'sync', n: sync, plusMs: 0 },
    do: kinds[kind] ?? 'reset',
    on: leaderOf === 0 ? { node: node + 1 } : { leaderOf: leaderOf - 1 },
    peer,
    forMs,
    amount,
  };
}
