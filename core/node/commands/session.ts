/**
 * SESSION: for clients that number their writes, so that they can ask again through another node when the one they
 * were connected to is gone, and nothing runs twice.
 */
import { binaryString, noBytes } from '../../base/bytes.ts';
import { beginSession, endSession, resumeSession } from '../clientSession.ts';
import { integerOf, isPrintable, wordOf, wrongSubcommand } from './arguments.ts';
import { type NodeCall, type NodeCommand, nodeCommand } from './spec.ts';

export const sessionCommands: readonly NodeCommand[] = [
  nodeCommand({
    name: 'session',
    arity: -2,
    group: 'leasehold',
    since: '0.2.0',
    summary: 'Numbers the writes of this connection, so that they can be asked for again through another node.',
    run: session,
  }),
];

const help: readonly string[] = [
  'SESSION <subcommand> [<arg> ...]. Subcommands are:',
  'NEW: begins a session and answers its token. The writes that follow on this connection are numbered from 1 on.',
  'RESUME <token> FROM <number>: goes on with one, perhaps of another node: the next write has that number, and the client has the replies of all before it.',
  'INFO: the token, and the number of the next write; nil if there is no session.',
  'END: writes are not numbered any more.',
];
const longestToken = 128;

function session(call: NodeCall): void {
  const { args, reply, connection } = call;
  const [, subcommand, token = noBytes, from, number = noBytes] = args;
  switch (`${wordOf(subcommand)} ${String(args.length)}`) {
    case 'new 2':
      reply.bulkText(beginSession(connection, call.node, call.now));
      return;
    case 'resume 5':
      if (wordOf(from) === 'from') resume(call, binaryString(token), integerOf(number));
      else reply.error('ERR syntax error');
      return;
    case 'end 2':
      endSession(connection);
      reply.ok();
      return;
    case 'info 2':
      if (connection.session === null) reply.nil();
      else {
        reply.map(2);
        reply.bulkText('token');
        reply.bulkText(connection.session.token);
        reply.bulkText('next');
        reply.integer(connection.session.next);
      }
      return;
    case 'help 2':
      reply.array(help.length);
      for (const line of help) reply.simple(line);
      return;
    default:
      reply.error(wrongSubcommand('session', subcommand));
  }
}

function resume({ connection, reply }: NodeCall, token: string, number: number | null): void {
  if (token === '' || token.length > longestToken || !isPrintable(token))
    reply.error('ERR not executed: that is no token of a session');
  else if (number === null || number < 1) reply.error('ERR not executed: writes are numbered from 1 on');
  else {
    resumeSession(connection, token, number);
    reply.ok();
  }
}
