/**
 * The commands of the workload, told a second time and as simply as can be: what each must answer, given the
 * log before it. It keeps every version of every key, so that a read can be judged at any index of the past.
 */

import { bucketOf } from '../../core/engine/versions.ts';
import type { FileItem } from './fileContents.ts';

export type ModelCommand = readonly string[];

const writes: ReadonlySet<string> = new Set(['SET', 'DEL', 'PEXPIRE', 'INCR', 'APPEND', 'RPUSH']);

interface Version {
  /** The log index that made it. */
  readonly index: number;
  readonly kind: 'none' | 'string' | 'list';
  readonly text: string;
  /** A list is the first `length` items of an array that only ever grows at its end. */
  readonly items: string[];
  readonly length: number;
  /** Milliseconds since the epoch; 0: never. */
  readonly expiresAt: number;
  /** Which write of the keyspace made it. */
  readonly write: number;
}

/** A key was removed: by which write, and at which index. */
interface Removal {
  readonly index: number;
  readonly write: number;
}

const wrongType = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';
const noItems: string[] = [];
const missing: Version = { index: 0, kind: 'none', text: '', items: noItems, length: 0, expiresAt: 0, write: 0 };

export class KeyspaceModel {
  private readonly keys = new Map<string, Version[]>();
  /** By bucket of the key: nothing more is known of keys that are gone. */
  private readonly removals = new Map<number, Removal[]>();
  private write = 0;

  /** What there is in the end, as it is to go on in another log, from that index on. */
  continuedAt(index: number): KeyspaceModel {
    const next = new KeyspaceModel();
    next.write = this.write;
    for (const [key, versions] of this.keys) {
      const last = versions.at(-1);
      if (last !== undefined) next.keys.set(key, [{ ...last, index }]);
    }
    for (const [bucket, removals] of this.removals) {
      const last = removals.at(-1);
      if (last !== undefined) next.removals.set(bucket, [{ ...last, index }]);
    }
    return next;
  }

  /** What stood in a file, as it is to go on in a log, from that index on. */
  static of(items: readonly FileItem[], index: number): KeyspaceModel {
    const model = new KeyspaceModel();
    for (const { key, value, expiresAt } of items) {
      const version: Version =
        typeof value === 'string'
          ? { ...missing, index, kind: 'string', text: value, expiresAt }
          : { ...missing, index, kind: 'list', items: [...value], length: value.length, expiresAt };
      model.keys.set(key, [version]);
    }
    return model;
  }

  /** A write begins: a command, a transaction, a purge. */
  beginWrite(): void {
    this.write += 1;
  }

  /** Keys whose time has come leave. */
  purge(keys: readonly string[], index: number, now: number): void {
    this.write += 1;
    for (const key of keys) this.leaveIfExpired(key, index, now);
  }

  /** Runs a command of the log at its index and log time; returns its reply in RESP. */
  run(args: ModelCommand, protocol: 2 | 3, index: number, now: number): string {
    const [name = '', key = '', value = ''] = args;
    if (name === 'exec') return this.transact(args, protocol, index, now);
    if (writes.has(name)) this.leaveIfExpired(key, index, now);
    const found = this.look(key, index, now);
    switch (name) {
      case 'SET':
        this.put(key, {
          ...missing,
          index,
          kind: 'string',
          text: value,
          expiresAt: args[3] === 'PX' ? now + Number(args[4]) : 0,
        });
        return '+OK\r\n';
      case 'DEL':
        if (found.kind === 'none') return ':0\r\n';
        this.leave(key, index, this.write);
        return ':1\r\n';
      case 'PEXPIRE':
        if (found.kind === 'none') return ':0\r\n';
        this.put(key, { ...found, index, expiresAt: now + Number(value) });
        return ':1\r\n';
      case 'INCR':
        return this.increment(key, found, index);
      case 'APPEND':
        return this.append(key, found, value, index);
      case 'RPUSH':
        return this.push(key, found, value, index);
      default:
        return this.read(args, protocol, index, now);
    }
  }

  /** What a read answers when everything up to `index` has run. */
  read(args: ModelCommand, protocol: 2 | 3, index: number, now: number): string {
    const [name = '', key = ''] = args;
    if (name === 'execread') return this.transact(args, protocol, index, now);
    if (name === 'versions') {
      const versions = args.slice(1).map((each) => `:${String(this.versionOf(each, index, now))}\r\n`);
      return `*${String(versions.length)}\r\n${versions.join('')}`;
    }
    const found = this.look(key, index, now);
    switch (name) {
      case 'GET':
        if (found.kind === 'none') return protocol === 3 ? '_\r\n' : '$-1\r\n';
        return found.kind === 'string' ? bulk(found.text) : wrongType;
      case 'STRLEN':
        return found.kind === 'list' ? wrongType : `:${String(found.text.length)}\r\n`;
      case 'LLEN':
        return found.kind === 'string' ? wrongType : `:${String(found.length)}\r\n`;
      case 'LRANGE':
        return found.kind === 'string' ? wrongType : range(found, Number(args[2]), Number(args[3]));
      default:
        throw new Error(`the model does not know ${name}`);
    }
  }

  /** What can be seen at an index and an instant: a text, or a list, by key. */
  visible(index: number, now: number): ReadonlyMap<string, string | readonly string[]> {
    const seen = new Map<string, string | readonly string[]>();
    for (const key of this.keys.keys()) {
      const found = this.look(key, index, now);
      if (found.kind === 'string') seen.set(key, found.text);
      else if (found.kind === 'list') seen.set(key, found.items.slice(0, found.length));
    }
    return seen;
  }

  /** The keys that are there at an index, those included whose time has come: until when, 0 for ever. */
  held(index: number): ReadonlyMap<string, number> {
    const held = new Map<string, number>();
    for (const key of this.keys.keys()) {
      const { kind, expiresAt } = this.look(key, index, 0);
      if (kind !== 'none') held.set(key, expiresAt);
    }
    return held;
  }

  /** `exec`, how many were watched, each with its version, then commands with their lengths before them. */
  private transact(args: ModelCommand, protocol: 2 | 3, index: number, now: number): string {
    let at = 2 + 2 * Number(args[1]);
    for (let watched = 2; watched < at; watched += 2) {
      if (this.versionOf(args[watched] ?? '', index, now) !== Number(args[watched + 1]))
        return protocol === 3 ? '_\r\n' : '*-1\r\n';
    }
    const replies: string[] = [];
    while (at < args.length) {
      const end = at + 1 + Number(args[at]);
      replies.push(this.run(args.slice(at + 1, end), protocol, index, now));
      at = end;
    }
    return `*${String(replies.length)}\r\n${replies.join('')}`;
  }

  /** Odd for a key that is there. One past its time is as if it had left with its last write. */
  private versionOf(key: string, index: number, now: number): number {
    const found = this.look(key, index, now);
    if (found.kind !== 'none') return 2 * found.write + 1;
    const stored = this.look(key, index, 0);
    return 2 * Math.max(this.removedIn(key, index), stored.kind === 'none' ? 0 : stored.write);
  }

  /** The last write that took away a key of the same bucket; 0 if none did. */
  private removedIn(key: string, index: number): number {
    return this.removals.get(bucketOf(key))?.findLast((removal) => removal.index <= index)?.write ?? 0;
  }

  /** A key past its time is there until a write comes upon it. */
  private leaveIfExpired(key: string, index: number, now: number): void {
    const last = this.keys.get(key)?.at(-1);
    if (last === undefined || last.kind === 'none') return;
    if (last.expiresAt !== 0 && last.expiresAt <= now) this.leave(key, index, last.write);
  }

  /** `write`: the last that touched it. */
  private leave(key: string, index: number, write: number): void {
    this.put(key, { ...missing, index });
    const removal = { index, write: Math.max(write, this.removedIn(key, index)) };
    const known = this.removals.get(bucketOf(key));
    if (known === undefined) this.removals.set(bucketOf(key), [removal]);
    else known.push(removal);
  }

  private increment(key: string, found: Version, index: number): string {
    if (found.kind === 'list') return wrongType;
    const value = found.kind === 'none' ? 0 : Number(found.text);
    if (!Number.isSafeInteger(value)) return '-ERR value is not an integer or out of range\r\n';
    this.put(key, { ...found, index, kind: 'string', text: String(value + 1) });
    return `:${String(value + 1)}\r\n`;
  }

  private append(key: string, found: Version, value: string, index: number): string {
    if (found.kind === 'list') return wrongType;
    const text = found.text + value;
    this.put(key, { ...found, index, kind: 'string', text });
    return `:${String(text.length)}\r\n`;
  }

  private push(key: string, found: Version, value: string, index: number): string {
    if (found.kind === 'string') return wrongType;
    const items = found.kind === 'none' ? [] : found.items;
    items.push(value);
    this.put(key, { ...found, index, kind: 'list', items, length: found.length + 1 });
    return `:${String(found.length + 1)}\r\n`;
  }

  /** The key as of an index and an instant. A key past its time is invisible. */
  private look(key: string, index: number, now: number): Version {
    const versions = this.keys.get(key);
    if (versions === undefined) return missing;
    for (let at = versions.length - 1; at >= 0; at -= 1) {
      const version = versions[at];
      if (version === undefined || version.index > index) continue;
      return version.expiresAt !== 0 && version.expiresAt <= now ? missing : version;
    }
    return missing;
  }

  private put(key: string, made: Omit<Version, 'write'>): void {
    const version = { ...made, write: this.write };
    const versions = this.keys.get(key);
    if (versions === undefined) this.keys.set(key, [version]);
    else versions.push(version);
  }
}

function bulk(text: string): string {
  return `$${String(text.length)}\r\n${text}\r\n`;
}

/** As LRANGE: both ends included, negative ones count from the end. */
function range(list: Version, first: number, last: number): string {
  const { length, items } = list;
  const start = Math.max(0, first < 0 ? length + first : first);
  const end = Math.min(length - 1, last < 0 ? length + last : last);
  if (start > end) return '*0\r\n';
  let reply = `*${String(end - start + 1)}\r\n`;
  for (let at = start; at <= end; at += 1) reply += bulk(items[at] ?? '');
  return reply;
}
