/**
 * What a command is: how it looks to a client, where its keys are, and how it runs on a tenant's data.
 */
import type { Random } from '../base/random.ts';
import type { WallTime } from '../base/time.ts';
import type { ReplyWriter } from '../resp/replyWriter.ts';
import type { ClientSessions } from './clientSessions.ts';
import type { Full } from './fullness.ts';
import type { Keyspace } from './keyspace.ts';

export interface CommandSpec {
  /** Lower case. */
  readonly name: string;
  /** As Redis counts: with the name; negative means "at least". */
  readonly arity: number;
  readonly flags: readonly string[];
  /** Positions of keys among the arguments, 0 for none; a negative `lastKey` counts from the end. */
  readonly firstKey: number;
  readonly lastKey: number;
  readonly keyStep: number;
  /** With their `@`. */
  readonly categories: readonly string[];
  readonly doc: CommandDoc;
}

export interface CommandDoc {
  readonly summary: string;
  readonly since: string;
  readonly group: string;
  readonly complexity: string;
}

export interface DataCommand extends CommandSpec {
  /** A write is logged; a read runs beside the log. */
  readonly access: 'read' | 'write';
  /** `keys`: its keys may name the tenant. `keyspace`: it means the connection's tenant. */
  readonly scope: 'keys' | 'keyspace';
  /** It may take memory: Redis' `denyoom`. */
  readonly mayGrow: boolean;
  /** Writes exactly one reply. One that replies with an error has changed nothing. */
  readonly run: (execution: Execution) => void;
}

/** What a command runs on. One object is used for many runs. */
export interface Execution {
  keyspace: Keyspace;
  /** What the tenant remembers for clients that number their writes. */
  clients: ClientSessions;
  /** `args[0]` is the name. Slices of larger buffers: what is stored is copied. */
  args: readonly Uint8Array[];
  /** Log time in a write; never before the last log time in a read. */
  now: WallTime;
  /** In a write, the same on every replica. */
  random: Random;
  readonly reply: ReplyWriter;
  /** What a write may make a value grow to. */
  maxValueBytes: number;
  /** Before a write: which quota of the tenant is used up, null if none is. */
  full: Full | null;
}

/** Finds a command by its name, in whatever case. */
export type FindCommand = (name: Uint8Array) => DataCommand | undefined;

export function isArityRight(spec: CommandSpec, count: number): boolean {
  return spec.arity >= 0 ? count === spec.arity : count >= -spec.arity;
}

/** Where the keys are among `args`, in order. */
export function keysOf(spec: CommandSpec, args: readonly Uint8Array[]): readonly number[] {
  const { firstKey, lastKey, keyStep } = spec;
  if (firstKey === 0) return noPositions;
  if (firstKey === 1 && lastKey === 1) return onlyFirst;
  const last = lastKey < 0 ? args.length + lastKey : Math.min(lastKey, args.length - 1);
  const positions: number[] = [];
  for (let position = firstKey; position <= last; position += keyStep) positions.push(position);
  return positions;
}

const noPositions: readonly number[] = [];
const onlyFirst: readonly number[] = [1];

type KeyLayout = 'none' | 'first' | 'second' | 'firstTwo' | 'all' | 'pairs';

/** Which arguments are keys: first, last, step. */
const layouts: Readonly<Record<KeyLayout, readonly [number, number, number]>> = {
  none: [0, 0, 0],
  first: [1, 1, 1],
  second: [2, 2, 1],
  firstTwo: [1, 2, 1],
  all: [1, -1, 1],
  pairs: [1, -1, 2],
};

/**
 * Makes the specs of a family: what its commands have in common is said once. Flags are `readonly` or `write`,
 * then what else COMMAND INFO tells.
 */
export function family(group: string, category: string) {
  return (
    name: string,
    arity: number,
    flags: string,
    keys: KeyLayout,
    since: string,
    complexity: string,
    summary: string,
    run: (execution: Execution) => void,
  ): DataCommand => {
    const [firstKey, lastKey, keyStep] = layouts[keys];
    const words = flags.split(' ');
    const access = words.includes('write') ? 'write' : 'read';
    const speed = words.includes('fast') ? '@fast' : '@slow';
    return {
      name,
      arity,
      flags: words.filter((word) => word !== dangerous),
      firstKey,
      lastKey,
      keyStep,
      categories: [category, `@${access}`, speed, ...(words.includes(dangerous) ? [`@${dangerous}`] : [])],
      doc: { summary, since, group, complexity },
      access,
      scope: keys === 'none' ? 'keyspace' : 'keys',
      mayGrow: words.includes('denyoom'),
      run,
    };
  };
}

/** A category that no other word implies. */
const dangerous = 'dangerous';
