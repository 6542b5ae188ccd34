/** The runtime's links as `Links`: real sockets on this machine, with a cable between any two nodes. */
import { NodeId } from '../../../core/base/ids.ts';
import type { Random } from '../../../core/base/random.ts';
import type { Input } from '../../../core/node/door.ts';
import { protocolVersion } from '../../../core/wire/hello.ts';
import type { PeerMessage } from '../../../core/wire/messages.ts';
import { PeerLinks } from '../../../runtime/peers/peerLinks.ts';
import { randomSource } from '../../../sim/base/random.ts';
import { freePort } from '../../support/freePort.ts';
import { listeningLog } from '../../runtime/quietLog.ts';
import { until } from '../../runtime/until.ts';
import { Cable, type Direction } from './cable.ts';
import type { Break, Links, LinksKind } from './links.ts';

export const realLinks: LinksKind = {
  name: 'the sockets of the runtime',
  reportsEveryDrop: true,
  make: async (nodes, seed) => {
    const made = new RealLinks(nodes, seed);
    await made.listen();
    return made;
  },
};

const host = '127.0.0.1';
const hello = {
  clusterId: 'conformance',
  version: protocolVersion,
  electionMs: 1000,
  leaseReads: true,
  store: '',
  began: 'new' as const,
  metadata: 'raft',
};
const maxQueuedBytes = 256 * 1024 * 1024;
/** Nobody is slow enough here to be taken for dead. */
const pace = { handshakeMs: 20_000, firstRetryMs: 1, lastRetryMs: 5, lookMs: 20_000 };

/** A node's process. */
interface Running {
  readonly links: PeerLinks;
  readonly heard: Input[];
  readonly boot: number;
}

class RealLinks implements Links {
  private readonly nodes: readonly NodeId[];
  private readonly random: Random;
  private readonly running = new Map<NodeId, Running>();
  private readonly greetings = new Map<NodeId, readonly PeerMessage[]>();
  private readonly ports = new Map<NodeId, number>();
  /** By the node that is dialled and the one that dials it. */
  private readonly cables = new Map<string, { readonly cable: Cable; readonly port: number }>();

  constructor(nodes: number, seed: number) {
    this.nodes = Array.from({ length: nodes }, (_, i) => NodeId(i + 1));
    this.random = randomSource(seed)('links');
  }

  async listen(): Promise<void> {
    for (const low of this.nodes) {
      const target = await freePort();
      this.ports.set(low, target);
      for (const high of this.nodes.filter((other) => other > low)) {
        const cable = new Cable(target);
        this.cables.set(`${low} ${high}`, { cable, port: await cable.listen() });
      }
    }
  }

  heard(node: NodeId): readonly Input[] {
    return this.running.get(node)?.heard ?? [];
  }

  async start(node: NodeId): Promise<void> {
    const heard: Input[] = [];
    const boot = (this.running.get(node)?.boot ?? 0) + 1;
    const others = this.nodes.filter((other) => other !== node);
    const options = {
      hello: { ...hello, node, boot },
      host,
      port: this.portOf(node),
      peers: others.map((other) => ({ node: other, host, port: other < node ? this.between(other, node).port : 0 })),
      refuseStore: () => null,
      maxQueuedBytes,
      random: this.random,
      pace,
    };
    const links: PeerLinks = new PeerLinks(options, listeningLog().log, (input) => {
      heard.push(input);
      if (input.kind === 'peerUp') links.send(input.peer, this.greetings.get(node) ?? []);
    });
    this.running.set(node, { links, heard, boot });
    await links.listen();
  }

  stop(node: NodeId): void {
    this.running.get(node)?.links.close();
  }

  send(from: NodeId, to: NodeId, messages: readonly PeerMessage[]): void {
    this.running.get(from)?.links.send(to, messages);
  }

  greet(node: NodeId, messages: readonly PeerMessage[]): void {
    this.greetings.set(node, messages);
  }

  hold(from: NodeId, to: NodeId): void {
    this.between(from, to).cable.hold(direction(from, to));
  }

  release(from: NodeId, to: NodeId): void {
    this.between(from, to).cable.release(direction(from, to));
  }

  async break(a: NodeId, b: NodeId, first: Break): Promise<void> {
    const { cable } = this.between(a, b);
    const [low, high] = a < b ? [a, b] : [b, a];
    if (cable.isHolding) await until(() => cable.hasKept, 'something to keep back');
    if (first === 'both ends') {
      cable.break();
      return;
    }
    const end = first === 'the lower node' ? low : high;
    const before = this.heard(end).length;
    const rest = cable.breakAt(end === low ? 'dialled' : 'dialler');
    await until(() => this.heard(end).length > before, 'the news of the break');
    // The one that dials must hear before there is another connection. The other hears when there is.
    if (end === low) rest();
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    await until(condition, what);
  }

  close(): void {
    for (const node of this.running.keys()) this.stop(node);
    for (const { cable } of this.cables.values()) cable.close();
  }

  private portOf(node: NodeId): number {
    return this.ports.get(node) ?? 0;
  }

  private between(a: NodeId, b: NodeId): { readonly cable: Cable; readonly port: number } {
    const found = this.cables.get(`${Math.min(a, b)} ${Math.max(a, b)}`);
    if (found === undefined) throw new Error(`there is no cable between ${a} and ${b}`);
    return found;
  }
}

/** The higher node dials the lower. */
function direction(from: NodeId, to: NodeId): Direction {
  return from > to ? 'from dialler' : 'to dialler';
}
