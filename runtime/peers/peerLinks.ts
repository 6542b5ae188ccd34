/**
 * Links to the other nodes: one TCP connection per pair, dialled by the node with the higher id. Each begins with
 * a handshake that refuses strangers; then frames, one per turn. A link that cannot keep up is cut.
 */
import { createServer, connect, type Server, type Socket } from 'node:net';
import { crc32 } from 'node:zlib';
import type { Input, NodeId } from '../../core/index.ts';
import { encodeFrames, FrameReader } from '../../core/wire/frames.ts';
import { decodeHello, encodeHello, type Hello, maxHelloBytes, refuseHello } from '../../core/wire/hello.ts';
import type { PeerMessage } from '../../core/wire/messages.ts';
import type { Logger } from '../log.ts';

export interface PeerAddress {
  readonly node: NodeId;
  readonly host: string;
  readonly port: number;
}

export interface PeerLinksOptions {
  readonly hello: Hello;
  readonly host: string;
  readonly port: number;
  /** All nodes but this one. */
  readonly peers: readonly PeerAddress[];
  /** Bytes waiting for one peer before its link is cut. */
  readonly maxQueuedBytes: number;
}

const firstRetryMs = 50;
const lastRetryMs = 1000;
const handshakeMs = 3000;
const keepAliveMs = 5000;

export class PeerLinks {
  private readonly options: PeerLinksOptions;
  private readonly log: Logger;
  private readonly emit: (input: Input) => void;
  private readonly server: Server;
  private readonly links = new Map<NodeId, Socket>();
  private readonly retries = new Map<NodeId, NodeJS.Timeout>();
  private readonly pending = new Set<Socket>();
  private isClosed = false;

  constructor(options: PeerLinksOptions, log: Logger, emit: (input: Input) => void) {
    this.options = options;
    this.log = log;
    this.emit = emit;
    this.server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs }, (socket) => {
      this.greet(socket, null, () => undefined);
    });
  }

  async listen(): Promise<void> {
    const { host, port } = this.options;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ host, port }, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
    for (const peer of this.options.peers) if (peer.node < this.options.hello.node) this.dial(peer, firstRetryMs);
  }

  /** Sends a turn's messages; if there is no link, or it is too slow, says so with `peerDown`. */
  send(to: NodeId, messages: readonly PeerMessage[]): void {
    const socket = this.links.get(to);
    if (socket === undefined) {
      this.emit({ kind: 'peerDown', peer: to });
      return;
    }
    const frames = encodeFrames(messages, crc32);
    if (frames.length > 1) socket.cork();
    for (const frame of frames) socket.write(frame);
    if (frames.length > 1) socket.uncork();
    if (socket.writableLength <= this.options.maxQueuedBytes) return;
    this.log.warn({ peer: to, queued: socket.writableLength }, 'peer does not keep up: link closed');
    socket.destroy();
  }

  close(): void {
    this.isClosed = true;
    this.server.close();
    for (const timer of this.retries.values()) clearTimeout(timer);
    for (const socket of [...this.links.values(), ...this.pending]) socket.destroySoon();
  }

  private dial(peer: PeerAddress, pauseMs: number): void {
    if (this.isClosed) return;
    const socket = connect({
      host: peer.host,
      port: peer.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
    });
    let nextPauseMs = Math.min(pauseMs * 2, lastRetryMs);
    this.greet(socket, peer.node, () => {
      nextPauseMs = firstRetryMs;
    });
    socket.once('close', () => {
      if (this.isClosed) return;
      const jitter = 0.5 + Math.random() / 2;
      this.retries.set(
        peer.node,
        setTimeout(() => {
          this.dial(peer, nextPauseMs);
        }, nextPauseMs * jitter),
      );
    });
  }

  /** Says hello, waits for the other's, and makes it a link. `expected` is who was dialled. */
  private greet(socket: Socket, expected: NodeId | null, onLinked: () => void): void {
    const { hello, peers } = this.options;
    this.pending.add(socket);
    socket.setTimeout(handshakeMs, () => socket.destroy());
    socket.on('error', (error) => {
      this.log.debug({ peer: expected ?? 0, error: error.message }, 'peer connection failed');
      socket.destroy();
    });
    socket.once('close', () => this.pending.delete(socket));
    if (expected === null) socket.write(encodeHello(hello, crc32));
    else socket.once('connect', () => socket.write(encodeHello(hello, crc32)));
    let received: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      const decoded = decodeHello(received, crc32);
      if (decoded === null && received.length <= 2 * maxHelloBytes) return;
      socket.off('data', onData);
      const reason = this.judge(decoded, expected, (node) => peers.some((peer) => peer.node === node));
      if (decoded === null || decoded === 'malformed' || reason !== null) {
        this.log.warn({ peer: expected ?? 0, address: socket.remoteAddress, reason }, 'peer refused');
        socket.destroy();
        return;
      }
      socket.setTimeout(0);
      this.pending.delete(socket);
      onLinked();
      this.link(decoded.hello.node, socket, decoded.rest);
    };
    socket.on('data', onData);
  }

  private judge(
    decoded: ReturnType<typeof decodeHello>,
    expected: NodeId | null,
    isMember: (node: NodeId) => boolean,
  ): string | null {
    if (decoded === null || decoded === 'malformed') return 'it does not speak the peer protocol';
    const { hello } = decoded;
    if (expected !== null && hello.node !== expected)
      return `node ${String(expected)} was expected there, node ${String(hello.node)} answered`;
    return refuseHello(this.options.hello, hello, isMember);
  }

  private link(peer: NodeId, socket: Socket, rest: Uint8Array): void {
    const earlier = this.links.get(peer);
    if (earlier !== undefined) this.unlink(peer, earlier);
    this.links.set(peer, socket);
    this.log.info({ peer }, 'link up');
    this.emit({ kind: 'peerUp', peer });
    const reader = new FrameReader(crc32);
    const onBytes = (bytes: Uint8Array): void => {
      const messages = reader.read(bytes);
      if (messages === 'malformed') {
        this.log.warn({ peer }, 'peer sent bytes that are no frame: link closed');
        socket.destroy();
      } else if (messages.length > 0 && this.links.get(peer) === socket)
        this.emit({ kind: 'peerMessages', from: peer, messages });
    };
    socket.on('data', onBytes);
    socket.once('close', () => {
      this.unlink(peer, socket);
    });
    if (rest.length > 0) onBytes(rest);
  }

  private unlink(peer: NodeId, socket: Socket): void {
    if (this.links.get(peer) !== socket) return;
    this.links.delete(peer);
    socket.destroy();
    this.log.info({ peer }, 'link down');
    this.emit({ kind: 'peerDown', peer });
  }
}
