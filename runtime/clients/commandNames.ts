/**
 * Names of commands that clients have sent, one array of bytes for each: most of what a client says begins with one of a
 * few words, and a view of where it says so would be made for each of them.
 */

/** Longer words are no names. */
const mostBytes = 16;
/** Two that have the same place take turns. A power of two. */
const places = 256;

export class CommandNames {
  private readonly names: (Uint8Array<ArrayBuffer> | undefined)[] = Array.from({ length: places });

  /** The name that these bytes are; null if it is not known. It is shared: nobody writes to it. */
  find(source: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> | null {
    const length = end - start;
    if (length === 0 || length > mostBytes) return null;
    const name = this.names[placeOf(source, start, end)];
    if (name?.length !== length) return null;
    for (let i = 0; i < length; i += 1) if (name[i] !== source[start + i]) return null;
    return name;
  }

  /** From now on it is found. */
  keep(name: Uint8Array): void {
    if (name.length === 0 || name.length > mostBytes) return;
    const place = placeOf(name, 0, name.length);
    if (this.names[place] !== name) this.names[place] = Uint8Array.from(name);
  }
}

/** Told apart by their length and ends, mostly. */
function placeOf(source: Uint8Array, start: number, end: number): number {
  const [first, last] = [source[start] ?? 0, source[end - 1] ?? 0];
  return (first * 31 + last * 7 + (end - start)) & (places - 1);
}
