/**
 * Tenants that a group takes for its own since it was recovered (`docs/decisions/0026`), and is wrong: they moved away or
 * were dropped in the part of its log that is lost. The metadata group says so; of one that moved, the group that it is in
 * is asked too, for that may have lost as much. Then the tenant is let go of, by the steps in which it went before.
 */
import type { GroupId, TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Errand } from '../forward/procedure.ts';
import type { TenantMoves } from '../group/tenantMoves.ts';
import type { OwnedTenant } from '../group/tenants.ts';
import { isNewer, type Place } from '../metadata/place.ts';
import type { Operation } from '../wire/messages.ts';
import { Errands } from './errands.ts';

export interface RecoveredGroup {
  readonly id: GroupId;
  readonly tenants: ReadonlyMap<TenantName, OwnedTenant>;
  readonly moves: TenantMoves;
}

export interface LeftoversHost {
  /** Has a group asked, wherever it is led; `onAnswered` follows. */
  readonly ask: (errand: Errand) => void;
  /** As the metadata group says. */
  readonly placeOf: (tenant: TenantName) => Place | null;
  /** Logged one behind the other, if the group is still led here. */
  readonly submit: (group: GroupId, operations: readonly Operation[]) => void;
}

type Walk = IterableIterator<readonly [TenantName, OwnedTenant]>;

export class Leftovers {
  private readonly host: LeftoversHost;
  private readonly errands: Errands<TenantName>;
  /** How far each group was looked through. */
  private readonly walks = new Map<GroupId, Walk>();

  constructor(host: LeftoversHost) {
    this.host = host;
    this.errands = new Errands(host.ask);
  }

  /** Looks at some of the tenants of groups that were recovered and are led here. */
  look(groups: Iterable<RecoveredGroup>): void {
    for (const group of groups) {
      const walk = this.walks.get(group.id) ?? group.tenants[Symbol.iterator]();
      this.walks.set(group.id, walk);
      for (let left = limits.leftoversPerLook; left > 0; left -= 1) {
        const next = walk.next();
        if (next.done === true) {
          this.walks.delete(group.id);
          break;
        }
        const [tenant, owned] = next.value;
        this.judge(group, tenant, owned);
      }
    }
  }

  /** Whether the errand was one of these. */
  onAnswered(done: Errand): boolean {
    return this.errands.onAnswered(done);
  }

  private judge(group: RecoveredGroup, tenant: TenantName, owned: OwnedTenant): void {
    const place = this.host.placeOf(tenant);
    // One that is on its way is seen through as ever.
    if (place === null || owned.out !== null || this.errands.isWaiting(tenant)) return;
    const { id } = group;
    const { incarnation, epoch } = owned;
    const isDropped = place.group === null ? place.incarnation >= incarnation : place.incarnation > incarnation;
    if (isDropped) this.host.submit(id, [{ kind: 'release', tenant, incarnation }]);
    if (isDropped || place.group === null || place.group === id) return;
    const { group: to } = place;
    if (!isNewer(place, { group: id, epoch, incarnation })) return;
    this.errands.send(tenant, to, { kind: 'inspectTenant', tenant, incarnation }, (answer) => {
      const present = group.tenants.get(tenant);
      const isSame = present?.incarnation === incarnation && present.epoch === epoch && present.out === null;
      if (answer?.kind === 'inspected' && isSame) this.host.submit(id, group.moves.departureOf(tenant, present, to));
    });
  }
}
