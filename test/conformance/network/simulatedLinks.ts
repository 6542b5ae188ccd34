/** The simulated network as `Links`, with messages handed over as they are or as bytes. */
import { NodeId } from '../../../core/base/ids.ts';
import type { Input } from '../../../core/node/door.ts';
import type { PeerMessage } from '../../../core/wire/messages.ts';
import { randomSource } from '../../../sim/base/random.ts';
import { expand } from '../../../sim/scenario/expand.ts';
import { type FrameCodec, Network, type Peer } from '../../../sim/world/network.ts';
import { Schedule } from '../../../sim/world/schedule.ts';
import { frameCodec } from '../../../sim/world/world.ts';
import type { Links, LinksKind } from './links.ts';

export const simulatedLinks: LinksKind = kind('the simulated network', null);
export const encodedLinks: LinksKind = kind('the simulated network with bytes on the wire', frameCodec());

function kind(name: string, codec: FrameCodec | null): LinksKind {
  return {
    name,
    // A node that knows of no link sends nothing that it waits for.
    reportsEveryDrop: false,
    make: async (nodes, seed) => Promise.resolve(new SimulatedLinks(nodes, seed, codec)),
  };
}

class SimulatedLinks implements Links {
  private readonly schedule = new Schedule(null);
  private readonly nodes: readonly Listener[];
  private readonly network: Network;

  constructor(nodes: number, seed: number, codec: FrameCodec | null) {
    const knobs = { ...expand(seed, 'partitions').network, datagrams: false, lossPermille: 0, halfOpenMs: 5 };
    this.nodes = Array.from(
      { length: nodes },
      (_, i) => new Listener((peer, messages) => this.send(NodeId(i + 1), peer, messages)),
    );
    this.network = new Network(this.schedule, knobs, this.nodes, codec, randomSource(seed));
  }

  heard(node: NodeId): readonly Input[] {
    return this.nodes[node - 1]?.heard ?? [];
  }

  async start(node: NodeId): Promise<void> {
    this.nodes[node - 1]?.start();
    this.network.onStart(node);
    return Promise.resolve();
  }

  stop(node: NodeId): void {
    this.nodes[node - 1]?.stop();
    this.network.onStop(node);
  }

  send(from: NodeId, to: NodeId, messages: readonly PeerMessage[]): void {
    this.network.send(from, to, messages);
  }

  greet(node: NodeId, messages: readonly PeerMessage[]): void {
    const listener = this.nodes[node - 1];
    if (listener !== undefined) listener.greeting = messages;
  }

  hold(from: NodeId, to: NodeId): void {
    this.network.hold(from, to);
  }

  release(from: NodeId, to: NodeId): void {
    this.network.unhold(from, to);
  }

  /** Who hears of it first is drawn. */
  async break(a: NodeId, b: NodeId): Promise<void> {
    this.network.break(a, b);
    return Promise.resolve();
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    while (!condition())
      if (!this.schedule.advance(Number.POSITIVE_INFINITY)) throw new Error(`it never came: ${what}`);
    return Promise.resolve();
  }

  close(): void {
    for (const node of this.nodes) node.stop();
  }
}

/** A process that writes down what it is told. */
class Listener implements Peer {
  isRunning = false;
  heard: Input[] = [];
  greeting: readonly PeerMessage[] = [];
  private readonly send: (to: NodeId, messages: readonly PeerMessage[]) => void;

  constructor(send: (to: NodeId, messages: readonly PeerMessage[]) => void) {
    this.send = send;
  }

  start(): void {
    this.isRunning = true;
    this.heard = [];
  }

  stop(): void {
    this.isRunning = false;
  }

  knows(): boolean {
    return true;
  }

  onMessages(from: NodeId, messages: readonly PeerMessage[]): void {
    this.heard.push({ kind: 'peerMessages', from, messages });
  }

  onLink(peer: NodeId, isUp: boolean): void {
    this.heard.push(isUp ? { kind: 'peerUp', peer, store: 'simulated' } : { kind: 'peerDown', peer });
    if (isUp && this.greeting.length > 0) this.send(peer, this.greeting);
  }
}
