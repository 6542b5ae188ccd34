/**
 * What the core relies on from a node's storage, and the power to crash and to damage it. The simulated disk and the
 * files of the runtime are both wrapped in this, so that one suite can ask the same of them.
 *
 * Nothing on it happens by itself: whoever holds it says when the disk gets on with its work.
 */
import { type GroupId, NodeId } from '../../../core/base/ids.ts';
import type { Random } from '../../../core/base/random.ts';
import type { LogIdentity, LogRecord, RestoredLog } from '../../../core/log/records.ts';
import type { CrashKeeps } from '../../../sim/scenario/scenario.ts';
import type { DamageKind } from '../../../sim/world/damage.ts';

export interface StorageKind {
  readonly name: string;
  /** Whether it can be put into another node. */
  readonly canMove: boolean;
  /** An empty one. The same seed gives the same one. */
  make(options: StorageOptions): Storage;
}

export interface StorageOptions {
  readonly segmentBytes: number;
  readonly seed: number;
}

export interface Storage {
  /** Begins a life of the node: what earlier ones left is recovered, and the boot is recorded durably. */
  begin(identity?: LogIdentity): Promise<Life>;
  /** The node goes away. What of the writes under way stays is what `keeps` says. */
  crash(keeps: CrashKeeps): Promise<void>;
  /** Between lives: nothing of the log is left. */
  wipe(): void;
  /** Between lives: something becomes of what is on it. */
  damage(kind: DamageKind, random: Random): void;
  /** The numbers of the segments there are, in order. */
  segments(): readonly number[];
  /** The write that gets on next fails. */
  failNext(): void;
  /** Leaves nothing behind. */
  remove(): Promise<void>;
}

export interface Life {
  readonly restored: RestoredLog;
  /** Which life of the node this is. */
  readonly boot: number;
  /** What the core was told, as it was told: writes that are on disk, … */
  readonly reports: readonly number[];
  /** … that a write failed, … */
  readonly failures: readonly string[];
  /** … and groups that keep the log long. */
  readonly laggards: readonly (readonly GroupId[])[];
  persist(write: number, records: readonly LogRecord[]): void;
  /** The disk gets on with one thing. False: it has nothing to do. */
  step(): Promise<boolean>;
}

export const identity: LogIdentity = { clusterId: 'conformance', node: NodeId(1) };

/** Until the disk has nothing to do any more. */
export async function settle(life: Life): Promise<void> {
  while (await life.step()) continue;
}

/** Until one more report has come. */
export async function nextReport(life: Life): Promise<void> {
  for (const before = life.reports.length; life.reports.length === before; ) {
    if (!(await life.step())) throw new Error('the disk has nothing to do, and reported nothing');
  }
}
