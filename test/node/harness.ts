/**
 * A few nodes of the core driven by hand: messages arrive in order, disks sync at once unless they are slow, time passes
 * when told to, nodes and links go and come back. For what one wants to see whole: replies, routes, order. Faults by the
 * thousand are the simulator's.
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
  type Topology,
  WallTime,
} from '../../core/index.ts';
import type { RestoredLog } from '../../core/log/records.ts';
import type { TenantMap } from '../../core/metadata/tenantMap.ts';
import type { Raft } from '../../core/raft/raft.ts';
import type { NodeMapImage } from '../../core/wire/nodes.ts';
import { Disk } from './disks.ts';

const stepMicros = 1000;

export class Nodes {
  readonly nodes: Node[] = [];
  private readonly inboxes: Input[][] = [];
  readonly disks: Disk[] = [];
  private readonly down = new Set<number>();
  /** Links that are not there. */
  private readonly cuts = new Set<string>();
  private readonly heard = new Map<number, string>();
  /** Commands that are sent on while these nodes are paused wait. */
  readonly paused = new Set<number>();
  private micros = 1_000_000;
  private wall = 1_700_000_000_000;
  private draws = 7;
  private readonly topology: Omit<Topology, 'tenants'>;
  /** What the configuration of a node names, from its next start on. */
  tenants: (node: number) => Topology['tenants'];
  private readonly settingsOf: (node: number) => Settings;

  /** `map`: what every node has kept of tenants. */
  constructor(
    size: number,
    groups: number,
    settings: Partial<Settings> | ((node: number) => Partial<Settings>) = {},
    map?: TenantMap,
    tenants: (node: number) => Topology['tenants'] = () => [],
  ) {
    const ids = Array.from({ length: size }, (_, i) => NodeId(i + 1));
    this.tenants = tenants;
    const own = typeof settings === 'function' ? settings : () => settings;
    this.settingsOf = (node) => ({ ...defaultSettings, rebalance: 'manual', ...own(node) });
    this.topology = {
      clusterId: 'test',
      nodes: ids.map((node) => ({
        node,
        clientAddress: `node-${String(node)}`,
        peerAddress: '',
        zone: '',
        hasJoined: false,
      })),
      groups: Array.from({ length: groups + 1 }, (_, group) => group)
        .filter((group) => group > 0 || this.settingsOf(1).metadata === 'raft')
        .map((group) => ({
          group: GroupId(group),
          replicas: ids.slice(0, 3).map((_, i) => {
            const node = ids[(group + i) % size] ?? NodeId(1);
            return { replica: ReplicaId(node), node };
          }),
        })),
    };
    for (const node of ids) {
      this.disks.push(new Disk(node));
      this.nodes.push(this.make(node, 1, { boots: 0, isLost: false, groups: new Map() }, map));
      this.inboxes.push(ids.filter((peer) => peer !== node).map((peer) => this.linkTo(peer)));
    }
    this.pass(4000);
  }

  private make(node: NodeId, boot: number, restored: RestoredLog, map?: TenantMap): Node {
    const random = () => () => {
      this.draws = (this.draws * 48_271) % 2_147_483_647;
      return this.draws / 2_147_483_647;
    };
    const { store = '', nodes = null } = this.disks[node - 1] ?? {};
    const kept = { ...(map === undefined ? {} : { map: map.copy() }), ...(nodes === null ? {} : { nodes }) };
    return new Node({
      node,
      boot,
      store,
      topology: { ...this.topology, tenants: this.tenants(node) },
      settings: this.settingsOf(node),
      restored,
      random,
      now: this.now(),
      ...kept,
    });
  }

  /** A client of a node; connections are numbered over all nodes. */
  connect(node: number, conn: number): void {
    this.heard.set(conn, '');
    this.input(node, { kind: 'clientOpened', conn: ConnId(conn), address: 'client:1' });
  }

  /** A client of each node, numbered as it is. */
  connectAll(): void {
    for (const [at] of this.nodes.entries()) this.connect(at + 1, at + 1);
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

  /** The same as a new client of the node's present life. */
  askAnew(node: number, ...words: string[]): string {
    const conn = 100 * (this.disks[node - 1]?.boots ?? 0) + node;
    this.connect(node, conn);
    return this.ask(node, conn, ...words);
  }

  raftOn(node: number, group: GroupId): Raft | undefined {
    return this.nodes[node - 1]?.groups.get(group)?.raft;
  }

  pass(ms: number): void {
    for (let i = 0; i < ms; i += 1) {
      this.micros += stepMicros;
      this.wall += 1;
      for (const [at, node] of this.nodes.entries())
        if (!this.paused.has(at + 1) && !this.down.has(at + 1)) this.turn(at, node);
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
    if (effect.kind === 'persist') {
      this.disks[at]?.write(effect);
      if (this.disks[at]?.isSlow === false) this.sync(from);
    } else if (effect.kind === 'sendToPeer') {
      if (this.isLinked(from, effect.to))
        this.input(effect.to, { kind: 'peerMessages', from, messages: effect.messages });
    } else if (effect.kind === 'sendToClient')
      this.heard.set(effect.conn, (this.heard.get(effect.conn) ?? '') + binaryString(effect.bytes));
    else if (effect.kind === 'closeClient') this.heard.set(effect.conn, `${this.heard.get(effect.conn) ?? ''}(closed)`);
    else if (effect.kind === 'drained') this.drained.push(from);
    else if (effect.kind === 'nodes') this.keep(at, effect.map);
    else if (effect.kind === 'keepMap') {
      this.kept.push(`${String(from)} v${String(effect.map.version)}`);
      effect.map.places.close();
    }
  }

  private keep(at: number, map: NodeMapImage): void {
    const disk = this.disks[at];
    if (disk !== undefined) disk.nodes = map;
  }

  /** The disk has what was written so far. */
  sync(node: number): void {
    const last = this.disks[node - 1]?.sync() ?? null;
    if (last !== null) this.input(node, { kind: 'persisted', upTo: last });
  }

  /** The processes are gone, and what their disks had not got. */
  kill(...nodes: readonly number[]): void {
    for (const node of nodes) {
      this.down.add(node);
      this.disks[node - 1]?.crash();
      this.inboxes[node - 1]?.splice(0);
      for (const peer of this.others(node)) this.input(peer, { kind: 'peerDown', peer: NodeId(node) });
    }
  }

  isDown(node: number): boolean {
    return this.down.has(node);
  }

  /** Another life on the same disk, or on one that has lost everything. */
  start(node: number, isLost = false): void {
    const disk = this.disks[node - 1];
    if (disk === undefined) return;
    if (isLost) disk.lose();
    const restored = disk.begin();
    this.nodes[node - 1] = this.make(NodeId(node), disk.boots, restored);
    this.down.delete(node);
    for (const peer of this.others(node)) this.link(node, peer);
  }

  /** No link between the two, until it is healed. */
  cut(one: number, other: number): void {
    this.cuts.add(linkOf(one, other));
    this.input(one, { kind: 'peerDown', peer: NodeId(other) });
    this.input(other, { kind: 'peerDown', peer: NodeId(one) });
  }

  heal(one: number, other: number): void {
    this.cuts.delete(linkOf(one, other));
    this.link(one, other);
  }

  private link(one: number, other: number): void {
    if (!this.isLinked(one, other)) return;
    this.input(one, this.linkTo(other));
    this.input(other, this.linkTo(one));
  }

  linkTo(peer: number): Input {
    return { kind: 'peerUp', peer: NodeId(peer), store: this.disks[peer - 1]?.store ?? `${String(peer)}.0` };
  }

  private isLinked(one: number, other: number): boolean {
    return !this.down.has(one) && !this.down.has(other) && !this.cuts.has(linkOf(one, other));
  }

  private others(node: number): readonly number[] {
    return this.nodes.map((_, at) => at + 1).filter((other) => other !== node && !this.down.has(other));
  }

  readonly drained: number[] = [];
  /** Maps that were to be kept: of which node, and as of which version. */
  readonly kept: string[] = [];

  private now(): { readonly mono: MonoTime; readonly wall: WallTime } {
    return { mono: MonoTime(this.micros), wall: WallTime(this.wall) };
  }
}

function linkOf(one: number, other: number): string {
  return `${String(Math.min(one, other))} ${String(Math.max(one, other))}`;
}
