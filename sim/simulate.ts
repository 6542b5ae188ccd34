/**
 * Runs a scenario to its verdict. First a faulty phase, in which clients work and faults happen; then everything
 * heals, except nodes that are lost for good, and what is under way must come to an end.
 */
import { InvariantError } from '../core/base/invariant.ts';
import { checkpointEvents, RollingHash } from './base/hash.ts';
import type { Oracle } from './oracles/oracle.ts';
import type { FaultKind, Scenario } from './scenario/scenario.ts';
import { Trace } from './trace/trace.ts';
import type { CrossingCounts } from './truth/crossings.ts';
import type { Mark } from './truth/marks.ts';
import { rule, Violation } from './truth/violation.ts';
import type { Tally } from './truth/witness.ts';
import { Settlement } from './world/settlement.ts';
import { World } from './world/world.ts';

export type Verdict =
  | { readonly kind: 'clean' }
  /** Nothing worth judging happened. */
  | { readonly kind: 'invalid'; readonly reason: string }
  | { readonly kind: 'violation'; readonly rule: string; readonly message: string; readonly atUs: number };

export interface Statistics extends Tally {
  /** Inputs delivered, replies read, and what happened to machines. */
  readonly events: number;
  readonly simulatedUs: number;
  readonly commands: number;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly marks: Readonly<Partial<Record<Mark, number>>>;
  /** How often faults met moves of tenants, by fault and step. */
  readonly crossings: CrossingCounts;
  readonly messages: number;
  readonly lostMessages: number;
}

export interface Result {
  readonly verdict: Verdict;
  readonly hash: string;
  /** The hash after each 1,024 events. */
  readonly checkpoints: readonly string[];
  readonly statistics: Statistics;
}

export interface Options {
  /** Given each line of the trace. */
  readonly trace?: (line: string) => void;
  /** Oracles beside those of every run. */
  readonly oracles?: readonly Oracle[];
}

/** A run with more events than this is a message storm, which is a fault of its own (B2). */
const eventsLimit = 3_000_000;

export function simulate(scenario: Scenario, options: Options = {}): Result {
  const hash = new RollingHash();
  const trace = options.trace === undefined ? null : new Trace(options.trace);
  const world = new World(scenario, hash, trace, options.oracles ?? []);
  const verdict = judge(scenario, world, hash);
  const { witness, network, faults, schedule } = world;
  return {
    verdict,
    hash: hash.digest(),
    checkpoints: hash.checkpoints,
    statistics: {
      ...witness.tally,
      events: hash.events,
      simulatedUs: schedule.now,
      commands: witness.commands.count,
      faults: Object.fromEntries([...faults.struck].sort(([a], [b]) => (a < b ? -1 : 1))),
      marks: witness.marks.all(),
      crossings: witness.crossings.all(),
      messages: network.statistics.messages,
      lostMessages: network.statistics.lost,
    },
  };
}

function judge(scenario: Scenario, world: World, hash: RollingHash): Verdict {
  const { schedule, witness } = world;
  const run = (untilUs: number): void => {
    let checkpoint = Math.floor(hash.events / checkpointEvents);
    while (schedule.advance(untilUs)) {
      if (Math.floor(hash.events / checkpointEvents) === checkpoint) continue;
      checkpoint = Math.floor(hash.events / checkpointEvents);
      witness.checkpoint();
      rule(hash.events < eventsLimit, 'B2', 'a run takes a bounded number of events', { events: hash.events });
    }
  };
  try {
    world.start();
    run(scenario.faultyMs * 1000);
    new Settlement(scenario, world).run(run);
    witness.ended();
    return vacuity(scenario, world);
  } catch (error) {
    if (error instanceof Violation)
      return { kind: 'violation', rule: error.rule, message: error.message, atUs: schedule.now };
    if (error instanceof InvariantError)
      return { kind: 'violation', rule: 'core', message: error.message, atUs: schedule.now };
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: 'violation', rule: 'crash', message, atUs: schedule.now };
  }
}

/** S1: a run in which nothing happened proves nothing. */
function vacuity(scenario: Scenario, world: World): Verdict {
  const { tally } = world.witness;
  const { faults } = world;
  if (tally.acknowledgedWrites === 0) return { kind: 'invalid', reason: 'no write was acknowledged' };
  if (tally.elections === 0) return { kind: 'invalid', reason: 'nobody was elected' };
  if (scenario.faults.length > 0 && faults.struck.size === 0) return { kind: 'invalid', reason: 'no fault struck' };
  if (scenario.profile === 'stale-map' && tally.staleForwards === 0)
    return { kind: 'invalid', reason: 'nothing was sent to the wrong place' };
  if (scenario.profile === 'moves' && (world.witness.marks.all().moveActivated ?? 0) === 0)
    return { kind: 'invalid', reason: 'no tenant has moved' };
  if (scenario.profile === 'transfers' && (world.witness.marks.all().tenantExported ?? 0) === 0)
    return { kind: 'invalid', reason: 'no tenant was exported' };
  return { kind: 'clean' };
}
