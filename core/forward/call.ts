/**
 * One thing an ingress wants done by a group: a client's command, or a step of a procedure of its own.
 */
import type { ConnId, GroupId, Incarnation, LaneId, NodeId, RequestId, TenantName } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';
import type { Queue } from '../base/queue.ts';
import type { MonoTime } from '../base/time.ts';
import type { ClientNumber } from '../engine/numbered.ts';
import type { WatchedKey } from '../engine/transaction.ts';
import type { Route } from '../routing/router.ts';
import type { Operation } from '../wire/messages.ts';
import type { Procedure } from './procedure.ts';

interface CallState {
  readonly request: RequestId;
  readonly deadlineAt: MonoTime;
  /** The node that has it now; null while it waits here. */
  sentTo: NodeId | null;
  /** How often it was sent, to this node or another. */
  attempts: number;
  /** How often it was sent to another node. */
  hops: number;
}

export interface CommandCall extends CallState {
  readonly kind: 'command';
  readonly lane: IngressLane;
  readonly access: 'read' | 'write';
  readonly protocol: 2 | 3;
  /** Of a transaction, the client's until it is sent, and then the transaction's. */
  args: readonly Uint8Array[];
  /** Bytes that the client sent for it. */
  readonly bytes: number;
  /** What an EXEC runs; null for every other command. */
  readonly transaction: Transaction | null;
  /** What was found out for a WATCH; null if it is none, or nothing is known yet. */
  watched: readonly WatchedKey[] | null;
  /** The answer, once there is one: replies leave a connection in the order of its requests. */
  reply: Uint8Array | null;
  /** The client asked for no reply to this one. */
  isSilent: boolean;
  /** A write that was sent and whose answer was lost: only asking again tells what became of it. */
  mayHaveRun: boolean;
  /** The tenant's incarnation it was sent to then: to any other it would be another write. */
  incarnation: Incarnation | null;
  /** The replica here may serve it although it does not lead; decided each time that it is sent. */
  readsHere: boolean;
}

/** An EXEC waits until it is known which versions its keys had when they were watched. */
export interface Transaction {
  readonly access: 'read' | 'write';
  readonly watches: readonly CommandCall[];
  readonly commands: readonly (readonly Uint8Array[])[];
  /** Null if its client does not number its writes. */
  readonly client: ClientNumber | null;
}

/** A step repeats safely, so it is retried whatever became of it. */
export interface StepCall extends CallState {
  readonly kind: 'step';
  readonly procedure: Procedure;
  readonly group: GroupId;
  readonly operation: Operation;
}

export type Call = CommandCall | StepCall;

/**
 * What one connection does with one tenant. Its commands are sent in order and only to one node at a time;
 * after a refusal nothing more is sent until everything under way has come back.
 */
export interface IngressLane {
  readonly id: LaneId;
  readonly conn: ConnId;
  readonly tenant: TenantName;
  /** Reads go to the replica on this node, if there is one, whether it leads or not. */
  readsHere: boolean;
  waiting: Queue<CommandCall>;
  /** The oldest has no answer yet; those behind it may. */
  readonly unanswered: Queue<CommandCall>;
  inFlight: number;
  /** The latest that was found; null if there was none. */
  route: Route | null;
  /** Where those in flight went. */
  group: GroupId;
  node: NodeId;
  /** Refused, to be sent again. */
  returned: CommandCall[];
  /**
   * The latest write whose client was told that it may have run: only its leader knows whether it is still to come.
   * 0: a later command has been answered by a leader since, and so is behind it.
   */
  doubtful: RequestId;
  /** The latest write that was sent. */
  lastWrite: RequestId;
  /** How often in a row it had to begin again. */
  setbacks: number;
  /** A refusal told where to ask next. */
  hasNews: boolean;
  /** The tenant is about to change its group: it is asked for again in a moment. How often in a row it was. */
  isFrozen: boolean;
  frozenTimes: number;
  /** The tenant's place must be asked for before anything is sent. */
  mustResolve: boolean;
  /** Why nothing is sent at present. */
  hold: 'none' | 'draining' | 'resolving' | 'backingOff';
  isClosed: boolean;
}

/** The group that was asked, or is to be. */
export function groupOf(call: Call): GroupId {
  return call.kind === 'command' ? call.lane.group : call.group;
}

/** Every request of the lane below it has been answered. */
export function oldestUnanswered({ unanswered }: IngressLane): RequestId {
  const oldest = unanswered.peek();
  invariant(oldest !== undefined, 'a lane that sends has a command without an answer');
  return oldest.request;
}

/** A command of the lane has been answered. */
export function forgetAnswered({ unanswered }: IngressLane): void {
  for (let oldest = unanswered.peek(); oldest !== undefined && oldest.reply !== null; oldest = unanswered.peek())
    unanswered.shift();
}
