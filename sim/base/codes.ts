/**
 * Numbers for kinds, for the hash: they may be reordered at will, which changes every hash and nothing else.
 */
import type { Input } from '../../core/node/door.ts';
import type { RaftMessage } from '../../core/raft/types.ts';
import type { PeerMessage } from '../../core/wire/messages.ts';
import type { RollingHash } from './hash.ts';

export const inputCode: Readonly<Record<Input['kind'], number>> = {
  clientOpened: 1,
  clientCommand: 2,
  clientMalformed: 3,
  clientClosed: 4,
  peerMessages: 5,
  peerUp: 6,
  peerDown: 7,
  persisted: 8,
  timer: 9,
  drain: 10,
  reclaim: 11,
  diskSpace: 12,
};

/** What happens to the world itself, beside inputs. */
export const worldCode = { crash: 32, start: 33, fault: 34, reply: 35, pause: 36 } as const;

const peerCode: Readonly<Record<PeerMessage['kind'], number>> = {
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
  mapWanted: 13,
  mapPiece: 14,
  nodesVersion: 15,
  nodes: 16,
  loads: 17,
  order: 18,
  placesDigest: 19,
  partDigests: 20,
  partsWanted: 21,
  places: 22,
  leader: 23,
};

const raftCode: Readonly<Record<RaftMessage['kind'], number>> = {
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
};

export function hashInput(hash: RollingHash, input: Input): void {
  switch (input.kind) {
    case 'clientCommand':
      hash.add(input.conn);
      hash.add(input.args.length);
      return;
    case 'peerMessages':
      hash.add(input.from);
      for (const message of input.messages) hashMessage(hash, message);
      return;
    case 'peerUp':
    case 'peerDown':
      hash.add(input.peer);
      return;
    case 'persisted':
      hash.add(input.upTo);
      return;
    case 'diskSpace':
      hash.add(input.isShort ? 1 : 0);
      return;
    case 'reclaim':
      for (const group of input.groups) hash.add(group);
      return;
    case 'clientOpened':
    case 'clientClosed':
    case 'clientMalformed':
      hash.add(input.conn);
      return;
    case 'timer':
    case 'drain':
      return;
  }
}

function hashMessage(hash: RollingHash, message: PeerMessage): void {
  hash.add(peerCode[message.kind]);
  switch (message.kind) {
    case 'raft':
      hash.add(message.group);
      hashRaft(hash, message.message);
      return;
    case 'request':
    case 'reply':
      hash.add(message.request);
      return;
    case 'outlier':
      hash.add(message.group);
      hash.add(message.replica);
      return;
    case 'lost':
    case 'renewed':
      hash.add(message.group);
      hash.add(message.boot);
      return;
    case 'pulse':
      hash.add(message.boot);
      return;
    case 'mapVersion':
    case 'groupsVersion':
    case 'nodesVersion':
      hash.add(message.version);
      return;
    case 'nodes':
      hash.add(message.map.version);
      return;
    case 'loads':
      hash.add(message.capacity.bytes);
      hash.add(message.capacity.operations);
      for (const { group, bytes, operations } of message.groups)
        for (const part of [group, bytes, operations]) hash.add(part);
      return;
    case 'order':
      hash.add(message.group);
      hash.add(message.index);
      return;
    case 'leader':
      hash.add(message.group);
      hash.add(message.node);
      hash.add(message.term);
      return;
    case 'leads':
      for (const { group, term } of message.groups) {
        hash.add(group);
        hash.add(term);
      }
      return;
    case 'groups':
      for (const { group, index } of message.groups) {
        hash.add(group);
        hash.add(index);
      }
      return;
    case 'mapChanges':
    case 'mapPiece':
      hash.add(message.since);
      hash.add(message.changes.length);
      hash.add(message.digest);
      return;
    case 'mapWanted':
      hash.add(message.since);
      return;
    case 'placesDigest':
      hash.add(message.digest);
      return;
    case 'partDigests':
      hash.add(message.digests.length);
      return;
    case 'partsWanted':
      for (const part of message.parts) hash.add(part);
      return;
    case 'places':
      hash.add(message.places.length);
      return;
  }
}

function hashRaft(hash: RollingHash, message: RaftMessage): void {
  hash.add(raftCode[message.kind]);
  hash.add(message.term);
  switch (message.kind) {
    case 'append':
      hash.add(message.prevIndex);
      hash.add(message.entries.length);
      hash.add(message.commit);
      hash.add(message.round);
      return;
    case 'appendReply':
      hash.add(message.index);
      hash.add(message.accepted ? 1 : 0);
      hash.add(message.round);
      return;
    case 'heartbeat':
      hash.add(message.commit);
      hash.add(message.round);
      return;
    case 'readReply':
      hash.add(message.ticket);
      hash.add(message.index);
      return;
    case 'stateDigest':
      hash.add(message.index);
      hash.add(message.digest);
      return;
    case 'readRequest':
      hash.add(message.ticket);
      return;
    case 'rest':
      hash.add(message.commit);
      return;
    case 'heartbeatReply':
      hash.add(message.round);
      return;
    case 'voteRequest':
      hash.add(message.lastIndex);
      hash.add(message.pre ? 1 : 0);
      return;
    case 'voteReply':
      hash.add(message.granted ? 1 : 0);
      return;
    case 'snapshotChunk':
      hash.add(message.index);
      hash.add(message.number);
      return;
    case 'snapshotReply':
      hash.add(message.index);
      hash.add(message.next);
      return;
    case 'removed':
    case 'timeoutNow':
      return;
  }
}
