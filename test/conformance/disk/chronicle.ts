/** What a node wrote in its lives, and what its log must say behind each write: the model of a storage. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { LogRecord, RestoredLog } from '../../../core/log/records.ts';
import { type Intent, nothingPlanned, plan, type Planned, write } from '../../log/history.ts';

/** Boots are recorded by the storage itself. */
export const anyWrite = write.map((intents) => intents.filter(({ kind }) => kind !== 'boot'));
export const anyWrites = fc.array(anyWrite, { maxLength: 6 });

export class Chronicle {
  /** Behind each write of this life; first, at its begin. */
  private states: Planned[] = [nothingPlanned];

  /** The records of the next write. */
  write(intents: readonly Intent[]): readonly LogRecord[] {
    const { records, after } = plan(this.last, intents);
    this.states.push(after);
    return records;
  }

  /** How many writes there were in this life. */
  get writes(): number {
    return this.states.length - 1;
  }

  /**
   * The next life begins, and found this: what the log said behind one of the writes, from the `least`-th to the
   * `most`-th. What had been begun of snapshots is begun anew.
   */
  resume(restored: RestoredLog, least: number, most = this.writes): void {
    const candidates = this.states.slice(least, most + 1);
    const found = candidates.findLastIndex(({ log }) => isDeepStrictEqual(log, restored));
    // None of them: this fails, and shows by how much.
    if (found < 0) expect(restored).toStrictEqual(this.states[least]?.log);
    this.states = [{ log: { ...restored, boots: restored.boots + 1 }, begun: new Map() }];
  }

  private get last(): Planned {
    return this.states.at(-1) ?? nothingPlanned;
  }
}
