/**
 * A tenant as one would explain it: a plain Map, every key looked at before every command and thrown out if its
 * time has come. Knows the commands whose outcome depends on time, on what was there before, or on several keys.
 */

interface Entry {
  value: string | string[];
  expireAt: number | null;
}

const wrongType = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';
const ok = '+OK\r\n';
const nil = '$-1\r\n';
const integer = (value: number) => `:${String(value)}\r\n`;
const bulk = (text: string) => `$${String(text.length)}\r\n${text}\r\n`;
const array = (items: readonly string[]) => `*${String(items.length)}\r\n${items.join('')}`;

export class Model {
  now = 1_000_000;
  private entries = new Map<string, Entry>();

  run(name: string, ...args: readonly string[]): string {
    for (const [key, { expireAt }] of this.entries) {
      if (expireAt !== null && expireAt <= this.now) this.entries.delete(key);
    }
    const [key = '', a = '', b = ''] = args;
    const entry = this.entries.get(key);
    const text = entry === undefined ? '' : typeof entry.value === 'string' ? entry.value : null;
    const list = entry === undefined ? [] : typeof entry.value === 'string' ? null : entry.value;
    switch (name) {
      case 'SET':
        return this.set(key, a, args.slice(2));
      case 'GET':
        return entry === undefined ? nil : text === null ? wrongType : bulk(text);
      case 'GETEX':
        if (entry !== undefined && text !== null) entry.expireAt = a === 'PERSIST' ? null : this.now + Number(b);
        return entry === undefined ? nil : text === null ? wrongType : bulk(text);
      case 'GETDEL':
        if (text !== null) this.entries.delete(key);
        return entry === undefined ? nil : text === null ? wrongType : bulk(text);
      case 'APPEND':
        if (text === null) return wrongType;
        if (entry === undefined) this.entries.set(key, { value: a, expireAt: null });
        else entry.value = text + a;
        return integer(text.length + a.length);
      case 'MSETNX':
        if (this.entries.has(key) || this.entries.has(b)) return integer(0);
        this.entries.set(key, { value: a, expireAt: null });
        this.entries.set(b, { value: args[3] ?? '', expireAt: null });
        return integer(1);
      case 'INCRBY':
        if (text === null) return wrongType;
        if (!/^(-?[1-9]\d*|0)?$/.test(text) || (entry !== undefined && text === '')) {
          return '-ERR value is not an integer or out of range\r\n';
        }
        if (entry === undefined) this.entries.set(key, { value: a, expireAt: null });
        else entry.value = String(Number(text) + Number(a));
        return integer(Number(text) + Number(a));
      case 'DEL':
        return integer([...args].filter((one) => this.entries.delete(one)).length);
      case 'RENAME':
        if (entry === undefined) return '-ERR no such key\r\n';
        this.entries.delete(key);
        this.entries.set(a, entry);
        return ok;
      case 'COPY':
        if (key === a) return '-ERR source and destination objects are the same\r\n';
        if (entry === undefined || (b === '' && this.entries.has(a))) return integer(0);
        this.entries.set(a, { value: structuredClone(entry.value), expireAt: entry.expireAt });
        return integer(1);
      case 'PEXPIRE':
        return this.pexpire(entry, key, this.now + Number(a), b);
      case 'PERSIST': {
        const had = entry?.expireAt ?? null;
        if (entry !== undefined) entry.expireAt = null;
        return integer(had === null ? 0 : 1);
      }
      case 'PTTL':
        return integer(entry === undefined ? -2 : entry.expireAt === null ? -1 : entry.expireAt - this.now);
      case 'TYPE':
        return `+${entry === undefined ? 'none' : text === null ? 'list' : 'string'}\r\n`;
      case 'EXISTS':
        return integer(args.filter((one) => this.entries.has(one)).length);
      case 'DBSIZE':
        return integer(this.entries.size);
      case 'KEYS':
        return array([...this.entries.keys()].sort().map(bulk));
      case 'FLUSHDB':
        this.entries.clear();
        return ok;
      case 'RPUSH':
      case 'LPUSH':
        if (list === null) return wrongType;
        if (name === 'RPUSH') list.push(...args.slice(1));
        else list.unshift(...args.slice(1).toReversed());
        if (entry === undefined) this.entries.set(key, { value: list, expireAt: null });
        return integer(list.length);
      case 'LPOP':
      case 'RPOP': {
        if (entry === undefined) return nil;
        if (list === null) return wrongType;
        const popped = (name === 'LPOP' ? list.shift() : list.pop()) ?? '';
        if (list.length === 0) this.entries.delete(key);
        return bulk(popped);
      }
      case 'LRANGE':
        return list === null ? wrongType : array(list.map(bulk));
      case 'LMOVE':
        return this.lmove(key, a, b, args[3] ?? '');
      default:
        throw new Error(`the model knows no ${name}`);
    }
  }

  private set(key: string, value: string, options: readonly string[]): string {
    const entry = this.entries.get(key);
    const answersOld = options.includes('GET');
    const before = entry === undefined ? nil : typeof entry.value === 'string' ? bulk(entry.value) : wrongType;
    if (answersOld && before === wrongType) return wrongType;
    if (options.includes(entry === undefined ? 'XX' : 'NX')) return answersOld ? before : nil;
    const px = options.indexOf('PX');
    const kept = options.includes('KEEPTTL') ? (entry?.expireAt ?? null) : null;
    this.entries.set(key, { value, expireAt: px < 0 ? kept : this.now + Number(options[px + 1]) });
    return answersOld ? before : ok;
  }

  private pexpire(entry: Entry | undefined, key: string, at: number, condition: string): string {
    if (entry === undefined) return integer(0);
    const present = entry.expireAt ?? Infinity;
    const isMet =
      condition === '' ||
      (condition === 'NX' && present === Infinity) ||
      (condition === 'XX' && present !== Infinity) ||
      (condition === 'GT' && at > present) ||
      (condition === 'LT' && at < present);
    if (!isMet) return integer(0);
    if (at <= this.now) this.entries.delete(key);
    else entry.expireAt = at;
    return integer(1);
  }

  private lmove(from: string, to: string, fromSide: string, toSide: string): string {
    const source = this.entries.get(from);
    if (source === undefined) return nil;
    const target = this.entries.get(to) ?? { value: [], expireAt: null };
    if (typeof source.value === 'string' || typeof target.value === 'string') return wrongType;
    const moved = (fromSide === 'LEFT' ? source.value.shift() : source.value.pop()) ?? '';
    if (toSide === 'LEFT') target.value.unshift(moved);
    else target.value.push(moved);
    this.entries.set(to, target);
    if (source.value.length === 0) this.entries.delete(from);
    return bulk(moved);
  }
}
