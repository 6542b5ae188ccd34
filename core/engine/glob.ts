/**
 * The patterns of KEYS and SCAN: `*`, `?`, `[a-z]`, `[^a]`, `\x`, odd cases as in Redis. Takes at most the length
 * of the text times that of the pattern: a star that fails is widened only at the last one.
 */
import { binaryString } from '../base/bytes.ts';

const star = 0x2a;
const question = 0x3f;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const backslash = 0x5c;
const caret = 0x5e;
const dash = 0x2d;

export function matchesGlob(pattern: Uint8Array, text: Uint8Array, ignoresCase: boolean): boolean {
  return matchesText(binaryString(pattern), binaryString(text), ignoresCase);
}

/** Both have one byte per character. */
export function matchesText(pattern: string, text: string, ignoresCase: boolean): boolean {
  // Redis never looks at a pattern when there is no text: not even a star matches nothing at all.
  if (text === '') return pattern === '';
  let p = 0;
  let t = 0;
  let afterStar = -1;
  let retryAt = 0;
  while (t < text.length) {
    if (pattern.charCodeAt(p) === star) {
      p += 1;
      afterStar = p;
      retryAt = t;
      continue;
    }
    const next = p < pattern.length ? matchOne(pattern, p, text.charCodeAt(t), ignoresCase) : noMatch;
    if (next !== noMatch) {
      p = next;
      t += 1;
    } else if (afterStar >= 0) {
      p = afterStar;
      retryAt += 1;
      t = retryAt;
    } else return false;
  }
  while (pattern.charCodeAt(p) === star) p += 1;
  return p === pattern.length;
}

const noMatch = -1;

/** Where the pattern goes on if its element at `p` matches the byte. */
function matchOne(pattern: string, p: number, byte: number, ignoresCase: boolean): number {
  const element = pattern.charCodeAt(p);
  if (element === question) return p + 1;
  if (element === openBracket) return matchClass(pattern, p + 1, byte, ignoresCase);
  const at = element === backslash && p + 1 < pattern.length ? p + 1 : p;
  return fold(pattern.charCodeAt(at), ignoresCase) === fold(byte, ignoresCase) ? at + 1 : noMatch;
}

/** `start` is behind the bracket. A class that is never closed ends with the pattern. */
function matchClass(pattern: string, start: number, byte: number, ignoresCase: boolean): number {
  const isNegated = pattern.charCodeAt(start) === caret;
  const wanted = fold(byte, ignoresCase);
  let isIn = false;
  let p = isNegated ? start + 1 : start;
  for (; p < pattern.length && pattern.charCodeAt(p) !== closeBracket; p += 1) {
    if (pattern.charCodeAt(p) === backslash && p + 1 < pattern.length) {
      p += 1;
      if (fold(pattern.charCodeAt(p), ignoresCase) === wanted) isIn = true;
    } else if (pattern.charCodeAt(p + 1) === dash && p + 2 < pattern.length) {
      const a = fold(pattern.charCodeAt(p), ignoresCase);
      const b = fold(pattern.charCodeAt(p + 2), ignoresCase);
      if (wanted >= Math.min(a, b) && wanted <= Math.max(a, b)) isIn = true;
      p += 2;
    } else if (fold(pattern.charCodeAt(p), ignoresCase) === wanted) isIn = true;
  }
  if (isIn === isNegated) return noMatch;
  return Math.min(p + 1, pattern.length);
}

function fold(byte: number, ignoresCase: boolean): number {
  return ignoresCase && byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
