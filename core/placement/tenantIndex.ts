/** The tenants of each group that may move, the largest first. A group's are put in order when somebody asks for them. */
import { compareText } from '../base/bytes.ts';
import type { GroupDraft } from './groupDraft.ts';
import type { Layout } from './layout.ts';

const partsOfAll = 1_000_000_000;

export class TenantIndex {
  private readonly layout: Layout;
  /** Indexes of tenants, those of a group next to one another. */
  private readonly tenants: Int32Array;
  /** Where those of each group begin; one more than there are groups. */
  private readonly starts: Int32Array;
  private readonly sorted = new Map<number, Int32Array>();
  /** Of all there is, by tenant. */
  private readonly sizes: Float64Array;

  constructor(layout: Layout) {
    this.layout = layout;
    const { groups, tenants, groupOf } = layout;
    const starts = new Int32Array(groups.length + 1);
    for (const [tenant, group] of groupOf.entries())
      if (this.mayMove(tenant)) starts[group + 1] = (starts[group + 1] ?? 0) + 1;
    for (const group of groups.keys()) starts[group + 1] = (starts[group + 1] ?? 0) + (starts[group] ?? 0);
    const filled = starts.slice();
    this.tenants = new Int32Array(starts[groups.length] ?? 0);
    for (const [tenant, group] of groupOf.entries()) {
      const at = filled[group] ?? 0;
      if (!this.mayMove(tenant)) continue;
      this.tenants[at] = tenant;
      filled[group] = at + 1;
    }
    this.starts = starts;
    const all = { bytes: 0, operations: 0 };
    for (const { bytes, operations } of tenants) {
      all.bytes += bytes;
      all.operations += operations;
    }
    this.sizes = Float64Array.from(tenants, (t) => part(t.bytes, all.bytes) + part(t.operations, all.operations));
  }

  /** Some of those that are still there and may move: the first, the second, the fourth, the eighth … */
  some({ index }: GroupDraft): readonly number[] {
    const some: number[] = [];
    let [seen, next] = [0, 1];
    for (const tenant of this.of(index)) {
      if (this.layout.rests[tenant] === 1) continue;
      seen += 1;
      if (seen < next) continue;
      some.push(tenant);
      next *= 2;
    }
    return some;
  }

  private of(group: number): Int32Array {
    const known = this.sorted.get(group);
    if (known !== undefined) return known;
    const own = this.tenants.subarray(this.starts[group], this.starts[group + 1]);
    const { sizes, layout } = this;
    const nameOf = (tenant: number): string => layout.tenantAt(tenant).tenant;
    own.sort((a, b) => (sizes[b] ?? 0) - (sizes[a] ?? 0) || compareText(nameOf(a), nameOf(b)));
    this.sorted.set(group, own);
    return own;
  }

  private mayMove(tenant: number): boolean {
    const { pin, bytes, operations } = this.layout.tenantAt(tenant);
    return this.layout.rests[tenant] !== 1 && pin === null && bytes + operations > 0;
  }
}

function part(some: number, all: number): number {
  return all === 0 ? 0 : Math.floor((some * partsOfAll) / all);
}
