/**
 * Patterns of KEYS and SCAN: `*`, `?`, `[a-z]`, `[^a]`, `\x`. Linear in the text times the pattern, whatever the
 * pattern: a star is retried only at the last one.
 */
const star = 0x2a;
const question = 0x3f;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const backslash = 0x5c;
const caret = 0x5e;
const dash = 0x2d;

export function matchesGlob(pattern: Uint8Array, text: Uint8Array, ignoresCase: boolean): boolean {
  let p = 0;
  let t = 0;
  let retryPattern = -1;
  let retryText = 0;
  while (t < text.length) {
    if (pattern[p] === star) {
      p += 1;
      retryPattern = p;
      retryText = t;
      continue;
    }
    const next = p < pattern.length ? matchOne(pattern, p, text[t] ?? 0, ignoresCase) : -1;
    if (next >= 0) {
      p = next;
      t += 1;
    } else if (retryPattern >= 0) {
      p = retryPattern;
      retryText += 1;
      t = retryText;
    } else return false;
  }
  while (pattern[p] === star) p += 1;
  return p === pattern.length;
}

/** Where the pattern goes on if its element at `p` matches the byte, otherwise −1. */
function matchOne(pattern: Uint8Array, p: number, byte: number, ignoresCase: boolean): number {
  const element = pattern[p] ?? 0;
  if (element === question) return p + 1;
  if (element === openBracket) return matchClass(pattern, p + 1, byte, ignoresCase);
  const at = element === backslash && p + 1 < pattern.length ? p + 1 : p;
  return fold(pattern[at] ?? 0, ignoresCase) === fold(byte, ignoresCase) ? at + 1 : -1;
}

function matchClass(pattern: Uint8Array, start: number, byte: number, ignoresCase: boolean): number {
  let p = start;
  const isNegated = pattern[p] === caret;
  if (isNegated) p += 1;
  let matches = false;
  const wanted = fold(byte, ignoresCase);
  for (; p < pattern.length && pattern[p] !== closeBracket; p += 1) {
    if (pattern[p] === backslash && p + 1 < pattern.length) {
      p += 1;
      if (fold(pattern[p] ?? 0, ignoresCase) === wanted) matches = true;
    } else if (pattern[p + 1] === dash && p + 2 < pattern.length) {
      const a = fold(pattern[p] ?? 0, ignoresCase);
      const b = fold(pattern[p + 2] ?? 0, ignoresCase);
      if (wanted >= Math.min(a, b) && wanted <= Math.max(a, b)) matches = true;
      p += 2;
    } else if (fold(pattern[p] ?? 0, ignoresCase) === wanted) matches = true;
  }
  if (matches === isNegated) return -1;
  return p < pattern.length ? p + 1 : p;
}

function fold(byte: number, ignoresCase: boolean): number {
  return ignoresCase && byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
