/**
 * Splits an inline command into words as Redis does: blanks separate, double quotes know escapes, single quotes
 * only `\'`.
 */
const escapes: ReadonlyMap<string, number> = new Map([
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
  ['b', 0x08],
  ['a', 0x07],
]);

/** Null if quotes are unbalanced. */
export function splitInline(line: Buffer): Uint8Array[] | null {
  const words: Uint8Array[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && isBlank(line[at])) at += 1;
    if (at >= line.length) return words;
    const word: number[] = [];
    while (at < line.length && !isBlank(line[at])) {
      const quote = char(line, at);
      if (quote !== '"' && quote !== "'") {
        word.push(line[at] ?? 0);
        at += 1;
        continue;
      }
      const end = quote === '"' ? readDoubleQuoted(line, at + 1, word) : readSingleQuoted(line, at + 1, word);
      if (end === null || (end < line.length && !isBlank(line[end]))) return null;
      at = end;
    }
    words.push(Uint8Array.from(word));
  }
}

/** Returns where the text behind the closing quote begins; null if there is none. */
function readDoubleQuoted(line: Buffer, start: number, word: number[]): number | null {
  for (let at = start; at < line.length; at += 1) {
    const next = char(line, at);
    if (next === '"') return at + 1;
    if (next !== '\\' || at + 1 >= line.length) {
      word.push(line[at] ?? 0);
      continue;
    }
    const hex = /^x([0-9a-fA-F]{2})/.exec(line.toString('latin1', at + 1, at + 4));
    if (hex !== null) {
      word.push(Number.parseInt(hex[1] ?? '0', 16));
      at += 3;
    } else {
      at += 1;
      word.push(escapes.get(char(line, at)) ?? line[at] ?? 0);
    }
  }
  return null;
}

function readSingleQuoted(line: Buffer, start: number, word: number[]): number | null {
  for (let at = start; at < line.length; at += 1) {
    const next = char(line, at);
    if (next === "'") return at + 1;
    const isEscaped = next === '\\' && char(line, at + 1) === "'";
    if (isEscaped) at += 1;
    word.push(line[at] ?? 0);
  }
  return null;
}

function char(line: Buffer, at: number): string {
  return String.fromCharCode(line[at] ?? 0);
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a || byte === 0x0b || byte === 0x0c;
}
