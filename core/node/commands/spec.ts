/**
 * Commands the node answers itself, beside the data commands of the engine: about the connection, the server
 * and the cluster. Same spec, another way to run.
 */
import type { Now } from '../../base/time.ts';
import type { CommandSpec } from '../../engine/command.ts';
import type { ReplyWriter } from '../../resp/replyWriter.ts';
import type { Connection } from '../connection.ts';
import type { NodeView } from '../view.ts';

export interface NodeCommand extends CommandSpec {
  readonly run: (call: NodeCall) => void;
}

/** What a command of the node may look at and change. It replies at once, or leaves the reply to a procedure. */
export interface NodeCall {
  readonly connection: Connection;
  readonly args: readonly Uint8Array[];
  readonly reply: ReplyWriter;
  readonly now: Now;
  readonly node: NodeView;
}

interface SpecParts {
  readonly name: string;
  readonly arity: number;
  readonly summary: string;
  readonly group: string;
  readonly since: string;
  /** `all`: every argument is a key. */
  readonly keys?: 'all';
  readonly run: (call: NodeCall) => void;
}

const categories: ReadonlyMap<string, string> = new Map([
  ['connection', '@connection'],
  ['transactions', '@transaction'],
]);

/** Fills in what all commands of the node have in common. */
export function nodeCommand(parts: SpecParts): NodeCommand {
  const { name, arity, summary, group, since, run } = parts;
  const [firstKey, lastKey, keyStep] = parts.keys === 'all' ? [1, -1, 1] : [0, 0, 0];
  return {
    name,
    arity,
    flags: ['noscript', 'loading', 'stale', 'fast'],
    firstKey,
    lastKey,
    keyStep,
    categories: ['@fast', categories.get(group) ?? '@admin'],
    doc: { summary, since, group, complexity: 'O(1)' },
    run,
  };
}
