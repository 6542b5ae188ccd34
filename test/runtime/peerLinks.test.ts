/** Links over real sockets, beyond what any link must do (test/conformance): who may speak, and who is cut off. */
import { connect, type Socket } from 'node:net';
import { crc32 } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import {
  GroupId,
  Incarnation,
  type Input,
  LaneId,
  MapVersion,
  NodeId,
  RequestId,
  type TenantName,
} from '../../core/index.ts';
import { encodeFrames, FrameReader } from '../../core/wire/frames.ts';
import { decodeHello, encodeHello, type Hello, protocolVersion } from '../../core/wire/hello.ts';
import type { PeerMessage } from '../../core/wire/messages.ts';
import { PeerLinks, type PeerLinksOptions } from '../../runtime/peers/peerLinks.ts';
import { freePort } from '../support/freePort.ts';
import { listeningLog } from './quietLog.ts';
import { until } from './until.ts';

const mib = 1024 * 1024;
const host = '127.0.0.1';
const pace = { handshakeMs: 20_000, firstRetryMs: 1, lastRetryMs: 5, lookMs: 20_000 };

const links: PeerLinks[] = [];
const sockets: Socket[] = [];

afterEach(() => {
  for (const each of links.splice(0)) each.close();
  for (const socket of sockets.splice(0)) socket.destroy();
});

interface Peer {
  readonly peers: PeerLinks;
  readonly inputs: Input[];
  readonly messages: string[];
}

function hello(node: number, others: Partial<Hello> = {}): Hello {
  const settings = { version: protocolVersion, electionMs: 600, leaseReads: true, store: '', metadata: 'raft' };
  return { clusterId: 'test', node: NodeId(node), boot: 1, ...settings, began: 'new', ...others };
}

/** A node that listens on the port of its place in `ports`. */
async function start(node: number, ports: readonly number[], options: Partial<PeerLinksOptions> = {}): Promise<Peer> {
  const inputs: Input[] = [];
  const { log, messages } = listeningLog();
  const all = ports.map((port, i) => ({ node: NodeId(i + 1), host, port }));
  const usual = {
    hello: hello(node),
    host,
    port: ports[node - 1] ?? 0,
    peers: all.filter((peer) => peer.node !== node),
    refuseStore: () => null,
    maxQueuedBytes: 64 * mib,
    random: () => 0.5,
    pace,
  };
  const peers = new PeerLinks({ ...usual, ...options }, log, (input) => inputs.push(input));
  links.push(peers);
  await peers.listen();
  return { peers, inputs, messages };
}

function version(number: number): PeerMessage {
  return { kind: 'mapVersion', version: MapVersion(number), digest: 0 };
}

/** Versions received, and links that came and went. */
function told(inputs: readonly Input[]): readonly string[] {
  return inputs.flatMap((input) => {
    if (input.kind === 'peerUp' || input.kind === 'peerDown') return [`${input.kind} ${String(input.peer)}`];
    if (input.kind !== 'peerMessages') return [];
    return input.messages.map(
      (message) => `${String(input.from)}: ${message.kind === 'mapVersion' ? String(message.version) : '?'}`,
    );
  });
}

interface Stranger {
  readonly socket: Socket;
  readonly received: () => Buffer;
  readonly isClosed: () => boolean;
}

/** Somebody who dials and says what we like. */
function dial(port: number): Stranger {
  const socket = connect(port, host);
  sockets.push(socket);
  let received = Buffer.alloc(0);
  let isClosed = false;
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    isClosed = true;
  });
  return { socket, received: () => received, isClosed: () => isClosed };
}

test('two nodes of different clusters refuse each other', async () => {
  const ports = [await freePort(), await freePort()];
  const one = await start(1, ports);
  const two = await start(2, ports, { hello: hello(2, { clusterId: 'other' }) });
  await until(() => one.messages.includes('peer refused'), 'the refusal');
  expect([...told(one.inputs), ...told(two.inputs)]).toEqual([]);
});

const strangers: readonly (readonly [string, Buffer])[] = [
  ['another cluster', Buffer.from(encodeHello(hello(3, { clusterId: 'other' }), crc32))],
  ['another version', Buffer.from(encodeHello(hello(3, { version: protocolVersion + 1 }), crc32))],
  ['a node whose promises are shorter', Buffer.from(encodeHello(hello(3, { electionMs: 300 }), crc32))],
  ['a node that is not in the cluster', Buffer.from(encodeHello(hello(4), crc32))],
  ['ourselves', Buffer.from(encodeHello(hello(2), crc32))],
  ['a node that should be dialled', Buffer.from(encodeHello(hello(1), crc32))],
  ['a Redis client', Buffer.from('*1\r\n$4\r\nPING\r\n')],
  ['a web browser', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
  ['zeros', Buffer.alloc(4096)],
  ['a hello that never ends', Buffer.concat([Buffer.from('LHPR'), Buffer.of(0xff, 0xff), Buffer.alloc(70_000)])],
];

describe('a stranger is refused, without a word, and said once', () => {
  test.each(strangers)('%s', async (_, bytes) => {
    const ports = [await freePort(), await freePort(), await freePort()];
    const { inputs, messages } = await start(2, ports);
    const [whole, pieces] = [dial(ports[1] ?? 0), dial(ports[1] ?? 0)];
    whole.socket.write(bytes);
    for (const byte of bytes.subarray(0, 200)) pieces.socket.write(Buffer.of(byte));
    pieces.socket.write(bytes.subarray(200));
    await until(() => whole.isClosed() && pieces.isClosed(), 'both closed');
    expect([whole.received().length, pieces.received().length]).toEqual([0, 0]);
    expect(messages.filter((message) => message === 'peer refused')).toEqual(['peer refused']);
    expect(inputs).toEqual([]);
  });

  test('somebody who says nothing', async () => {
    const ports = [await freePort(), await freePort(), await freePort()];
    const { messages } = await start(2, ports, { pace: { ...pace, handshakeMs: 20 } });
    const stranger = dial(ports[1] ?? 0);
    await until(stranger.isClosed, 'the close');
    expect(messages).toContain('peer refused');
  });
});

describe('a peer', () => {
  async function linked(options: Partial<PeerLinksOptions> = {}): Promise<Stranger & Peer> {
    const ports = [await freePort(), await freePort()];
    const node = await start(1, ports, options);
    const peer = dial(ports[0] ?? 0);
    peer.socket.write(encodeHello(hello(2), crc32));
    await until(() => peer.received().length > 0, 'the answer');
    const answer = decodeHello(peer.received(), crc32);
    expect(answer).toMatchObject({ hello: hello(1) });
    expect(told(node.inputs)).toEqual(['peerUp 2']);
    return { ...peer, ...node };
  }

  test.each([
    ['garbage', Buffer.from('garbage that is no frame at all')],
    ['a frame that announces too much', Buffer.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0)],
    ['a frame with a wrong checksum', Buffer.from(encodeFrames([version(1)], () => 1)[0] ?? [])],
  ])('that sends %s is cut off', async (_, bytes) => {
    const { socket, isClosed, inputs, messages } = await linked();
    socket.write(Buffer.concat([...encodeFrames([version(5)], crc32), bytes, ...encodeFrames([version(6)], crc32)]));
    await until(isClosed, 'the close');
    const lost = told(inputs).filter((line) => line !== '2: 5');
    expect(lost).toEqual(['peerUp 2', 'peerDown 2']);
    expect(messages).toContain('peer sent bytes that are no frame: link closed');
  });

  /** So many bytes of one value. */
  function request(length: number, value: number): PeerMessage {
    const args = [new Uint8Array(length).fill(value)];
    const whose = { tenant: 't' as TenantName, incarnation: Incarnation(1) };
    return {
      kind: 'request',
      boot: 1,
      request: RequestId(1),
      attempt: 1,
      group: GroupId(1),
      lane: LaneId(1),
      resumes: false,
      ackBelow: RequestId(1),
      isRetry: false,
      operation: { kind: 'execute', ...whose, access: 'write', protocol: 2, args },
    };
  }

  test('that reads late gets what was sent', async () => {
    const { socket, peers } = await linked();
    socket.pause();
    const reader = new FrameReader(crc32);
    const read: unknown[] = [];
    socket.removeAllListeners('data');
    socket.on('data', (chunk: Buffer) => {
      const messages = reader.read(chunk);
      if (messages === 'malformed') read.push(messages);
      else read.push(...messages.map(bytesIn));
    });
    // More than the system buffers between the two take, in frames that share memory.
    const values = Array.from({ length: 200 }, (_, i) => i);
    for (const value of values) peers.send(NodeId(2), [request(100_000, value)]);
    socket.resume();
    await until(() => read.length === values.length || read.at(-1) === 'malformed', 'all of it');
    expect(read).toEqual(values.map((value) => [value]));
  });

  /** Which values stand in the last argument of a request. */
  function bytesIn(message: PeerMessage): readonly number[] {
    if (message.kind !== 'request' || message.operation.kind !== 'execute') return [];
    return [...new Set(message.operation.args.at(-1))];
  }

  test('that does not keep up is cut off', async () => {
    const { socket, peers, inputs, messages } = await linked({ maxQueuedBytes: mib });
    socket.pause();
    // More than the system buffers between the two take.
    for (let sent = 0; sent < 20; sent += 1) peers.send(NodeId(2), [request(mib, 0)]);
    await until(() => told(inputs).includes('peerDown 2'), 'the loss');
    expect(messages).toContain('peer does not keep up: link closed');
  });

  test('that falls silent is cut off', async () => {
    const { isClosed, inputs, messages } = await linked({ pace: { ...pace, lookMs: 2 } });
    await until(isClosed, 'the close');
    await until(() => told(inputs).length === 2, 'the report');
    expect(told(inputs)).toEqual(['peerUp 2', 'peerDown 2']);
    expect(messages).toContain('peer is silent: link closed');
  });

  test('that has nothing to say but is there is kept', async () => {
    const [empty = Buffer.alloc(0)] = encodeFrames([], crc32);
    const { socket, received, inputs } = await linked({ pace: { ...pace, lookMs: 20 } });
    socket.on('data', () => socket.write(empty));
    const before = received().length;
    await until(() => received().length > before + 20 * empty.length, 'twenty empty frames');
    expect(told(inputs)).toEqual(['peerUp 2']);
  });

  test('that dials again replaces its earlier link', async () => {
    const ports = [await freePort(), await freePort()];
    const { inputs, peers } = await start(1, ports);
    const earlier = dial(ports[0] ?? 0);
    earlier.socket.write(encodeHello(hello(2), crc32));
    await until(() => told(inputs).length === 1, 'the first link');
    const later = dial(ports[0] ?? 0);
    later.socket.write(encodeHello(hello(2, { boot: 2 }), crc32));
    await until(earlier.isClosed, 'the close');
    await until(() => told(inputs).length === 3, 'the second link');
    expect(told(inputs)).toEqual(['peerUp 2', 'peerDown 2', 'peerUp 2']);
    const before = later.received().length;
    peers.send(NodeId(2), [version(1)]);
    await until(() => later.received().length > before, 'the message');
  });
});

test('a peer that has left the cluster is told what that turn still says to it, and then let go', async () => {
  const ports = [await freePort(), await freePort()];
  const [one, two] = [await start(1, ports), await start(2, ports)];
  await until(() => one.inputs.length + two.inputs.length === 2, 'the link');
  one.peers.setPeers([]);
  one.peers.send(NodeId(2), [version(7)]);
  await until(() => told(two.inputs).includes('peerDown 1') && told(one.inputs).includes('peerDown 2'), 'the end');
  expect(told(two.inputs)).toEqual(['peerUp 1', '1: 7', 'peerDown 1']);
  expect(told(one.inputs)).toEqual(['peerUp 2', 'peerDown 2']);
});
