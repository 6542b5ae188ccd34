/**
 * What replicas say to one another, as bytes. Decoding returns null for a kind that this version does not know.
 */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { LogIndex, Term } from '../base/ids.ts';
import { unreachable } from '../base/invariant.ts';
import type { Entry, RaftMessage } from '../raft/types.ts';
import { decodeEntries, encodeEntries } from './entry.ts';

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
/** More than an entry takes without its data. */
const entryBytes = 16;

export function encodeRaft(writer: ByteWriter, m: RaftMessage): void {
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

export function decodeRaft(reader: ByteReader): RaftMessage | null {
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

/** What the lists in it take, and little more. */
export function raftBytes(m: RaftMessage): number {
  if (m.kind === 'append') return entriesBytes(m.entries);
  return m.kind === 'snapshotChunk' ? m.bytes.length : 0;
}

function entriesBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const { data } of entries) bytes += entryBytes + data.length;
  return bytes;
}
