/**
 * E1: an export is what its tenant held at one instant between question and answer, without what had expired by then, and
 * its pieces fit one another. E2, that it can be imported, whoever imports it says.
 */
import { bytesOfBinary } from '../../core/base/bytes.ts';
import { crc32 } from '../../core/base/crc32.ts';
import { decodePiece, type TenantPiece } from '../../core/wire/tenantFile.ts';
import { FileContents } from '../model/fileContents.ts';
import type { Ownership } from '../model/tenancyModel.ts';
import type { Histories } from '../truth/histories.ts';
import { rule } from '../truth/violation.ts';
import type { ExportedTenant, Oracle, Truth } from './oracle.ts';

export function wholeExports(truth: Truth, histories: Histories): Oracle {
  return {
    rule: 'E1',
    exported({ tenant, pieces, committedAtFirst }: ExportedTenant): void {
      const contents = new FileContents();
      let before: TenantPiece | null = null;
      let instant = 0;
      for (const bytes of pieces) {
        const piece = decodePiece(bytesOfBinary(bytes), crc32);
        rule(piece.kind !== 'damaged' && piece.kind !== 'foreign', 'E1', 'an export is made of whole pieces', {
          tenant,
        });
        const expected: number = before === null || before.kind === 'head' ? 0 : before.checksum;
        const follows = piece.number === (before === null ? 0 : before.number + 1) && piece.before === expected;
        rule(follows, 'E1', 'pieces follow one another', { tenant, number: piece.number });
        if (piece.kind === 'head') ({ instant } = piece);
        const isRead = piece.kind !== 'items' || contents.take(piece.records);
        rule(isRead, 'E1', 'pieces hold items', { tenant, number: piece.number });
        if (piece.kind === 'end') rule(piece.keys === contents.items.length, 'E1', 'an export is counted', { tenant });
        before = piece;
      }
      rule(before?.kind === 'end' && contents.isWhole, 'E1', 'an export has an end', { tenant });
      const wasSo = [...histories.groups].some(([group, { tenancy }]) => {
        const latest = truth.groups.get(group)?.committed.length ?? 0;
        for (let index = committedAtFirst.get(group) ?? 0; index <= latest; index += 1)
          for (const owned of tenancy.ownedAt(index))
            if (owned.tenant === tenant && isHeld(owned, index, instant, contents)) return true;
        return false;
      });
      rule(wasSo, 'E1', 'an export is what its tenant held at one instant while it was asked for', {
        tenant,
        keys: contents.items.length,
      });
    },
  };
}

function isHeld({ keyspace }: Ownership, index: number, instant: number, { items }: FileContents): boolean {
  const visible = keyspace.visible(index, instant);
  const held = keyspace.held(index);
  if (visible.size !== items.length) return false;
  return items.every(({ key, value, expiresAt }) => {
    const expected = visible.get(key);
    if (expected === undefined || held.get(key) !== expiresAt) return false;
    if (typeof expected === 'string' || typeof value === 'string') return expected === value;
    return expected.length === value.length && expected.every((item, i) => item === value[i]);
  });
}
