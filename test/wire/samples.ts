/** One message of every kind, and one entry with every operation: what the fixtures hold. */
import {
  Epoch,
  GroupId,
  Incarnation,
  LaneId,
  LogIndex,
  MapVersion,
  MoveId,
  NodeId,
  ReplicaId,
  RequestId,
  Term,
} from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { nobody, parseTenantName } from '../../core/base/tenantName.ts';
import { WallTime } from '../../core/base/time.ts';
import type { Usage } from '../../core/wire/accounts.ts';
import type { Hello } from '../../core/wire/hello.ts';
import type { Operation, OrderedChange, Outcome, PeerMessage } from '../../core/wire/messages.ts';
import type { EntryBatch } from '../../core/wire/operation.ts';
import type { RaftMessage } from '../../core/raft/types.ts';
import type { CopyCursor, MovePlan, MoveState, MoveStep } from '../../core/wire/moves.ts';
import type { GroupPlan } from '../../core/wire/groups.ts';
import type { NodeMapImage, NodePlan } from '../../core/wire/nodes.ts';

const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const acme = parseTenantName('acme')!;
const other = parseTenantName('other:tenant@eu-1.example_2')!;
const [term, group, boot] = [Term(7), GroupId(300), 12];
const [one, two] = [Incarnation(1), Incarnation(2)];

const raft = (message: RaftMessage): PeerMessage => ({
  kind: 'raft',
  group,
  from: ReplicaId(1),
  to: ReplicaId(2),
  message,
});
const request = (operation: Operation): PeerMessage => ({
  kind: 'request',
  boot,
  request: RequestId(99_999),
  attempt: 2,
  group,
  lane: LaneId(5),
  resumes: operation.kind === 'adopt',
  ackBelow: RequestId(99_990),
  isRetry: operation.kind === 'release',
  operation,
});
const reply = (outcome: Outcome): PeerMessage => ({
  kind: 'reply',
  boot,
  request: RequestId(99_999),
  attempt: 300,
  outcome,
});

/** A command of a pipeline: the requests of a lane follow one another. */
const pipelined = (access: 'read' | 'write', words: readonly string[], behind: number): PeerMessage => ({
  kind: 'request',
  boot,
  request: RequestId(500 + behind),
  attempt: 1,
  group,
  lane: LaneId(9),
  resumes: false,
  ackBelow: RequestId(499),
  isRetry: false,
  operation: { kind: 'execute', tenant: acme, incarnation: one, access, protocol: 2, args: words.map(ascii) },
});

const operations: readonly Operation[] = [
  {
    kind: 'execute',
    tenant: acme,
    incarnation: one,
    access: 'write',
    protocol: 3,
    args: [ascii('SET'), ascii('k'), ascii('\x00\xff')],
  },
  { kind: 'execute', tenant: acme, incarnation: one, access: 'read', protocol: 2, args: [ascii('GET'), ascii('')] },
  { kind: 'adopt', tenant: other, incarnation: two, epoch: Epoch(3) },
  { kind: 'release', tenant: other, incarnation: two },
  { kind: 'resolveTenant', tenant: acme, create: true, group: null },
  { kind: 'resolveTenant', tenant: acme, create: false, group: GroupId(4) },
  { kind: 'dropTenant', tenant: acme, incarnation: one },
];

const move = MoveId(300);
const after: CopyCursor = { serial: 300, change: 5, part: null };
const upTo: CopyCursor = { serial: 300, change: 900, part: { serial: 77, write: 1000, records: 3 } };
const steps: readonly MoveStep[] = [
  { kind: 'start', incarnation: two, epoch: Epoch(3), to: GroupId(4) },
  { kind: 'freeze' },
  { kind: 'depart' },
  { kind: 'cancel' },
  { kind: 'erase' },
  { kind: 'prepare', incarnation: two, epoch: Epoch(3) },
  { kind: 'stage', after, upTo, records: ascii('records') },
  { kind: 'seal', after: upTo, records: ascii(''), rest: ascii('rest'), mark: 0xffff_ffff },
  { kind: 'activate' },
  { kind: 'abandon' },
  { kind: 'look' },
  { kind: 'thaw' },
];
const plans: readonly MovePlan[] = [
  { kind: 'begin', alone: true, isPlanners: false, to: GroupId(4) },
  { kind: 'end', move, hasDeparted: true },
  { kind: 'look' },
  { kind: 'pin', pin: 'own' },
  { kind: 'pin', pin: GroupId(300) },
  { kind: 'unpin' },
];
const states: readonly MoveState[] = [
  { kind: 'none' },
  { kind: 'copying', lastSerial: 1000 },
  { kind: 'frozen', lastSerial: 1000 },
  { kind: 'departed' },
  { kind: 'staged', cursor: upTo, isSealed: false },
  { kind: 'staged', cursor: after, isSealed: true },
  { kind: 'active' },
  { kind: 'ended' },
];
const moveOperations: readonly Operation[] = [
  ...steps.map((step): Operation => ({ kind: 'move', tenant: acme, move, step })),
  ...plans.map((plan): Operation => ({ kind: 'planMove', tenant: other, plan })),
];
const planned = {
  move,
  tenant: acme,
  incarnation: two,
  epoch: Epoch(3),
  from: GroupId(300),
  to: GroupId(4),
  isPlanners: true,
};
const moveMessages: readonly PeerMessage[] = [
  ...moveOperations.map(request),
  ...states.map((state) => reply({ kind: 'moving', state })),
  reply({ kind: 'planned', move: null, pin: 'own', why: "unknown tenant 'acme'" }),
  reply({ kind: 'planned', move: planned, pin: GroupId(300), why: '' }),
  reply({ kind: 'refused', refusal: { kind: 'moved', group: GroupId(4), epoch: Epoch(4), incarnation: two } }),
  reply({ kind: 'refused', refusal: { kind: 'frozen' } }),
];

const nodeMap: NodeMapImage = {
  version: 300,
  nodes: [
    {
      node: NodeId(1),
      clientAddress: 'a:1',
      peerAddress: '[::1]:65535',
      zone: '',
      store: '',
      state: 'member',
      heir: null,
    },
    {
      node: NodeId(2),
      clientAddress: 'b.example:1',
      peerAddress: 'b:2',
      zone: 'east-1',
      store: '0123456789abcdef',
      state: 'draining',
      heir: NodeId(1),
    },
    {
      node: NodeId(65_535),
      clientAddress: 'c:1',
      peerAddress: 'c:2',
      zone: 'west',
      store: '',
      state: 'removed',
      heir: null,
    },
  ],
  groups: [
    { group: GroupId(4), request: '300.2.1', members: [{ node: NodeId(300), store: '00000000000000fe' }] },
    { group: GroupId(65_535), request: '', members: [] },
  ],
};
const groupPlans: readonly GroupPlan[] = [
  {
    request: '2.17.3',
    above: GroupId(6),
    alone: null,
    groups: [
      [
        { node: NodeId(2), store: '00000000000000ff' },
        { node: NodeId(300), store: '00000000000000fe' },
      ],
      [{ node: NodeId(300), store: '00000000000000fe' }],
    ],
  },
  { request: '', above: GroupId(0), alone: acme, groups: [] },
];
const nodePlans: readonly NodePlan[] = [
  { kind: 'join', clientAddress: 'd:1', peerAddress: 'd:2', zone: 'east-1', store: '00000000000000ff' },
  { kind: 'drain', node: NodeId(300) },
  { kind: 'undrain', node: NodeId(300) },
  { kind: 'remove', node: NodeId(300) },
  { kind: 'replace', node: NodeId(300), heir: NodeId(301) },
];
const nodeOperations: readonly Operation[] = [
  ...nodePlans.map((plan): Operation => ({ kind: 'planNode', tenant: nobody, plan })),
  ...groupPlans.map((plan): Operation => ({ kind: 'planGroups', tenant: nobody, plan })),
];
const order = (change: OrderedChange): PeerMessage => ({ kind: 'order', group, index: LogIndex(1000), change });
const nodeMessages: readonly PeerMessage[] = [
  ...nodeOperations.map(request),
  reply({ kind: 'nodes', map: nodeMap, node: NodeId(2), why: '' }),
  reply({ kind: 'nodes', map: { version: 0, nodes: [], groups: [] }, node: NodeId(9), why: "no such node '9'" }),
  reply({ kind: 'made', groups: [GroupId(7), GroupId(300)], why: '' }),
  reply({ kind: 'made', groups: [], why: "no such node '9'" }),
  { kind: 'nodesVersion', version: 300 },
  { kind: 'nodes', map: nodeMap },
  {
    kind: 'loads',
    capacity: { bytes: 2 ** 40, operations: 1_000_000 },
    groups: [
      {
        group,
        bytes: 2 ** 40,
        operations: 100_000,
        tenants: 300,
        heaviest: [{ tenant: acme, bytes: 2 ** 39, operations: 7 }],
      },
      { group: GroupId(1), bytes: 0, operations: 0, tenants: 0, heaviest: [] },
    ],
  },
  { kind: 'leader', group, node: NodeId(300), term },
  order({ kind: 'add', node: NodeId(300), replaces: null }),
  order({ kind: 'add', node: NodeId(300), replaces: ReplicaId(3) }),
  order({ kind: 'remove', replica: ReplicaId(300) }),
  order({ kind: 'prefer', replica: ReplicaId(300) }),
];

const usage: Usage = {
  bytes: 2 ** 40,
  keys: 300,
  sessions: 1,
  reads: 1_000_000,
  writes: 0,
  operationsPerSecond: 200,
  bytesIn: 5,
  bytesOut: 127,
  refusedFull: 128,
  refusedOperations: 16_384,
  refusedBandwidth: 3,
};
const quotaOperations: readonly Operation[] = [
  { kind: 'setQuota', tenant: acme, incarnation: two, change: { bytes: 1_000_000, bandwidth: 0 } },
  { kind: 'inspectTenant', tenant: acme, incarnation: two },
];
const quotaMessages: readonly PeerMessage[] = [
  ...quotaOperations.map(request),
  reply({ kind: 'inspected', report: { quota: { bytes: 300, keys: 0, operations: 1, bandwidth: 0 }, usage } }),
  reply({ kind: 'refused', refusal: { kind: 'quota', what: 'operations' } }),
];

const wanted: readonly Operation[] = [
  { kind: 'exportTenant', tenant: acme, incarnation: two, piece: { id: null, number: 0 } },
  { kind: 'exportTenant', tenant: acme, incarnation: two, piece: { id: '3.12.1', number: 300 } },
];
const importPlans: readonly MovePlan[] = [
  { kind: 'import', to: GroupId(4) },
  { kind: 'import', to: null },
];
const importOperations = importPlans.map((plan): Operation => ({ kind: 'planMove', tenant: other, plan }));
const fileMessages: readonly PeerMessage[] = [
  ...[...wanted, ...importOperations].map(request),
  reply({ kind: 'exported', answer: { kind: 'piece', id: '3.12.1', next: 301, bytes: ascii('bytes') } }),
  reply({ kind: 'exported', answer: { kind: 'piece', id: '3.12.1', next: 0, bytes: ascii('') } }),
  reply({ kind: 'exported', answer: { kind: 'gone' } }),
  reply({ kind: 'exported', answer: { kind: 'busy' } }),
  reply({ kind: 'refused', refusal: { kind: 'loading', group: GroupId(4), incarnation: two } }),
];
const placesMessages: readonly PeerMessage[] = [
  { kind: 'placesDigest', digest: 2 ** 40 + 3 },
  {
    kind: 'partDigests',
    digests: Array.from({ length: limits.mapParts }, (_, part) => (part < 3 ? part * 2 ** 40 : 0)),
  },
  { kind: 'partsWanted', parts: [0, 300] },
  { kind: 'places', places: Uint8Array.of(1, 2, 3), isLast: true },
];

export const sampleHello: Hello = {
  clusterId: 'test-cluster',
  node: NodeId(3),
  boot,
  version: 6,
  electionMs: 600,
  leaseReads: true,
  store: '0123456789abcdef',
  began: 'joined',
  metadata: 'gossip, 3 groups, #12ab',
};

export const sampleMessages: readonly PeerMessage[] = [
  raft({ kind: 'voteRequest', term, pre: true, transfer: false, lastIndex: LogIndex(1000), lastTerm: Term(6) }),
  raft({ kind: 'voteReply', term, pre: false, granted: true }),
  raft({
    kind: 'append',
    term,
    prevIndex: LogIndex(1000),
    prevTerm: Term(6),
    entries: [
      { index: LogIndex(1001), term: Term(6), kind: 'data', data: ascii('data') },
      { index: LogIndex(1002), term, kind: 'noop', data: ascii('') },
    ],
    commit: LogIndex(999),
    round: 40,
  }),
  raft({ kind: 'appendReply', term, accepted: true, index: LogIndex(1002), hintTerm: Term(0), round: 40 }),
  raft({ kind: 'heartbeat', term, commit: LogIndex(1002), round: 41 }),
  raft({ kind: 'heartbeatReply', term, round: 41 }),
  raft({ kind: 'timeoutNow', term, stays: true }),
  raft({
    kind: 'snapshotChunk',
    term,
    index: LogIndex(700),
    indexTerm: Term(6),
    number: 300,
    isLast: true,
    bytes: Uint8Array.of(1, 2, 3),
    round: 9,
  }),
  raft({ kind: 'snapshotReply', term, index: LogIndex(700), next: 301, round: 9 }),
  ...operations.map(request),
  reply({ kind: 'done', reply: ascii('+OK\r\n') }),
  reply({ kind: 'resolved', version: MapVersion(17), tenant: null }),
  reply({
    kind: 'resolved',
    version: MapVersion(17),
    tenant: { tenant: acme, group, epoch: Epoch(2), incarnation: two },
  }),
  reply({ kind: 'refused', refusal: { kind: 'notLeader', leader: NodeId(65_535), term } }),
  reply({ kind: 'refused', refusal: { kind: 'notLeader', leader: null, term: Term(0) } }),
  reply({ kind: 'refused', refusal: { kind: 'notOwner', owned: 0, released: one } }),
  reply({ kind: 'refused', refusal: { kind: 'outOfOrder' } }),
  reply({ kind: 'refused', refusal: { kind: 'busy', what: 'requests' } }),
  reply({ kind: 'forgotten', isSure: true }),
  reply({ kind: 'undecided' }),
  { kind: 'mapVersion', version: MapVersion(Number.MAX_SAFE_INTEGER), digest: 2 ** 52 - 1 },
  {
    kind: 'mapChanges',
    since: MapVersion(16),
    changes: [
      { kind: 'placed', tenant: acme, group, epoch: Epoch(2), incarnation: two },
      { kind: 'dropped', tenant: other, incarnation: one },
    ],
    digest: 2 ** 40 + 3,
    latest: MapVersion(300),
  },
  raft({ kind: 'removed', term }),
  { kind: 'leads', groups: [{ group, term }] },
  { kind: 'groupsVersion', version: Number.MAX_SAFE_INTEGER },
  {
    kind: 'groups',
    groups: [
      {
        group,
        index: LogIndex(1_000),
        configuration: {
          voters: [
            { replica: ReplicaId(1), node: NodeId(1) },
            { replica: ReplicaId(300), node: NodeId(65_535) },
          ],
          outgoing: [{ replica: ReplicaId(1), node: NodeId(1) }],
          learners: [
            { replica: ReplicaId(301), node: NodeId(3), joins: true, replaces: ReplicaId(1) },
            { replica: ReplicaId(302), node: NodeId(4), joins: false, replaces: null },
          ],
          highest: ReplicaId(302),
        },
      },
    ],
  },
  raft({ kind: 'rest', term, commit: LogIndex(1002) }),
  raft({ kind: 'readRequest', term, ticket: 2 ** 33 + 5 }),
  raft({ kind: 'readReply', term, ticket: 2 ** 33 + 5, index: LogIndex(1002) }),
  raft({ kind: 'stateDigest', term, index: LogIndex(1002), digest: 0xfedcba98 }),
  { kind: 'outlier', group, replica: ReplicaId(300) },
  { kind: 'pulse', boot: 7 },
  { kind: 'lost', group, boot: 7 },
  { kind: 'renewed', group, boot: 7, replica: ReplicaId(300) },
  ...[0, 1, 2].map((behind) => pipelined('read', ['GET', `k${String(behind)}`], behind)),
  ...[3, 4].map((behind) => pipelined('write', ['INCR', 'n'], behind)),
  ...['$-1', '+OK', ''].map((text, behind): PeerMessage => {
    const outcome: Outcome = text === '' ? { kind: 'undecided' } : { kind: 'done', reply: ascii(`${text}\r\n`) };
    return { kind: 'reply', boot, request: RequestId(1000 + behind), attempt: 1, outcome };
  }),
  { kind: 'mapWanted', since: MapVersion(0), after: null },
  { kind: 'mapWanted', since: MapVersion(300), after: other },
  {
    kind: 'mapPiece',
    since: MapVersion(300),
    after: other,
    changes: [{ kind: 'dropped', tenant: other, incarnation: one }],
    places: Uint8Array.of(1, 2, 3),
    isLast: true,
    digest: 2 ** 40 + 3,
  },
  ...moveMessages,
  ...nodeMessages,
  ...quotaMessages,
  ...fileMessages,
  ...placesMessages,
];

/** What versions before 6 said of it. */
export function asBefore6(said: PeerMessage): PeerMessage {
  if (said.kind === 'mapVersion') return { ...said, digest: 0 };
  if (said.kind !== 'mapChanges') return said;
  return { ...said, digest: 0, latest: MapVersion(said.since + said.changes.length) };
}

/** How many of them earlier versions knew. */
export const messagesOfVersion5 =
  sampleMessages.length - 3 - [moveMessages, nodeMessages, quotaMessages, fileMessages, placesMessages].flat().length;
export const messagesOfVersion4 = messagesOfVersion5 - 8;
export const messagesOfVersion3 = messagesOfVersion5 - 20;

export const sampleBatch: EntryBatch = {
  stamp: WallTime(1_800_000_000_000),
  maxValueBytes: 1_000_000,
  items: [
    ...operations.map((operation, i) => ({
      origin: { node: NodeId(1 + i), boot, request: RequestId(i * 1000) },
      lane: LaneId(i * 50),
      ackBelow: RequestId(i * 900),
      isRetry: i % 2 === 1,
      operation,
    })),
    {
      origin: { node: NodeId(65_535), boot, request: RequestId(0) },
      lane: LaneId(0),
      ackBelow: RequestId(0),
      isRetry: false,
      operation: { kind: 'purge', tenant: acme, incarnation: one, keys: [ascii('k'), ascii('')] },
    },
  ],
};

/** With what moves and plans write. */
export const sampleMoveBatch: EntryBatch = {
  stamp: sampleBatch.stamp,
  maxValueBytes: sampleBatch.maxValueBytes,
  items: [...moveOperations, ...nodeOperations, ...quotaOperations.slice(0, 1), ...importOperations].map(
    (operation, i) => ({
      origin: { node: NodeId(3), boot, request: RequestId(1000 + i) },
      lane: LaneId(0),
      ackBelow: RequestId(1000 + i),
      isRetry: false,
      operation,
    }),
  ),
};
