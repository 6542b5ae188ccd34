/**
 * Where tenants have to live, by an operator's word, and which groups are meant for one tenant alone. Part of the metadata
 * group's state.
 */
import type { GroupId, TenantName } from '../base/ids.ts';
import type { Pin } from '../wire/moves.ts';

export class Pins {
  private readonly pins = new Map<TenantName, Pin>();
  private readonly owners = new Map<GroupId, TenantName>();

  get isEmpty(): boolean {
    return this.pins.size === 0 && this.owners.size === 0;
  }

  of(tenant: TenantName): Pin | null {
    return this.pins.get(tenant) ?? null;
  }

  /** In the order in which they were pinned. */
  list(): readonly (readonly [TenantName, Pin])[] {
    return [...this.pins];
  }

  /** Takes the place of an earlier one. */
  pin(tenant: TenantName, pin: Pin): void {
    this.pins.delete(tenant);
    this.pins.set(tenant, pin);
  }

  unpin(tenant: TenantName): void {
    this.pins.delete(tenant);
  }

  /** For whom alone the group is; null: for anybody. */
  ownerOf(group: GroupId): TenantName | null {
    return this.owners.get(group) ?? null;
  }

  /** In the order in which they became theirs. */
  owned(): readonly (readonly [GroupId, TenantName])[] {
    return [...this.owners];
  }

  ownedBy(tenant: TenantName): readonly GroupId[] {
    return this.owned().flatMap(([group, owner]) => (owner === tenant ? [group] : []));
  }

  dedicate(group: GroupId, tenant: TenantName): void {
    this.owners.set(group, tenant);
  }

  /** The tenant does not live there: if the group was its own, it is anybody's again. */
  release(group: GroupId, tenant: TenantName): void {
    if (this.owners.get(group) === tenant) this.owners.delete(group);
  }
}
