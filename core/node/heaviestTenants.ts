/**
 * Which tenants of a group hold and do most. A group may have many thousands, so each look goes on through some of them and
 * compares those with the ones that were heaviest so far: after a while it has seen them all.
 */
import { compareText } from '../base/bytes.ts';
import type { TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { MonoTime } from '../base/time.ts';
import type { OwnedTenant } from '../group/tenants.ts';
import type { TenantLoad } from '../wire/loads.ts';

type Tenants = ReadonlyMap<TenantName, OwnedTenant>;

const millionths = 1_000_000;

export class HeaviestTenants {
  private readonly tenants: Tenants;
  private walk: IterableIterator<TenantName>;
  private heaviest: readonly TenantLoad[] = [];

  constructor(tenants: Tenants) {
    this.tenants = tenants;
    this.walk = tenants.keys();
  }

  /** Those of the tenants. */
  isOf(tenants: Tenants): boolean {
    return this.tenants === tenants;
  }

  /** `bytes` and `operations`: of the whole group. */
  look(bytes: number, operations: number, now: MonoTime): readonly TenantLoad[] {
    const seen = new Set(this.heaviest.map(({ tenant }) => tenant));
    for (let left = limits.tenantsPerLook; left > 0; left -= 1) {
      const next = this.walk.next();
      if (next.done === true) {
        this.walk = this.tenants.keys();
        break;
      }
      seen.add(next.value);
    }
    const ranked: (readonly [rank: number, TenantLoad])[] = [];
    for (const tenant of seen) {
      const owned = this.tenants.get(tenant);
      if (owned === undefined) continue;
      owned.account.look(now);
      const load = { tenant, bytes: owned.keyspace.bytes, operations: owned.account.operationsPerSecond };
      const rank = Math.max(part(load.bytes, bytes), part(load.operations, operations));
      if (rank > 0) ranked.push([rank, load]);
    }
    ranked.sort(([a, one], [b, other]) => b - a || compareText(one.tenant, other.tenant));
    this.heaviest = ranked.slice(0, limits.tenantsTold).map(([, load]) => load);
    return this.heaviest;
  }
}

function part(some: number, all: number): number {
  return all === 0 ? 0 : Math.floor((some * millionths) / all);
}
