/**
 * Makes a scenario that breaks a rule as small as it gets while it breaks the same one: time behind the violation is
 * cut, faults that it does not need are dropped, knobs go to where they do no harm, and what is left shrinks to small
 * and round numbers. Pure: all it does is to have scenarios run, never more of them than it may, and the same ones
 * each time.
 */
import type { Scenario } from '../scenario/scenario.ts';
import { ddmin } from './ddmin.ts';
import { calmer, earlier, lower, milder, plainer, smaller, type Way } from './simplify.ts';

/** What a run broke, and when. */
export interface Breach {
  readonly rule: string;
  readonly atUs: number;
}

export interface ShrinkOptions {
  readonly runs: (scenario: Scenario) => Breach | null;
  readonly mostRuns: number;
  /** Hears of every run: how many there were, and the smallest scenario so far. */
  readonly onRun?: (runs: number, smallest: Scenario) => void;
}

export interface Shrunk {
  readonly scenario: Scenario;
  readonly rule: string;
  readonly runs: number;
}

/** What depends on luck is tried with the noise there is, and then with so many others. */
const otherNoises = 3;

/** Null if the scenario breaks no rule. */
export function shrink(scenario: Scenario, options: ShrinkOptions): Shrunk | null {
  const breach = options.runs(scenario);
  return breach === null ? null : new Shrinker(scenario, breach, options).shrink();
}

class Shrinker {
  private readonly options: ShrinkOptions;
  private readonly rule: string;
  private smallest: Scenario;
  private brokenAtUs: number;
  private runs = 1;
  /** Each is tried once. */
  private readonly tried = new Set<string>();

  constructor(scenario: Scenario, { rule, atUs }: Breach, options: ShrinkOptions) {
    this.options = options;
    this.rule = rule;
    this.smallest = scenario;
    this.brokenAtUs = atUs;
    this.tried.add(JSON.stringify(scenario));
  }

  /** Again and again, since each kind of change makes room for the others. */
  shrink(): Shrunk {
    for (let before: Scenario | null = null; before !== this.smallest; ) {
      before = this.smallest;
      this.cutTime();
      this.dropFaults();
      for (const way of calmer) this.follow(way, otherNoises);
      for (const way of smaller) this.follow(way, otherNoises);
      this.dropTenants();
      this.cutTime();
      this.dropFaults();
      for (const way of plainer) this.follow(way);
      this.follow(earlier);
      for (let position = 0; position < this.smallest.faults.length; position += 1) this.follow(milder(position));
    }
    this.cutTime();
    return { scenario: this.smallest, rule: this.rule, runs: this.runs };
  }

  /** Until the violation nothing depends on how long the faulty phase would have lasted. */
  private cutTime(): void {
    this.follow((scenario) => {
      const { faultyMs } = scenario;
      const brokenAtMs = Math.ceil(this.brokenAtUs / 1000);
      const shorter = brokenAtMs < faultyMs ? [brokenAtMs] : lower(faultyMs, 0);
      return shorter.map((ms) => ({ ...scenario, faultyMs: ms }));
    });
  }

  private dropFaults(): void {
    ddmin(this.smallest.faults, (faults) => this.accepts({ ...this.smallest, faults }));
  }

  private dropTenants(): void {
    ddmin(this.smallest.tenants, (tenants) => this.accepts({ ...this.smallest, tenants }), 1);
  }

  /** Goes a way for as long as it leads to smaller scenarios. */
  private follow(way: Way, noises = 0): void {
    while (this.takesOneOf(way(this.smallest), noises));
  }

  private takesOneOf(candidates: Iterable<Scenario>, noises: number): boolean {
    for (const candidate of candidates) {
      if (this.isTried(candidate)) continue;
      if (this.accepts(candidate)) return true;
      for (let noise = 1; noise <= noises; noise += 1) if (this.accepts({ ...candidate, noise })) return true;
    }
    return false;
  }

  private isTried(candidate: Scenario): boolean {
    return this.tried.has(JSON.stringify(candidate));
  }

  private accepts(candidate: Scenario): boolean {
    if (this.runs >= this.options.mostRuns || this.isTried(candidate)) return false;
    this.tried.add(JSON.stringify(candidate));
    this.runs += 1;
    const breach = this.options.runs(candidate);
    const isSame = breach?.rule === this.rule;
    if (isSame) {
      this.smallest = candidate;
      this.brokenAtUs = breach.atUs;
    }
    this.options.onRun?.(this.runs, this.smallest);
    return isSame;
  }
}
