/**
 * The peers' network. Each pair of nodes has one connection, a stream each way: what is sent on it arrives in
 * order or, if it breaks, a suffix is lost and both ends hear of it, one perhaps later than the other. With
 * `datagrams` Raft's messages leave the stream and may be lost, doubled and overtaken.
 */
import { NodeId } from '../../core/base/ids.ts';
import { invariant } from '../../core/base/invariant.ts';
import type { RandomSource } from '../../core/base/random.ts';
import type { PeerMessage } from '../../core/wire/messages.ts';
import { between } from '../base/random.ts';
import type { NetworkKnobs } from '../scenario/scenario.ts';
import { Link } from './link.ts';
import type { Schedule } from './schedule.ts';

/** A node as the network sees it. */
export interface Peer {
  readonly isRunning: boolean;
  /** Whether it takes that one for another of its cluster: it has no connection to others. */
  knows(peer: NodeId): boolean;
  onMessages(from: NodeId, messages: readonly PeerMessage[]): void;
  onLink(peer: NodeId, isUp: boolean): void;
}

/** Bytes on the wire: what `encode` made of messages, `decode` makes messages of again. */
export interface FrameCodec {
  encode(messages: readonly PeerMessage[]): Uint8Array;
  decode(frame: Uint8Array): readonly PeerMessage[];
}

export interface NetworkStatistics {
  frames: number;
  messages: number;
  lost: number;
  duplicated: number;
  resets: number;
}

interface Cargo {
  /** Null if they travel as a frame. */
  readonly messages: readonly PeerMessage[] | null;
  readonly frame: Uint8Array | null;
}

interface Connection {
  readonly low: NodeId;
  readonly high: NodeId;
  generation: number;
  isUp: boolean;
  /** Ends that have not noticed yet that it broke. */
  readonly unaware: Set<NodeId>;
}

export class Network {
  readonly statistics: NetworkStatistics = { frames: 0, messages: 0, lost: 0, duplicated: 0, resets: 0 };
  private readonly schedule: Schedule;
  private knobs: NetworkKnobs;
  private readonly peers: readonly Peer[];
  private readonly codec: FrameCodec | null;
  private readonly random;
  private readonly links: Link<Cargo>[] = [];
  private readonly connections: Connection[] = [];

  /** `peers[i]` is node i + 1. `codec`: null hands messages over as they are. */
  constructor(
    schedule: Schedule,
    knobs: NetworkKnobs,
    peers: readonly Peer[],
    codec: FrameCodec | null,
    random: RandomSource,
  ) {
    this.schedule = schedule;
    this.knobs = knobs;
    this.peers = peers;
    this.codec = codec;
    this.random = random('net');
    for (let from = 1; from <= peers.length; from += 1) {
      for (let to = 1; to <= peers.length; to += 1) {
        this.links.push(new Link(random(`net/${String(from)}>${String(to)}`), knobs));
        this.connections.push({
          low: NodeId(Math.min(from, to)),
          high: NodeId(Math.max(from, to)),
          generation: 0,
          isUp: false,
          unaware: new Set(),
        });
      }
    }
  }

  send(from: NodeId, to: NodeId, messages: readonly PeerMessage[]): void {
    if (this.knobs.datagrams) this.sendApart(from, to, messages);
    else this.sendOnStream(from, to, messages);
  }

  /** From now on every message arrives, once, in order and about when it is expected, unless its link is cut. */
  calm(): void {
    this.knobs = { ...this.knobs, tailPermille: 0, lossPermille: 0, duplicatePermille: 0, reorderPermille: 0 };
    for (const link of this.links) link.knobs = this.knobs;
  }

  /** The process of this node began: it dials everybody. */
  onStart(node: NodeId): void {
    for (const peer of this.others(node)) this.dialLater(node, peer);
  }

  /** The node takes these for others of its cluster now, or does so no more. */
  onPeers(node: NodeId, peers: readonly NodeId[]): void {
    for (const peer of peers)
      if (peer !== node) {
        if (!this.peer(node).knows(peer)) this.break(node, peer);
        else if (!this.connectionOf(node, peer).isUp) this.dialLater(node, peer);
      }
  }

  /** The process of this node died: its connections break. */
  onStop(node: NodeId): void {
    for (const peer of this.others(node)) {
      this.break(node, peer);
      this.connectionOf(node, peer).unaware.delete(node);
    }
  }

  /** Breaks the connection, if there is one. What is under way is lost, and it will be dialled again. */
  break(a: NodeId, b: NodeId): void {
    const connection = this.connectionOf(a, b);
    if (!connection.isUp) return;
    connection.isUp = false;
    connection.generation += 1;
    this.statistics.resets += 1;
    for (const [end, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const link = this.link(end, other);
      this.statistics.lost += link.reset();
      connection.unaware.add(end);
      const { generation } = connection;
      this.schedule.inOrder(this.schedule.now + between(this.random, 0, this.knobs.halfOpenMs * 1000), () => {
        if (connection.generation === generation) this.notice(connection, end);
      });
    }
    this.dialLater(a, b);
  }

  cut(from: NodeId, to: NodeId): void {
    const link = this.link(from, to);
    link.cuts += 1;
    if (link.cuts > 1) return;
    link.cutAt = this.schedule.now;
    this.schedule.at(link.cutAt + this.knobs.breakAfterMs * 1000, () => {
      if (link.cuts > 0 && this.schedule.now - link.cutAt >= this.knobs.breakAfterMs * 1000) this.break(from, to);
    });
  }

  uncut(from: NodeId, to: NodeId): void {
    const link = this.link(from, to);
    link.cuts = Math.max(0, link.cuts - 1);
    this.release(from, to);
    if (link.cuts === 0) this.dialLater(from, to);
  }

  hold(from: NodeId, to: NodeId): void {
    this.link(from, to).holds += 1;
  }

  unhold(from: NodeId, to: NodeId): void {
    const link = this.link(from, to);
    link.holds = Math.max(0, link.holds - 1);
    this.release(from, to);
  }

  link(from: NodeId, to: NodeId): Link<Cargo> {
    const link = this.links[(from - 1) * this.peers.length + to - 1];
    invariant(link !== undefined, 'there is a link between any two nodes', { from, to });
    return link;
  }

  others(node: NodeId): readonly NodeId[] {
    return this.peers.map((_, i) => NodeId(i + 1)).filter((other) => other !== node);
  }

  isUp(a: NodeId, b: NodeId): boolean {
    return this.connectionOf(a, b).isUp;
  }

  private sendOnStream(from: NodeId, to: NodeId, messages: readonly PeerMessage[]): void {
    const { delayUs, isLost } = this.link(from, to).draw();
    this.statistics.frames += 1;
    this.statistics.messages += messages.length;
    if (!this.connectionOf(from, to).isUp) {
      this.statistics.lost += messages.length;
      return;
    }
    if (isLost) {
      this.break(from, to);
      return;
    }
    this.putOnStream(from, to, messages, delayUs);
  }

  private sendApart(from: NodeId, to: NodeId, messages: readonly PeerMessage[]): void {
    const rest = messages.filter((message) => message.kind !== 'raft');
    for (const message of messages) if (message.kind === 'raft') this.sendDatagram(from, to, message);
    if (rest.length === 0) return;
    const { delayUs } = this.link(from, to).draw();
    if (!this.connectionOf(from, to).isUp) return;
    this.putOnStream(from, to, rest, delayUs);
  }

  private sendDatagram(from: NodeId, to: NodeId, message: PeerMessage): void {
    const link = this.link(from, to);
    const { delayUs, isLost, copyAfterUs } = link.draw();
    this.statistics.messages += 1;
    if (isLost || link.cuts > 0) {
      this.statistics.lost += 1;
      return;
    }
    const cargo = this.pack([message]);
    if (link.holds > 0) link.held.push(cargo);
    else this.carry(from, to, cargo, this.schedule.now + delayUs);
    if (copyAfterUs === null) return;
    this.statistics.duplicated += 1;
    this.carry(from, to, cargo, this.schedule.now + delayUs + copyAfterUs);
  }

  private pack(messages: readonly PeerMessage[]): Cargo {
    return this.codec === null ? { messages, frame: null } : { messages: null, frame: this.codec.encode(messages) };
  }

  private putOnStream(from: NodeId, to: NodeId, messages: readonly PeerMessage[], delayUs: number): void {
    const arriveAt = this.link(from, to).push(this.pack(messages), this.schedule.now, delayUs);
    this.schedule.inOrder(arriveAt, () => {
      this.drain(from, to);
    });
  }

  /** Delivers what has arrived on the stream and is not kept back. */
  private drain(from: NodeId, to: NodeId): void {
    const link = this.link(from, to);
    for (let cargo = link.shift(this.schedule.now); cargo !== null; cargo = link.shift(this.schedule.now)) {
      this.deliver(from, to, cargo);
    }
  }

  /** A datagram. */
  private carry(from: NodeId, to: NodeId, cargo: Cargo, arriveAt: number): void {
    this.schedule.inOrder(arriveAt, () => {
      this.deliver(from, to, cargo);
    });
  }

  private deliver(from: NodeId, to: NodeId, { messages, frame }: Cargo): void {
    const peer = this.peer(to);
    if (!peer.isRunning) this.statistics.lost += messages?.length ?? 1;
    else if (messages !== null) peer.onMessages(from, messages);
    else if (frame !== null && this.codec !== null) peer.onMessages(from, this.codec.decode(frame));
  }

  private release(from: NodeId, to: NodeId): void {
    const link = this.link(from, to);
    if (link.isBlocked) return;
    const releaseAt = this.schedule.now + this.knobs.baseUs;
    this.schedule.inOrder(releaseAt, () => {
      this.drain(from, to);
    });
    for (const cargo of link.held) this.carry(from, to, cargo, releaseAt);
    link.held = [];
  }

  private dialLater(a: NodeId, b: NodeId): void {
    const delayUs = between(this.random, 100, 100 + this.knobs.reconnectMs * 1000);
    this.schedule.inOrder(this.schedule.now + delayUs, () => {
      this.dial(a, b);
    });
  }

  private dial(a: NodeId, b: NodeId): void {
    const connection = this.connectionOf(a, b);
    if (connection.isUp || !this.peer(a).isRunning || !this.peer(b).isRunning) return;
    if (this.link(a, b).cuts > 0 || this.link(b, a).cuts > 0) return;
    if (!this.peer(a).knows(b) || !this.peer(b).knows(a)) return;
    connection.isUp = true;
    for (const [end, other] of [
      [a, b],
      [b, a],
    ] as const) {
      this.notice(connection, end);
      this.peer(end).onLink(other, true);
    }
  }

  private notice(connection: Connection, end: NodeId): void {
    if (!connection.unaware.delete(end)) return;
    const other = connection.low === end ? connection.high : connection.low;
    if (this.peer(end).isRunning) this.peer(end).onLink(other, false);
  }

  private connectionOf(a: NodeId, b: NodeId): Connection {
    const connection = this.connections[(Math.min(a, b) - 1) * this.peers.length + Math.max(a, b) - 1];
    invariant(connection !== undefined, 'there is a connection between any two nodes', { a, b });
    return connection;
  }

  private peer(node: NodeId): Peer {
    const peer = this.peers[node - 1];
    invariant(peer !== undefined, 'nodes are numbered from 1 on', { node });
    return peer;
  }
}
