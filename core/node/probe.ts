/**
 * Facts for whoever watches: the simulator's oracles, the runtime's metrics. A probe is told, never asked:
 * the core behaves the same to the byte with or without one, and a probe must not call back.
 */
import type { ConnId, GroupId, Incarnation, LogIndex, NodeId, RequestId, TenantName, Term } from '../base/ids.ts';
import type { Operation } from '../wire/messages.ts';

/** Who asked: unique over all nodes and all their lives. */
export interface Origin {
  readonly node: NodeId;
  readonly boot: number;
  readonly request: RequestId;
}

export interface Probe {
  /** A replica that takes itself for the leader wrote these operations into its log as one entry. */
  proposed(event: {
    readonly group: GroupId;
    readonly term: Term;
    readonly index: LogIndex;
    readonly origins: readonly Origin[];
  }): void;
  /** Every replica, for every operation of every entry it applies. `executed` is false if the ownership check refused it. */
  applied(event: AppliedOperation): void;
  /** A read that went past the log was executed here. `registered` is the value `readRegistered` was told. */
  readServed(event: ServedRead): void;
  /** A read that will go past the log has arrived at the replica that will execute it. */
  readRegistered(event: { readonly group: GroupId; readonly term: Term; readonly origin: Origin }): void;
  /** The ingress starts work on a client's command. */
  commandStarted(event: {
    readonly conn: ConnId;
    readonly request: RequestId;
    readonly tenant: TenantName;
    readonly access: 'read' | 'write';
    readonly args: readonly Uint8Array[];
  }): void;
  /** The ingress answered. `outcome` says what the client was told; `hops` how many times it was sent to a peer. */
  commandFinished(event: {
    readonly conn: ConnId;
    readonly request: RequestId;
    readonly outcome: 'executed' | 'notExecuted' | 'unknown';
    readonly reply: Uint8Array;
    readonly hops: number;
  }): void;
  /** A request left for a peer; `attempt` counts from 1. */
  forwarded(event: {
    readonly request: RequestId;
    readonly group: GroupId;
    readonly to: NodeId;
    readonly attempt: number;
  }): void;
  /** A request was refused by whom the maps named: the price of a stale map or hint. `reason` is the refusal's kind. */
  misrouted(event: { readonly request: RequestId; readonly group: GroupId; readonly reason: string }): void;
}

export interface AppliedOperation {
  readonly group: GroupId;
  readonly index: LogIndex;
  readonly term: Term;
  /** The place of this operation in its entry, from 0 on. */
  readonly position: number;
  readonly origin: Origin;
  readonly operation: Operation | PurgeOperation;
  readonly executed: boolean;
  /** RESP of the reply on the replica that will send it, otherwise null. */
  readonly reply: Uint8Array | null;
}

/** Removes keys whose time has passed: written by leaders, never by a client. */
export interface PurgeOperation {
  readonly kind: 'purge';
  readonly tenant: TenantName;
  readonly incarnation: Incarnation;
  readonly keys: readonly Uint8Array[];
}

export interface ServedRead {
  readonly group: GroupId;
  /** The term in which leadership was confirmed. */
  readonly term: Term;
  /** Everything up to here was applied when it ran. */
  readonly applied: LogIndex;
  readonly origin: Origin;
  readonly tenant: TenantName;
  readonly incarnation: Incarnation;
  readonly args: readonly Uint8Array[];
  /** By a replica that does not lead, which the leader told what it must have applied. */
  readonly isFollowers: boolean;
  readonly reply: Uint8Array;
}
