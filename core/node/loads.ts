/** What groups led here hold and do, told now and then to whoever plans: of most groups nothing has changed since. */
import type { GroupId, NodeId } from '../base/ids.ts';
import { elapsedMs, type MonoTime } from '../base/time.ts';
import type { Group } from '../group/group.ts';
import { TenantMachine } from '../group/tenantMachine.ts';
import type { GroupLoad } from '../wire/loads.ts';
import { HeaviestTenants } from './heaviestTenants.ts';

type Holding = Readonly<Omit<GroupLoad, 'group' | 'operations'>>;

interface Told {
  readonly operations: number;
  /** What the group had run and applied then. */
  readonly submitted: number;
  readonly applied: number;
}

/** As much of a group as tells its load. */
type Loaded = Pick<Group, 'id' | 'submitted' | 'applied' | 'machine'>;

export class Loads {
  private readonly told = new Map<GroupId, Told>();
  private readonly heaviest = new Map<GroupId, HeaviestTenants>();
  private reader: NodeId | null = null;
  private toldAt: MonoTime;

  constructor(now: MonoTime) {
    this.toldAt = now;
  }

  /** It may have forgotten, or not have heard the last. */
  forget(reader: NodeId): void {
    if (this.reader === reader) this.reader = null;
  }

  /** What `reader` does not know yet. */
  news(led: Iterable<Loaded>, reader: NodeId, now: MonoTime): readonly GroupLoad[] {
    const seconds = Math.max(1, elapsedMs(this.toldAt, now)) / 1000;
    const isNew = reader !== this.reader;
    this.reader = reader;
    this.toldAt = now;
    const news: GroupLoad[] = [];
    for (const group of led) {
      const before = this.told.get(group.id);
      const isSame =
        before?.submitted === group.submitted && before.applied === group.applied && before.operations === 0;
      if (isSame && !isNew) continue;
      const operations = Math.round(ranSince(before, group) / seconds);
      const { id, submitted, applied } = group;
      this.told.set(id, { operations, submitted, applied });
      news.push({ group: id, operations, ...this.holdingOf(group, operations, now) });
    }
    return news;
  }

  private holdingOf({ id, machine }: Loaded, operations: number, now: MonoTime): Holding {
    if (!(machine instanceof TenantMachine)) return nothingHeld;
    const { bytes, tenants } = machine.held;
    let heaviest = this.heaviest.get(id);
    if (heaviest?.isOf(machine.tenants) !== true) heaviest = new HeaviestTenants(machine.tenants);
    this.heaviest.set(id, heaviest);
    return { bytes, tenants, heaviest: heaviest.look(bytes, operations, now) };
  }
}

const nothingHeld: Holding = { bytes: 0, tenants: 0, heaviest: [] };

/** Of a replica that has begun anew meanwhile, all that it has run. */
function ranSince(before: Told | undefined, { submitted }: Loaded): number {
  if (before === undefined) return 0;
  return submitted < before.submitted ? submitted : submitted - before.submitted;
}
