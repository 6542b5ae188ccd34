/**
 * Messages between nodes as bytes. Each has its length before it, so that a reader skips what it does not know:
 * kinds of messages or of what they hold, and tail fields that were added after its time. What is cut short or
 * out of range is malformed. Decoders return null for an unknown kind and fail the reader for malformed bytes.
 */
import { ByteReader, type ByteWriter } from '../base/bytes.ts';
import { Epoch, Incarnation, LaneId, LogIndex, MapVersion, RequestId, type TenantName, Term } from '../base/ids.ts';
import { unreachable } from '../base/invariant.ts';
import { readConfiguration, writeConfiguration } from './configuration.ts';
import type { Entry, RaftMessage } from '../raft/types.ts';
import { decodeEntries, encodeEntries } from './entry.ts';
import { none, readGroup, readIncarnation, readNodeOrNone, readReplica, readTenant } from './fields.ts';
import type { MapChange, Outcome, PeerMessage, Refusal, TenantPlace } from './messages.ts';
import { decodeOperation, encodeOperation, operationBytes } from './operation.ts';

const message = {
  raft: 1,
  request: 2,
  reply: 3,
  mapVersion: 4,
  mapChanges: 5,
  groupsVersion: 6,
  groups: 7,
  leads: 8,
  pulse: 9,
  lost: 10,
  renewed: 11,
  outlier: 12,
} as const;
const raft = {
  voteRequest: 1,
  voteReply: 2,
  append: 3,
  appendReply: 4,
  heartbeat: 5,
  heartbeatReply: 6,
  timeoutNow: 7,
  snapshotChunk: 8,
  snapshotReply: 9,
  removed: 10,
  rest: 11,
  readRequest: 12,
  readReply: 13,
  stateDigest: 14,
} as const;
const outcome = { done: 1, resolved: 2, refused: 3, forgotten: 4, undecided: 5 } as const;
const refusal = { notLeader: 1, notOwner: 2, outOfOrder: 3, busy: 4 } as const;
const change = { placed: 1, dropped: 2 } as const;
/** More than any message takes without the bytes, names and lists in it. */
const fixedBytes = 96;
/** More than a change of the map takes without its tenant's name. */
const changeBytes = 32;
/** More than an entry takes without its data. */
const entryBytes = 16;
/** More than a group's members take without the members, and a member. */
const groupBytes = 32;
const memberBytes = 24;
/** More than a group and a term take. */
const leadBytes = 13;
const minimumLeadBytes = 2;
/** A group's members take at least group, index, highest id and four counts. */
const minimumGroupBytes = 6;
/** A change takes at least kind, tenant (two) and incarnation. */
const minimumChangeBytes = 4;

/** The payload of a frame. */
export function encodeMessages(writer: ByteWriter, messages: readonly PeerMessage[]): void {
  writer.u32(messages.length);
  for (const message of messages) encodeMessage(writer, message);
}

/** The messages of a payload, without those of unknown kinds. */
export function decodeMessages(payload: Uint8Array): readonly PeerMessage[] | 'malformed' {
  const messages: PeerMessage[] = [];
  const reader = new ByteReader(payload);
  const count = reader.u32();
  let likely: TenantName | null = null;
  for (let i = 0; i < count; i += 1) {
    const outer = reader.enter(reader.u32());
    const decoded = decodeMessage(reader, likely);
    if (reader.failed) return 'malformed';
    reader.leave(outer);
    if (decoded === null) continue;
    messages.push(decoded);
    if (decoded.kind === 'request') likely = decoded.operation.tenant;
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
    case 'pulse':
    case 'lost':
    case 'renewed':
    case 'outlier':
      return fixedBytes;
    case 'leads':
      return fixedBytes + m.groups.length * leadBytes;
    case 'groups':
      return m.groups.reduce(
        (bytes, { configuration: { voters, outgoing, learners } }) =>
          bytes + groupBytes + (voters.length + outgoing.length + learners.length) * memberBytes,
        fixedBytes,
      );
    case 'mapChanges':
      return m.changes.reduce((bytes, { tenant }) => bytes + changeBytes + tenant.length, fixedBytes);
    default:
      return unreachable(m);
  }
}

function encodeMessage(writer: ByteWriter, m: PeerMessage): void {
  const lengthAt = writer.skip(4);
  writer.u8(message[m.kind]);
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
      writer.varint(m.version);
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
    case 'mapChanges':
      writer.varint(m.since);
      writer.varint(m.changes.length);
      for (const each of m.changes) encodeChange(writer, each);
      break;
    case 'groupsVersion':
      writer.varint(m.version);
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
  writer.patchU32(lengthAt, writer.length - lengthAt - 4);
}

/** `likely`: the tenant that a request probably names. */
function decodeMessage(reader: ByteReader, likely: TenantName | null): PeerMessage | null {
  switch (reader.u8()) {
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
      const operation = decodeOperation(reader, null, likely);
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
      return { kind: 'mapVersion', version: MapVersion(reader.varint()) };
    case message.mapChanges: {
      const since = MapVersion(reader.varint());
      const count = reader.count(minimumChangeBytes);
      const changes: MapChange[] = [];
      for (let i = 0; i < count; i += 1) {
        const decoded = decodeChange(reader);
        if (decoded === null) return null;
        changes.push(decoded);
      }
      return { kind: 'mapChanges', since, changes };
    }
    case message.groupsVersion:
      return { kind: 'groupsVersion', version: reader.varint() };
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

function encodeRaft(writer: ByteWriter, m: RaftMessage): void {
  writer.u8(raft[m.kind]);
  writer.varint(m.term);
  switch (m.kind) {
    case 'voteRequest':
      writer.u8((m.pre ? 1 : 0) | (m.transfer ? 2 : 0));
      writer.varint(m.lastIndex);
      writer.varint(m.lastTerm);
      return;
    case 'voteReply':
      writer.u8((m.pre ? 1 : 0) | (m.granted ? 2 : 0));
      return;
    case 'append':
      writer.varint(m.prevIndex);
      writer.varint(m.prevTerm);
      writer.varint(m.commit);
      writer.varint(m.round);
      encodeEntries(writer, m.entries);
      return;
    case 'appendReply':
      writer.u8(m.accepted ? 1 : 0);
      writer.varint(m.index);
      writer.varint(m.hintTerm);
      writer.varint(m.round);
      return;
    case 'heartbeat':
      writer.varint(m.commit);
      writer.varint(m.round);
      return;
    case 'rest':
      writer.varint(m.commit);
      return;
    case 'heartbeatReply':
      writer.varint(m.round);
      return;
    case 'snapshotChunk':
      writer.varint(m.index);
      writer.varint(m.indexTerm);
      writer.varint(m.number);
      writer.u8(m.isLast ? 1 : 0);
      writer.varint(m.round);
      writer.bytes(m.bytes);
      return;
    case 'snapshotReply':
      writer.varint(m.index);
      writer.varint(m.next);
      writer.varint(m.round);
      return;
    case 'stateDigest':
      writer.varint(m.index);
      writer.u32(m.digest);
      return;
    case 'readRequest':
      writer.varint(m.ticket);
      return;
    case 'readReply':
      writer.varint(m.ticket);
      writer.varint(m.index);
      return;
    case 'removed':
      return;
    case 'timeoutNow':
      writer.u8(m.stays ? 1 : 0);
      return;
    default:
      unreachable(m);
  }
}

function decodeRaft(reader: ByteReader): RaftMessage | null {
  const kind = reader.u8();
  const term = Term(reader.varint());
  switch (kind) {
    case raft.voteRequest: {
      const flags = reader.u8();
      const lastIndex = LogIndex(reader.varint());
      return {
        kind: 'voteRequest',
        term,
        pre: (flags & 1) !== 0,
        transfer: (flags & 2) !== 0,
        lastIndex,
        lastTerm: Term(reader.varint()),
      };
    }
    case raft.voteReply: {
      const flags = reader.u8();
      return { kind: 'voteReply', term, pre: (flags & 1) !== 0, granted: (flags & 2) !== 0 };
    }
    case raft.append: {
      const prevIndex = LogIndex(reader.varint());
      const prevTerm = Term(reader.varint());
      const commit = LogIndex(reader.varint());
      const round = reader.varint();
      const entries = decodeEntries(reader);
      if (entries[0] !== undefined && entries[0].index !== prevIndex + 1) reader.fail();
      return { kind: 'append', term, prevIndex, prevTerm, entries, commit, round };
    }
    case raft.appendReply: {
      const accepted = reader.u8() === 1;
      const index = LogIndex(reader.varint());
      const hintTerm = Term(reader.varint());
      return { kind: 'appendReply', term, accepted, index, hintTerm, round: reader.varint() };
    }
    case raft.heartbeat: {
      const commit = LogIndex(reader.varint());
      return { kind: 'heartbeat', term, commit, round: reader.varint() };
    }
    case raft.rest:
      return { kind: 'rest', term, commit: LogIndex(reader.varint()) };
    case raft.heartbeatReply:
      return { kind: 'heartbeatReply', term, round: reader.varint() };
    case raft.snapshotChunk: {
      const index = LogIndex(reader.varint());
      const indexTerm = Term(reader.varint());
      const number = reader.varint();
      const isLast = reader.u8() === 1;
      const round = reader.varint();
      return { kind: 'snapshotChunk', term, index, indexTerm, number, isLast, bytes: reader.bytes(), round };
    }
    case raft.snapshotReply: {
      const index = LogIndex(reader.varint());
      const next = reader.varint();
      return { kind: 'snapshotReply', term, index, next, round: reader.varint() };
    }
    case raft.stateDigest: {
      const index = LogIndex(reader.varint());
      return { kind: 'stateDigest', term, index, digest: reader.u32() };
    }
    case raft.readRequest:
      return { kind: 'readRequest', term, ticket: reader.varint() };
    case raft.readReply: {
      const ticket = reader.varint();
      return { kind: 'readReply', term, ticket, index: LogIndex(reader.varint()) };
    }
    case raft.removed:
      return { kind: 'removed', term };
    case raft.timeoutNow:
      return { kind: 'timeoutNow', term, stays: reader.u8() === 1 };
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
    case 'outOfOrder':
      return;
    case 'busy':
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
    case refusal.outOfOrder:
      return { kind: 'outOfOrder' };
    case refusal.busy:
      return { kind: 'busy', what: reader.text() };
    default:
      return null;
  }
}

function encodePlace(writer: ByteWriter, place: TenantPlace): void {
  writer.text(place.tenant);
  writer.varint(place.group);
  writer.varint(place.epoch);
  writer.varint(place.incarnation);
}

function decodePlace(reader: ByteReader): TenantPlace | null {
  const tenant = readTenant(reader);
  const group = readGroup(reader);
  const epoch = Epoch(reader.varint());
  const incarnation = readIncarnation(reader);
  return tenant === null ? null : { tenant, group, epoch, incarnation };
}

function encodeChange(writer: ByteWriter, c: MapChange): void {
  writer.u8(change[c.kind]);
  if (c.kind === 'placed') encodePlace(writer, c);
  else {
    writer.text(c.tenant);
    writer.varint(c.incarnation);
  }
}

function decodeChange(reader: ByteReader): MapChange | null {
  switch (reader.u8()) {
    case change.placed: {
      const place = decodePlace(reader);
      return place === null ? null : { kind: 'placed', ...place };
    }
    case change.dropped: {
      const tenant = readTenant(reader);
      const incarnation = readIncarnation(reader);
      return tenant === null ? null : { kind: 'dropped', tenant, incarnation };
    }
    default:
      return null;
  }
}

function raftBytes(m: RaftMessage): number {
  if (m.kind === 'append') return entriesBytes(m.entries);
  return m.kind === 'snapshotChunk' ? m.bytes.length : 0;
}

function entriesBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const { data } of entries) bytes += entryBytes + data.length;
  return bytes;
}

function outcomeBytes(o: Outcome): number {
  switch (o.kind) {
    case 'done':
      return o.reply.length;
    case 'resolved':
      return o.tenant === null ? 0 : o.tenant.tenant.length;
    case 'refused':
      return o.refusal.kind === 'busy' ? o.refusal.what.length : 0;
    case 'forgotten':
    case 'undecided':
      return 0;
    default:
      return unreachable(o);
  }
}
