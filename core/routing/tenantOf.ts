/**
 * Which tenant a command means: the connection's, else the one its keys name in braces (the hash-tag
 * convention of Redis Cluster), else `default`.
 */
import { binaryString } from '../base/bytes.ts';
import type { TenantName } from '../base/ids.ts';
import { parseTenantName } from '../base/tenantName.ts';

export type TenantChoice =
  | { readonly kind: 'tenant'; readonly tenant: TenantName }
  | { readonly kind: 'crossTenant' }
  | { readonly kind: 'badName'; readonly tag: string }
  | { readonly kind: 'none' };

const open = 0x7b;
const close = 0x7d;

/**
 * `keyPositions` index `args`. A connection that chose a tenant does not come here.
 * `fallback` is the tenant of keys without braces; null if there is none.
 */
export function tenantOf(
  args: readonly Uint8Array[],
  keyPositions: readonly number[],
  fallback: TenantName | null,
): TenantChoice {
  let chosen: TenantName | null = null;
  for (const position of keyPositions) {
    const key = args[position];
    if (key === undefined) continue;
    const tag = tagOf(key);
    const named = tag === null ? fallback : parseTenantName(tag);
    if (named === null) return tag === null ? { kind: 'none' } : { kind: 'badName', tag };
    if (chosen === null) chosen = named;
    else if (chosen !== named) return { kind: 'crossTenant' };
  }
  const tenant = chosen ?? fallback;
  return tenant === null ? { kind: 'none' } : { kind: 'tenant', tenant };
}

/** What stands between the first `{` and the next `}`, if anything does. */
function tagOf(key: Uint8Array): string | null {
  const start = key.indexOf(open);
  if (start < 0) return null;
  const end = key.indexOf(close, start + 1);
  return end <= start + 1 ? null : binaryString(key.subarray(start + 1, end));
}
