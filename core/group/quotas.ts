/** What a tenant's quota says of it: whether it may grow, what it is told that it may not, and how it stands. */
import type { TenantName } from '../base/ids.ts';
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

/** By the state alone, so that every replica finds the same. */
export function fullnessOf(tenant: TenantName, { quota, keyspace }: OwnedTenant): Full | null {
  const { bytes, keys } = quota;
  if (bytes > 0 && keyspace.bytes >= bytes) return full(tenant, quota, 'bytes');
  return keys > 0 && keyspace.size >= keys ? full(tenant, quota, 'keys') : null;
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

function full(tenant: TenantName, quota: Quota, of: 'bytes' | 'keys'): Full {
  return { of, error: `OOM not executed: ${hasReached(tenant, quota, of)}`, wasTold: false };
}

function hasReached(tenant: TenantName, quota: Quota, name: QuotaName): string {
  return `tenant '${tenant}' has reached its quota of ${String(quota[name])} ${units[name]}`;
}
