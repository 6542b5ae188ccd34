/**
 * Spreads whole numbers over 32 bits, the same on every machine: for ties that have to fall somewhere, and for choices
 * that have to stay where they are when others come or go. No protection against anybody who picks the numbers.
 */

/** Of two numbers, in order: `hashOf(a, b)` tells nothing about `hashOf(b, a)`. */
export function hashOf(a: number, b: number): number {
  return finish(Math.imul(finish(a ^ 0x9e3779b9), 0x85ebca6b) ^ b);
}

/** The last steps of MurmurHash3: every bit of the input moves half of those that come out. */
function finish(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
