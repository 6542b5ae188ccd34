/**
 * Links to the other nodes: one TCP connection per pair, dialled by the node with the higher id. Each begins with
 * a handshake that refuses strangers; then come frames, one per turn. A link that cannot keep up, falls silent
 * or sends anything but frames is cut, and dialled again with growing pauses.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { crc32 } from 'node:zlib';
import type { Input, NodeId, Random } from '../../core/index.ts';
import { ByteWriter } from '../../core/base/bytes.ts';
import { encodeFrames, FrameReader } from '../../core/wire/frames.ts';
import type { Hello, StoreIdentity } from '../../core/wire/hello.ts';
import type { PeerMessage } from '../../core/wire/messages.ts';
import { type Logger, Seldom } from '../log.ts';
import { listen } from '../listen.ts';
import { plainBytes } from '../plainBytes.ts';
import { shakeHands } from './handshake.ts';

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
  /** Why a peer is not welcome with its data directory; null if it is. */
  readonly refuseStore: (node: NodeId, store: StoreIdentity) => string | null;
  /** Bytes waiting for one peer before its link is cut. */
  readonly maxQueuedBytes: number;
  /** Spreads attempts to dial. */
  readonly random: Random;
  readonly pace?: PeerPace;
}

export interface PeerPace {
  /** For a hello and its answer: who needs longer is not one of us. */
  readonly handshakeMs: number;
  /** The pause before an unreachable peer is dialled again; it doubles up to the last. */
  readonly firstRetryMs: number;
  readonly lastRetryMs: number;
  /** Every link is looked at so often; one on which nothing was sent since gets an empty frame. */
  readonly lookMs: number;
}

const usualPace: PeerPace = { handshakeMs: 3000, firstRetryMs: 50, lastRetryMs: 1000, lookMs: 1000 };

interface Link {
  readonly peer: NodeId;
  readonly socket: Socket;
  readonly since: number;
  /** Whether anything came, and went, since the last look. */
  hasHeard: boolean;
  hasSpoken: boolean;
  /** Looks in a row that found silence. */
  silent: number;
}

/** Looks, not time, so that our own pauses are not taken for the peer's. */
const silentLooks = 5;
/** Connections that have not said hello yet: more than any cluster has nodes that dial at once. */
const maxStrangers = 256;
const repeatRefusalMs = 10_000;
/** A turn's frames to all peers. */
const frameMemoryBytes = 1024 * 1024;

export class PeerLinks {
  private readonly options: PeerLinksOptions;
  private readonly pace: PeerPace;
  private readonly log: Logger;
  private readonly emit: (input: Input) => void;
  private readonly server: Server;
  private peers: ReadonlyMap<NodeId, PeerAddress>;
  private readonly links = new Map<NodeId, Link>();
  private readonly strangers = new Set<Socket>();
  private readonly retries = new Map<NodeId, NodeJS.Timeout>();
  private readonly refusals = new Seldom(repeatRefusalMs);
  /** Where frames are put together. They are sent at once, but for those of peers that do not keep up. */
  private readonly memory = new ByteWriter(frameMemoryBytes);
  private readonly behind = new Set<Socket>();
  private looks: NodeJS.Timeout | null = null;
  private isClosed = false;

  constructor(options: PeerLinksOptions, log: Logger, emit: (input: Input) => void) {
    this.options = options;
    this.pace = options.pace ?? usualPace;
    this.log = log;
    this.emit = emit;
    this.peers = byNode(options.peers);
    this.server = createServer({ noDelay: true }, (socket) => {
      this.accept(socket);
    });
  }

  async listen(): Promise<void> {
    await listen(this.server, this.options, this.log);
    this.looks = setInterval(() => {
      for (const link of this.links.values()) this.look(link);
    }, this.pace.lookMs);
    this.dialAll(this.peers.values());
  }

  /** These are the peers now: those that are new are dialled, links to those that are gone end behind what this turn still says. */
  setPeers(peers: readonly PeerAddress[]): void {
    const before = this.peers;
    this.peers = byNode(peers);
    for (const link of [...this.links.values()]) if (!this.peers.has(link.peer)) setImmediate(() => this.part(link));
    this.dialAll(peers.filter(({ node }) => !before.has(node)));
  }

  /** Sends a turn's messages; if there is no link, or it is too slow, says so with `peerDown`. */
  send(to: NodeId, messages: readonly PeerMessage[]): void {
    const link = this.links.get(to);
    if (link === undefined) {
      this.emit({ kind: 'peerDown', peer: to });
      return;
    }
    const { socket } = link;
    if (this.isAllSent()) this.memory.reuse();
    const frames = encodeFrames(messages, crc32, this.memory);
    link.hasSpoken = true;
    if (frames.length > 1) socket.cork();
    for (const frame of frames) socket.write(frame);
    if (frames.length > 1) socket.uncork();
    const queued = socket.writableLength;
    if (queued > 0) this.behind.add(socket);
    if (queued > this.options.maxQueuedBytes) this.cut(link, { queued }, 'peer does not keep up: link closed');
  }

  close(): void {
    this.isClosed = true;
    this.server.close();
    if (this.looks !== null) clearInterval(this.looks);
    for (const timer of this.retries.values()) clearTimeout(timer);
    for (const socket of this.strangers) socket.destroy();
    for (const { socket } of this.links.values()) socket.destroySoon();
  }

  /** The system has taken every frame. */
  private isAllSent(): boolean {
    for (const socket of this.behind) if (socket.destroyed || socket.writableLength === 0) this.behind.delete(socket);
    return this.behind.size === 0;
  }

  private accept(socket: Socket): void {
    if (this.strangers.size >= maxStrangers) socket.destroy();
    else this.greet(socket, null);
  }

  /** One connection per pair: the node with the higher id dials. */
  private dialAll(peers: Iterable<PeerAddress>): void {
    for (const peer of peers) if (peer.node < this.options.hello.node) this.dial(peer, this.pace.firstRetryMs);
  }

  private dial({ node }: PeerAddress, pauseMs: number): void {
    const peer = this.peers.get(node);
    if (this.isClosed || peer === undefined) return;
    const { firstRetryMs, lastRetryMs } = this.pace;
    const startedAt = performance.now();
    const socket = connect({ host: peer.host, port: peer.port, noDelay: true });
    socket.once('connect', () => {
      this.greet(socket, peer.node);
    });
    socket.on('error', (error) => {
      this.log.debug({ peer: peer.node, error: error.message }, 'peer cannot be reached');
    });
    socket.once('close', () => {
      if (this.isClosed) return;
      // A link that held for a while starts the pauses anew; one that is cut at once does not.
      const next = performance.now() - startedAt > lastRetryMs ? firstRetryMs : Math.min(pauseMs * 2, lastRetryMs);
      const jitter = (1 + this.options.random()) / 2;
      const timer = setTimeout(() => {
        this.dial(peer, next);
      }, next * jitter);
      this.retries.set(peer.node, timer);
    });
  }

  private greet(socket: Socket, expected: NodeId | null): void {
    const address = socket.remoteAddress ?? '';
    this.strangers.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.strangers.delete(socket));
    const { hello, refuseStore } = this.options;
    shakeHands(
      socket,
      { own: hello, expected, members: this.peers, refuseStore, withinMs: this.pace.handshakeMs },
      {
        agreed: (peer, rest) => {
          this.strangers.delete(socket);
          this.link(peer, socket, rest);
        },
        refused: (reason) => {
          if (this.refusals.isDue(`${address} ${reason}`)) this.log.warn({ address, reason }, 'peer refused');
        },
      },
    );
  }

  private link({ node: peer, store }: Hello, socket: Socket, rest: Uint8Array): void {
    const earlier = this.links.get(peer);
    if (earlier !== undefined) this.unlink(earlier);
    const link: Link = { peer, socket, since: performance.now(), hasHeard: true, hasSpoken: false, silent: 0 };
    this.links.set(peer, link);
    this.log.info({ peer }, 'link up');
    this.emit({ kind: 'peerUp', peer, store });
    const reader = new FrameReader(crc32);
    const onBytes = (bytes: Uint8Array): void => {
      if (this.links.get(peer) !== link) return;
      link.hasHeard = true;
      const messages = reader.read(plainBytes(bytes));
      if (messages === 'malformed') this.cut(link, {}, 'peer sent bytes that are no frame: link closed');
      else if (messages.length > 0) this.emit({ kind: 'peerMessages', from: peer, messages });
    };
    socket.on('data', onBytes);
    socket.once('close', () => {
      this.unlink(link);
    });
    if (rest.length > 0) onBytes(rest);
  }

  /** A peer that lost power leaves a connection that looks alive: only silence tells. */
  private look(link: Link): void {
    link.silent = link.hasHeard ? 0 : link.silent + 1;
    link.hasHeard = false;
    if (link.silent >= silentLooks) {
      this.cut(link, { silentMs: link.silent * this.pace.lookMs }, 'peer is silent: link closed');
      return;
    }
    if (!link.hasSpoken) this.send(link.peer, []);
    link.hasSpoken = false;
  }

  private cut(link: Link, facts: Readonly<Record<string, number>>, message: string): void {
    this.log.warn({ peer: link.peer, ...facts }, message);
    this.unlink(link);
  }

  /** The peer has left the cluster, and reads that yet: what was written before goes out. */
  private part(link: Link): void {
    const { peer, socket } = link;
    if (this.links.get(peer) !== link || this.peers.has(peer)) return;
    this.log.info({ peer }, 'peer has left the cluster: link closed');
    socket.setTimeout(this.pace.handshakeMs, () => socket.destroy());
    this.unlink(link, () => socket.destroySoon());
  }

  private unlink(link: Link, close = (): void => void link.socket.destroy()): void {
    const { peer } = link;
    if (this.links.get(peer) !== link) return;
    this.links.delete(peer);
    close();
    this.log.info({ peer, upMs: Math.round(performance.now() - link.since) }, 'link down');
    this.emit({ kind: 'peerDown', peer });
  }
}

function byNode(peers: readonly PeerAddress[]): ReadonlyMap<NodeId, PeerAddress> {
  return new Map(peers.map((peer) => [peer.node, peer]));
}
