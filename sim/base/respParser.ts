/**
 * A strict reader of replies, RESP2 and RESP3, as a client sees them. It takes whole replies only: what follows
 * the last whole one stays for later, and anything that is not a reply is `malformed`.
 */

export type Reply =
  | { readonly kind: 'simple' | 'error' | 'bulk'; readonly text: string }
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'nil' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'array'; readonly items: readonly Reply[] }
  /** Keys and values in turn. */
  | { readonly kind: 'map'; readonly items: readonly Reply[] };

/** A reply and its own bytes as text, one character a byte. */
export interface Parsed {
  readonly reply: Reply;
  readonly text: string;
}

const nil: Reply = { kind: 'nil' };

export class RespParser {
  private text = '';
  private at = 0;

  /** Bytes without a whole reply yet. */
  get pending(): number {
    return this.text.length - this.at;
  }

  feed(text: string): void {
    this.text = this.at === this.text.length ? text : this.text.slice(this.at) + text;
    this.at = 0;
  }

  /** The next whole reply; null: not here yet. */
  next(): Parsed | 'malformed' | null {
    const start = this.at;
    const reply = this.read();
    if (reply === null) {
      this.at = start;
      return null;
    }
    if (reply === 'malformed') return reply;
    return { reply, text: this.text.slice(start, this.at) };
  }

  private read(): Reply | 'malformed' | null {
    const end = this.text.indexOf('\r\n', this.at);
    if (end < 0) return null;
    const type = this.text[this.at];
    const line = this.text.slice(this.at + 1, end);
    this.at = end + 2;
    switch (type) {
      case '+':
        return { kind: 'simple', text: line };
      case '-':
        return { kind: 'error', text: line };
      case ':':
        return /^-?\d+$/.test(line) ? { kind: 'integer', value: Number(line) } : 'malformed';
      case '_':
        return line === '' ? nil : 'malformed';
      case '#':
        return line === 't' || line === 'f' ? { kind: 'boolean', value: line === 't' } : 'malformed';
      case '$':
        return this.readBulk(line);
      case '*':
        return line === '-1' ? nil : this.readItems('array', line, 1);
      case '%':
        return this.readItems('map', line, 2);
      default:
        return 'malformed';
    }
  }

  private readBulk(line: string): Reply | 'malformed' | null {
    if (line === '-1') return nil;
    if (!/^\d+$/.test(line)) return 'malformed';
    const end = this.at + Number(line);
    if (this.text.length < end + 2) return null;
    const text = this.text.slice(this.at, end);
    if (!this.text.startsWith('\r\n', end)) return 'malformed';
    this.at = end + 2;
    return { kind: 'bulk', text };
  }

  private readItems(kind: 'array' | 'map', line: string, perItem: number): Reply | 'malformed' | null {
    if (!/^\d+$/.test(line)) return 'malformed';
    const items: Reply[] = [];
    for (let left = Number(line) * perItem; left > 0; left -= 1) {
      const item = this.read();
      if (item === null || item === 'malformed') return item;
      items.push(item);
    }
    return { kind, items };
  }
}
