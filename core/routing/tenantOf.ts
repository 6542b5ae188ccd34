/**
 * Which tenant a command means: the connection's, else the one its keys name in braces (the hash-tag
 * convention of Redis Cluster), else `default`.
 */
import { binarySlice, spells } from '../base/bytes.ts';
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
 * `fallback` is the tenant of keys without braces; null if there is none. `expected` is the likely answer, which
 * costs less than any other; null if there is none.
 */
export function tenantOf(
  args: readonly Uint8Array[],
  keyPositions: readonly number[],
  fallback: TenantName | null,
  expected: TenantName | null,
): TenantChoice {
  let chosen: TenantName | null = null;
  for (const position of keyPositions) {
    const key = args[position];
    if (key === undefined) continue;
    const tag = tagOf(key, expected);
    const named = tag === null ? fallback : tag === expected ? expected : parseTenantName(tag);
    if (named === null) return tag === null ? { kind: 'none' } : { kind: 'badName', tag };
    if (chosen === null) chosen = named;
    else if (chosen !== named) return { kind: 'crossTenant' };
  }
  const tenant = chosen ?? fallback;
  return tenant === null ? { kind: 'none' } : { kind: 'tenant', tenant };
}

/** What stands between the first `{` and the next `}`, if anything does. */
function tagOf(key: Uint8Array, expected: TenantName | null): string | null {
  if (expected !== null && beginsWith(key, expected)) return expected;
  const start = placeOf(open, key, 0) + 1;
  const end = start === 0 ? 0 : placeOf(close, key, start);
  if (end <= start) return null;
  if (expected !== null && spells(key, start, end, expected)) return expected;
  return binarySlice(key, start, end);
}

/** Whether the first thing in the key is the name in braces. */
function beginsWith(key: Uint8Array, name: TenantName): boolean {
  const end = name.length + 1;
  return key[0] === open && key[end] === close && spells(key, 1, end, name);
}

/** As `indexOf`, which costs more to call than most keys are long. */
function placeOf(byte: number, key: Uint8Array, from: number): number {
  for (let at = from; at < key.length; at += 1) if (key[at] === byte) return at;
  return -1;
}
