/**
 * What a group's log says of tenants: whose data it has, and what it remembers of those whose data it has not. A
 * tenant on its way between groups is in two of them, and owned by one.
 */
import type { Epoch, GroupId, Incarnation, MoveId, TenantName } from '../base/ids.ts';
import type { WallTime } from '../base/time.ts';
import type { ChangeLog } from '../engine/changeLog.ts';
import { ClientSessions } from '../engine/clientSessions.ts';
import { Keyspace } from '../engine/keyspace.ts';
import type { CutClock } from '../engine/keyspaceCut.ts';
import { noQuota, type Quota } from '../wire/accounts.ts';
import type { CopyCursor } from '../wire/moves.ts';
import { Account } from './account.ts';
import { Sessions } from './sessions.ts';
import type { ItemLoader } from './state/itemLoader.ts';

/** How much there is of what replicas hold. */
export interface Held {
  readonly tenants: number;
  readonly keys: number;
  readonly bytes: number;
}

export interface OwnedTenant {
  readonly incarnation: Incarnation;
  readonly epoch: Epoch;
  readonly keyspace: Keyspace;
  readonly sessions: Sessions;
  readonly clients: ClientSessions;
  readonly quota: Quota;
  /** This replica's own, in no log. */
  readonly account: Account;
  /** The move that brought it here; null if it was created here. */
  readonly since: MoveId | null;
  /** The move that takes it elsewhere; null if it stays. */
  readonly out: OutgoingMove | null;
}

export interface OutgoingMove {
  readonly move: MoveId;
  readonly to: GroupId;
  readonly isFrozen: boolean;
  readonly changes: ChangeLog;
}

/** A copy of a tenant that another group owns: nobody sees it here. */
export interface StagedTenant {
  readonly move: MoveId;
  /** As it is to be owned here: of the next epoch. */
  readonly owned: OwnedTenant;
  readonly cursor: CopyCursor;
  readonly isSealed: boolean;
  /** Takes the items, and has the large one that is not complete. */
  readonly items: ItemLoader;
}

/** It comes from outside and not from another group: there it would have had an epoch before. */
export function isImported({ owned }: StagedTenant): boolean {
  return owned.epoch === 1;
}

export interface DepartedTenant {
  readonly move: MoveId;
  readonly to: GroupId;
  readonly incarnation: Incarnation;
  /** The one it has there. */
  readonly epoch: Epoch;
  /** As it left; null once it is known to be owned there. */
  readonly owned: OwnedTenant | null;
}

export interface Tenants {
  readonly owned: Map<TenantName, OwnedTenant>;
  readonly staged: Map<TenantName, StagedTenant>;
  readonly departed: Map<TenantName, DepartedTenant>;
  /** The highest incarnation of each tenant that this group gave up for good: it will never be adopted again. */
  readonly released: Map<TenantName, Incarnation>;
  /** The highest move of each tenant that is over here: it will never begin again. */
  readonly ended: Map<TenantName, MoveId>;
}

export function noTenants(): Tenants {
  return { owned: new Map(), staged: new Map(), departed: new Map(), released: new Map(), ended: new Map() };
}

/** One that has no data yet. */
export function newTenant(incarnation: Incarnation, epoch: Epoch, stamp: WallTime, clock: CutClock): OwnedTenant {
  return {
    incarnation,
    epoch,
    keyspace: new Keyspace(clock),
    sessions: new Sessions(stamp, clock),
    clients: new ClientSessions(stamp, clock),
    quota: noQuota,
    account: new Account(),
    since: null,
    out: null,
  };
}
