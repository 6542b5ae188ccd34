/**
 * The real operating system, asked late: what the log's files want done waits until the test lets it happen, in any
 * order that the system could choose. In a crash the test says what of it happened.
 *
 * What a system would lose in a power cut is not in its hands: that a file is opened so that writes are on disk when
 * they return is asked of the system instead.
 */
import { constants, existsSync, readFileSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import type { Random } from '../../../core/base/random.ts';
import { type LogDisk, realDisk } from '../../../runtime/disk/logFiles.ts';
import { segmentPath } from '../../../runtime/disk/segmentFiles.ts';
import { between, chance } from '../../../sim/base/random.ts';
import type { CrashKeeps } from '../../../sim/scenario/scenario.ts';
import { sectorBytes } from '../../../sim/world/damage.ts';

/** Something the system was asked to do. */
interface Held {
  readonly isWrite: boolean;
  /** Does it and says so. */
  perform(): Promise<void>;
  /** Says that it cannot. */
  refuse(error: Error): void;
  /** Does as much of it as a crash leaves, and never says anything. */
  abandon(keeps: CrashKeeps): void;
}

/** Zeros are written so many at a time: few, so that writes often go beyond them. */
const aheadBytes = 4096;
const shortPermille = 150;

export class HeldDisk implements LogDisk {
  private readonly random: Random;
  private held: Held[] = [];
  private failsNext = false;

  constructor(random: Random) {
    this.random = random;
  }

  /** Lets one of the things asked for happen. False: there is none. */
  async step(): Promise<boolean> {
    if (this.held.length === 0) return false;
    const [request] = this.held.splice(between(this.random, 0, this.held.length - 1), 1);
    if (request?.isWrite === true && this.failsNext) {
      this.failsNext = false;
      request.abandon('torn');
      request.refuse(new Error('EIO'));
    } else await request?.perform();
    return true;
  }

  failNext(): void {
    this.failsNext = true;
  }

  /** The machine loses power. Afterwards everything is refused, so that whoever asked can let go of its files. */
  crash(keeps: CrashKeeps): void {
    for (let request = this.held.shift(); request !== undefined; request = this.held.shift()) {
      request.abandon(keeps);
      request.refuse(new Error('the machine has crashed'));
    }
  }

  open(...[directory, segment, done]: Parameters<LogDisk['open']>): void {
    this.held.push({
      isWrite: false,
      perform: async () => perform((said) => realDisk.open(directory, segment, said), done),
      refuse: done,
      abandon: () => {
        if (chance(this.random, 500)) writeFileSync(segmentPath(directory, segment), '', { flag: 'a' });
      },
    });
  }

  writev(...[descriptor, chunks, position, done]: Parameters<LogDisk['writev']>): void {
    if (!isSynced(descriptor)) {
      this.held.push(refused(done));
      return;
    }
    const bytes = Buffer.concat(chunks);
    // A system may write less than it was asked to.
    const part = chance(this.random, shortPermille) ? between(this.random, 1, bytes.length) : bytes.length;
    this.held.push({
      isWrite: true,
      perform: async () =>
        perform((said) => realDisk.writev(descriptor, [bytes.subarray(0, part)], position, said), done),
      refuse: (error) => done(error, 0),
      abandon: (keeps) => {
        for (const [from, to] of this.left(keeps, position, bytes.length))
          writeSync(descriptor, bytes, from, to - from, position + from);
      },
    });
  }

  extend(...[descriptor, zeros, position, done]: Parameters<LogDisk['extend']>): void {
    const few = zeros.subarray(0, aheadBytes);
    this.held.push({
      isWrite: false,
      perform: async () => perform((said) => realDisk.extend(descriptor, few, position, said), done),
      refuse: (error) => done(error, 0),
      abandon: () => {
        writeSync(descriptor, few, 0, between(this.random, 0, few.length), position);
      },
    });
  }

  remove(path: string, done: (error: NodeJS.ErrnoException | null) => void): void {
    this.held.push({
      isWrite: false,
      perform: async () => perform((said) => realDisk.remove(path, said), done),
      refuse: done,
      abandon: () => {
        if (chance(this.random, 500)) unlinkSync(path);
      },
    });
  }

  /** The parts of a write of so many bytes that a crash leaves. */
  private left(keeps: CrashKeeps, position: number, length: number): readonly (readonly [number, number])[] {
    switch (keeps) {
      case 'none':
        return [];
      case 'all':
        return [[0, length]];
      case 'prefix':
      case 'torn':
        return [[0, between(this.random, 0, length)]];
      case 'sectors': {
        const parts: (readonly [number, number])[] = [];
        for (let from = 0, to = sectorBytes - (position % sectorBytes); from < length; from = to, to += sectorBytes)
          if (chance(this.random, 500)) parts.push([from, Math.min(to, length)]);
        return parts;
      }
    }
  }
}

/** Has the system do something, and resolves when whoever asked for it knows what came of it. */
async function perform<Said extends readonly unknown[]>(
  start: (said: (...said: Said) => void) => void,
  done: (...said: Said) => void,
): Promise<void> {
  await new Promise<void>((resolve) => {
    start((...said) => {
      done(...said);
      resolve();
    });
  });
}

/** A write that would not be on disk when it returns is none. */
function refused(done: Parameters<LogDisk['writev']>[3]): Held {
  const refuse = (): void => done(new Error('a write goes to a file that is not synced'), 0);
  return {
    isWrite: true,
    perform: async () => {
      refuse();
      return Promise.resolve();
    },
    refuse,
    abandon: () => undefined,
  };
}

/** Whether writes to this file return when they are on disk; where the system does not tell, they are believed to. */
function isSynced(descriptor: number): boolean {
  const path = `/proc/self/fdinfo/${String(descriptor)}`;
  if (!existsSync(path)) return true;
  const flags = Number.parseInt(/^flags:\s*([0-7]+)$/m.exec(readFileSync(path, 'utf8'))?.[1] ?? '', 8);
  return (flags & constants.O_DSYNC) !== 0;
}
