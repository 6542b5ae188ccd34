/**
 * Memory for many values that come at once. The collector is pressed by each piece of memory outside its heap, and by how
 * much of that there is: a tenant that comes with a hundred thousand values of its own would stop the node again and again.
 *
 * Values that share memory keep it while one of them is left. So all of it never takes more than they took together when
 * they came, whatever becomes of them.
 */

/** What is allocated at a time. */
const sharedBytes = 16 * 1024;
/** A larger value has memory of its own: little would share it, and what is left behind it would be lost. */
const mostBytes = sharedBytes / 8;
/** Up to here an engine keeps bytes on its heap. */
const onHeapBytes = 64;
/** Behind the first byte, for a value that begins with its memory has that to itself. */
const firstOffset = 1;

export class ValueMemory {
  private memory = new ArrayBuffer(0);
  private end = 0;

  /** A copy of the bytes. */
  copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length <= onHeapBytes || length > mostBytes) return bytes.slice();
    if (this.end + length > this.memory.byteLength) {
      this.memory = new ArrayBuffer(sharedBytes);
      this.end = firstOffset;
    }
    const copy = new Uint8Array(this.memory, this.end, length);
    copy.set(bytes);
    this.end += length;
    return copy;
  }
}

/** Nobody else's bytes are in the memory of these: what is behind them may be written to. */
export function ownsMemory({ byteOffset }: Uint8Array): boolean {
  return byteOffset === 0;
}
