/**
 * Commands about the connection itself: PING, ECHO, HELLO, AUTH, SELECT, QUIT, RESET, CLIENT.
 */
import { binaryString, noBytes } from '../../base/bytes.ts';
import { limits } from '../../base/limits.ts';
import { elapsedMs, type Now } from '../../base/time.ts';
import { type Connection, readHere, resetConnection } from '../connection.ts';
import { integerOf, isPrintable, wordOf, wrongSubcommand } from './arguments.ts';
import { type NodeCall, type NodeCommand, nodeCommand } from './spec.ts';

const group = 'connection';

export const serverVersion = '7.2.0';

export const connectionCommands: readonly NodeCommand[] = [
  nodeCommand({
    name: 'ping',
    arity: -1,
    group,
    since: '1.0.0',
    summary: 'Answers PONG, or the message given.',
    run: ping,
  }),
  nodeCommand({ name: 'echo', arity: 2, group, since: '1.0.0', summary: 'Answers the message given.', run: echo }),
  nodeCommand({
    name: 'hello',
    arity: -1,
    group,
    since: '6.0.0',
    summary: 'Agrees on the protocol version.',
    run: hello,
  }),
  nodeCommand({ name: 'auth', arity: -2, group, since: '1.0.0', summary: 'Authenticates the connection.', run: auth }),
  nodeCommand({
    name: 'select',
    arity: 2,
    group,
    since: '1.0.0',
    summary: 'Chooses a database: there is only 0.',
    run: select,
  }),
  nodeCommand({ name: 'quit', arity: -1, group, since: '1.0.0', summary: 'Closes the connection.', run: quit }),
  nodeCommand({
    name: 'reset',
    arity: 1,
    group,
    since: '6.2.0',
    summary: 'Forgets what the connection was told.',
    run: reset,
  }),
  nodeCommand({
    name: 'readonly',
    arity: 1,
    group,
    since: '3.0.0',
    summary: 'Lets replicas that do not lead serve reads of this connection. They are as fresh as those of the leader.',
    run: ({ connection, reply }) => {
      readHere(connection, true);
      reply.ok();
    },
  }),
  nodeCommand({
    name: 'readwrite',
    arity: 1,
    group,
    since: '3.0.0',
    summary: 'Ends READONLY.',
    run: ({ connection, reply }) => {
      readHere(connection, false);
      reply.ok();
    },
  }),
  nodeCommand({
    name: 'client',
    arity: -2,
    group,
    since: '2.4.0',
    summary: 'Names, lists and tunes connections.',
    run: client,
  }),
];

function ping({ args, reply }: NodeCall): void {
  if (args.length > 2) reply.error("ERR wrong number of arguments for 'ping' command");
  else if (args[1] === undefined) reply.simple('PONG');
  else reply.bulk(args[1]);
}

function echo({ args, reply }: NodeCall): void {
  reply.bulk(args[1] ?? noBytes);
}

function hello({ args, reply, connection }: NodeCall): void {
  let protocol: 2 | 3 = connection.protocol;
  if (args[1] !== undefined) {
    const version = integerOf(args[1]);
    if (version === null) {
      reply.error('ERR Protocol version is not an integer or out of range');
      return;
    }
    if (version !== 2 && version !== 3) {
      reply.error('NOPROTO unsupported protocol version');
      return;
    }
    protocol = version;
  }
  let name: string | null = null;
  for (let i = 2; i < args.length; ) {
    const option = wordOf(args[i]);
    if (option === 'auth' && i + 2 < args.length) {
      if (binaryString(args[i + 1] ?? noBytes) !== 'default') {
        reply.error('WRONGPASS invalid username-password pair or user is disabled.');
        return;
      }
      i += 3;
    } else if (option === 'setname' && i + 1 < args.length) {
      name = binaryString(args[i + 1] ?? noBytes);
      i += 2;
    } else {
      reply.error(`ERR Syntax error in HELLO option '${binaryString(args[i] ?? noBytes)}'`);
      return;
    }
  }
  if (name !== null && !isName(name)) {
    reply.error(badName('names'));
    return;
  }
  if (name !== null) connection.name = name;
  connection.protocol = protocol;
  reply.protocol = protocol;
  reply.map(7);
  reply.bulkText('server');
  reply.bulkText('redis');
  reply.bulkText('version');
  reply.bulkText(serverVersion);
  reply.bulkText('proto');
  reply.integer(protocol);
  reply.bulkText('id');
  reply.integer(connection.id);
  reply.bulkText('mode');
  reply.bulkText('standalone');
  reply.bulkText('role');
  reply.bulkText('master');
  reply.bulkText('modules');
  reply.array(0);
}

/** Open mode: the user `default` needs no password, and any it gives is accepted as Redis accepts it. */
function auth({ args, reply }: NodeCall): void {
  if (args.length > 3) reply.error('ERR syntax error');
  else if (args.length === 2) {
    reply.error(
      'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
    );
  } else if (binaryString(args[1] ?? noBytes) === 'default') reply.ok();
  else reply.error('WRONGPASS invalid username-password pair or user is disabled.');
}

function select({ args, reply }: NodeCall): void {
  const index = integerOf(args[1] ?? noBytes);
  if (index === null) reply.error('ERR value is not an integer or out of range');
  else if (index === 0) reply.ok();
  else reply.error('ERR DB index is out of range');
}

function quit({ reply, connection, node }: NodeCall): void {
  reply.ok();
  node.close(connection);
}

function reset({ reply, connection }: NodeCall): void {
  resetConnection(connection);
  reply.protocol = connection.protocol;
  reply.simple('RESET');
}

function client(call: NodeCall): void {
  const { args, reply, connection } = call;
  const [, subcommand, first = noBytes, second = noBytes] = args;
  switch (`${wordOf(subcommand)} ${String(args.length)}`) {
    case 'id 2':
      reply.integer(connection.id);
      return;
    case 'getname 2':
      if (connection.name === '') reply.nil();
      else reply.bulkText(connection.name);
      return;
    case 'setname 3':
      setName(call, binaryString(first));
      return;
    case 'setinfo 4':
      setInfo(call, wordOf(first), binaryString(second));
      return;
    case 'info 2':
      reply.verbatim('txt', describe(connection, call.now));
      return;
    case 'no-evict 3':
    case 'no-touch 3':
      if (wordOf(first) === 'on' || wordOf(first) === 'off') reply.ok();
      else reply.error('ERR syntax error');
      return;
    case 'reply 3':
      setReplies(call, wordOf(first));
      return;
    case 'getredir 2':
      reply.integer(-1);
      return;
    case 'help 2':
      reply.array(help.length);
      for (const line of help) reply.simple(line);
      return;
    default:
      if (wordOf(subcommand) === 'list') list(call);
      else reply.error(wrongSubcommand('client', subcommand));
  }
}

const help: readonly string[] = [
  'CLIENT <subcommand> [<arg> ...]. Subcommands are:',
  'GETNAME, SETNAME <name>: the name of this connection.',
  'ID, INFO: this connection; LIST [TYPE normal] [ID <id> ...]: all of this node.',
  'SETINFO LIB-NAME|LIB-VER <value>: what library it uses.',
  'REPLY ON|OFF|SKIP: whether it wants replies.',
  'NO-EVICT ON|OFF, NO-TOUCH ON|OFF: accepted, without effect.',
];

function setName({ connection, reply }: NodeCall, name: string): void {
  if (!isName(name)) reply.error(badName('names'));
  else {
    connection.name = name;
    reply.ok();
  }
}

function setInfo({ connection, reply }: NodeCall, attribute: string, value: string): void {
  if (attribute !== 'lib-name' && attribute !== 'lib-ver') reply.error(`ERR Unrecognized option '${attribute}'`);
  else if (!isName(value)) reply.error(`ERR ${attribute} cannot contain spaces, newlines or special characters.`);
  else {
    if (attribute === 'lib-name') connection.libraryName = value;
    else connection.libraryVersion = value;
    reply.ok();
  }
}

function setReplies({ connection, reply }: NodeCall, mode: string): void {
  if (mode === 'on') {
    connection.replies = 'on';
    reply.ok();
  } else if (mode === 'off') connection.replies = 'off';
  else if (mode === 'skip') {
    if (connection.replies === 'on') connection.replies = 'skipNext';
  } else reply.error('ERR syntax error');
}

function list({ args, reply, node, now }: NodeCall): void {
  const wanted = new Set<number>();
  const option = wordOf(args[2]);
  if (option === 'id' && args.length > 3) {
    for (const arg of args.slice(3)) {
      const id = integerOf(arg);
      if (id === null || id < 1) {
        reply.error('ERR Invalid client ID');
        return;
      }
      wanted.add(id);
    }
  } else if (option === 'type' && args.length === 4) {
    if (wordOf(args[3]) !== 'normal') {
      reply.verbatim('txt', '');
      return;
    }
  } else if (args.length > 2) {
    reply.error('ERR syntax error');
    return;
  }
  let text = '';
  for (const connection of node.connections()) {
    if (wanted.size === 0 || wanted.has(connection.id)) text += describe(connection, now);
  }
  reply.verbatim('txt', text);
}

function describe(connection: Connection, now: Now): string {
  const age = Math.floor(elapsedMs(connection.openedAt, now.mono) / 1000);
  const idle = Math.floor(elapsedMs(connection.lastActiveAt, now.mono) / 1000);
  const { id, address, name, protocol, lastCommand, libraryName, libraryVersion, tenant, slots, arrivals } = connection;
  return (
    `id=${String(id)} addr=${address} laddr= fd=0 name=${name} age=${String(age)} idle=${String(idle)} flags=N db=0 ` +
    `pending=${String(slots.length + arrivals)} tenant=${tenant ?? ''} cmd=${lastCommand === '' ? 'NULL' : lastCommand} user=default ` +
    `resp=${String(protocol)} lib-name=${libraryName} lib-ver=${libraryVersion}\n`
  );
}

function isName(name: string): boolean {
  return name.length <= limits.clientNameBytes && isPrintable(name);
}

function badName(what: string): string {
  return `ERR Client ${what} cannot contain spaces, newlines or special characters.`;
}
