/** Nine cores in one process on real clocks: their messages go through the codec, their disks sync at once. */
import { crc32 } from 'node:zlib';
import { bytesOfBinary } from '../../core/base/bytes.ts';
import { ConnId, GroupId, LogIndex, metadataGroup, NodeId, ReplicaId, Term } from '../../core/base/ids.ts';
import { MonoTime, type Now, WallTime } from '../../core/base/time.ts';
import type { RestoredGroup } from '../../core/log/records.ts';
import type { TenantMap } from '../../core/metadata/tenantMap.ts';
import { defaultSettings } from '../../core/node/defaults.ts';
import type { Effect, Input } from '../../core/node/door.ts';
import { Node } from '../../core/node/node.ts';
import { firstConfiguration } from '../../core/raft/configuration.ts';
import type { Configuration } from '../../core/raft/types.ts';
import { encodeFrames, FrameReader } from '../../core/wire/frames.ts';

const size = 9;
const replicas = [1, 2, 3].map((number) => ({ replica: ReplicaId(number), node: NodeId(number) }));
const client = ConnId(1);
const withinMs = 60_000;

export class CoreCluster {
  static readonly configuration: Configuration = firstConfiguration(replicas);
  readonly nodes: readonly Node[];
  private readonly inboxes: Input[][];
  private readonly readers: readonly (readonly FrameReader[])[];
  private replies = 0;
  private asked = 0;

  /** `chunks`: the state that the metadata group has saved. `map`: what the nodes that do not replicate it have kept. */
  constructor(chunks: readonly Uint8Array[], map: () => TenantMap) {
    const ids = Array.from({ length: size }, (_, i) => NodeId(i + 1));
    const saved: Omit<RestoredGroup, 'replica'> = {
      isRemoved: false,
      hardState: { term: Term(1), votedFor: null },
      base: { index: LogIndex(10), term: Term(1) },
      chunks,
      entries: [],
    };
    const topology = {
      clusterId: 'bench',
      nodes: ids.map((node) => ({ node, clientAddress: '', peerAddress: '', zone: '', hasJoined: false })),
      groups: [metadataGroup, GroupId(1)].map((group) => ({ group, replicas })),
      tenants: [],
    };
    const settings = { ...defaultSettings, defaultTenant: false, rebalance: 'manual' as const };
    this.nodes = ids.map((node) => {
      const replica = replicas.find((each) => each.node === node)?.replica;
      const groups = new Map(replica === undefined ? [] : [[metadataGroup, { ...saved, replica }]]);
      const restored = { boots: 0, isLost: false, groups };
      const known = replica === undefined ? { map: map() } : {};
      const random = () => Math.random;
      return new Node({ node, boot: 1, store: 'bench', topology, settings, restored, random, now: clocks(), ...known });
    });
    this.inboxes = ids.map((node) =>
      ids.filter((peer) => peer !== node).map((peer) => ({ kind: 'peerUp', peer, store: 'bench' })),
    );
    this.readers = ids.map(() => ids.map(() => new FrameReader(crc32)));
    this.inboxes.at(-1)?.push({ kind: 'clientOpened', conn: client, address: 'bench' });
  }

  /** The metadata group has a leader, and what was asked is answered. */
  get isServing(): boolean {
    return (
      this.replies === this.asked && this.nodes.some((node) => [...node.groups.values()].every((each) => each.isLeader))
    );
  }

  /** A client of the last node creates a tenant. */
  create(tenant: string): void {
    this.asked += 1;
    const args = ['TENANT', 'CREATE', tenant].map(bytesOfBinary);
    this.inboxes.at(-1)?.push({ kind: 'clientCommand', conn: client, args });
  }

  runUntil(isSo: () => boolean): void {
    const giveUpAt = performance.now() + withinMs;
    while (!isSo()) {
      for (const [at, node] of this.nodes.entries()) this.turn(at, node);
      if (performance.now() > giveUpAt) throw new Error('it does not come to be so');
    }
  }

  private turn(at: number, node: Node): void {
    const inbox = this.inboxes[at] ?? [];
    const now = clocks();
    if (node.wakeAt !== null && node.wakeAt <= now.mono) inbox.push({ kind: 'timer' });
    if (inbox.length === 0) return;
    for (const effect of node.step(inbox.splice(0), now)) this.perform(at, effect);
  }

  private perform(at: number, effect: Effect): void {
    if (effect.kind === 'persist') this.inboxes[at]?.push({ kind: 'persisted', upTo: effect.write });
    else if (effect.kind === 'sendToClient') this.replies += 1;
    else if (effect.kind === 'keepMap') effect.map.places.close();
    else if (effect.kind === 'sendToPeer') {
      for (const frame of encodeFrames(effect.messages, crc32)) {
        const messages = this.readers[effect.to - 1]?.[at]?.read(frame) ?? [];
        if (messages === 'malformed') throw new Error('what a node sends can be read');
        this.inboxes[effect.to - 1]?.push({ kind: 'peerMessages', from: NodeId(at + 1), messages });
      }
    }
  }
}

function clocks(): Now {
  return { mono: MonoTime(Math.floor(performance.now() * 1000)), wall: WallTime(Date.now()) };
}
