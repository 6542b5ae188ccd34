/** Watches how much room the data directory's file system has, and says when it gets short and when it has enough again. */
import { statfs } from 'node:fs/promises';

const lookEveryMs = 1000;
/** Enough again is somewhat more than what was short, so that it does not go to and fro. */
const enoughShare = 1.25;

export class DiskSpace {
  private readonly directory: string;
  private readonly leastBytes: number;
  private readonly onChange: (isShort: boolean) => void;
  private readonly freeBytes: (directory: string) => Promise<number>;
  private isShort = false;
  private timer: NodeJS.Timeout | null = null;

  /** `leastBytes`: with less the disk is short; 0: it never is. */
  constructor(
    directory: string,
    leastBytes: number,
    onChange: (isShort: boolean) => void,
    freeBytes: (directory: string) => Promise<number> = freeBytesOf,
  ) {
    this.directory = directory;
    this.leastBytes = leastBytes;
    this.onChange = onChange;
    this.freeBytes = freeBytes;
  }

  /** Looks now and every second. A file system that cannot be asked is taken to be as it was. */
  async watch(): Promise<void> {
    if (this.leastBytes === 0) return;
    const free = await this.freeBytes(this.directory).catch(() => null);
    if (free !== null) this.look(free);
    this.timer = setTimeout(() => void this.watch(), lookEveryMs);
    this.timer.unref();
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private look(free: number): void {
    const isShort = free < this.leastBytes * (this.isShort ? enoughShare : 1);
    if (isShort === this.isShort) return;
    this.isShort = isShort;
    this.onChange(isShort);
  }
}

async function freeBytesOf(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}
