/**
 * Three nodes and a client of the first, with network, disks and clocks played by hand. It uses the language and the
 * core and nothing else, so that it can run where there is nothing else.
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
  type Random,
  ReplicaId,
  type Topology,
  WallTime,
} from '../../core/index.ts';

export interface Conversation {
  readonly replies: string;
  /** A hash of every effect of every turn. */
  readonly hash: number;
}

const ids: readonly NodeId[] = [NodeId(1), NodeId(2), NodeId(3)];
const replicas = ids.map((node) => ({ replica: ReplicaId(node), node }));
const topology: Topology = {
  clusterId: 'conversation',
  nodes: ids.map((node) => ({ node, clientAddress: '', peerAddress: '', zone: '', hasJoined: false })),
  groups: [0, 1, 2].map((group) => ({ group: GroupId(group), replicas })),
  tenants: [],
};

const turnMs = 5;
const turns = 800;
/** By then every group has a leader. */
const speaksAt = 600;
const words = ['SET {acme}k hello', 'INCR {other}n', 'GET {acme}k', 'GET {other}n'];

export function converse(): Conversation {
  const conn = ConnId(1);
  const nodes = ids.map(startNode);
  const inboxes = ids.map((self) =>
    ids.filter((peer) => peer !== self).map((peer): Input => ({ kind: 'peerUp', peer, store: `of ${String(peer)}` })),
  );
  let replies = '';
  let hash = 0;

  const perform = (from: NodeId, effect: Effect): void => {
    if (effect.kind === 'sendToClient') replies += binaryString(effect.bytes);
    if (effect.kind === 'persist') inboxes[from - 1]?.push({ kind: 'persisted', upTo: effect.write });
    if (effect.kind === 'sendToPeer')
      inboxes[effect.to - 1]?.push({ kind: 'peerMessages', from, messages: effect.messages });
  };

  for (let turn = 1; turn <= turns; turn += 1) {
    if (turn === speaksAt) {
      const commands = words.map(
        (line): Input => ({ kind: 'clientCommand', conn, args: line.split(' ').map(bytesOfBinary) }),
      );
      inboxes[0]?.push({ kind: 'clientOpened', conn, address: '' }, ...commands);
    }
    for (const [index, self] of ids.entries()) {
      const inputs = inboxes[index]?.splice(0) ?? [];
      const effects = nodes[index]?.step([...inputs, { kind: 'timer' }], nowAt(turn)) ?? [];
      for (const effect of effects) perform(self, effect);
      hash = hashOf(hash, JSON.stringify(effects));
    }
  }
  return { replies, hash };
}

function startNode(node: NodeId): Node {
  const settings = { ...defaultSettings, autoCreateTenants: true, rebalance: 'manual' as const };
  const restored = { boots: 0, isLost: false, groups: new Map() };
  return new Node({
    node,
    boot: 1,
    store: `of ${String(node)}`,
    topology,
    settings,
    restored,
    random: (label) => randomOf(hashOf(node, label)),
    now: nowAt(0),
  });
}

function nowAt(turn: number) {
  return { mono: MonoTime(turn * turnMs * 1000), wall: WallTime(1_000_000 + turn * turnMs) };
}

/** Park and Miller's generator: enough to keep three nodes from campaigning at once. */
function randomOf(seed: number): Random {
  const modulus = 2 ** 31 - 1;
  let state = (seed % (modulus - 1)) + 1;
  return () => {
    state = (state * 48_271) % modulus;
    return state / modulus;
  };
}

function hashOf(start: number, text: string): number {
  let hash = start;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 16_777_619);
  return hash >>> 0;
}
