/** What a tenant that comes from a file has beside its items: its quota, and nothing that it remembers of anybody. */
import type { ByteWriter } from '../../base/bytes.ts';
import { Epoch, type Incarnation, type TenantName } from '../../base/ids.ts';
import { WallTime } from '../../base/time.ts';
import type { TenantFileEnd } from '../../wire/tenantFile.ts';
import { newTenant } from '../tenants.ts';
import { restRecords } from './tenantRecords.ts';

/** As `restRecords` has it, for the end of a copy. */
export function restOfImport(
  writer: ByteWriter,
  tenant: TenantName,
  incarnation: Incarnation,
  { keys, quota }: TenantFileEnd,
): Uint8Array {
  const owned = newTenant(incarnation, Epoch(1), WallTime(0), { current: null });
  owned.keyspace.restoreEnd(keys, { writes: 0, clearedAt: 0, removals: [] });
  const writing = restRecords(writer, tenant, { ...owned, quota });
  while (writing.next().done !== true);
  return writer.take();
}
