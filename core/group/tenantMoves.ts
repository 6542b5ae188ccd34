/**
 * What each step of a tenant's move does in the group whose log it is in. Every step may come twice, late, or to a
 * group that knows nothing of the move: then it does nothing, and the answer says how things stand.
 *
 * At its source a tenant is copying, then frozen, then departed, or it stays: `depart` and `cancel` are ordered by the
 * source's log, and the first of them decides. At its destination it is staged, then sealed, then active. It is owned
 * by one of them at a time because it is activated only by somebody who has seen that it departed.
 */
import { ByteReader, type ByteWriter } from '../base/bytes.ts';
import { Epoch, type GroupId, type Incarnation, MoveId, type TenantName } from '../base/ids.ts';
import { unreachable } from '../base/invariant.ts';
import { limits } from '../base/limits.ts';
import type { WallTime } from '../base/time.ts';
import { ChangeLog } from '../engine/changeLog.ts';
import type { CutClock } from '../engine/keyspaceCut.ts';
import { copyStart, type MoveState, type MoveStep, sameCursor } from '../wire/moves.ts';
import { CopyReader, isNumberedThrough, itemsInto, takeCopy } from './state/copyRecords.ts';
import { record } from './state/format.ts';
import { ItemLoader } from './state/itemLoader.ts';
import { restRecords } from './state/tenantRecords.ts';
import { TenantReader } from './state/tenantReader.ts';
import { isImported, newTenant, type OwnedTenant, type StagedTenant, type Tenants } from './tenants.ts';
import type { Operation } from '../wire/messages.ts';
import type { CopyCursor } from '../wire/moves.ts';

type Step<Kind extends MoveStep['kind']> = Extract<MoveStep, { kind: Kind }>;

export class TenantMoves {
  /** Writes of these tenants wait while a piece of their copy is on its way. The leader's own, and in no log. */
  readonly held = new Set<TenantName>();
  private readonly tenants: () => Tenants;
  /** Those that are to be seen out of this group. */
  private readonly leavers = new Set<TenantName>();
  private readonly clock: CutClock;

  constructor(tenants: () => Tenants, clock: CutClock) {
    this.tenants = tenants;
    this.clock = clock;
  }

  /** Takes a step that was logged. */
  apply(tenant: TenantName, move: MoveId, step: MoveStep, stamp: WallTime): MoveState {
    switch (step.kind) {
      case 'start':
        this.start(tenant, move, step);
        break;
      case 'freeze':
        this.freeze(tenant, move);
        break;
      case 'depart':
        this.depart(tenant, move);
        break;
      case 'cancel':
        this.stay(tenant, move, false);
        break;
      case 'thaw':
        this.stay(tenant, move, true);
        break;
      case 'erase':
        this.erase(tenant, move);
        break;
      case 'prepare':
        this.prepare(tenant, move, step, stamp);
        break;
      case 'stage':
        this.stage(tenant, move, step);
        break;
      case 'seal':
        this.seal(tenant, move, step);
        break;
      case 'activate':
        this.activate(tenant, move);
        break;
      case 'abandon':
        this.abandon(tenant, move);
        break;
      case 'look':
        break;
      default:
        unreachable(step);
    }
    return this.stateOf(tenant, move);
  }

  stateOf(tenant: TenantName, move: MoveId): MoveState {
    const { owned, staged, departed } = this.tenants();
    const here = owned.get(tenant);
    if (here?.out?.move === move)
      return { kind: here.out.isFrozen ? 'frozen' : 'copying', lastSerial: here.keyspace.latestSerial };
    if (here?.since === move) return { kind: 'active' };
    const coming = staged.get(tenant);
    if (coming?.move === move) return { kind: 'staged', cursor: coming.cursor, isSealed: coming.isSealed };
    if (departed.get(tenant)?.move === move) return { kind: 'departed' };
    return this.isOver(tenant, move) ? { kind: 'ended' } : { kind: 'none' };
  }

  /**
   * Answers a step that is not to be logged. A leader thaws only what it has itself seen frozen: then it takes no write
   * between the freeze and the thaw, and what its log refuses in between has nothing behind it that it does not refuse.
   */
  judge(tenant: TenantName, move: MoveId, step: MoveStep): MoveState | null {
    if (step.kind !== 'thaw') return null;
    const state = this.stateOf(tenant, move);
    return state.kind === 'frozen' ? null : state;
  }

  /** Reads out a tenant that is being copied, from where the destination is; null if it is not. */
  reader(tenant: TenantName, move: MoveId, writer: ByteWriter, cursor: CopyCursor): CopyReader | null {
    const owned = this.leaving(tenant, move);
    if (owned?.out === null || owned === null) return null;
    return new CopyReader(writer, owned.keyspace, owned.out.changes, cursor);
  }

  /**
   * The last step of the copy of a frozen tenant: `records` end it, from `after` on. Null if it is not frozen; `tooLarge` if
   * it remembers so much of its writes that to take it over would hold up others.
   */
  sealOf(
    tenant: TenantName,
    move: MoveId,
    writer: ByteWriter,
    after: CopyCursor,
    records: Uint8Array,
  ): MoveStep | 'tooLarge' | null {
    const owned = this.leaving(tenant, move);
    if (owned?.out?.isFrozen !== true) return null;
    const writing = restRecords(writer, tenant, owned);
    while (writing.next().done !== true && writer.length <= limits.moveRestBytes);
    const rest = writer.take();
    if (rest.length > limits.moveRestBytes) return 'tooLarge';
    return { kind: 'seal', after, records, rest, mark: owned.keyspace.mark };
  }

  /**
   * What takes a tenant out of this group that another one owns already, under a number that no move of it has had here:
   * those that are to come have higher ones, for one of them took it there.
   */
  departureOf(tenant: TenantName, { incarnation, epoch }: OwnedTenant, to: GroupId): readonly Operation[] {
    const move = MoveId((this.tenants().ended.get(tenant) ?? 0) + 1);
    const steps: readonly MoveStep[] = [
      { kind: 'start', incarnation, epoch, to },
      { kind: 'freeze' },
      { kind: 'depart' },
      { kind: 'erase' },
    ];
    return steps.map((step) => ({ kind: 'move', tenant, move, step }));
  }

  /** Tenants that are to be seen out of this group: those that it still owns, and those whose data it still has. */
  *outgoing(): IterableIterator<{ readonly tenant: TenantName; readonly move: MoveId; readonly to: GroupId }> {
    const { owned, departed } = this.tenants();
    for (const tenant of this.leavers) {
      // Of one that has left, was dropped there and created again here, both.
      const out = owned.get(tenant)?.out ?? null;
      if (out !== null) yield { tenant, move: out.move, to: out.to };
      const gone = departed.get(tenant);
      if (gone !== undefined && gone.owned !== null) yield { tenant, move: gone.move, to: gone.to };
    }
  }

  get hasOutgoing(): boolean {
    return this.leavers.size > 0;
  }

  /** Tenants of which there is a copy that nobody sees. */
  get stagedCount(): number {
    return this.tenants().staged.size;
  }

  /** A tenant as it is owned here, on its way elsewhere by that move. */
  leaving(tenant: TenantName, move: MoveId): OwnedTenant | null {
    const owned = this.tenants().owned.get(tenant);
    return owned?.out?.move === move ? owned : null;
  }

  /** The tenants are others now. */
  onInstalled(): void {
    const { owned, departed } = this.tenants();
    this.leavers.clear();
    for (const [tenant, { out }] of owned) if (out !== null) this.leavers.add(tenant);
    for (const [tenant, { owned: left }] of departed) if (left !== null) this.leavers.add(tenant);
  }

  /** Drops the tenant: it is owned no more, and there is nothing to be moved. */
  drop(tenant: TenantName): void {
    const { owned, staged } = this.tenants();
    const out = owned.get(tenant)?.out ?? null;
    if (out !== null) this.end(tenant, out.move);
    owned.delete(tenant);
    this.noteLeaver(tenant);
    const coming = staged.get(tenant);
    if (coming === undefined) return;
    // Whoever imports it is not to take that for a file that is none: it has not ended here, it is not known any more.
    if (isImported(coming)) staged.delete(tenant);
    else this.abandon(tenant, coming.move);
  }

  private isOver(tenant: TenantName, move: MoveId): boolean {
    return move <= (this.tenants().ended.get(tenant) ?? 0);
  }

  private end(tenant: TenantName, move: MoveId): void {
    if (!this.isOver(tenant, move)) this.tenants().ended.set(tenant, move);
  }

  private start(tenant: TenantName, move: MoveId, { incarnation, epoch, to }: Step<'start'>): void {
    const { owned } = this.tenants();
    const here = owned.get(tenant);
    if (here?.incarnation !== incarnation || here.epoch !== epoch) {
      // Another owner, or none: what was planned is of the past. Unless it is that of a tenant that has yet to come.
      if (here !== undefined || this.wasHere(tenant, incarnation, epoch)) this.end(tenant, move);
      return;
    }
    if (here.out !== null || this.isOver(tenant, move)) return;
    const out = { move, to, isFrozen: false, changes: new ChangeLog() };
    this.put(tenant, { ...here, out });
  }

  private wasHere(tenant: TenantName, incarnation: Incarnation, epoch: Epoch): boolean {
    const { departed, released } = this.tenants();
    return (departed.get(tenant)?.epoch ?? 0) > epoch || (released.get(tenant) ?? 0) >= incarnation;
  }

  private freeze(tenant: TenantName, move: MoveId): void {
    const here = this.leaving(tenant, move);
    if (here !== null && here.out !== null) this.put(tenant, { ...here, out: { ...here.out, isFrozen: true } });
  }

  private depart(tenant: TenantName, move: MoveId): void {
    const { owned, departed } = this.tenants();
    const here = this.leaving(tenant, move);
    if (here === null || here.out?.isFrozen !== true) return;
    const { incarnation, epoch, keyspace, out } = here;
    keyspace.changes = null;
    owned.delete(tenant);
    const left = { ...here, out: null };
    departed.set(tenant, { move, to: out.to, incarnation, epoch: Epoch(epoch + 1), owned: left });
    this.end(tenant, move);
  }

  private stay(tenant: TenantName, move: MoveId, wasFrozen: boolean): void {
    const here = this.leaving(tenant, move);
    if (here !== null && here.out?.isFrozen !== wasFrozen) return;
    if (here !== null) this.put(tenant, { ...here, out: null });
    this.end(tenant, move);
  }

  private erase(tenant: TenantName, move: MoveId): void {
    const { departed } = this.tenants();
    const gone = departed.get(tenant);
    if (gone?.move !== move) return;
    departed.set(tenant, { ...gone, owned: null });
    this.noteLeaver(tenant);
  }

  private prepare(tenant: TenantName, move: MoveId, { incarnation, epoch }: Step<'prepare'>, stamp: WallTime): void {
    const { owned, staged, departed, released } = this.tenants();
    if (this.isOver(tenant, move) || owned.has(tenant)) return;
    if (incarnation <= (released.get(tenant) ?? 0)) return;
    // What it left here is still to be let go of.
    if ((departed.get(tenant)?.owned ?? null) !== null) return;
    const coming = staged.get(tenant);
    if (coming !== undefined && coming.move >= move) return;
    if (coming !== undefined) this.abandon(tenant, coming.move);
    const room = newTenant(incarnation, Epoch(epoch + 1), stamp, this.clock);
    const items = new ItemLoader(itemsInto(room));
    staged.set(tenant, { move, owned: room, cursor: copyStart, isSealed: false, items });
  }

  /** A second sender, or the same piece twice, does not go on from where the copy is. */
  private stage(tenant: TenantName, move: MoveId, { after, upTo, records }: Step<'stage'>): void {
    const { staged } = this.tenants();
    const coming = staged.get(tenant);
    if (coming?.move !== move || coming.isSealed || !sameCursor(coming.cursor, after)) return;
    if (takeCopy(coming, records)) staged.set(tenant, { ...coming, cursor: upTo });
    else this.abandon(tenant, move);
  }

  private seal(tenant: TenantName, move: MoveId, { after, records, rest, mark }: Step<'seal'>): void {
    const { staged } = this.tenants();
    const coming = staged.get(tenant);
    if (coming?.move !== move || coming.isSealed || !sameCursor(coming.cursor, after)) return;
    const owned = takeCopy(coming, records) ? this.sealed(coming, rest, mark) : null;
    if (owned === null) this.abandon(tenant, move);
    else staged.set(tenant, { ...coming, owned, isSealed: true });
  }

  /** The tenant with all that it has; null if it is not what the source has. */
  private sealed(coming: StagedTenant, rest: Uint8Array, mark: number): OwnedTenant | null {
    const { owned, items } = coming;
    const reader = new ByteReader(rest);
    if (items.isPartial || reader.u8() !== record.tenant) return null;
    owned.keyspace.joinCut();
    const reading = TenantReader.begin(reader, this.clock, false, owned.keyspace);
    if (reading === null) return null;
    while (reader.remaining > 0) if (!reading.read(reader.u8(), reader) || reader.failed) return null;
    const whole = reading.end();
    if (whole === null || whole.keyspace.mark !== mark || whole.incarnation !== owned.incarnation) return null;
    if (isImported(coming) && !isNumberedThrough(whole.keyspace)) return null;
    return { ...whole, epoch: owned.epoch };
  }

  private activate(tenant: TenantName, move: MoveId): void {
    const { owned, staged, departed } = this.tenants();
    const coming = staged.get(tenant);
    if (coming?.move !== move || !coming.isSealed) return;
    staged.delete(tenant);
    departed.delete(tenant);
    this.end(tenant, move);
    owned.set(tenant, { ...coming.owned, since: move });
  }

  private abandon(tenant: TenantName, move: MoveId): void {
    const { staged } = this.tenants();
    if (staged.get(tenant)?.move === move) staged.delete(tenant);
    this.end(tenant, move);
  }

  private put(tenant: TenantName, owned: OwnedTenant): void {
    owned.keyspace.changes = owned.out?.changes ?? null;
    this.tenants().owned.set(tenant, owned);
    this.noteLeaver(tenant);
  }

  /** Something has changed about whether it is to be seen out. */
  private noteLeaver(tenant: TenantName): void {
    const { owned, departed } = this.tenants();
    const isLeaving = (owned.get(tenant)?.out ?? null) !== null || (departed.get(tenant)?.owned ?? null) !== null;
    if (isLeaving) this.leavers.add(tenant);
    else this.leavers.delete(tenant);
  }
}
