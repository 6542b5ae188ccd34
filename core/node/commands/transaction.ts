/**
 * MULTI, EXEC, DISCARD, WATCH, UNWATCH, with the errors of Redis.
 */
import { emptyQueue, endTransaction, Watching } from '../transactions.ts';
import { type NodeCall, type NodeCommand, nodeCommand } from './spec.ts';

const group = 'transactions';

export const transactionCommands: readonly NodeCommand[] = [
  nodeCommand({ name: 'multi', arity: 1, group, since: '1.2.0', summary: 'Begins a transaction.', run: multi }),
  nodeCommand({ name: 'exec', arity: 1, group, since: '1.2.0', summary: 'Runs a transaction.', run: exec }),
  nodeCommand({ name: 'discard', arity: 1, group, since: '2.0.0', summary: 'Drops a transaction.', run: discard }),
  nodeCommand({
    name: 'watch',
    arity: -2,
    group,
    since: '2.2.0',
    keys: 'all',
    summary: 'Lets EXEC run only if none of the keys was touched.',
    run: watch,
  }),
  nodeCommand({ name: 'unwatch', arity: 1, group, since: '2.2.0', summary: 'Forgets watched keys.', run: unwatch }),
];

function multi({ connection, reply }: NodeCall): void {
  if (connection.queued !== null) {
    reply.error('ERR MULTI calls can not be nested');
    return;
  }
  connection.queued = emptyQueue();
  reply.ok();
}

function exec({ connection, reply, node }: NodeCall): void {
  const { queued, watching } = connection;
  if (queued === null) {
    reply.error('ERR EXEC without MULTI');
    return;
  }
  endTransaction(connection);
  if (queued.isSpoilt) reply.error('EXECABORT Transaction discarded because of previous errors.');
  else if (queued.commands.length === 0 && watching.size === 0) reply.array(0);
  else node.exec(connection, queued, watching.calls);
}

function discard({ connection, reply }: NodeCall): void {
  if (connection.queued === null) {
    reply.error('ERR DISCARD without MULTI');
    return;
  }
  endTransaction(connection);
  reply.ok();
}

function watch({ connection, args, reply, node }: NodeCall): void {
  if (connection.queued !== null) reply.error('ERR WATCH inside MULTI is not allowed');
  else node.watch(connection, args);
}

function unwatch({ connection, reply }: NodeCall): void {
  connection.watching = new Watching();
  reply.ok();
}
