/** The names tenants may have: safe in keys, logs, metrics and file names. */
import type { TenantName } from './ids.ts';

const pattern = /^[A-Za-z0-9._:@-]{1,128}$/;

/** Whose name operations bear that are about no tenant. No tenant is asked for by it: such operations are of other kinds. */
export const nobody = '-' as TenantName;

/** The name, if it is one: 1…128 characters of `[A-Za-z0-9._:@-]`. Otherwise null. */
export function parseTenantName(text: string): TenantName | null {
  return pattern.test(text) ? (text as TenantName) : null;
}
