/** The client port over real sockets: commands in, replies out, and what nobody may make it hold. */
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { ConnId, Input } from '../../core/index.ts';
import { ClientServer, type ClientServerOptions } from '../../runtime/clients/clientServer.ts';
import { freePort } from '../support/freePort.ts';
import { listeningLog } from './quietLog.ts';
import { until } from './until.ts';

const mib = 1024 * 1024;

interface Served {
  readonly server: ClientServer;
  readonly inputs: Input[];
  readonly messages: readonly string[];
  readonly dial: () => Client;
}

interface Client {
  readonly socket: Socket;
  readonly received: () => string;
  readonly isClosed: () => boolean;
}

const servers: ClientServer[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await server.close();
});

/** A server, and what it tells the core, which has enough of the first client each time it was told `enough` things. */
async function serve(options: Partial<ClientServerOptions> = {}, enough: readonly number[] = []): Promise<Served> {
  const inputs: Input[] = [];
  const { log, messages } = listeningLog();
  const port = await freePort();
  const framer = { maxArguments: 100, maxBulkBytes: mib, maxCommandBytes: 2 * mib };
  const usual = { host: '127.0.0.1', port, maxClients: 10, maxUnreadBytes: 8 * mib, idleMs: 0, framer };
  const server = new ClientServer({ ...usual, ...options }, log, (input) => {
    if (enough.includes(inputs.push(input))) server.setPaused(conn(1), true);
  });
  await server.listen();
  servers.push(server);
  return { server, inputs, messages, dial: () => dial(port) };
}

function dial(port: number): Client {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  let received = '';
  let isClosed = false;
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    isClosed = true;
  });
  return { socket, received: () => received, isClosed: () => isClosed };
}

/** What the core was told, with addresses and bytes made readable. */
function told(inputs: readonly Input[]): readonly string[] {
  return inputs.map((input) => {
    if (input.kind === 'clientCommand') return `${String(input.conn)} ${Buffer.concat(input.args).toString()}`;
    if (input.kind === 'clientMalformed') return `${String(input.conn)} malformed: ${input.error}`;
    return 'conn' in input ? `${String(input.conn)} ${input.kind}` : input.kind;
  });
}

/** Time for whatever would have happened by itself. */
async function turnsOfTheLoop(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const conn = (id: number): ConnId => id as ConnId;

test('commands arrive in order, replies leave, and a client that goes away is reported once', async () => {
  const { server, inputs, dial } = await serve();
  const client = dial();
  client.socket.write('*1\r\n$4\r\nPING\r\nECHO\r\n');
  await until(() => inputs.length === 3, 'two commands');
  server.send(conn(1), Buffer.from('+PONG\r\n'));
  await until(() => client.received() === '+PONG\r\n', 'the reply');
  client.socket.resetAndDestroy();
  await until(() => inputs.length === 4, 'the end');
  expect(told(inputs)).toEqual(['1 clientOpened', '1 PING', '1 ECHO', '1 clientClosed']);
});

test('a client that sends no more still gets what it is owed, then the end', async () => {
  const { server, inputs, dial } = await serve();
  const client = dial();
  client.socket.end('PING\r\n');
  await until(() => inputs.length === 4, 'the farewell');
  server.send(conn(1), Buffer.from('+PONG\r\n'));
  server.closeClient(conn(1));
  await until(client.isClosed, 'the close');
  expect(client.received()).toBe('+PONG\r\n');
  expect(told(inputs)).toEqual(['1 clientOpened', '1 PING', '1 CLIENTREPLYOFF', '1 QUIT']);
});

test('a broken protocol is reported, and nothing behind it', async () => {
  const { server, inputs, dial } = await serve();
  const client = dial();
  client.socket.write('*1\r\n$x\r\nPING\r\n');
  await until(() => inputs.length === 2, 'the error');
  client.socket.write('PING\r\n');
  server.send(conn(1), Buffer.from('-ERR\r\n'));
  server.closeClient(conn(1));
  await until(client.isClosed, 'the close');
  expect(client.received()).toBe('-ERR\r\n');
  expect(told(inputs)).toEqual(['1 clientOpened', '1 malformed: ERR Protocol error: invalid bulk length']);
});

test('a web request is cut off, and said once', async () => {
  const { inputs, messages, dial } = await serve();
  const clients = [dial(), dial()];
  for (const { socket } of clients) socket.write('POST / HTTP/1.1\r\nHost: x\r\n\r\nPING\r\n');
  await until(() => clients.every(({ isClosed }) => isClosed()), 'both closed');
  await until(() => inputs.length === 4, 'both reported');
  expect(messages).toEqual(['possible attack: a web request on the client port; connection closed']);
  expect(clients.map(({ received }) => received())).toEqual(['', '']);
});

test('clients above the limit are told so and closed; a place that is given back can be taken', async () => {
  const { inputs, messages, dial } = await serve({ maxClients: 1 });
  const first = dial();
  await until(() => inputs.length === 1, 'the first');
  const second = dial();
  second.socket.write('PING\r\n');
  await until(second.isClosed, 'the second refused');
  expect(second.received()).toBe('-ERR max number of clients reached\r\n');
  expect(messages).toEqual(['max number of clients reached']);
  first.socket.resetAndDestroy();
  await until(() => inputs.length === 2, 'the first gone');
  dial();
  await until(() => inputs.length === 3, 'the third');
  expect(told(inputs)).toEqual(['1 clientOpened', '1 clientClosed', '2 clientOpened']);
});

test('a client that does not read its replies is cut off', async () => {
  const { server, inputs, messages, dial } = await serve();
  const client = dial();
  client.socket.pause();
  await until(() => inputs.length === 1, 'the client');
  // More than the system buffers between the two take.
  for (let sent = 0; sent < 12; sent += 1) server.send(conn(1), Buffer.alloc(mib));
  await until(() => inputs.length > 1, 'the end');
  expect(told(inputs)).toEqual(['1 clientOpened', '1 clientClosed']);
  expect(messages).toEqual(['client does not read its replies: connection closed']);
});

test('a slow client is not read from until it has caught up', async () => {
  const { server, inputs, dial } = await serve({ maxUnreadBytes: 64 * mib });
  const [client, other] = [dial(), dial()];
  client.socket.pause();
  await until(() => inputs.length === 2, 'both');
  server.send(conn(1), Buffer.alloc(16 * mib, 'x'));
  server.setPaused(conn(1), false);
  client.socket.write('PING\r\n');
  other.socket.write('PING\r\n');
  await until(() => inputs.length === 3, 'the other');
  expect(told(inputs).at(-1)).toBe('2 PING');
  client.socket.resume();
  await until(() => inputs.length === 4, 'the slow');
  expect(told(inputs).at(-1)).toBe('1 PING');
});

test('a paused client is not read from until it is resumed', async () => {
  const { server, inputs, dial } = await serve();
  const [client, other] = [dial(), dial()];
  await until(() => inputs.length === 2, 'both');
  server.setPaused(conn(1), true);
  client.socket.write('PING\r\n');
  other.socket.write('PING\r\n');
  await until(() => inputs.length === 3, 'the other');
  expect(told(inputs).at(-1)).toBe('2 PING');
  server.setPaused(conn(1), false);
  await until(() => inputs.length === 4, 'the paused');
  expect(told(inputs).at(-1)).toBe('1 PING');
});

/** More than are handed over at a time. */
const words = Array.from({ length: 3000 }, (_, i) => `w${String(i)}`);
const saidAtOnce = `${words.join('\r\n')}\r\n`;

test('of many commands at once some are handed over, few once the core had enough, and none while it has', async () => {
  const { server, inputs, dial } = await serve({}, [2, 1026]);
  const client = dial();
  client.socket.write(saidAtOnce);
  await until(() => inputs.length > 1, 'the first');
  await turnsOfTheLoop();
  const first = inputs.length;
  expect(first).toBeLessThanOrEqual(1 + 1024);
  server.setPaused(conn(1), false);
  await until(() => inputs.length > first, 'more');
  await turnsOfTheLoop();
  expect(inputs.length).toBeLessThanOrEqual(1 + 1024 + 128);
  server.setPaused(conn(1), false);
  await until(() => inputs.length === 1 + words.length, 'all of them');
  expect(told(inputs)).toEqual(['1 clientOpened', ...words.map((word) => `1 ${word}`)]);
});

test('behind all that a client said come its farewell, or what it says next', async () => {
  const { inputs, dial } = await serve();
  const client = dial();
  client.socket.write(saidAtOnce);
  await until(() => inputs.length === 1 + words.length, 'all of them');
  client.socket.end(saidAtOnce);
  await until(() => inputs.length === 1 + 2 * words.length + 2, 'the farewell');
  const commands = [...words, ...words, 'CLIENTREPLYOFF', 'QUIT'].map((word) => `1 ${word}`);
  expect(told(inputs)).toEqual(['1 clientOpened', ...commands]);
});

test('a client that is paused and sends no more says farewell when it is heard again', async () => {
  const { server, inputs, dial } = await serve({}, [2]);
  const client = dial();
  client.socket.end(saidAtOnce);
  await until(() => inputs.length > 1, 'the first');
  await turnsOfTheLoop();
  expect(told(inputs).at(-1)).toMatch(/^1 w/);
  server.setPaused(conn(1), false);
  await until(() => inputs.length === 1 + words.length + 2, 'the farewell');
  expect(told(inputs).slice(-3)).toEqual(['1 w2999', '1 CLIENTREPLYOFF', '1 QUIT']);
});

test('a client that says nothing for too long is closed', async () => {
  const { inputs, dial } = await serve({ idleMs: 20 });
  const client = dial();
  await until(client.isClosed, 'the close');
  await until(() => inputs.length === 2, 'the report');
  expect(told(inputs)).toEqual(['1 clientOpened', '1 clientClosed']);
});

test('closing sends what was written before', async () => {
  const { server, inputs, dial } = await serve();
  const client = dial();
  await until(() => inputs.length === 1, 'the client');
  server.send(conn(1), Buffer.from('+OK\r\n'));
  await server.close();
  await until(client.isClosed, 'the close');
  expect(client.received()).toBe('+OK\r\n');
});
