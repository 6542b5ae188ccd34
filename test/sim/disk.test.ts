import { describe, expect, it } from 'vitest';
import { GroupId, LogIndex, NodeId, Term, WriteId } from '../../core/base/ids.ts';
import type { LogRecord } from '../../core/log/records.ts';
import { randomSource } from '../../sim/base/random.ts';
import { type CrashKeeps, crashKeeps } from '../../sim/scenario/scenario.ts';
import { damageKinds } from '../../sim/world/damage.ts';
import { Disk } from '../../sim/world/disk.ts';
import { Schedule } from '../../sim/world/schedule.ts';

const group = GroupId(1);
const oneSegment = { segmentBytes: 1_000_000, zerosAhead: 0 };
const forever = Number.POSITIVE_INFINITY;

function entry(index: number): LogRecord {
  const data = new Uint8Array(700).fill(index);
  return { kind: 'entries', group, entries: [{ index: LogIndex(index), term: Term(1), kind: 'data', data }] };
}

interface Made {
  readonly disk: Disk;
  readonly schedule: Schedule;
  readonly synced: number[];
}

function makeDisk(seed: number, log: { segmentBytes: number; zerosAhead: number } = oneSegment): Made {
  const schedule = new Schedule(null);
  const knobs = {
    syncUs: 100,
    tailUs: 0,
    tailPermille: 0,
    crashKeeps: 'none',
    snapshotLogBytes: 1_000_000,
    snapshotBytesPerSecond: 1_000_000,
    ...log,
  } as const;
  const disk = new Disk(
    schedule,
    knobs,
    { clusterId: 'c', node: NodeId(1) },
    randomSource(seed)('disk'),
    () => undefined,
  );
  return { disk, schedule, synced: [] };
}

function run(schedule: Schedule, untilUs: number): void {
  while (schedule.advance(untilUs)) continue;
}

function entriesAfterCrash(seed: number, keeps: CrashKeeps): number {
  const { disk, schedule, synced } = makeDisk(seed);
  disk.open((upTo) => synced.push(upTo));
  disk.append(WriteId(1), [entry(1)]);
  run(schedule, forever);
  for (let write = 2; write <= 5; write += 1) disk.append(WriteId(write), [entry(write)]);
  while (synced.length < 2) schedule.advance(forever);
  disk.crash(keeps);
  return disk.open(() => undefined).groups.get(group)?.entries.length ?? 0;
}

describe('a disk', () => {
  it.each(crashKeeps)('keeps what was synced, and at most what was on its way, in a crash that keeps %s', (keeps) => {
    const kept = new Set<number>();
    for (let seed = 1; seed <= 40; seed += 1) kept.add(entriesAfterCrash(seed, keeps));
    const most = Math.max(...kept);
    expect(Math.min(...kept)).toBe(keeps === 'all' ? 5 : 2);
    expect(most).toBe(keeps === 'none' ? 2 : 5);
  });

  it('ends no sync while it hangs', () => {
    const { disk, schedule, synced } = makeDisk(4);
    disk.open((upTo) => synced.push(upTo));
    disk.hangsUntil = 5000;
    disk.append(WriteId(1), [entry(1)]);
    run(schedule, 4999);
    expect(synced).toEqual([]);
    run(schedule, forever);
    expect(synced).toEqual([1]);
  });

  it.each(damageKinds)('notices when what was durable is damaged: %s', (kind) => {
    let noticed = 0;
    for (let seed = 1; seed <= 300; seed += 1) {
      const { disk, schedule } = makeDisk(seed, { segmentBytes: 3000, zerosAhead: (seed % 3) * 512 });
      disk.open(() => undefined);
      for (let write = 1; write <= 12; write += 1) {
        disk.append(WriteId(write), [entry(write)]);
        if (write % (1 + (seed % 4)) === 0) run(schedule, forever);
      }
      run(schedule, forever);
      disk.crash('none');
      // That nothing is passed over which anything else speaks of is judged within.
      if (disk.damage(kind, randomSource(seed)('damage'))) noticed += 1;
      expect(disk.open(() => undefined).groups.get(group)?.entries.length ?? 0).toBe(disk.isLost ? 0 : 12);
    }
    expect(noticed).toBeGreaterThan(100);
  });

  it('finds a write that was dropped out by the one behind it, and not if it was the last', () => {
    const lastOf = (writes: number): Disk => {
      const { disk, schedule } = makeDisk(5);
      disk.open(() => undefined);
      for (let write = 1; write <= writes; write += 1) {
        disk.append(WriteId(write), [entry(write)]);
        run(schedule, forever);
      }
      disk.crash('none');
      return disk;
    };
    const dropsSecond = (): (() => number) => {
      const draws = [0.5, 0];
      return () => draws.shift() ?? 0;
    };
    expect(lastOf(2).damage('stale', dropsSecond())).toBe(false);
    expect(lastOf(3).damage('stale', dropsSecond())).toBe(true);
  });

  it('tells of no sync that it refused, and keeps of it what a crash keeps', () => {
    const kept = new Set<number>();
    for (const keeps of ['none', 'all'] as const) {
      const { disk, schedule, synced } = makeDisk(6);
      disk.open((upTo) => synced.push(upTo));
      let refusals = 0;
      disk.onRefused = () => {
        refusals += 1;
        disk.crash(keeps);
      };
      disk.append(WriteId(1), [entry(1)]);
      disk.append(WriteId(2), [entry(2)]);
      run(schedule, forever);
      expect([refusals, synced]).toEqual([1, []]);
      disk.onRefused = null;
      kept.add(disk.open(() => undefined).groups.get(group)?.entries.length ?? 0);
    }
    expect([...kept]).toEqual([0, 1]);
  });
});
