/**
 * What clients and peers want run, on its way in. A turn takes so much of it and no more, so that it is short whatever
 * has arrived; the rest waits, by tenant, and all tenants that wait get the same (deficit round robin). Nor has a tenant
 * more than so much under way in groups here, and less while others are about: what they want run would have to wait
 * behind it in logs and on disks. Of one tenant everything stays in the order in which it came.
 *
 * A client's tenant is known for certain only when its command is looked at. Until then it is the one that its
 * connection spoke for last, which may cost that tenant some of its share, and nobody else.
 */
import type { NodeId, TenantName } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';
import { after, MonoTime } from '../base/time.ts';
import { Queue } from '../base/queue.ts';
import type { ForwardRequest } from '../wire/messages.ts';
import type { Connection } from './connection.ts';

export type Arrival =
  | {
      readonly kind: 'command';
      readonly connection: Connection;
      readonly args: readonly Uint8Array[];
      readonly bytes: number;
    }
  /** The client broke the protocol, behind what it said before. */
  | { readonly kind: 'malformed'; readonly connection: Connection; readonly error: string; readonly bytes: number }
  | { readonly kind: 'request'; readonly from: NodeId; readonly message: ForwardRequest; readonly bytes: number };

export interface IntakeLimits {
  /** What a turn takes, while several tenants are about and while one is: an arrival counts for one, and one more for so many bytes. */
  readonly arrivalsPerTurn: number;
  readonly arrivalsAlone: number;
  readonly arrivalBytes: number;
  /** What a tenant may take before it is the turn of the next. */
  readonly arrivalsPerShare: number;
  /** Operations of one tenant under way in groups here, likewise. */
  readonly operationsPerTenant: number;
  readonly operationsAlone: number;
  /** For how long after its last arrival a tenant is about. */
  readonly aboutMs: number;
}

/** What of a tenant is under way in groups here. */
interface Load {
  readonly tenant: TenantName;
  operations: number;
}

interface Share {
  readonly tenant: TenantName | null;
  readonly waiting: Queue<Arrival>;
  /** What it may still take. Less than nothing if the last was a large one. */
  credit: number;
}

export class Intake {
  private readonly limits: IntakeLimits;
  /** Those for whom something waits, the next first. */
  private readonly shares = new Map<TenantName | null, Share>();
  private current: Share | null = null;
  /** Requests that wait, by the peer that sent them. */
  private readonly requests = new Map<NodeId, number>();
  /** Of tenants with anything under way, and of the latest. */
  private readonly loads = new Map<TenantName, Load>();
  /** What is left of what this turn takes. */
  private left = 0;
  private now = MonoTime(0);
  /** Who came last, and until when there are others beside it. */
  private latest: Load | null = null;
  private othersUntil = MonoTime(0);

  constructor(limits: IntakeLimits) {
    this.limits = limits;
  }

  get isEmpty(): boolean {
    return this.shares.size === 0;
  }

  /** Something waits for the next turn, and for nothing else. */
  get isReady(): boolean {
    for (const { tenant } of this.shares.values()) if (!this.isHeld(tenant)) return true;
    return false;
  }

  /** An operation of the tenant goes to a group here. One that nobody has asked for does not show that it is about. */
  begun(tenant: TenantName, isAsked: boolean): void {
    const load = this.loadOf(tenant) ?? this.addLoad(tenant);
    load.operations += 1;
    if (isAsked) this.note(load);
  }

  ended(tenant: TenantName): void {
    const load = this.loadOf(tenant);
    invariant(load !== null && load.operations > 0, 'what ends has begun', { tenant });
    load.operations -= 1;
    if (load !== this.latest) this.forgetIdle(load);
  }

  beginTurn(now: MonoTime): void {
    this.now = now;
    this.left = this.isShared ? this.limits.arrivalsPerTurn : this.limits.arrivalsAlone;
  }

  /**
   * Whether what a tenant wants may run at once, which takes so many bytes. Otherwise it is to wait: the end of a turn,
   * half of one that is shared, is for everybody. `tenant`: null if none is known.
   */
  admits(tenant: TenantName | null, bytes: number): boolean {
    if (tenant !== null) this.see(tenant);
    if (!this.isEmpty || this.left <= this.limits.arrivalsPerTurn / 2 || this.isHeld(tenant)) return false;
    this.left -= this.costOf(bytes);
    return true;
  }

  /** It comes from `next`. */
  wait(arrival: Arrival): void {
    const share = this.shareOf(
      arrival.kind === 'request' ? arrival.message.operation.tenant : spokenFor(arrival.connection),
    );
    share.waiting.push(arrival);
    if (arrival.kind === 'request') {
      this.requests.set(arrival.from, (this.requests.get(arrival.from) ?? 0) + 1);
      return;
    }
    const { connection, bytes } = arrival;
    connection.share = share.tenant;
    connection.arrivals += 1;
    connection.pendingBytes += bytes;
  }

  /** What is to run next in this turn; null if that is all. */
  next(): Arrival | null {
    const share = this.left > 0 ? this.nextShare() : null;
    const arrival = share?.waiting.shift();
    if (share === null || arrival === undefined) return null;
    const cost = this.costOf(arrival.bytes);
    this.left -= cost;
    share.credit -= cost;
    if (share.waiting.length === 0) this.end(share);
    if (arrival.kind === 'request') {
      this.requests.set(arrival.from, (this.requests.get(arrival.from) ?? 1) - 1);
      return arrival;
    }
    arrival.connection.arrivals -= 1;
    arrival.connection.pendingBytes -= arrival.bytes;
    return arrival;
  }

  /** The link broke: what came on it is as lost as what did not. It must not run behind what comes on the next. */
  forget(peer: NodeId): void {
    if ((this.requests.get(peer) ?? 0) === 0) return;
    this.requests.delete(peer);
    for (const share of this.shares.values())
      this.drop(share, (arrival) => arrival.kind === 'request' && arrival.from === peer);
  }

  /** The connection is gone, and what it has said and nobody has begun is of no interest. */
  leave(connection: Connection): void {
    const share = connection.arrivals > 0 ? this.shares.get(connection.share) : undefined;
    if (share === undefined) return;
    this.drop(share, (arrival) => arrival.kind !== 'request' && arrival.connection === connection);
    connection.arrivals = 0;
  }

  private drop(share: Share, isGone: (arrival: Arrival) => boolean): void {
    for (const arrival of share.waiting.drain()) if (!isGone(arrival)) share.waiting.push(arrival);
    if (share.waiting.length === 0) this.end(share);
  }

  private nextShare(): Share | null {
    const { current } = this;
    if (current !== null && current.credit > 0 && !this.isHeld(current.tenant)) return current;
    if (current !== null) this.toTheEnd(current);
    this.current = null;
    for (const share of this.shares.values()) {
      if (this.isHeld(share.tenant)) continue;
      if (share.credit > 0) {
        this.current = share;
        return share;
      }
      // It comes to the end of this very walk, which ends because its credit grows.
      this.toTheEnd(share);
    }
    return null;
  }

  /** It has had its share of this round. */
  private toTheEnd(share: Share): void {
    share.credit = Math.min(share.credit + this.limits.arrivalsPerShare, this.limits.arrivalsPerShare);
    this.shares.delete(share.tenant);
    this.shares.set(share.tenant, share);
  }

  private isHeld(tenant: TenantName | null): boolean {
    const operations = tenant === null ? 0 : (this.loadOf(tenant)?.operations ?? 0);
    if (operations === 0) return false;
    const { operationsPerTenant, operationsAlone } = this.limits;
    return operations >= (this.isShared ? operationsPerTenant : operationsAlone);
  }

  private loadOf(tenant: TenantName): Load | null {
    return this.latest?.tenant === tenant ? this.latest : (this.loads.get(tenant) ?? null);
  }

  private addLoad(tenant: TenantName): Load {
    const load: Load = { tenant, operations: 0 };
    this.loads.set(tenant, load);
    return load;
  }

  private forgetIdle({ tenant, operations }: Load): void {
    if (operations === 0) this.loads.delete(tenant);
  }

  private get isShared(): boolean {
    return this.now < this.othersUntil;
  }

  /** The tenant is about. */
  see(tenant: TenantName): void {
    this.note(this.loadOf(tenant) ?? this.addLoad(tenant));
  }

  private note(load: Load): void {
    const { latest } = this;
    if (load === latest) return;
    this.latest = load;
    if (latest === null) return;
    this.forgetIdle(latest);
    this.othersUntil = after(this.now, this.limits.aboutMs);
    // In this very turn, if it has not taken more yet.
    this.left = Math.min(this.left, this.limits.arrivalsPerTurn);
  }

  private end(share: Share): void {
    this.shares.delete(share.tenant);
    if (this.current === share) this.current = null;
  }

  private shareOf(tenant: TenantName | null): Share {
    const known = this.shares.get(tenant);
    if (known !== undefined) return known;
    const share: Share = { tenant, waiting: new Queue(), credit: this.limits.arrivalsPerShare };
    this.shares.set(tenant, share);
    return share;
  }

  private costOf(bytes: number): number {
    return 1 + Math.floor(bytes / this.limits.arrivalBytes);
  }
}

/** The tenant of what a connection says. All of it waits in one place, whichever tenants it names meanwhile. */
export function spokenFor({ arrivals, share, tenant, lane }: Connection): TenantName | null {
  invariant(arrivals >= 0, 'what waits of a connection is counted', { arrivals });
  return arrivals > 0 ? share : (tenant ?? lane?.tenant ?? null);
}
