/**
 * A name as words of four letters, and the hash of it: what a table compares and looks for. One is packed over and
 * over, so that looking a name up allocates nothing.
 */
import type { TenantName } from '../base/ids.ts';

/** A name has at most 128 letters. */
const mostWords = 32;
const lettersPerWord = 4;

export class PackedName {
  readonly words = new Uint32Array(mostWords);
  /** Letters. */
  length = 0;
  hash = 0;

  pack(name: TenantName): void {
    const { length } = name;
    const { words } = this;
    let hash = length;
    let word = 0;
    for (let i = 0; i < length; i += 1) {
      word |= name.charCodeAt(i) << ((i & 3) * 8);
      if ((i & 3) !== 3 && i + 1 < length) continue;
      words[i >>> 2] = word;
      hash = Math.imul(hash ^ word, 0x9e3779b1);
      hash ^= hash >>> 15;
      word = 0;
    }
    this.length = length;
    this.hash = mixed(hash) >>> 0;
  }
}

export function wordsOf(letters: number): number {
  return Math.ceil(letters / lettersPerWord);
}

export function letterOf(words: Uint32Array, from: number, letter: number): number {
  return ((words[from + (letter >>> 2)] ?? 0) >>> ((letter & 3) * 8)) & 0xff;
}

/** The end of MurmurHash3: every bit of the input changes about half of the output's. */
export function mixed(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
