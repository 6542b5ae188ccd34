/** What a tenant's quota says of it: whether it may grow, what it is told that it may not, and how it stands. */
import type { TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Full } from '../engine/fullness.ts';
import type { Quota, QuotaName, TenantReport } from '../wire/accounts.ts';
import type { Outcome } from '../wire/messages.ts';
import type { OwnedTenant } from './tenants.ts';

const units: Readonly<Record<QuotaName, string>> = {
  bytes: 'bytes',
  keys: 'keys',
  operations: 'operations per second',
  bandwidth: 'bytes per second',
};

/** What of a tenant says whether it may grow. */
interface Filling {
  readonly quota: Quota;
  readonly keyspace: { readonly bytes: number; readonly size: number };
}

/** By the state alone, so that every replica finds the same. */
export function fullnessOf(tenant: TenantName, { quota, keyspace }: Filling): Full | null {
  const { bytes, keys } = quota;
  if (bytes > 0 && keyspace.bytes >= bytes) return full('bytes', hasReached(tenant, quota, 'bytes'));
  if (keys > 0 && keyspace.size >= keys) return full('keys', hasReached(tenant, quota, 'keys'));
  if (keyspace.size < limits.tenantKeys) return null;
  return full('keys', `tenant '${tenant}' has as many keys as a tenant may have: ${String(limits.tenantKeys)}`);
}

export function overQuota(tenant: TenantName, quota: Quota, name: QuotaName): Outcome {
  return { kind: 'refused', refusal: { kind: 'quota', what: hasReached(tenant, quota, name) } };
}

export function reportOf({ quota, account, keyspace, sessions, clients }: OwnedTenant): TenantReport {
  const { reads, writes, operationsPerSecond, bytesIn, bytesOut } = account;
  const { refusedFull, refusedOperations, refusedBandwidth } = account;
  return {
    quota,
    usage: {
      bytes: keyspace.bytes,
      keys: keyspace.size,
      sessions: sessions.size + clients.size,
      reads,
      writes,
      operationsPerSecond,
      bytesIn,
      bytesOut,
      refusedFull,
      refusedOperations,
      refusedBandwidth,
    },
  };
}

function full(of: Full['of'], why: string): Full {
  return { of, error: `OOM not executed: ${why}`, wasTold: false };
}

function hasReached(tenant: TenantName, quota: Quota, name: QuotaName): string {
  return `tenant '${tenant}' has reached its quota of ${String(quota[name])} ${units[name]}`;
}
