/**
 * The fingerprint of a run: a rolling 64-bit hash over the binary fields of its events. Two runs with the same
 * hash did the same; two that differ are compared checkpoint by checkpoint to find where they parted.
 */

/** Events between two checkpoints. */
export const checkpointEvents = 1024;

export class RollingHash {
  /** The digest after each `checkpointEvents` events. */
  readonly checkpoints: string[] = [];
  private a = 0x2545f491;
  private b = 0x6c62272e;
  private counted = 0;

  get events(): number {
    return this.counted;
  }

  /** Opens the next event. */
  event(kind: number, where: number, at: number): void {
    this.counted += 1;
    if (this.counted % checkpointEvents === 0) this.checkpoints.push(this.digest());
    this.add(kind);
    this.add(where);
    this.add(at);
  }

  /** Takes an integer; of large ones the low 32 bits count. */
  add(value: number): void {
    const mixed = Math.imul(this.a ^ value, 0x85eb_ca6b);
    this.a = mixed ^ (mixed >>> 15);
    const other = Math.imul(this.b + this.a, 0xc2b2_ae35);
    this.b = (other << 13) | (other >>> 19);
  }

  addBytes(bytes: Uint8Array): void {
    this.add(bytes.length);
    for (let i = 0; i < bytes.length; i += 1) this.add(bytes[i] ?? 0);
  }

  /** Sixteen hexadecimal digits. */
  digest(): string {
    return hex(this.a) + hex(this.b);
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
