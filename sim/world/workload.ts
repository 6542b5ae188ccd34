/**
 * What clients ask for: commands over a few tenants and keys, each stored value with its tenant's name and a
 * number of its own, so that a byte of it tells where it belongs.
 */
import type { Random } from '../../core/base/random.ts';
import { between, chance, pick } from '../base/random.ts';
import { bytesOfBinary } from '../../core/base/bytes.ts';
import type { Workload } from '../scenario/scenario.ts';
import { taggedValue } from '../oracles/rightReply.ts';

export interface Ask {
  /** `data`: runs in a group. `node`: the ingress answers it itself, or by a procedure. */
  readonly kind: 'data' | 'node';
  readonly tenant: string;
  /** It is logged as one write: a command, or an EXEC of a transaction that writes. */
  readonly isWrite: boolean;
  readonly args: readonly Uint8Array[];
  readonly text: string;
}

/** Long enough to matter, short enough to pass within a run. */
const expiryMs = { from: 5, to: 2000 } as const;

const shortRange = 5;

type Kind = 'SET' | 'SETPX' | 'GET' | 'STRLEN' | 'INCR' | 'APPEND' | 'RPUSH' | 'LRANGE' | 'LLEN' | 'DEL' | 'PEXPIRE';

const reads: readonly Kind[] = ['GET', 'GET', 'GET', 'STRLEN', 'LRANGE', 'LRANGE', 'LLEN'];
const writes: readonly Kind[] = [
  'SET',
  'SET',
  'SETPX',
  'INCR',
  'INCR',
  'APPEND',
  'RPUSH',
  'RPUSH',
  'RPUSH',
  'DEL',
  'PEXPIRE',
];

/** What is asked for where keys do not expire. */
const lasting: Readonly<Partial<Record<Kind, Kind>>> = { SETPX: 'SET', PEXPIRE: 'DEL' };

export class AskMaker {
  private readonly knobs: Workload;
  private readonly tenants: readonly string[];
  private readonly random: Random;
  private readonly nextOperation: () => number;

  /** `nextOperation` numbers the operations of all clients. */
  constructor(knobs: Workload, tenants: readonly string[], random: Random, nextOperation: () => number) {
    this.knobs = knobs;
    this.tenants = tenants;
    this.random = random;
    this.nextOperation = nextOperation;
  }

  tenant(): string {
    return pick(this.random, this.tenants);
  }

  /** What is sent in one go. `bound`: the tenant the connection chose, whose keys need no braces. */
  next(bound: string | null): readonly Ask[] {
    const { random, knobs } = this;
    const tenant = bound ?? this.tenant();
    const prefix = bound === null ? `{${tenant}}` : '';
    if (chance(random, knobs.dropPermille)) return [nodeAsk(tenant, ['TENANT', 'DROP', tenant])];
    if (chance(random, knobs.createPermille)) return [nodeAsk(tenant, ['TENANT', 'CREATE', tenant])];
    if (knobs.transactPermille > 0 && chance(random, knobs.transactPermille)) return this.transaction(tenant, prefix);
    return [dataAsk(tenant, this.anyCommand(tenant, prefix))];
  }

  /** Commands between MULTI and EXEC; before them, keys to watch and something to do meanwhile. */
  private transaction(tenant: string, prefix: string): readonly Ask[] {
    const { random } = this;
    const asks: Ask[] = [];
    const watched = new Set<string>();
    for (let watches = between(random, 0, 2); watches > 0; watches -= 1) {
      const keys = Array.from({ length: between(random, 1, 2) }, () => this.commandOf('GET', tenant, prefix)[1] ?? '');
      // Of keys that are all watched already no group would be asked.
      if (keys.some((key) => !watched.has(key))) asks.push(dataAsk(tenant, ['WATCH', ...keys]));
      for (const key of keys) watched.add(key);
      if (chance(random, 500)) asks.push(dataAsk(tenant, this.anyCommand(tenant, prefix)));
    }
    asks.push(nodeAsk(tenant, ['MULTI']));
    let isWrite = false;
    for (let commands = between(random, 1, 4); commands > 0; commands -= 1) {
      const command = this.anyCommand(tenant, prefix);
      if (writeNames.has(command[0] ?? '')) isWrite = true;
      asks.push(nodeAsk(tenant, command));
    }
    return [...asks, dataAsk(tenant, ['EXEC'], isWrite)];
  }

  private anyCommand(tenant: string, prefix: string): readonly string[] {
    const { random, knobs } = this;
    const kind = pick(random, chance(random, knobs.readPermille) ? reads : writes);
    return this.commandOf(knobs.expires ? kind : (lasting[kind] ?? kind), tenant, prefix);
  }

  private commandOf(kind: Kind, tenant: string, prefix: string): readonly string[] {
    const { random } = this;
    const number = String(between(random, 1, this.knobs.keys));
    const operation = this.nextOperation();
    const value = taggedValue(tenant, operation);
    const ms = String(between(random, expiryMs.from, expiryMs.to));
    const text = `${prefix}s${number}`;
    const list = `${prefix}l${number}`;
    switch (kind) {
      case 'SET':
        return ['SET', text, value];
      case 'SETPX':
        return ['SET', text, value, 'PX', ms];
      case 'GET':
      case 'STRLEN':
        return [kind, text];
      case 'INCR':
        return ['INCR', `${prefix}n${number}`];
      case 'APPEND':
        return ['APPEND', text, value];
      case 'RPUSH':
        return ['RPUSH', list, value];
      case 'LRANGE':
        return chance(random, 200) ? ['LRANGE', list, '0', '-1'] : ['LRANGE', list, String(-shortRange), '-1'];
      case 'LLEN':
        return ['LLEN', list];
      case 'DEL':
        return ['DEL', chance(random, 500) ? list : text];
      case 'PEXPIRE':
        return ['PEXPIRE', chance(random, 500) ? list : text, ms];
    }
  }
}

const writeNames: ReadonlySet<string> = new Set(['SET', 'DEL', 'PEXPIRE', 'INCR', 'APPEND', 'RPUSH']);

export function dataAsk(tenant: string, words: readonly string[], isWrite = writeNames.has(words[0] ?? '')): Ask {
  return { kind: 'data', tenant, isWrite, args: words.map(bytesOfBinary), text: words.join(' ') };
}

export function nodeAsk(tenant: string, words: readonly string[]): Ask {
  return { kind: 'node', tenant, isWrite: false, args: words.map(bytesOfBinary), text: words.join(' ') };
}
