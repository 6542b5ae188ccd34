/** The simulator's disk as a `Storage`. What a life begins with is what `Machine` does. */
import { type GroupId, WriteId } from '../../../core/base/ids.ts';
import type { Random } from '../../../core/base/random.ts';
import type { LogRecord, RestoredLog } from '../../../core/log/records.ts';
import { randomSource } from '../../../sim/base/random.ts';
import { expand } from '../../../sim/scenario/expand.ts';
import type { CrashKeeps } from '../../../sim/scenario/scenario.ts';
import type { DamageKind } from '../../../sim/world/damage.ts';
import { Disk } from '../../../sim/world/disk.ts';
import { Schedule } from '../../../sim/world/schedule.ts';
import { identity, type Life, nextReport, type Storage, type StorageKind, type StorageOptions } from './storage.ts';

export const simulatedStorage: StorageKind = {
  name: 'the simulated disk',
  canMove: false,
  make: (options) => new SimulatedStorage(options),
};

const bootWrite = WriteId(0);
const zerosAhead = [0, 512, 5000];

class SimulatedStorage implements Storage {
  private readonly schedule = new Schedule(null);
  private readonly disk: Disk;
  private boot = 0;
  private life: SimulatedLife | null = null;

  constructor({ segmentBytes, seed }: StorageOptions) {
    const knobs = {
      ...expand(seed, 'crashes').disk,
      segmentBytes,
      zerosAhead: zerosAhead[seed % zerosAhead.length] ?? 0,
    };
    this.disk = new Disk(this.schedule, knobs, identity, randomSource(seed)('disk'), () => undefined);
  }

  async begin(): Promise<Life> {
    const { isLost } = this.disk;
    const found = this.disk.open(
      (upTo) => life.reports.push(upTo),
      (groups) => life.laggards.push(groups),
    );
    this.boot = Math.max(this.boot, found.boots) + 1;
    const life = new SimulatedLife(this.schedule, this.disk, this.boot, {
      ...found,
      isLost: found.isLost || isLost,
    });
    const lost = isLost ? [{ kind: 'lost' } as const] : [];
    this.disk.append(bootWrite, [...lost, { kind: 'boot', boot: this.boot }]);
    await nextReport(life);
    this.disk.isLost = false;
    // The process is only now there to be told.
    life.reports.length = 0;
    life.laggards.length = 0;
    this.life = life;
    return life;
  }

  async crash(keeps: CrashKeeps): Promise<void> {
    this.disk.crash(keeps);
    this.disk.onRefused = null;
    return Promise.resolve();
  }

  wipe(): void {
    this.disk.wipe();
  }

  damage(kind: DamageKind, random: Random): void {
    this.disk.damage(kind, random);
  }

  segments(): readonly number[] {
    return this.disk.segmentNumbers;
  }

  failNext(): void {
    const { life } = this;
    this.disk.onRefused = () => life?.failures.push('EIO');
  }

  async remove(): Promise<void> {
    return Promise.resolve();
  }
}

class SimulatedLife implements Life {
  readonly reports: number[] = [];
  readonly failures: string[] = [];
  readonly laggards: (readonly GroupId[])[] = [];
  readonly restored: RestoredLog;
  readonly boot: number;
  private readonly schedule: Schedule;
  private readonly disk: Disk;

  constructor(schedule: Schedule, disk: Disk, boot: number, restored: RestoredLog) {
    this.schedule = schedule;
    this.disk = disk;
    this.boot = boot;
    this.restored = restored;
  }

  persist(write: number, records: readonly LogRecord[]): void {
    this.disk.append(WriteId(write), records);
  }

  async step(): Promise<boolean> {
    return Promise.resolve(this.schedule.advance(Number.POSITIVE_INFINITY));
  }
}
