/** When a tenant may not grow, whatever a whole node would need to get there. */
import { expect, test } from 'vitest';
import type { TenantName } from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { fullnessOf } from '../../core/group/quotas.ts';
import { noQuota } from '../../core/wire/accounts.ts';

const acme = 'acme' as TenantName;

test('a tenant without a quota has as many keys as a map can hold beside what one command adds, and no more', () => {
  const filled = (size: number) => fullnessOf(acme, { quota: noQuota, keyspace: { bytes: 1, size } });
  expect(filled(limits.tenantKeys - 1)).toBe(null);
  expect(filled(limits.tenantKeys)).toEqual({
    of: 'keys',
    error: "OOM not executed: tenant 'acme' has as many keys as a tenant may have: 10000000",
    wasTold: false,
  });
  expect(limits.tenantKeys).toBeLessThan(2 ** 24);
});

test('its quota comes first', () => {
  const keyspace = { bytes: 5, size: limits.tenantKeys };
  expect(fullnessOf(acme, { quota: { ...noQuota, bytes: 5 }, keyspace })?.of).toBe('bytes');
  expect(fullnessOf(acme, { quota: { ...noQuota, keys: 7 }, keyspace })?.error).toMatch(
    /has reached its quota of 7 keys/,
  );
});
