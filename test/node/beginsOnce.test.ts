/**
 * Whatever is told to a node, and whatever becomes of its process and its disk, in every order: a first replica of a group
 * that was made begins once. What it has promised counts for good.
 */
import { expect, test } from 'vitest';
import {
  defaultSettings,
  type Effect,
  GroupId,
  type Input,
  MonoTime,
  Node,
  NodeId,
  ReplicaId,
  Term,
  WallTime,
} from '../../core/index.ts';
import { LogIndex, metadataGroup } from '../../core/base/ids.ts';
import type { RaftMessage } from '../../core/raft/types.ts';
import type { NodeMapImage } from '../../core/wire/nodes.ts';
import { Disk } from './disks.ts';

const events = ['told', 'vote2', 'vote3', 'voteUnwritten', 'restart', 'lose', 'leave'] as const;
type Event = (typeof events)[number];

/** Behind the first, which tells of the group. */
const length = 4;
const [self, two, three] = [NodeId(1), NodeId(2), NodeId(3)];
const made = GroupId(1);
const term = Term(5);

const map: NodeMapImage = {
  version: 1,
  nodes: [self, two, three].map((node) => {
    return { node, clientAddress: '', peerAddress: '', zone: '', store: '', state: 'member', heir: null };
  }),
  groups: [
    {
      group: made,
      request: '2.1.1',
      members: [self, two, three].map((node) => ({ node, store: `${String(node)}.0` })),
    },
  ],
};

/** One node, and everything that it has ever said. */
class One {
  private readonly disk = new Disk(self);
  private node: Node;
  private micros = 0;
  /** Of the NodeMap: it changes, and the group in it does not. */
  private version = 0;
  /** To whom it gave its vote in the term, in all its lives. */
  readonly votes = new Set<ReplicaId>();
  /** Something of its first replica was on a disk, once. */
  private hasPromised = false;

  constructor() {
    this.node = this.begin({ boots: 0, isLost: false, groups: new Map() });
  }

  private begin(restored: ConstructorParameters<typeof Node>[0]['restored']): Node {
    const { boots: boot, store, nodes } = this.disk;
    const node = new Node({
      node: self,
      boot,
      store,
      topology: {
        clusterId: 'test',
        nodes: map.nodes.map((known) => ({ ...known, hasJoined: false })),
        groups: [{ group: metadataGroup, replicas: [{ replica: ReplicaId(1), node: two }] }],
        tenants: [],
      },
      settings: { ...defaultSettings, rebalance: 'manual' },
      restored,
      ...(nodes === null ? {} : { nodes }),
      random: () => () => 0.5,
      now: this.now(),
    });
    this.node = node;
    this.judge();
    return node;
  }

  happens(event: Event): void {
    this.micros += 1_000;
    switch (event) {
      case 'told':
        this.version += 1;
        this.step({
          kind: 'peerMessages',
          from: two,
          messages: [{ kind: 'nodes', map: { ...map, version: this.version } }],
        });
        break;
      case 'vote2':
      case 'vote3':
      case 'voteUnwritten':
        this.disk.isSlow = event === 'voteUnwritten';
        this.hears(event === 'vote3' ? three : two, {
          ...{ kind: 'voteRequest', term, pre: false, lastIndex: LogIndex(0), lastTerm: Term(0) },
          transfer: true,
        });
        this.disk.isSlow = false;
        break;
      case 'leave':
        this.hears(two, { kind: 'removed', term });
        break;
      case 'restart':
      case 'lose':
        this.disk.crash();
        if (event === 'lose') this.disk.lose();
        this.begin(this.disk.begin());
    }
    this.judge();
  }

  private hears(from: NodeId, message: RaftMessage): void {
    const raft = { kind: 'raft', group: made, from: ReplicaId(from), to: ReplicaId(1), message } as const;
    this.step({ kind: 'peerMessages', from, messages: [raft] });
  }

  private step(input: Input): void {
    for (const effect of this.node.step([input], this.now())) this.perform(effect);
  }

  private perform(effect: Effect): void {
    if (effect.kind === 'nodes') this.disk.nodes = effect.map;
    if (effect.kind === 'sendToPeer')
      for (const message of effect.messages)
        if (message.kind === 'raft' && message.message.kind === 'voteReply' && message.message.granted)
          this.votes.add(message.to);
    if (effect.kind !== 'persist') return;
    this.disk.write(effect);
    if (this.disk.isSlow) return;
    const upTo = this.disk.sync();
    this.hasPromised = true;
    if (upTo !== null) this.step({ kind: 'persisted', upTo });
  }

  /** A replica that knows of no term has not begun before. */
  private judge(): void {
    const raft = this.node.groups.get(made)?.raft;
    if (raft?.id === 1 && raft.state.term === 0 && this.hasPromised) throw new Error('it begins again');
    if (this.votes.size > 1) throw new Error('it votes twice in a term');
  }

  get hosts(): boolean {
    return this.node.groups.has(made);
  }

  private now(): { readonly mono: MonoTime; readonly wall: WallTime } {
    return { mono: MonoTime(this.micros), wall: WallTime(this.micros / 1000) };
  }
}

/** All sequences of so many events. */
function* sequences(left: number): Generator<readonly Event[]> {
  if (left === 0) yield [];
  else for (const event of events) for (const rest of sequences(left - 1)) yield [event, ...rest];
}

test('in every order of events a first replica begins once', () => {
  let begun = 0;
  let voted = 0;
  for (const sequence of sequences(length)) {
    const one = new One();
    const told: Event[] = [];
    for (const event of ['told', ...sequence] as const) {
      told.push(event);
      expect(() => {
        one.happens(event);
      }, told.join(', ')).not.toThrow();
    }
    if (one.hosts) begun += 1;
    voted += one.votes.size;
  }
  expect(begun).toBeGreaterThan(0);
  expect(voted).toBeGreaterThan(0);
});

test('what was not written was not promised: it begins after a crash', () => {
  const one = new One();
  for (const event of ['told', 'voteUnwritten', 'restart'] as const) one.happens(event);
  expect(one.hosts).toBe(true);
  one.happens('vote3');
  expect([...one.votes]).toEqual([3]);
});
