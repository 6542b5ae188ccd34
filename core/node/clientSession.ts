/**
 * A client's numbering of its writes, as its connection knows it. What became of which number is the tenant's to know
 * (`engine/clientSessions.ts`); here they are only counted.
 */
import type { ConnId, NodeId } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Now } from '../base/time.ts';
import type { ClientNumber } from '../engine/numbered.ts';

export interface ClientSession {
  readonly token: string;
  /** It may have begun through another node, or another connection. */
  readonly isResumed: boolean;
  /** The client has the replies of all writes below it. */
  readonly ackBelow: number;
  /** The number of the next write. */
  next: number;
}

/** A connection's part in sessions. */
export interface SessionState {
  readonly id: ConnId;
  /** Null: its writes are not numbered. */
  session: ClientSession | null;
  /** How many it has begun. */
  sessionsBegun: number;
}

/** Returns the token: no other node, life or connection gives the same, also where a node has lost the count of its lives. */
export function beginSession(
  state: SessionState,
  node: { readonly self: NodeId; readonly boot: number },
  { wall }: Now,
): string {
  state.sessionsBegun += 1;
  const parts = [node.self, node.boot, state.id, state.sessionsBegun, wall];
  const token = parts.map((part) => part.toString(36)).join('.');
  state.session = { token, isResumed: false, ackBelow: 1, next: 1 };
  return token;
}

export function resumeSession(state: SessionState, token: string, from: number): void {
  state.session = { token, isResumed: true, ackBelow: from, next: from };
}

export function endSession(state: SessionState): void {
  state.session = null;
}

/** Numbers a write; null if the client does not want that. */
export function nextNumber({ session }: SessionState): ClientNumber | null {
  if (session === null) return null;
  const { token, isResumed, next: number } = session;
  session.next += 1;
  const ackBelow = Math.max(session.ackBelow, number - limits.sessionWrites);
  return { token, number, ackBelow, isResumed };
}
