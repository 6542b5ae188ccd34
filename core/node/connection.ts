/**
 * One client connection: what it has told us about itself, and its replies, which leave in the order of its
 * commands whatever order they come in.
 */
import { type ByteWriter, totalBytes } from '../base/bytes.ts';
import type { ConnId, TenantName } from '../base/ids.ts';
import { Queue } from '../base/queue.ts';
import type { MonoTime } from '../base/time.ts';
import type { IngressLane } from '../forward/call.ts';
import { endSession, type SessionState } from './clientSession.ts';
import { endTransaction, type TransactionState, Watching } from './transactions.ts';

/** Up to here joined replies share memory with others: to allocate some costs more than to fill it. */
const smallJoinBytes = 2048;

/** The place of one reply. Null: not here yet. */
export interface Slot {
  reply: Uint8Array | null;
}

export interface Connection extends TransactionState, SessionState {
  readonly address: string;
  readonly openedAt: MonoTime;
  name: string;
  libraryName: string;
  libraryVersion: string;
  protocol: 2 | 3;
  /** Chosen with `TENANT USE`; then braces in keys mean nothing. */
  tenant: TenantName | null;
  /** `READONLY`: reads may be served by a replica that does not lead. */
  readsHere: boolean;
  readonly lanes: Map<TenantName, IngressLane>;
  /** The one its last command went to. */
  lane: IngressLane | null;
  /** Replies owed, the oldest first. */
  readonly slots: Queue<Slot>;
  /** Replies of this turn. */
  out: Uint8Array[];
  /** `CLIENT REPLY`: `skipNext` silences the next command. */
  replies: 'on' | 'off' | 'skipNext';
  /** Of the present command. */
  isSilent: boolean;
  /** Commands that wait for their turn (`Intake`), and with whose: only what they are counted for. */
  arrivals: number;
  share: TenantName | null;
  /** Bytes of arguments of commands without a reply, of those that wait too. */
  pendingBytes: number;
  isPaused: boolean;
  /** Something of it is to be looked at when the turn ends. */
  isChanged: boolean;
  /** Close once every reply owed has left. */
  isClosing: boolean;
  lastCommand: string;
  lastActiveAt: MonoTime;
}

export function openConnection(id: ConnId, address: string, openedAt: MonoTime): Connection {
  return {
    id,
    address,
    openedAt,
    name: '',
    libraryName: '',
    libraryVersion: '',
    protocol: 2,
    tenant: null,
    readsHere: false,
    lanes: new Map(),
    lane: null,
    slots: new Queue(),
    out: [],
    replies: 'on',
    isSilent: false,
    arrivals: 0,
    share: null,
    pendingBytes: 0,
    queued: null,
    watching: new Watching(),
    session: null,
    sessionsBegun: 0,
    isPaused: false,
    isChanged: false,
    isClosing: false,
    lastCommand: '',
    lastActiveAt: openedAt,
  };
}

/** What `RESET` restores: as if the client had just connected. */
export function resetConnection(connection: Connection): void {
  connection.name = '';
  connection.protocol = 2;
  connection.tenant = null;
  readHere(connection, false);
  connection.replies = 'on';
  endTransaction(connection);
  endSession(connection);
}

/** Whether reads of the connection may be served by a replica on this node that does not lead. */
export function readHere(connection: Connection, isAllowed: boolean): void {
  connection.readsHere = isAllowed;
  for (const lane of connection.lanes.values()) lane.readsHere = isAllowed;
}

/** Moves the replies that are complete, up to the first that is not, to `out`. Returns whether there were any. */
export function collectReplies(connection: Connection): boolean {
  const { slots, out } = connection;
  let moved = false;
  for (let slot = slots.peek(); slot !== undefined && slot.reply !== null; slot = slots.peek()) {
    if (slot.reply.length > 0) out.push(slot.reply);
    slots.shift();
    moved = true;
  }
  return moved;
}

/** `writer`: memory for what is small. */
export function joinReplies(parts: readonly Uint8Array[], writer: ByteWriter): Uint8Array {
  const only = parts.length === 1 ? parts[0] : undefined;
  if (only !== undefined) return only;
  const length = totalBytes(parts);
  if (length <= smallJoinBytes) {
    for (const part of parts) writer.raw(part);
    return writer.take();
  }
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
