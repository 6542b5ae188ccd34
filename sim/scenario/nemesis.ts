/**
 * Nemeses: what goes wrong together, written out as plain faults. Each takes what it may vary from one stream
 * and yields data; nothing in here runs.
 */
import type { Random } from '../../core/base/random.ts';
import { between, chance, pick } from '../base/random.ts';
import type { Anchor, Fault, FaultKind, Target } from './scenario.ts';

export interface Stage {
  readonly random: Random;
  readonly nodes: number;
  readonly groups: number;
  /** Where their replicas are in the beginning, by group. */
  readonly placement: readonly (readonly number[])[];
  /** How long clients work: a nemesis begins within. */
  readonly faultyMs: number;
  readonly electionMs: number;
  readonly commandTimeoutMs: number;
}

export type Nemesis = (stage: Stage) => readonly Fault[];

export const nemeses = {
  crash: (stage) => [fault('crash', soon(stage), anyone(stage), shortly(stage))],

  /** While a write is on its way to the disk: where promises are broken. */
  crashWhileWriting: (stage) => {
    const node = someNode(stage);
    const anchor: Anchor = { node, event: 'sync', n: between(stage.random, 1, 400), plusMs: 0 };
    return [fault('crash', anchor, { node }, shortly(stage))];
  },

  crashNewLeader: (stage) => {
    const node = someNode(stage);
    const anchor: Anchor = {
      node,
      event: 'lead',
      n: between(stage.random, 1, 3),
      plusMs: between(stage.random, 0, 20),
    };
    return [fault('crash', anchor, { node }, shortly(stage))];
  },

  wipe: (stage) => [fault('wipe', soon(stage), anyone(stage), shortly(stage))],
  flip: (stage) => [fault('flip', soon(stage), anyone(stage), shortly(stage))],

  misdirected: (stage) => [fault('misdirected', soon(stage), anyone(stage), shortly(stage))],
  stale: (stage) => [fault('stale', soon(stage), anyone(stage), shortly(stage))],
  diskError: (stage) => [fault('diskError', soon(stage), anyone(stage), shortly(stage))],

  /** One after the other finds its disk damaged, in one way or another, as fast as the others can bear it. */
  rollingDamage: (stage) => {
    const startMs = momentMs(stage);
    const everyMs = between(stage.random, 200, 1500);
    return eachNode(stage).map((node) => {
      const at = { atMs: startMs + node * everyMs };
      return fault(pick(stage.random, ['flip', 'misdirected', 'stale'] as const), at, { node }, shortly(stage));
    });
  },

  /** A disk that refuses a write while another node of the same group is away. */
  diskErrorOfMinority: (stage) => {
    const [first = 1, second = 1] = someMembers(stage);
    const startMs = momentMs(stage);
    return [
      fault('crash', { atMs: startMs }, { node: first }, between(stage.random, 50, 1000)),
      fault('diskError', { atMs: startMs + between(stage.random, 0, 300) }, { node: second }, shortly(stage)),
    ];
  },

  /** A majority of one group, all at once, while they write; the others go on. */
  quorumPowerLoss: (stage) => {
    const members = someMembers(stage);
    const atMs = momentMs(stage);
    return members
      .slice(0, Math.floor(members.length / 2) + 1)
      .map((node) => fault('crash', { atMs }, { node }, between(stage.random, 10, 1000)));
  },

  /** One after the other loses everything, as fast as the others can bear it. */
  rollingWipe: (stage) => {
    const startMs = momentMs(stage);
    const everyMs = between(stage.random, 200, 1500);
    return eachNode(stage).map((node) =>
      fault('wipe', { atMs: startMs + node * everyMs }, { node }, between(stage.random, 5, 300)),
    );
  },

  rollingCrash: (stage) => {
    const startMs = momentMs(stage);
    const everyMs = between(stage.random, 50, 800);
    return eachNode(stage).map((node) =>
      fault('crash', { atMs: startMs + node * everyMs }, { node }, between(stage.random, 20, 400)),
    );
  },

  /** All at once, while they write. */
  powerLoss: (stage) => {
    const atMs = momentMs(stage);
    return eachNode(stage).map((node) => fault('crash', { atMs }, { node }, between(stage.random, 10, 300)));
  },

  drain: (stage) => [fault('drain', soon(stage), anyone(stage), between(stage.random, 50, 4 * stage.electionMs))],

  /**
   * One voter has not heard the leader for a while and asks another for its vote, just when that one has restarted
   * and nobody hears the leader any more: it must not forget what it promised.
   */
  forgottenPromise: (stage) => {
    const startMs = momentMs(stage);
    const target: Target = { leaderOf: dataGroup(stage) };
    const deaf = someNode(stage);
    const voter = deaf + between(stage.random, 1, stage.nodes - 1);
    const silenceMs = startMs + 2 * stage.electionMs;
    return [
      fault('cut', { atMs: startMs }, target, 6 * stage.electionMs, deaf),
      fault('cut', { atMs: silenceMs }, target, 2 * stage.electionMs),
      fault('crash', { atMs: silenceMs }, { node: voter }, 1),
    ];
  },

  pause: (stage) => [fault('pause', soon(stage), anyone(stage), between(stage.random, 10, 5 * stage.electionMs))],

  partition: (stage) => {
    const at = soon(stage);
    const forMs = between(stage.random, stage.electionMs, 8 * stage.electionMs);
    const side = eachNode(stage).filter(() => chance(stage.random, 500));
    const other = eachNode(stage).filter((node) => !side.includes(node));
    return side.flatMap((node) => other.map((peer) => fault('cut', at, { node }, forMs, peer)));
  },

  /** Its clients stay with it, and go on asking. */
  isolateLeader: (stage) => [
    fault('cut', soon(stage), leader(stage), between(stage.random, stage.electionMs, 10 * stage.electionMs)),
  ],

  /**
   * Its wall clock goes back while nobody hears it: whatever it believes by that clock lasts longer. It leads away
   * from home, so that the home replica is quick to take over.
   */
  isolateLeaderInThePast: (stage) => {
    const startMs = momentMs(stage);
    const group = dataGroup(stage);
    const target: Target = { leaderOf: group };
    const forMs = between(stage.random, 2 * stage.electionMs, 6 * stage.electionMs);
    const leaveHome = { atMs: Math.max(0, startMs - stage.electionMs) };
    return [
      fault('transfer', leaveHome, target, 0, 0, group),
      fault('cut', { atMs: startMs }, target, forMs),
      fault(
        'clockJump',
        { atMs: startMs + 1 },
        target,
        0,
        0,
        -pick(stage.random, [between(stage.random, 100, 450), 10_000]),
      ),
    ];
  },

  /** It hears and is not heard, or the other way round. */
  oneWay: (stage) => {
    const kind: FaultKind = chance(stage.random, 500) ? 'cutTo' : 'cutFrom';
    return [
      fault(
        kind,
        soon(stage),
        leader(stage),
        between(stage.random, stage.electionMs, 8 * stage.electionMs),
        peerOf(stage),
      ),
    ];
  },

  flappingLink: (stage) => {
    const startMs = momentMs(stage);
    const node = someNode(stage);
    const peer = peerOf(stage);
    const periodMs = between(stage.random, 20, 2 * stage.electionMs);
    return [0, 1, 2, 3, 4].map((turn) =>
      fault('cutTo', { atMs: startMs + turn * 2 * periodMs }, { node }, periodMs, peer),
    );
  },

  leaderChurn: (stage) => {
    const startMs = momentMs(stage);
    const target = leader(stage);
    const forMs = 3 * stage.electionMs;
    return [0, 1, 2].map((turn) => fault('cut', { atMs: startMs + turn * 2 * forMs }, target, forMs));
  },

  /** The operator moves a group's leadership, once. */
  transfer: (stage) => {
    const group = someGroup(stage);
    return [fault('transfer', soon(stage), { leaderOf: group }, 0, peerOf(stage), group)];
  },

  /** To and fro, faster than news of it spreads. */
  shuttle: (stage) => shuttle(stage, momentMs(stage)),

  /** A node hears of everything late, and what it tells is late too. */
  oldNews: (stage) => {
    const startMs = momentMs(stage);
    const late = { node: someNode(stage) };
    const lateMs = between(stage.random, 10, stage.electionMs);
    return [
      fault('slow', { atMs: startMs }, late, 10 * stage.electionMs, 0, lateMs),
      ...shuttle(stage, startMs + lateMs),
      ...[1, 2, 3, 4].map((n) => fault('staleHint', { atMs: startMs + 2 * n * lateMs }, { node: someNode(stage) }, 0)),
    ];
  },

  /**
   * What is asked of a leader in one moment arrives when those who asked have given it up, while they believe in earlier
   * leaders again and again.
   */
  latecomers: (stage) => {
    const group = dataGroup(stage);
    const startMs = momentMs(stage);
    const target: Target = { leaderOf: group };
    const everyMs = 2 * stage.commandTimeoutMs;
    return [0, 1, 2].flatMap((round) => {
      const roundMs = startMs + round * everyMs;
      const slowMs = roundMs + between(stage.random, 20, stage.electionMs);
      const lateMs = stage.commandTimeoutMs + between(stage.random, 50, 300);
      const hintsMs = Array.from({ length: 10 }, (_, n) => slowMs + stage.commandTimeoutMs + n * 8);
      return [
        fault('transfer', { atMs: roundMs }, target, 0, peerOf(stage), group),
        fault('slow', { atMs: slowMs }, target, between(stage.random, 5, 30), 0, lateMs),
        ...hintsMs.flatMap((atMs) => eachNode(stage).map((node) => fault('staleHint', { atMs }, { node }))),
      ];
    });
  },

  /** A replica comes, goes, or makes way for another; and that again, while it is still under way. */
  membership: (stage) => {
    const group = someGroup(stage);
    const startMs = momentMs(stage);
    const everyMs = between(stage.random, 20, 400);
    return [0, 1, 2, 3, 4].map((turn) => {
      const kind = pick(stage.random, membershipKinds);
      const at = { atMs: startMs + turn * everyMs };
      return fault(kind, at, { leaderOf: group }, 0, someNode(stage), group);
    });
  },

  /** Whoever leads dies while who belongs to the group changes. */
  membershipAndCrash: (stage) => {
    const group = someGroup(stage);
    const startMs = momentMs(stage);
    const target: Target = { leaderOf: group };
    const replaced = fault('replace', { atMs: startMs }, target, 0, someNode(stage), group);
    const crash = { atMs: startMs + between(stage.random, 1, 2 * stage.electionMs) };
    return [replaced, fault('crash', crash, target, shortly(stage))];
  },

  /** A leader that most do not hear changes who belongs to the group, and so does the one that comes after it. */
  membershipUnheard: (stage) => {
    const group = someGroup(stage);
    const startMs = momentMs(stage);
    const target: Target = { leaderOf: group };
    const spared = someNode(stage);
    const forMs = between(stage.random, 3, 8) * stage.electionMs;
    const unheard = eachNode(stage).filter((peer) => peer !== spared);
    return [
      ...unheard.map((peer) => fault('cut', { atMs: startMs }, target, forMs, peer)),
      fault('replace', { atMs: startMs + 1 }, target, 0, chance(stage.random, 500) ? spared : someNode(stage), group),
      fault('replace', { atMs: startMs + 3 * stage.electionMs }, target, 0, someNode(stage), group),
    ];
  },

  /** A replica that was cut off comes back when others have taken its place. */
  forgottenReplica: (stage) => {
    const group = someGroup(stage);
    const startMs = momentMs(stage);
    const away = someNode(stage);
    const forMs = between(stage.random, 4, 12) * stage.electionMs;
    return [
      fault('cut', { atMs: startMs }, { node: away }, forMs),
      ...[2, 4, 6].map((n) =>
        fault(
          pick(stage.random, ['replace', 'removeReplica'] as const),
          { atMs: startMs + n * stage.electionMs },
          { leaderOf: group },
          0,
          away,
          group,
        ),
      ),
    ];
  },

  /** A tenant changes its group, and perhaps at once again. */
  move: (stage) => moves(stage, momentMs(stage)),

  /** Whoever applies a step of a move dies then, or shortly after. */
  crashWhileMoving: (stage) => {
    const startMs = momentMs(stage);
    const crashes = [1, 2].map(() => {
      const node = someNode(stage);
      const event = pick(stage.random, moveEvents);
      const anchor: Anchor = { node, event, n: between(stage.random, 1, 2), plusMs: between(stage.random, 0, 5) };
      return fault('crash', anchor, { node }, shortly(stage));
    });
    return [...moves(stage, startMs), ...crashes];
  },

  /** Whoever applies a step of a move is not heard any more. */
  cutWhileMoving: (stage) => {
    const node = someNode(stage);
    const event = pick(stage.random, moveEvents);
    const anchor: Anchor = { node, event, n: between(stage.random, 1, 2), plusMs: between(stage.random, 0, 5) };
    const forMs = between(stage.random, 1, 12) * stage.electionMs;
    return [...moves(stage, momentMs(stage)), fault('cut', anchor, { node }, forMs, peerOf(stage))];
  },

  /** Whoever applies a step of a move stops for a while, is slow, loses its links or its leadership. */
  troubleWhileMoving: (stage) => {
    const node = someNode(stage);
    const event = pick(stage.random, moveEvents);
    const anchor: Anchor = { node, event, n: between(stage.random, 1, 2), plusMs: between(stage.random, 0, 5) };
    const kind = pick(stage.random, ['pause', 'slow', 'reset', 'transfer'] as const);
    const forMs = kind === 'pause' || kind === 'slow' ? between(stage.random, 1, 5) * stage.electionMs : 0;
    const amount = kind === 'transfer' ? someGroup(stage) : kind === 'slow' ? between(stage.random, 5, 200) : 0;
    return [...moves(stage, momentMs(stage)), fault(kind, anchor, { node }, forMs, 0, amount)];
  },

  /** The group that a tenant is to leave, or that it is to come to, or the one that has planned that, has no quorum. */
  moveWithoutQuorum: (stage) => {
    const startMs = momentMs(stage);
    const members = [...(stage.placement[someGroup(stage)] ?? [])];
    const atMs = startMs + between(stage.random, 0, 4 * stage.electionMs);
    const forMs = between(stage.random, 500, 5000);
    const down = members.slice(0, Math.floor(members.length / 2) + 1);
    return [...moves(stage, startMs), ...down.map((node) => fault('crash', { atMs }, { node }, forMs))];
  },

  /** The leader of a group hands over while tenants come and go. */
  moveAndShuttle: (stage) => {
    const startMs = momentMs(stage);
    return [...moves(stage, startMs), ...shuttle(stage, startMs + between(stage.random, 0, 300))];
  },

  /** A tenant is taken out, dropped and put back; and perhaps another one, or the same by somebody else. */
  restore: (stage) => restores(stage, momentMs(stage)),

  /** Whoever takes a piece of a tenant that is put back dies then, or shortly after. */
  crashWhileRestoring: (stage) => {
    const crashes = [1, 2].map(() => {
      const node = someNode(stage);
      const event = pick(stage.random, importEvents);
      const anchor: Anchor = { node, event, n: between(stage.random, 1, 3), plusMs: between(stage.random, 0, 5) };
      return fault('crash', anchor, { node }, shortly(stage));
    });
    return [...restores(stage, momentMs(stage)), ...crashes];
  },

  /** Whoever takes a piece of a tenant that is put back, or leads the metadata group then, is not heard, or slow. */
  troubleWhileRestoring: (stage) => {
    const node = someNode(stage);
    const event = pick(stage.random, importEvents);
    const anchor: Anchor = { node, event, n: between(stage.random, 1, 3), plusMs: between(stage.random, 0, 5) };
    const kind = pick(stage.random, ['cut', 'cutTo', 'pause', 'slow', 'reset', 'transfer'] as const);
    const on = chance(stage.random, 300) ? { leaderOf: 0 } : { node };
    const forMs = kind === 'reset' || kind === 'transfer' ? 0 : between(stage.random, 1, 8) * stage.electionMs;
    const amount = kind === 'transfer' ? someGroup(stage) : kind === 'slow' ? between(stage.random, 5, 200) : 0;
    return [...restores(stage, momentMs(stage)), fault(kind, anchor, on, forMs, 0, amount)];
  },

  /** A node is to have nothing any more, and perhaps its share again before that is so. */
  drainNode: (stage) => {
    const startMs = momentMs(stage);
    const peer = someNode(stage);
    const drained = fault('drainNode', { atMs: startMs }, { node: someNode(stage) }, 0, peer);
    const back = { atMs: startMs + between(stage.random, 200, 5000) };
    return chance(stage.random, 600)
      ? [drained, fault('undrainNode', back, { node: someNode(stage) }, 0, peer)]
      : [drained];
  },

  /** The metadata group has no quorum, or nobody reaches any of it: for long, and mostly for the rest of the run. */
  metadataOutage: (stage) => [outage(stage, soon(stage))],

  /** From before the first tenant is there, or soon after. */
  metadataOutageAtFirst: (stage) => [outage(stage, { atMs: between(stage.random, 0, 1500) })],

  /** The same as soon as a move is at one of its steps. */
  metadataOutageWhileMoving: (stage) => {
    const startMs = between(stage.random, 0, Math.floor(stage.faultyMs / 2));
    const outages = [1, 2, 3].map(() => {
      const event = pick(stage.random, moveEvents);
      const n = between(stage.random, 1, 2);
      return outage(stage, { node: someNode(stage), event, n, plusMs: between(stage.random, 0, 5) });
    });
    return [...moves(stage, startMs), ...outages];
  },

  /** Machines come, one or a few. */
  grow: (stage) =>
    Array.from({ length: between(stage.random, 1, 2) }, () =>
      fault('join', soon(stage), { node: someNode(stage) }, 0, pick(stage.random, [0, 0, someNode(stage)])),
    ),

  /** The cluster gets groups, and a tenant moves to the first of them. */
  makeGroups: (stage) =>
    Array.from({ length: between(stage.random, 1, 2) }, () => {
      const startMs = momentMs(stage);
      const moves = { atMs: startMs + between(stage.random, 0, 3000) };
      return [
        fault('makeGroups', { atMs: startMs }, { node: someNode(stage) }, 0, 0, between(stage.random, 0, 1)),
        fault('move', moves, { node: someNode(stage) }, 0, stage.groups - 1, between(stage.random, 0, 7)),
      ];
    }).flat(),

  /** A node leaves, and may run for a while when nobody counts on it any more. */
  retire: (stage) => [retirement(stage, soon(stage), someNode(stage), pick(stage.random, [0, 100, 3000]))],

  /** A machine is replaced by another, perhaps under the same address. */
  exchange: (stage) => {
    const startMs = momentMs(stage);
    const peer = someNode(stage);
    const join = { atMs: startMs + between(stage.random, 0, Math.floor(stage.faultyMs / 2)) };
    return [
      retirement(stage, { atMs: startMs }, peer, 0),
      fault('join', join, { node: someNode(stage) }, 0, pick(stage.random, [0, peer])),
    ];
  },

  /** Whoever leads a group is in trouble while its members change. */
  troubleWhileChanging: (stage) => {
    const node = someNode(stage);
    const event = pick(stage.random, ['learner', 'joint', 'joint'] as const);
    const anchor: Anchor = { node, event, n: between(stage.random, 1, 3), plusMs: between(stage.random, 0, 1) };
    const kind = pick(stage.random, ['crash', 'cut', 'pause', 'slow', 'transfer', 'die'] as const);
    const amount = kind === 'slow' ? between(stage.random, 5, 200) : someGroup(stage);
    return [fault(kind, anchor, { node }, kind === 'die' || kind === 'transfer' ? 0 : shortly(stage), 0, amount)];
  },

  die: (stage) => [fault('die', soon(stage), anyone(stage))],

  /** A node that has fallen silent for good is to leave as well. */
  dieAndRetire: (stage) => {
    const startMs = momentMs(stage);
    const peer = someNode(stage);
    const told = { atMs: startMs + between(stage.random, 0, 4000) };
    return [fault('die', { atMs: startMs }, { node: peer }), retirement(stage, told, peer, 0)];
  },

  cancelMove: (stage) => {
    const startMs = momentMs(stage);
    const tenant = between(stage.random, 0, 7);
    const group = someGroup(stage);
    return [
      fault('move', { atMs: startMs }, { node: someNode(stage) }, 0, group, tenant),
      fault('cancelMove', { atMs: startMs + between(stage.random, 2, 80) }, { node: someNode(stage) }, 0, 0, tenant),
      ...[1, 2].map(() => {
        const node = someNode(stage);
        const event = pick(stage.random, ['prepare', 'stage', 'stage', 'freeze'] as const);
        const anchor: Anchor = { node, event, n: 1, plusMs: between(stage.random, 0, 3) };
        return fault('cancelMove', anchor, { node }, 0, 0, tenant);
      }),
    ];
  },

  save: (stage) => [fault('save', soon(stage), anyone(stage), 0, 0, someGroup(stage))],

  hold: (stage) => [
    fault('hold', soon(stage), anyone(stage), between(stage.random, 10, 4 * stage.electionMs), peerOf(stage)),
  ],
  slow: (stage) => [
    fault(
      'slow',
      soon(stage),
      anyone(stage),
      between(stage.random, 100, 3000),
      0,
      between(stage.random, 1, stage.electionMs),
    ),
  ],
  lossy: (stage) => [
    fault('lossy', soon(stage), anyone(stage), between(stage.random, 200, 3000), 0, between(stage.random, 5, 300)),
  ],
  reset: (stage) => [fault('reset', soon(stage), anyone(stage), 0, peerOf(stage))],

  clockRate: (stage) => [
    fault('clockRate', soon(stage), anyone(stage), 0, 0, between(stage.random, -maxRatePpm, maxRatePpm)),
  ],
  clockJump: (stage) => [fault('clockJump', soon(stage), anyone(stage), 0, 0, between(stage.random, -20_000, 20_000))],

  diskSlow: (stage) => [
    fault(
      'diskSlow',
      soon(stage),
      anyone(stage),
      between(stage.random, 200, 3000),
      0,
      between(stage.random, 1, stage.electionMs),
    ),
  ],
  diskHang: (stage) => [fault('diskHang', soon(stage), anyone(stage), between(stage.random, 50, 5 * stage.electionMs))],
  /** A leader hands over to where there is room; where there is none, writes are refused. */
  diskShort: (stage) => {
    const at = soon(stage);
    const forMs = between(stage.random, 200, 3000);
    if (chance(stage.random, 600)) return [fault('diskShort', at, anyone(stage), forMs)];
    return eachNode(stage).map((node) => fault('diskShort', at, { node }, forMs));
  },
  crashOfSlowDisk: (stage) => {
    const node = someNode(stage);
    const startMs = momentMs(stage);
    const hangMs = between(stage.random, 20, 2 * stage.electionMs);
    const crash: Anchor = { atMs: startMs + Math.floor(hangMs / 2) };
    return [fault('diskHang', { atMs: startMs }, { node }, hangMs), fault('crash', crash, { node }, shortly(stage))];
  },

  pinMap: (stage) => [fault('pinMap', soon(stage), anyone(stage), between(stage.random, 500, 6000))],
  staleMap: (stage) => [
    fault('staleMap', soon(stage), anyone(stage), between(stage.random, 200, 4000), 0, between(stage.random, 1, 12)),
  ],
  staleHint: (stage) => [fault('staleHint', soon(stage), anyone(stage), 0)],
  /** The maps say the wrong group and the hints the wrong node, while leaders move. */
  staleMapAndHint: (stage) => {
    const startMs = momentMs(stage);
    const node = someNode(stage);
    return [
      fault('staleMap', { atMs: startMs }, { node }, between(stage.random, 500, 4000), 0, between(stage.random, 1, 12)),
      fault('staleHint', { atMs: startMs + 1 }, { node }, 0),
      fault('cut', { atMs: startMs + 20 }, leader(stage), 4 * stage.electionMs),
      fault('staleHint', { atMs: startMs + 3 * stage.electionMs }, { node }, 0),
    ];
  },
} as const satisfies Readonly<Record<string, Nemesis>>;

export type NemesisName = keyof typeof nemeses;

const membershipKinds: readonly FaultKind[] = ['replace', 'replace', 'addReplica', 'addLearner', 'removeReplica'];

/** The most a monotonic clock may be off: what leases allow for. */
const maxRatePpm = 500;

function fault(kind: FaultKind, at: Anchor, on: Target, forMs = 0, peer = 0, amount = 0): Fault {
  return { at, do: kind, on, peer, forMs, amount };
}

/** Whoever has room takes what it has, or one that is named does. */
function retirement(stage: Stage, at: Anchor, peer: number, forMs: number): Fault {
  const heir = pick(stage.random, [0, 0, someNode(stage)]);
  return fault('retire', at, { node: someNode(stage) }, forMs, peer, heir);
}

const outages: readonly FaultKind[] = ['quorumDown', 'quorumCut', 'quorumDeaf'];

/** Of the metadata group: all of its nodes, or a majority. */
function outage(stage: Stage, at: Anchor): Fault {
  const kind = pick(stage.random, outages);
  const forMs = chance(stage.random, 500) ? 0 : between(stage.random, 1000, stage.faultyMs);
  return fault(kind, at, { node: someNode(stage) }, forMs, pick(stage.random, [0, 1, 2, 3]), 0);
}

function shuttle(stage: Stage, startMs: number): readonly Fault[] {
  const group = someGroup(stage);
  const everyMs = between(stage.random, 3, Math.floor(stage.electionMs / 2));
  return [0, 1, 2, 3, 4, 5, 6, 7].map((turn) =>
    fault('transfer', { atMs: startMs + turn * everyMs }, { leaderOf: group }, 0, peerOf(stage), group),
  );
}

const moveEvents = ['start', 'prepare', 'stage', 'freeze', 'seal', 'depart', 'activate', 'erase'] as const;

const importEvents = ['prepare', 'stage', 'stage', 'seal'] as const;

function restores(stage: Stage, startMs: number): readonly Fault[] {
  const count = between(stage.random, 1, 3);
  return Array.from({ length: count }, (_, turn) => {
    const at = { atMs: startMs + turn * between(stage.random, 0, 300) };
    return fault('restore', at, { node: someNode(stage) }, 0, someGroup(stage), between(stage.random, 0, 7));
  });
}

function moves(stage: Stage, startMs: number): readonly Fault[] {
  const tenant = between(stage.random, 0, 7);
  const group = someGroup(stage);
  const count = between(stage.random, 2, 4);
  const everyMs = between(stage.random, 50, 1500);
  return Array.from({ length: count }, (_, turn) =>
    fault('move', { atMs: startMs + turn * everyMs }, { node: someNode(stage) }, 0, group + turn, tenant),
  );
}

function someGroup(stage: Stage): number {
  return between(stage.random, 0, stage.groups - 1);
}

/** The nodes of one group, in any order. */
function someMembers(stage: Stage): readonly number[] {
  const members = [...(stage.placement[someGroup(stage)] ?? [])];
  const shuffled: number[] = [];
  while (members.length > 0) shuffled.push(...members.splice(between(stage.random, 0, members.length - 1), 1));
  return shuffled;
}

/** Any but the metadata group: one that clients read from. */
function dataGroup(stage: Stage): number {
  return between(stage.random, 1, Math.max(1, stage.groups - 1));
}

function eachNode(stage: Stage): readonly number[] {
  return Array.from({ length: stage.nodes }, (_, i) => i + 1);
}

function someNode(stage: Stage): number {
  return between(stage.random, 1, stage.nodes);
}

/** Mostly whoever leads: that is where harm is done. */
function anyone(stage: Stage): Target {
  const group = between(stage.random, 0, stage.groups - 1);
  const node = someNode(stage);
  return chance(stage.random, 400) ? { leaderOf: group } : { node };
}

function leader(stage: Stage): Target {
  return { leaderOf: between(stage.random, 0, stage.groups - 1) };
}

/** Everybody, or one. */
function peerOf(stage: Stage): number {
  return pick(stage.random, [0, 0, 1, 2, 3]) === 0 ? 0 : someNode(stage);
}

function momentMs(stage: Stage): number {
  return between(stage.random, 0, stage.faultyMs);
}

function soon(stage: Stage): Anchor {
  return { atMs: momentMs(stage) };
}

function shortly(stage: Stage): number {
  return chance(stage.random, 700) ? between(stage.random, 5, 300) : between(stage.random, 300, 4000);
}
