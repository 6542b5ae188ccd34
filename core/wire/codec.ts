/**
 * Messages between nodes as bytes. Each has its length before it, so that a reader skips what it does not know:
 * kinds of messages or of what they hold, and tail fields that were added after its time. What is cut short or
 * out of range is malformed. Decoders return null for an unknown kind and fail the reader for malformed bytes.
 */
import { ByteReader, type ByteWriter } from '../base/bytes.ts';
import {
  Epoch,
  Incarnation,
  LaneId,
  LogIndex,
  MapVersion,
  ReplicaId,
  RequestId,
  type TenantName,
  Term,
} from '../base/ids.ts';
import { unreachable } from '../base/invariant.ts';
import { decodeReport, encodeReport, reportBytes } from './accounts.ts';
import { readConfiguration, writeConfiguration } from './configuration.ts';
import { decodeExportAnswer, encodeExportAnswer, exportAnswerBytes } from './exports.ts';
import { none, readGroup, readIncarnation, readNode, readNodeOrNone, readReplica } from './fields.ts';
import { decodeCapacity, decodeLoads, encodeCapacity, encodeLoads, loadsBytes } from './loads.ts';
import {
  decodeMapChanges,
  decodeMapPiece,
  decodeMapVersion,
  decodeMapWanted,
  decodePartDigests,
  decodePartsWanted,
  decodePlace,
  encodeMapMessage,
  encodePlacesMessage,
  encodePlace,
  mapMessageBytes,
  placesMessageBytes,
} from './mapCodec.ts';
import type {
  Execute,
  ForwardReply,
  ForwardRequest,
  Operation,
  OrderedChange,
  Outcome,
  PeerMessage,
  Refusal,
} from './messages.ts';
import { decodePin, decodePlannedMove, decodeState, encodePin, encodePlannedMove, encodeState } from './moves.ts';
import { decodeNodeMap, encodeNodeMap, nodeMapBytes } from './nodes.ts';
import { commandOf, decodeList, decodeOperation, encodeList, encodeOperation, operationBytes } from './operation.ts';
import { decodeRaft, encodeRaft, raftBytes } from './raftCodec.ts';

const message = {
  raft: 1,
  request: 2,
  reply: 3,
  groupsVersion: 6,
  groups: 7,
  leads: 8,
  pulse: 9,
  lost: 10,
  renewed: 11,
  outlier: 12,
  /** The next request of the lane, or the next reply: what it shares with the message before it is not said again. */
  nextRequest: 13,
  nextReply: 14,
  mapWanted: 15,
  mapPiece: 16,
  mapVersion: 17,
  mapChanges: 18,
  nodesVersion: 19,
  nodes: 20,
  loads: 21,
  order: 22,
  placesDigest: 23,
  partDigests: 24,
  partsWanted: 25,
  places: 26,
  leader: 27,
} as const;
/** Before version 6, which did not say digests. */
const formerly = { mapVersion: 4, mapChanges: 5 } as const;
const outcome = {
  done: 1,
  resolved: 2,
  refused: 3,
  forgotten: 4,
  undecided: 5,
  planned: 6,
  moving: 7,
  nodes: 8,
  inspected: 9,
  exported: 10,
  made: 11,
} as const;
const refusal = {
  notLeader: 1,
  notOwner: 2,
  outOfOrder: 3,
  busy: 4,
  moved: 5,
  frozen: 6,
  quota: 7,
  loading: 8,
} as const;
/** More than any message takes without the bytes, names and lists in it. */
const fixedBytes = 96;
/** More than a group's members take without the members, and a member. */
const groupBytes = 32;
const memberBytes = 24;
/** As much as a group's id takes. */
const madeBytes = 5;
const ordered = { add: 1, remove: 2, prefer: 3 } as const;
/** More than a group and a term take. */
const leadBytes = 13;
const minimumLeadBytes = 2;
/** A group's members take at least group, index, highest id and four counts. */
const minimumGroupBytes = 6;

/** The payload of a frame. */
export function encodeMessages(writer: ByteWriter, messages: readonly PeerMessage[]): void {
  writer.u32(messages.length);
  let previous: PeerMessage | null = null;
  for (const message of messages) {
    encodeMessage(writer, message, previous);
    previous = message;
  }
}

/** The messages of a payload, without those of unknown kinds. */
export function decodeMessages(payload: Uint8Array): readonly PeerMessage[] | 'malformed' {
  const messages: PeerMessage[] = [];
  const reader = new ByteReader(payload);
  const count = reader.u32();
  let likely: TenantName | null = null;
  let previous: PeerMessage | null = null;
  for (let i = 0; i < count; i += 1) {
    const outer = reader.enter(reader.u32());
    previous = decodeMessage(reader, likely, previous);
    if (reader.failed) return 'malformed';
    reader.leave(outer);
    if (previous === null) continue;
    messages.push(previous);
    if (previous.kind === 'request') likely = previous.operation.tenant;
  }
  return reader.complete ? messages : 'malformed';
}

/** What a message takes at most, and little more than it takes. */
export function messageBytes(m: PeerMessage): number {
  switch (m.kind) {
    case 'raft':
      return fixedBytes + raftBytes(m.message);
    case 'request':
      return fixedBytes + operationBytes(m.operation, null);
    case 'reply':
      return fixedBytes + outcomeBytes(m.outcome);
    case 'mapVersion':
    case 'groupsVersion':
    case 'nodesVersion':
    case 'order':
    case 'pulse':
    case 'lost':
    case 'renewed':
    case 'outlier':
    case 'leader':
      return fixedBytes;
    case 'leads':
      return fixedBytes + m.groups.length * leadBytes;
    case 'nodes':
      return fixedBytes + nodeMapBytes(m.map);
    case 'loads':
      return fixedBytes + loadsBytes(m.groups);
    case 'groups':
      return m.groups.reduce(
        (bytes, { configuration: { voters, outgoing, learners } }) =>
          bytes + groupBytes + (voters.length + outgoing.length + learners.length) * memberBytes,
        fixedBytes,
      );
    case 'mapChanges':
    case 'mapWanted':
    case 'mapPiece':
      return fixedBytes + mapMessageBytes(m);
    case 'placesDigest':
    case 'partDigests':
    case 'partsWanted':
    case 'places':
      return fixedBytes + placesMessageBytes(m);
    default:
      return unreachable(m);
  }
}

function encodeMessage(writer: ByteWriter, m: PeerMessage, previous: PeerMessage | null): void {
  const lengthAt = writer.skip(4);
  if (m.kind === 'request' && previous?.kind === 'request' && isNextRequest(m, previous)) {
    writer.u8(message.nextRequest);
    writer.varint(m.request - m.ackBelow);
    encodeList(writer, m.operation.args);
  } else if (m.kind === 'reply' && previous?.kind === 'reply' && isNextReply(m, previous)) {
    writer.u8(message.nextReply);
    writer.bytes(m.outcome.reply);
  } else {
    writer.u8(message[m.kind]);
    encodeBody(writer, m);
  }
  writer.patchU32(lengthAt, writer.length - lengthAt - 4);
}

interface ExecuteRequest extends ForwardRequest {
  readonly operation: Execute;
}

interface DoneReply extends ForwardReply {
  readonly outcome: Extract<Outcome, { kind: 'done' }>;
}

/** Commands of one pipeline differ in their arguments alone. */
function isNextRequest(m: ForwardRequest, before: ForwardRequest): m is ExecuteRequest {
  const { operation: now } = m;
  const { operation: then } = before;
  return (
    m.request === before.request + 1 &&
    m.lane === before.lane &&
    m.group === before.group &&
    m.attempt === before.attempt &&
    m.boot === before.boot &&
    !m.resumes &&
    m.isRetry === before.isRetry &&
    now.kind === 'execute' &&
    then.kind === 'execute' &&
    now.tenant === then.tenant &&
    now.incarnation === then.incarnation &&
    now.access === then.access &&
    now.protocol === then.protocol
  );
}

function isNextReply(m: ForwardReply, before: ForwardReply): m is DoneReply {
  return (
    m.request === before.request + 1 &&
    m.attempt === before.attempt &&
    m.boot === before.boot &&
    m.outcome.kind === 'done' &&
    before.outcome.kind === 'done'
  );
}

function encodeBody(writer: ByteWriter, m: PeerMessage): void {
  switch (m.kind) {
    case 'raft':
      writer.varint(m.group);
      writer.varint(m.from);
      writer.varint(m.to);
      encodeRaft(writer, m.message);
      break;
    case 'request':
      writer.varint(m.boot);
      writer.varint(m.request);
      writer.varint(m.attempt);
      writer.varint(m.group);
      writer.varint(m.lane);
      writer.u8((m.resumes ? 1 : 0) | (m.isRetry ? 2 : 0));
      writer.varint(m.request - m.ackBelow);
      encodeOperation(writer, m.operation, null);
      break;
    case 'reply':
      writer.varint(m.boot);
      writer.varint(m.request);
      writer.varint(m.attempt);
      encodeOutcome(writer, m.outcome);
      break;
    case 'mapVersion':
    case 'mapChanges':
    case 'mapWanted':
    case 'mapPiece':
      encodeMapMessage(writer, m);
      break;
    case 'placesDigest':
    case 'partDigests':
    case 'partsWanted':
    case 'places':
      encodePlacesMessage(writer, m);
      break;
    case 'pulse':
      writer.varint(m.boot);
      break;
    case 'lost':
      writer.varint(m.group);
      writer.varint(m.boot);
      break;
    case 'outlier':
      writer.varint(m.group);
      writer.varint(m.replica);
      break;
    case 'renewed':
      writer.varint(m.group);
      writer.varint(m.boot);
      writer.varint(m.replica);
      break;
    case 'groupsVersion':
    case 'nodesVersion':
      writer.varint(m.version);
      break;
    case 'nodes':
      encodeNodeMap(writer, m.map);
      break;
    case 'loads':
      encodeCapacity(writer, m.capacity);
      encodeLoads(writer, m.groups);
      break;
    case 'order':
      writer.varint(m.group);
      writer.varint(m.index);
      writer.u8(ordered[m.change.kind]);
      if (m.change.kind !== 'add') writer.varint(m.change.replica);
      else for (const part of [m.change.node, m.change.replaces ?? none]) writer.varint(part);
      break;
    case 'leader':
      for (const part of [m.group, m.node, m.term]) writer.varint(part);
      break;
    case 'leads':
      writer.varint(m.groups.length);
      for (const { group, term } of m.groups) {
        writer.varint(group);
        writer.varint(term);
      }
      break;
    case 'groups':
      writer.varint(m.groups.length);
      for (const { group, index, configuration } of m.groups) {
        writer.varint(group);
        writer.varint(index);
        writeConfiguration(writer, configuration);
      }
      break;
    default:
      unreachable(m);
  }
}

/** `likely`: the tenant that a request probably names. `previous`: the message before, null if it is not known. */
function decodeMessage(
  reader: ByteReader,
  likely: TenantName | null,
  previous: PeerMessage | null,
): PeerMessage | null {
  switch (reader.u8()) {
    case message.nextRequest:
      return decodeNextRequest(reader, previous);
    case message.nextReply:
      return decodeNextReply(reader, previous);
    case message.raft: {
      const group = readGroup(reader);
      const from = readReplica(reader);
      const to = readReplica(reader);
      const decoded = decodeRaft(reader);
      return decoded === null ? null : { kind: 'raft', group, from, to, message: decoded };
    }
    case message.request: {
      const boot = reader.varint();
      const request = RequestId(reader.varint());
      const attempt = reader.varint();
      const group = readGroup(reader);
      const lane = LaneId(reader.varint());
      const flags = reader.u8();
      const behind = reader.varint();
      if (behind > request) reader.fail();
      const command = previous?.kind === 'request' ? commandOf(previous.operation) : null;
      const operation = decodeOperation(reader, null, likely, command);
      if (operation === null) return null;
      if (operation.kind === 'purge') {
        reader.fail(); // Leaders write these into their own log; nobody asks for one.
        return null;
      }
      const resumes = (flags & 1) !== 0;
      const isRetry = (flags & 2) !== 0;
      const ackBelow = RequestId(request - behind);
      return { kind: 'request', boot, request, attempt, group, lane, resumes, ackBelow, isRetry, operation };
    }
    case message.reply: {
      const boot = reader.varint();
      const request = RequestId(reader.varint());
      const attempt = reader.varint();
      const decoded = decodeOutcome(reader);
      return decoded === null ? null : { kind: 'reply', boot, request, attempt, outcome: decoded };
    }
    case message.lost: {
      const group = readGroup(reader);
      return { kind: 'lost', group, boot: reader.varint() };
    }
    case message.outlier: {
      const group = readGroup(reader);
      return { kind: 'outlier', group, replica: readReplica(reader) };
    }
    case message.renewed: {
      const group = readGroup(reader);
      const boot = reader.varint();
      return { kind: 'renewed', group, boot, replica: readReplica(reader) };
    }
    case message.pulse:
      return { kind: 'pulse', boot: reader.varint() };
    case message.mapVersion:
      return decodeMapVersion(reader, true);
    case formerly.mapVersion:
      return decodeMapVersion(reader, false);
    case message.mapChanges:
      return decodeMapChanges(reader, true);
    case formerly.mapChanges:
      return decodeMapChanges(reader, false);
    case message.mapWanted:
      return decodeMapWanted(reader);
    case message.mapPiece:
      return decodeMapPiece(reader);
    case message.placesDigest:
      return { kind: 'placesDigest', digest: reader.u64() };
    case message.partDigests:
      return decodePartDigests(reader);
    case message.partsWanted:
      return decodePartsWanted(reader);
    case message.places: {
      const places = reader.bytes();
      return { kind: 'places', places, isLast: reader.u8() === 1 };
    }
    case message.groupsVersion:
      return { kind: 'groupsVersion', version: reader.varint() };
    case message.nodesVersion:
      return { kind: 'nodesVersion', version: reader.varint() };
    case message.nodes:
      return { kind: 'nodes', map: decodeNodeMap(reader) };
    case message.loads:
      return { kind: 'loads', capacity: decodeCapacity(reader), groups: decodeLoads(reader) };
    case message.order: {
      const group = readGroup(reader);
      const index = LogIndex(reader.varint());
      const change = decodeOrderedChange(reader);
      return change === null ? null : { kind: 'order', group, index, change };
    }
    case message.leader: {
      const group = readGroup(reader);
      const node = readNode(reader);
      return { kind: 'leader', group, node, term: Term(reader.varint()) };
    }
    case message.leads: {
      const count = reader.count(minimumLeadBytes);
      const groups = Array.from({ length: count }, () => ({ group: readGroup(reader), term: Term(reader.varint()) }));
      return { kind: 'leads', groups };
    }
    case message.groups: {
      const count = reader.count(minimumGroupBytes);
      const groups = Array.from({ length: count }, () => {
        const group = readGroup(reader);
        const index = LogIndex(reader.varint());
        return { group, index, configuration: readConfiguration(reader) };
      });
      return { kind: 'groups', groups };
    }
    default:
      return null;
  }
}

function decodeNextRequest(
  reader: ByteReader,
  previous: PeerMessage | null,
): (ForwardRequest & { kind: 'request' }) | null {
  const behind = reader.varint();
  const before = previous?.kind === 'request' ? previous.operation : null;
  const args = decodeList(reader, before === null ? null : commandOf(before));
  if (previous?.kind !== 'request' || before?.kind !== 'execute' || args.length === 0) {
    reader.fail();
    return null;
  }
  const { boot, attempt, group, lane, isRetry } = previous;
  const { tenant, incarnation, access, protocol } = before;
  const request = RequestId(previous.request + 1);
  if (behind > request) reader.fail();
  const ackBelow = RequestId(request - behind);
  const operation: Operation = { kind: 'execute', tenant, incarnation, access, protocol, args };
  return { kind: 'request', boot, request, attempt, group, lane, resumes: false, ackBelow, isRetry, operation };
}

function decodeNextReply(reader: ByteReader, previous: PeerMessage | null): (ForwardReply & { kind: 'reply' }) | null {
  const before = previous?.kind === 'reply' ? previous.outcome : null;
  const reply = reader.bytes(before?.kind === 'done' ? before.reply : null);
  if (previous?.kind !== 'reply' || before?.kind !== 'done') {
    reader.fail();
    return null;
  }
  const { boot, attempt } = previous;
  return { kind: 'reply', boot, request: RequestId(previous.request + 1), attempt, outcome: { kind: 'done', reply } };
}

function decodeOrderedChange(reader: ByteReader): OrderedChange | null {
  switch (reader.u8()) {
    case ordered.add: {
      const node = readNode(reader);
      const replaces = reader.varint();
      return { kind: 'add', node, replaces: replaces === none ? null : ReplicaId(replaces) };
    }
    case ordered.remove:
      return { kind: 'remove', replica: readReplica(reader) };
    case ordered.prefer:
      return { kind: 'prefer', replica: readReplica(reader) };
    default:
      return null;
  }
}

function encodeOutcome(writer: ByteWriter, o: Outcome): void {
  writer.u8(outcome[o.kind]);
  switch (o.kind) {
    case 'done':
      writer.bytes(o.reply);
      return;
    case 'resolved':
      writer.varint(o.version);
      writer.u8(o.tenant === null ? 0 : 1);
      if (o.tenant !== null) encodePlace(writer, o.tenant);
      return;
    case 'refused':
      encodeRefusal(writer, o.refusal);
      return;
    case 'forgotten':
      writer.u8(o.isSure ? 1 : 0);
      return;
    case 'planned':
      writer.text(o.why);
      encodePin(writer, o.pin);
      writer.u8(o.move === null ? 0 : 1);
      if (o.move !== null) encodePlannedMove(writer, o.move);
      return;
    case 'moving':
      encodeState(writer, o.state);
      return;
    case 'nodes':
      writer.varint(o.node);
      writer.text(o.why);
      encodeNodeMap(writer, o.map);
      return;
    case 'made':
      writer.text(o.why);
      writer.varint(o.groups.length);
      for (const group of o.groups) writer.varint(group);
      return;
    case 'inspected':
      encodeReport(writer, o.report);
      return;
    case 'exported':
      encodeExportAnswer(writer, o.answer);
      return;
    case 'undecided':
      return;
    default:
      unreachable(o);
  }
}

function decodeOutcome(reader: ByteReader): Outcome | null {
  switch (reader.u8()) {
    case outcome.done:
      return { kind: 'done', reply: reader.bytes() };
    case outcome.resolved: {
      const version = MapVersion(reader.varint());
      if (reader.u8() === 0) return { kind: 'resolved', version, tenant: null };
      const tenant = decodePlace(reader);
      return tenant === null ? null : { kind: 'resolved', version, tenant };
    }
    case outcome.refused: {
      const decoded = decodeRefusal(reader);
      return decoded === null ? null : { kind: 'refused', refusal: decoded };
    }
    case outcome.undecided:
      return { kind: 'undecided' };
    case outcome.planned: {
      const why = reader.text();
      const pin = decodePin(reader);
      if (reader.u8() === 0) return { kind: 'planned', move: null, pin, why };
      const move = decodePlannedMove(reader);
      return move === null ? null : { kind: 'planned', move, pin, why };
    }
    case outcome.nodes: {
      const node = readNode(reader);
      const why = reader.text();
      return { kind: 'nodes', node, why, map: decodeNodeMap(reader) };
    }
    case outcome.made: {
      const why = reader.text();
      const groups = Array.from({ length: reader.count(1) }, () => readGroup(reader));
      return { kind: 'made', groups, why };
    }
    case outcome.moving: {
      const state = decodeState(reader);
      return state === null ? null : { kind: 'moving', state };
    }
    case outcome.inspected:
      return { kind: 'inspected', report: decodeReport(reader) };
    case outcome.exported: {
      const answer = decodeExportAnswer(reader);
      return answer === null ? null : { kind: 'exported', answer };
    }
    case outcome.forgotten:
      return { kind: 'forgotten', isSure: reader.u8() === 1 };
    default:
      return null;
  }
}

function encodeRefusal(writer: ByteWriter, r: Refusal): void {
  writer.u8(refusal[r.kind]);
  switch (r.kind) {
    case 'notLeader':
      writer.varint(r.leader ?? none);
      writer.varint(r.term);
      return;
    case 'notOwner':
      writer.varint(r.owned);
      writer.varint(r.released);
      return;
    case 'moved':
      writer.varint(r.group);
      writer.varint(r.epoch);
      writer.varint(r.incarnation);
      return;
    case 'loading':
      writer.varint(r.group);
      writer.varint(r.incarnation);
      return;
    case 'frozen':
    case 'outOfOrder':
      return;
    case 'busy':
    case 'quota':
      writer.text(r.what);
      return;
    default:
      unreachable(r);
  }
}

function decodeRefusal(reader: ByteReader): Refusal | null {
  switch (reader.u8()) {
    case refusal.notLeader: {
      const leader = readNodeOrNone(reader);
      return { kind: 'notLeader', leader, term: Term(reader.varint()) };
    }
    case refusal.notOwner: {
      const owned = Incarnation(reader.varint());
      const released = Incarnation(reader.varint());
      return { kind: 'notOwner', owned, released };
    }
    case refusal.moved: {
      const group = readGroup(reader);
      const epoch = Epoch(reader.varint());
      return { kind: 'moved', group, epoch, incarnation: readIncarnation(reader) };
    }
    case refusal.frozen:
      return { kind: 'frozen' };
    case refusal.loading: {
      const group = readGroup(reader);
      return { kind: 'loading', group, incarnation: readIncarnation(reader) };
    }
    case refusal.outOfOrder:
      return { kind: 'outOfOrder' };
    case refusal.busy:
      return { kind: 'busy', what: reader.text() };
    case refusal.quota:
      return { kind: 'quota', what: reader.text() };
    default:
      return null;
  }
}

function outcomeBytes(o: Outcome): number {
  switch (o.kind) {
    case 'done':
      return o.reply.length;
    case 'resolved':
      return o.tenant === null ? 0 : o.tenant.tenant.length;
    case 'refused':
      return o.refusal.kind === 'busy' || o.refusal.kind === 'quota' ? o.refusal.what.length : 0;
    case 'planned':
      return o.why.length + (o.move === null ? 0 : o.move.tenant.length);
    case 'nodes':
      return o.why.length + nodeMapBytes(o.map);
    case 'made':
      return o.why.length + o.groups.length * madeBytes;
    case 'moving':
      return 0;
    case 'inspected':
      return reportBytes(o.report);
    case 'exported':
      return exportAnswerBytes(o.answer);
    case 'forgotten':
    case 'undecided':
      return 0;
    default:
      return unreachable(o);
  }
}
