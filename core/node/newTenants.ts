/**
 * Where a tenant begins whose client has named no group, by the cluster's policy. Loads are no replicated state: so who leads
 * the metadata group chooses, and its log says what was chosen. Round robin is the log's own, with a counter.
 */
import type { GroupId, TenantName } from '../base/ids.ts';
import type { Directory } from '../metadata/directory.ts';
import { place } from '../metadata/groupChoice.ts';
import type { Policy } from '../placement/policy.ts';
import type { GroupLoad } from '../wire/loads.ts';
import type { LoggedOperation } from '../wire/operation.ts';

export class NewTenants {
  private readonly policy: Policy;
  private readonly loads: ReadonlyMap<GroupId, GroupLoad>;
  /** How many were sent to a group since its leader has told how many it has. */
  private readonly sent = new Map<GroupId, number>();

  /** `loads`: what leaders have told, as it becomes known. */
  constructor(policy: Policy, loads: ReadonlyMap<GroupId, GroupLoad>) {
    this.policy = policy;
    this.loads = loads;
  }

  onLoad(group: GroupId): void {
    this.sent.delete(group);
  }

  /** The operation with a group, if it would create a tenant or have it imported and names none. */
  settle(operation: LoggedOperation, directory: Directory): LoggedOperation {
    if (this.policy.placement === 'round-robin') return operation;
    const { kind, tenant } = operation;
    if (kind === 'resolveTenant' && operation.create && operation.group === null)
      return { ...operation, group: this.groupFor(tenant, directory) };
    if (kind === 'planMove' && operation.plan.kind === 'import' && operation.plan.to === null)
      return { ...operation, plan: { kind: 'import', to: this.groupFor(tenant, directory) } };
    return operation;
  }

  /** Null: it is there already, or no group is open. */
  private groupFor(tenant: TenantName, directory: Directory): GroupId | null {
    const isKnown = directory.find(tenant) !== null || directory.importOf(tenant) !== null;
    const groups = isKnown ? [] : directory.openGroups;
    if (groups.length === 0) return null;
    const { placement: kind, boundPpt } = this.policy;
    const loads = groups.map((group) => this.loadOf(group));
    const chosen = place(tenant, loads, { kind, boundPpt, placed: directory.placedByPolicy });
    this.sent.set(chosen, (this.sent.get(chosen) ?? 0) + 1);
    return chosen;
  }

  private loadOf(group: GroupId) {
    const { bytes, operations, tenants } = this.loads.get(group) ?? { bytes: 0, operations: 0, tenants: 0 };
    return { group, bytes, operations, tenants: tenants + (this.sent.get(group) ?? 0) };
  }
}
