/** Tells on stderr how far something is: again and again on the same line of a terminal, now and then elsewhere. */
const terminalEveryMs = 200;
const elsewhereEveryMs = 5000;

export class Progress {
  private readonly what: string;
  private readonly startedAt = Date.now();
  private readonly isTerminal = process.stderr.isTTY;
  private toldAt = Date.now();
  private bytes = 0;
  private pieces = 0;

  constructor(what: string) {
    this.what = what;
  }

  /** Another piece has gone its way. */
  add(bytes: number): void {
    this.bytes += bytes;
    this.pieces += 1;
    const now = Date.now();
    if (now - this.toldAt < (this.isTerminal ? terminalEveryMs : elsewhereEveryMs)) return;
    this.toldAt = now;
    process.stderr.write(this.isTerminal ? `\r${this.line}\u001b[K` : `${this.line}\n`);
  }

  /** It is over; `how` says what came of it. */
  end(how: string): void {
    process.stderr.write(`${this.isTerminal ? '\r' : ''}${this.line}: ${how}${this.isTerminal ? '\u001b[K' : ''}\n`);
  }

  private get line(): string {
    const seconds = Math.max((Date.now() - this.startedAt) / 1000, 0.001);
    const megabytes = this.bytes / 1_000_000;
    return `${this.what}: ${megabytes.toFixed(1)} MB, ${String(this.pieces)} pieces, ${(megabytes / seconds).toFixed(1)} MB/s`;
  }
}
