/**
 * A few nodes of the core driven by hand: messages arrive in order, disks sync at once, time passes when told to.
 * For what one wants to see whole: replies, routes, order. Faults are the simulator's.
 */
import {
  binaryString,
  bytesOfBinary,
  ConnId,
  defaultSettings,
  type Effect,
  GroupId,
  type Input,
  MonoTime,
  Node,
  NodeId,
  ReplicaId,
  type Settings,
  WallTime,
} from '../../core/index.ts';
import type { TenantMap } from '../../core/metadata/tenantMap.ts';

const stepMicros = 1000;

export class Nodes {
  readonly nodes: Node[] = [];
  private readonly inboxes: Input[][] = [];
  private readonly heard = new Map<number, string>();
  /** Commands that are sent on while these nodes are paused wait. */
  readonly paused = new Set<number>();
  private micros = 1_000_000;
  private wall = 1_700_000_000_000;
  private draws = 7;

  /** `map`: what every node has kept of tenants. */
  constructor(size: number, groups: number, settings: Partial<Settings> = {}, map?: TenantMap) {
    const ids = Array.from({ length: size }, (_, i) => NodeId(i + 1));
    const topology = {
      clusterId: 'test',
      nodes: ids.map((node) => ({ node, clientAddress: `node-${String(node)}`, peerAddress: '', zone: '' })),
      groups: Array.from({ length: groups + 1 }, (_, group) => ({
        group: GroupId(group),
        replicas: ids.slice(0, 3).map((_, i) => {
          const node = ids[(group + i) % size] ?? NodeId(1);
          return { replica: ReplicaId(node), node };
        }),
      })),
      tenants: [],
    };
    const random = () => () => {
      this.draws = (this.draws * 48_271) % 2_147_483_647;
      return this.draws / 2_147_483_647;
    };
    for (const node of ids) {
      const restored = { boots: 0, isLost: false, groups: new Map() };
      this.nodes.push(
        new Node({
          node,
          boot: 1,
          topology,
          settings: { ...defaultSettings, rebalance: 'manual', ...settings },
          restored,
          random,
          now: this.now(),
          ...(map === undefined ? {} : { map: map.copy() }),
        }),
      );
      this.inboxes.push(ids.filter((peer) => peer !== node).map((peer): Input => ({ kind: 'peerUp', peer })));
    }
    this.pass(4000);
  }

  /** A client of a node; connections are numbered over all nodes. */
  connect(node: number, conn: number): void {
    this.heard.set(conn, '');
    this.input(node, { kind: 'clientOpened', conn: ConnId(conn), address: 'client:1' });
  }

  send(node: number, conn: number, ...words: string[]): void {
    this.input(node, { kind: 'clientCommand', conn: ConnId(conn), args: words.map((word) => bytesOfBinary(word)) });
  }

  input(node: number, input: Input): void {
    this.inboxes[node - 1]?.push(input);
  }

  /** What the connection has heard since the last time it was asked. */
  replies(conn: number): string {
    const heard = this.heard.get(conn) ?? '';
    this.heard.set(conn, '');
    return heard;
  }

  /** Sends one command and lets things settle. */
  ask(node: number, conn: number, ...words: string[]): string {
    this.send(node, conn, ...words);
    this.pass(300);
    return this.replies(conn);
  }

  pass(ms: number): void {
    for (let i = 0; i < ms; i += 1) {
      this.micros += stepMicros;
      this.wall += 1;
      for (const [at, node] of this.nodes.entries()) if (!this.paused.has(at + 1)) this.turn(at, node);
    }
  }

  private turn(at: number, node: Node): void {
    const inbox = this.inboxes[at] ?? [];
    const isDue = node.wakeAt !== null && node.wakeAt <= this.micros;
    if (inbox.length === 0 && !isDue) return;
    if (isDue) inbox.push({ kind: 'timer' });
    for (const effect of node.step(inbox.splice(0), this.now())) this.perform(at, effect);
  }

  private perform(at: number, effect: Effect): void {
    const from = NodeId(at + 1);
    if (effect.kind === 'persist') this.input(from, { kind: 'persisted', upTo: effect.write });
    else if (effect.kind === 'sendToPeer')
      this.input(effect.to, { kind: 'peerMessages', from, messages: effect.messages });
    else if (effect.kind === 'sendToClient')
      this.heard.set(effect.conn, (this.heard.get(effect.conn) ?? '') + binaryString(effect.bytes));
    else if (effect.kind === 'closeClient') this.heard.set(effect.conn, `${this.heard.get(effect.conn) ?? ''}(closed)`);
    else if (effect.kind === 'drained') this.drained.push(from);
    else if (effect.kind === 'keepMap') {
      this.kept.push(`${String(from)} v${String(effect.map.version)}`);
      effect.map.places.close();
    }
  }

  readonly drained: number[] = [];
  /** Maps that were to be kept: of which node, and as of which version. */
  readonly kept: string[] = [];

  private now(): { readonly mono: MonoTime; readonly wall: WallTime } {
    return { mono: MonoTime(this.micros), wall: WallTime(this.wall) };
  }
}
