/**
 * The same bytes, as the core knows bytes. A Buffer is a Uint8Array whose `slice` is a view where a Uint8Array's is
 * a copy: code that was only ever simulated with the one must not meet the other.
 */
export function plainBytes({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}
