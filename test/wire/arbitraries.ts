/** Everything nodes can say to one another, and the bytes it travels in. */
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
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
  type TenantName,
  Term,
} from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { WallTime } from '../../core/base/time.ts';
import type { Configuration } from '../../core/raft/types.ts';
import type { RaftMessage } from '../../core/raft/types.ts';
import type {
  MapChange,
  Operation,
  OrderedChange,
  Outcome,
  PeerMessage,
  Refusal,
  TenantPlace,
} from '../../core/wire/messages.ts';
import type { ExportAnswer } from '../../core/wire/exports.ts';
import type { CopyCursor, MovePlan, MoveState, MoveStep, PlannedMove } from '../../core/wire/moves.ts';
import type { GroupPlan } from '../../core/wire/groups.ts';
import type { NodeMapImage, NodePlan } from '../../core/wire/nodes.ts';
import type { LoggedItem, LoggedOperation } from '../../core/wire/operation.ts';

const edges = [0, 1, 127, 128, 16_383, 16_384, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER];
const natural = fc.oneof(fc.nat(300), fc.maxSafeNat(), fc.constantFrom(...edges));
const positive = natural.map((value) => Math.max(1, value));
const bytes = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 300, size: 'max' }));

const group = fc.oneof(fc.nat(20), fc.constantFrom(0, limits.groupIds - 1)).map(GroupId);
const node = fc.integer({ min: 1, max: 65_535 }).map(NodeId);
const replica = positive.map(ReplicaId);
const term = natural.map(Term);
const index = natural.map(LogIndex);
const epoch = natural.map(Epoch);
const incarnation = positive.map(Incarnation);
const version = natural.map(MapVersion);
const move = positive.map(MoveId);
const request = natural.map(RequestId);
const letters = 'ABCXYZabcxyz0189._:@-';
const letter = fc.nat(letters.length - 1).map((i) => letters.charAt(i));
export const tenant = fc
  .oneof(fc.constantFrom('default', 'acme'), fc.string({ unit: letter, minLength: 1, maxLength: 128 }))
  .map((name) => name as TenantName);

const entry = fc.record({ term, kind: fc.constantFrom('noop' as const, 'data' as const), data: bytes });
const append = fc
  .record({
    term,
    prevIndex: fc.nat(1_000_000_000),
    prevTerm: term,
    commit: index,
    round: natural,
    entries: fc.array(entry, { maxLength: 12 }),
  })
  .map(({ prevIndex, entries, ...rest }): RaftMessage => {
    const numbered = entries.map((each, i) => ({ index: LogIndex(prevIndex + 1 + i), ...each }));
    return { kind: 'append', ...rest, prevIndex: LogIndex(prevIndex), entries: numbered };
  });

function kind<Kind extends string, Fields extends object>(
  name: Kind,
  fields: { [Key in keyof Fields]: fc.Arbitrary<Fields[Key]> },
): fc.Arbitrary<{ readonly kind: Kind } & Fields> {
  return fc.record({ kind: fc.constant(name), ...fields }) as unknown as fc.Arbitrary<{ readonly kind: Kind } & Fields>;
}

const member = fc.record({ replica: replica, node });
const learner = fc.record({ replica: replica, node, joins: fc.boolean(), replaces: fc.option(replica) });
const few = { maxLength: 3 };
export const configuration: fc.Arbitrary<Configuration> = fc.record({
  voters: fc.array(member, few),
  outgoing: fc.array(member, few),
  learners: fc.array(learner, few),
  highest: replica,
});
const members = fc.record({ group, index, configuration });

const raft: fc.Arbitrary<RaftMessage> = fc.oneof(
  append,
  kind('voteRequest', { term, pre: fc.boolean(), transfer: fc.boolean(), lastIndex: index, lastTerm: term }),
  kind('voteReply', { term, pre: fc.boolean(), granted: fc.boolean() }),
  kind('appendReply', { term, accepted: fc.boolean(), index, hintTerm: term, round: natural }),
  kind('heartbeat', { term, commit: index, round: natural }),
  kind('heartbeatReply', { term, round: natural }),
  kind('rest', { term, commit: index }),
  kind('readRequest', { term, ticket: natural }),
  kind('stateDigest', { term, index, digest: fc.integer({ min: 0, max: 0xffffffff }) }),
  kind('readReply', { term, ticket: natural, index }),
  kind('timeoutNow', { term, stays: fc.boolean() }),
  kind('removed', { term }),
  kind('snapshotChunk', {
    term,
    index,
    indexTerm: term,
    number: natural,
    isLast: fc.boolean(),
    bytes: fc.uint8Array({ maxLength: 40 }),
    round: natural,
  }),
  kind('snapshotReply', { term, index, next: natural, round: natural }),
);

const cursor: fc.Arbitrary<CopyCursor> = fc.record({
  serial: natural,
  change: natural,
  part: fc.option(fc.record({ serial: positive, write: natural, records: natural })),
});
const step: fc.Arbitrary<MoveStep> = fc.oneof(
  kind('start', { incarnation, epoch, to: group }),
  kind('prepare', { incarnation, epoch }),
  kind('stage', { after: cursor, upTo: cursor, records: bytes }),
  kind('seal', { after: cursor, records: bytes, rest: bytes, mark: natural }),
  ...(['freeze', 'depart', 'cancel', 'thaw', 'erase', 'activate', 'abandon', 'look'] as const).map((name) =>
    kind(name, {}),
  ),
);
const pin = fc.oneof(fc.constant('own' as const), group);
const plan: fc.Arbitrary<MovePlan> = fc.oneof(
  kind('begin', { to: group, alone: fc.boolean(), isPlanners: fc.boolean() }),
  kind('pin', { pin }),
  kind('unpin', {}),
  // The metadata group itself never owns a tenant.
  kind('import', { to: fc.option(fc.integer({ min: 1, max: limits.groupIds - 1 }).map(GroupId)) }),
  kind('end', { move, hasDeparted: fc.boolean() }),
  kind('stay', { move }),
  kind('look', {}),
);

const heaviest = fc.array(fc.record({ tenant, bytes: natural, operations: natural }), { maxLength: 3 });
const digests = fc
  .array(natural, { maxLength: 5 })
  .map((some) => Array.from({ length: limits.mapParts }, (_, part) => some[part] ?? 0));
const word = fc.string({ maxLength: 20 });
const exportId = fc.string({ minLength: 1, maxLength: 20 });
const nodePlan: fc.Arbitrary<NodePlan> = fc.oneof(
  kind('join', { clientAddress: word, peerAddress: word, zone: word, store: word }),
  kind('replace', { node, heir: node }),
  ...(['drain', 'undrain', 'remove'] as const).map((name) => kind(name, { node })),
);
const firstMembers = fc.array(fc.record({ node, store: word }), { maxLength: 4 });
const groupPlan: fc.Arbitrary<GroupPlan> = fc.record({
  request: word,
  above: group,
  alone: fc.option(tenant),
  groups: fc.array(firstMembers, { maxLength: 3 }),
});
const nodeMap: fc.Arbitrary<NodeMapImage> = fc.record({
  version: natural,
  groups: fc
    .uniqueArray(
      fc.record({
        group: fc.integer({ min: 1, max: limits.groupIds - 1 }).map(GroupId),
        members: firstMembers,
        request: word,
      }),
      { selector: (made) => made.group, maxLength: 3 },
    )
    .map((made) => made.sort((a, b) => a.group - b.group)),
  nodes: fc
    .uniqueArray(
      fc.record({
        node,
        clientAddress: word,
        peerAddress: word,
        zone: word,
        store: word,
        heir: fc.option(node),
        state: fc.constantFrom('member' as const, 'draining' as const, 'removed' as const),
      }),
      { selector: (known) => known.node, maxLength: 5 },
    )
    .map((nodes) => nodes.sort((a, b) => a.node - b.node)),
});
const ordered: fc.Arbitrary<OrderedChange> = fc.oneof(
  kind('add', { node, replaces: fc.option(replica) }),
  kind('remove', { replica }),
  kind('prefer', { replica }),
);

export const operation: fc.Arbitrary<Operation> = fc.oneof(
  kind('move', { tenant, move, step }),
  kind('planMove', { tenant, plan }),
  kind('planNode', { tenant, plan: nodePlan }),
  kind('planGroups', { tenant, plan: groupPlan }),
  kind('execute', {
    tenant,
    incarnation,
    access: fc.constantFrom('read' as const, 'write' as const),
    protocol: fc.constantFrom(2 as const, 3 as const),
    args: fc.array(bytes, { minLength: 1, maxLength: 5 }),
  }),
  kind('adopt', { tenant, incarnation, epoch }),
  kind('release', { tenant, incarnation }),
  // The metadata group itself never owns a tenant.
  kind('resolveTenant', {
    tenant,
    create: fc.boolean(),
    group: fc.option(fc.integer({ min: 1, max: limits.groupIds - 1 }).map(GroupId)),
  }),
  kind('dropTenant', { tenant, incarnation }),
  kind('inspectTenant', { tenant, incarnation }),
  kind('exportTenant', { tenant, incarnation, piece: fc.record({ id: fc.option(exportId), number: natural }) }),
  kind('setQuota', {
    tenant,
    incarnation,
    change: fc.record({ bytes: natural, keys: natural, operations: natural, bandwidth: natural }, { requiredKeys: [] }),
  }),
);

const logged: fc.Arbitrary<LoggedOperation> = fc.oneof(
  { weight: 5, arbitrary: operation },
  { weight: 1, arbitrary: kind('purge', { tenant, incarnation, keys: fc.array(bytes, { maxLength: 5 }) }) },
);
export const items: fc.Arbitrary<readonly LoggedItem[]> = fc.array(
  fc
    .record({
      origin: fc.record({ node, boot: natural, request }),
      lane: natural.map(LaneId),
      behind: natural,
      isRetry: fc.boolean(),
      operation: logged,
    })
    .map(({ behind, ...item }) => ({ ...item, ackBelow: notAfter(item.origin.request, behind) })),
  { maxLength: 12 },
);
/** A request not after this one. */
function notAfter(request: RequestId, behind: number): RequestId {
  return RequestId(request - Math.min(request, behind));
}
export const stamp = natural.map(WallTime);

const place: fc.Arbitrary<TenantPlace> = fc.record({ tenant, group, epoch, incarnation });
const ownedOrNone = natural.map(Incarnation);
const moveState: fc.Arbitrary<MoveState> = fc.oneof(
  kind('none', {}),
  kind('copying', { lastSerial: natural }),
  kind('frozen', { lastSerial: natural }),
  kind('departed', {}),
  kind('staged', { cursor, isSealed: fc.boolean() }),
  kind('active', {}),
  kind('ended', {}),
);
const plannedMove: fc.Arbitrary<PlannedMove> = fc.record({
  move,
  tenant,
  incarnation,
  epoch,
  from: group,
  to: group,
  isPlanners: fc.boolean(),
});
const refusal: fc.Arbitrary<Refusal> = fc.oneof(
  kind('notLeader', { leader: fc.option(node), term }),
  kind('notOwner', { owned: ownedOrNone, released: ownedOrNone }),
  kind('moved', { group, epoch, incarnation }),
  kind('frozen', {}),
  kind('loading', { group, incarnation }),
  kind('outOfOrder', {}),
  kind('busy', { what: fc.string({ maxLength: 40 }) }),
  kind('quota', { what: fc.string({ maxLength: 40 }) }),
);
const exportAnswer: fc.Arbitrary<ExportAnswer> = fc.oneof(
  kind('piece', { id: exportId, next: natural, bytes }),
  kind('gone', {}),
  kind('busy', {}),
);
const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  kind('exported', { answer: exportAnswer }),
  kind('done', { reply: bytes }),
  kind('resolved', { version, tenant: fc.option(place) }),
  kind('refused', { refusal }),
  kind('forgotten', { isSure: fc.boolean() }),
  kind('undecided', {}),
  kind('planned', { move: fc.option(plannedMove), pin: fc.option(pin), why: fc.string({ maxLength: 40 }) }),
  kind('moving', { state: moveState }),
  kind('nodes', { map: nodeMap, node, why: fc.string({ maxLength: 40 }) }),
  kind('made', { groups: fc.array(group, { maxLength: 4 }), why: fc.string({ maxLength: 40 }) }),
  kind('inspected', {
    report: fc.record({
      quota: fc.record({ bytes: natural, keys: natural, operations: natural, bandwidth: natural }),
      usage: fc.record({
        ...{ bytes: natural, keys: natural, sessions: natural, reads: natural, writes: natural },
        ...{ operationsPerSecond: natural, bytesIn: natural, bytesOut: natural },
        ...{ refusedFull: natural, refusedOperations: natural, refusedBandwidth: natural },
      }),
    }),
  }),
);
const change: fc.Arbitrary<MapChange> = fc.oneof(
  kind('placed', { tenant, group, epoch, incarnation }),
  kind('dropped', { tenant, incarnation }),
);

const tenantOrNone: fc.Arbitrary<TenantName | null> = fc.option(tenant);
/** The sender has at least what it tells. */
const mapChanges: fc.Arbitrary<PeerMessage> = fc
  .record({
    since: fc.nat(1_000_000).map(MapVersion),
    changes: fc.array(change, { maxLength: 8 }),
    digest: natural,
    ahead: fc.nat(1_000_000),
  })
  .map(({ ahead, ...told }) => ({
    kind: 'mapChanges',
    ...told,
    latest: MapVersion(told.since + told.changes.length + ahead),
  }));

export const message: fc.Arbitrary<PeerMessage> = fc.oneof(
  { weight: 4, arbitrary: kind('raft', { group, from: replica, to: replica, message: raft }) },
  {
    weight: 2,
    arbitrary: kind('request', {
      boot: natural,
      request,
      attempt: natural,
      group,
      lane: natural.map(LaneId),
      resumes: fc.boolean(),
      ackBelow: fc.constant(RequestId(0)),
      isRetry: fc.boolean(),
      operation,
    }).map((asked) => ({ ...asked, ackBelow: notAfter(asked.request, asked.boot) })),
  },
  { weight: 2, arbitrary: kind('reply', { boot: natural, request, attempt: natural, outcome }) },
  { weight: 1, arbitrary: kind('mapVersion', { version, digest: natural }) },
  { weight: 1, arbitrary: kind('pulse', { boot: natural }) },
  { weight: 1, arbitrary: kind('lost', { group, boot: natural }) },
  { weight: 1, arbitrary: kind('outlier', { group, replica }) },
  { weight: 1, arbitrary: kind('leader', { group, node, term }) },
  { weight: 1, arbitrary: kind('renewed', { group, boot: natural, replica }) },
  { weight: 1, arbitrary: kind('groupsVersion', { version: natural }) },
  { weight: 1, arbitrary: kind('nodesVersion', { version: natural }) },
  { weight: 1, arbitrary: kind('nodes', { map: nodeMap }) },
  {
    weight: 1,
    arbitrary: kind('loads', {
      capacity: fc.record({ bytes: fc.integer({ min: 1 }), operations: fc.integer({ min: 1 }) }),
      groups: fc.array(fc.record({ group, bytes: natural, operations: natural, tenants: natural, heaviest }), {
        maxLength: 4,
      }),
    }),
  },
  { weight: 1, arbitrary: kind('placesDigest', { digest: natural }) },
  { weight: 1, arbitrary: kind('partDigests', { digests }) },
  { weight: 1, arbitrary: kind('partsWanted', { parts: fc.array(fc.nat(limits.mapParts - 1), few) }) },
  { weight: 1, arbitrary: kind('places', { places: bytes, isLast: fc.boolean() }) },
  { weight: 1, arbitrary: kind('order', { group, index, change: ordered }) },
  { weight: 1, arbitrary: kind('leads', { groups: fc.array(fc.record({ group, term }), { maxLength: 4 }) }) },
  { weight: 1, arbitrary: kind('groups', { groups: fc.array(members, { maxLength: 4 }) }) },
  { weight: 1, arbitrary: mapChanges },
  { weight: 1, arbitrary: kind('mapWanted', { since: version, after: tenantOrNone }) },
  {
    weight: 1,
    arbitrary: kind('mapPiece', {
      since: version,
      after: tenantOrNone,
      changes: fc.array(change, { maxLength: 8 }),
      places: bytes,
      isLast: fc.boolean(),
      digest: natural,
    }),
  },
);

/** What may follow it in a pipeline, or nearly: the next number, and all else the same but for what `changed` says. */
function follower(before: PeerMessage, args: readonly Uint8Array[], changed: number): PeerMessage {
  if (before.kind !== 'request' && before.kind !== 'reply') return before;
  const next = RequestId(before.request < Number.MAX_SAFE_INTEGER ? before.request + 1 : 0);
  const attempt = changed === 1 ? 7 : before.attempt;
  if (before.kind === 'reply') {
    const [reply = new Uint8Array(0)] = args;
    return { ...before, request: next, attempt, outcome: changed === 2 ? before.outcome : { kind: 'done', reply } };
  }
  const { operation } = before;
  const lane = changed === 2 ? LaneId(3) : before.lane;
  const resumes = changed === 3;
  const isRetry = changed === 4 ? !before.isRetry : before.isRetry;
  const access = changed === 5 ? 'read' : 'write';
  return {
    ...before,
    ...{ request: next, attempt, lane, resumes, isRetry, ackBelow: next },
    operation: operation.kind === 'execute' ? { ...operation, access, args } : operation,
  };
}

const pipeline: fc.Arbitrary<readonly PeerMessage[]> = fc
  .tuple(message, fc.array(fc.tuple(fc.array(bytes, { minLength: 1, maxLength: 3 }), fc.nat(12)), { maxLength: 4 }))
  .map(([first, others]) => {
    const all = [first];
    for (const [args, changed] of others) all.push(follower(all.at(-1) ?? first, args, changed));
    return all;
  });
export const messages = fc.array(pipeline, { maxLength: 4 }).map((runs) => runs.flat());

/** A frame around a payload that a test made by hand. */
export function frameOf(payload: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(8 + payload.length);
  frame.writeUInt32BE(payload.length, 0);
  frame.writeUInt32BE(crc32(payload), 4);
  frame.set(payload, 8);
  return new Uint8Array(frame);
}

/** A payload of messages whose bytes a test made by hand. */
export function payloadOf(bodies: readonly Uint8Array[]): Uint8Array {
  const parts = bodies.flatMap((body) => [u32(body.length), body]);
  return new Uint8Array(Buffer.concat([u32(bodies.length), ...parts]));
}

function u32(value: number): Uint8Array {
  const made = Buffer.alloc(4);
  made.writeUInt32BE(value);
  return made;
}
