/**
 * The tenants that a node reads out for somebody outside: in its memory and in no log. A few at a time; one for which
 * nobody asks any more is dropped.
 */
import { noBytes } from '../base/bytes.ts';
import type { TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { elapsedMs, type MonoTime, type WallTime } from '../base/time.ts';
import type { ExportAnswer, WantedPiece } from '../wire/exports.ts';
import { TenantExport } from './tenantExport.ts';
import type { OwnedTenant } from './tenants.ts';

interface Open {
  readonly id: string;
  readonly made: TenantExport;
  /** Since a sweep saw it, nobody has asked for it. */
  idleSince: MonoTime | null;
}

export class TenantExports {
  /** In the order of their beginning. */
  private readonly open = new Map<string, Open>();
  private readonly prefix: string;
  private readonly cluster: string;
  private readonly pieceBytes: number;
  private begun = 0;

  /** `prefix`: of ids that no other node uses, nor another life of this one. `pieceBytes`: of a piece, roughly. */
  constructor(prefix: string, cluster: string, pieceBytes: number) {
    this.prefix = prefix;
    this.cluster = cluster;
    this.pieceBytes = pieceBytes;
  }

  /** `now`: the log time, at least. */
  answer(tenant: TenantName, owned: OwnedTenant, { id, number }: WantedPiece, now: WallTime): ExportAnswer {
    const found = id === null ? this.begin(tenant, owned, now) : this.open.get(id);
    if (found === null) return { kind: 'busy' };
    if (found?.made.tenant !== tenant || found.made.incarnation !== owned.incarnation) return { kind: 'gone' };
    const { made } = found;
    found.idleSince = null;
    const isNext = number === made.number + 1 && !made.isDone;
    if (number !== made.number && !isNext) return { kind: 'gone' };
    if (isNext && !made.goOn()) return { kind: 'piece', id: found.id, next: number, bytes: noBytes };
    return { kind: 'piece', id: found.id, next: made.isDone ? 0 : made.number + 1, bytes: made.bytes };
  }

  /** Drops those for which nobody has asked for a while. */
  sweep(now: MonoTime): void {
    for (const one of this.open.values()) {
      one.idleSince ??= now;
      if (elapsedMs(one.idleSince, now) >= limits.exportIdleMs) this.drop(one);
    }
  }

  /** Null if there are too many. One that was read to its end makes room. */
  private begin(tenant: TenantName, owned: OwnedTenant, now: WallTime): Open | null {
    if (this.open.size >= limits.exportsAtATime) {
      const done = [...this.open.values()].find(({ made }) => made.isDone);
      if (done === undefined) return null;
      this.drop(done);
    }
    this.begun += 1;
    const id = `${this.prefix}.${String(this.begun)}`;
    const begun: Open = {
      id,
      made: new TenantExport(tenant, owned, { tenant, cluster: this.cluster, instant: now }, this.pieceBytes),
      idleSince: null,
    };
    this.open.set(id, begun);
    return begun;
  }

  private drop({ id, made }: Open): void {
    this.open.delete(id);
    made.close();
  }
}
