/** Makes a group's tenants of their records. It trusts none of them: what does not follow is refused. */
import type { ByteReader } from '../../base/bytes.ts';
import { Epoch, type MoveId } from '../../base/ids.ts';
import type { CutClock } from '../../engine/keyspaceCut.ts';
import { readGroup, readIncarnation, readMove, readTenant } from '../../wire/fields.ts';
import { type CopyCursor, decodeCursor } from '../../wire/moves.ts';
import { type DepartedTenant, noTenants, type OwnedTenant, type Tenants } from '../tenants.ts';
import type { Directory } from '../../metadata/directory.ts';
import type { DirectoryReader } from './directoryRecords.ts';
import { record } from './format.ts';
import { itemsInto } from './copyRecords.ts';
import { StateLoader } from './stateLoader.ts';
import { TenantReader } from './tenantReader.ts';

/** What was said of the tenant whose records follow, if it is not owned. */
type Standing =
  | {
      readonly kind: 'staged';
      readonly move: MoveId;
      readonly cursor: CopyCursor;
      readonly isSealed: boolean;
    }
  | { readonly kind: 'departed'; readonly departed: DepartedTenant };

export class TenantLoader extends StateLoader {
  private readonly loaded: Tenants = noTenants();
  private readonly clock: CutClock;
  private readonly directory: DirectoryReader | null;
  private readonly install: (loaded: Tenants, directory: Directory | null) => void;
  private next: Standing | null = null;
  private standing: Standing | null = null;
  private reading: TenantReader | null = null;

  /** `directory`: for the part of it that the group has beside its tenants; null if it has none. */
  constructor(
    clock: CutClock,
    directory: DirectoryReader | null,
    install: (loaded: Tenants, directory: Directory | null) => void,
  ) {
    super('tenants');
    this.clock = clock;
    this.directory = directory;
    this.install = install;
  }

  protected takeOver(): boolean {
    if (this.next !== null || !this.endTenant()) return false;
    const directory = this.directory?.end() ?? null;
    if (directory === null && this.directory !== null) return false;
    this.install(this.loaded, directory);
    return true;
  }

  protected read(kind: number, reader: ByteReader): boolean {
    switch (kind) {
      case record.released:
        return this.addReleased(reader);
      case record.ended:
        return this.addEnded(reader);
      case record.departed:
        return this.endTenant() && this.addDeparted(reader);
      case record.staged:
        return this.endTenant() && this.startStaged(reader);
      case record.tenant:
        return this.endTenant() && this.startTenant(reader);
      case record.map:
      case record.places:
      case record.moves:
      case record.planned:
      case record.leftOver:
      case record.pinned:
      case record.dedicated:
        return this.endTenant() && this.directory?.read(kind, reader) === true;
      default:
        return this.reading?.read(kind, reader) === true;
    }
  }

  private addReleased(reader: ByteReader): boolean {
    const tenant = readTenant(reader);
    const incarnation = readIncarnation(reader);
    if (tenant === null || this.reading !== null) return false;
    this.loaded.released.set(tenant, incarnation);
    return true;
  }

  private addEnded(reader: ByteReader): boolean {
    const tenant = readTenant(reader);
    const move = readMove(reader);
    if (tenant === null || this.reading !== null) return false;
    this.loaded.ended.set(tenant, move);
    return true;
  }

  private addDeparted(reader: ByteReader): boolean {
    const tenant = readTenant(reader);
    const move = readMove(reader);
    const to = readGroup(reader);
    const incarnation = readIncarnation(reader);
    const departed = { move, to, incarnation, epoch: Epoch(reader.varint()), owned: null };
    const hasData = reader.u8() === 1;
    if (tenant === null || this.next !== null || this.loaded.departed.has(tenant)) return false;
    this.loaded.departed.set(tenant, departed);
    if (hasData) this.next = { kind: 'departed', departed };
    return true;
  }

  private startStaged(reader: ByteReader): boolean {
    const move = readMove(reader);
    const cursor = decodeCursor(reader);
    const isSealed = reader.u8() === 1;
    if (this.next !== null) return false;
    this.next = { kind: 'staged', move, cursor, isSealed };
    return true;
  }

  private startTenant(reader: ByteReader): boolean {
    this.reading = TenantReader.begin(reader, this.clock, this.next?.kind === 'staged');
    this.standing = this.next;
    this.next = null;
    return this.reading !== null;
  }

  /** The tenant whose records came last takes its place. */
  private endTenant(): boolean {
    const { reading, standing, loaded } = this;
    if (reading === null) return true;
    this.reading = null;
    const { tenant, items } = reading;
    const found: OwnedTenant | null = reading.end();
    if (found === null) return false;
    switch (standing?.kind) {
      case undefined:
        if (loaded.owned.has(tenant)) return false;
        loaded.owned.set(tenant, found);
        return true;
      case 'staged': {
        const { move, cursor, isSealed } = standing;
        if (loaded.staged.has(tenant)) return false;
        items.goesTo(itemsInto(found));
        loaded.staged.set(tenant, { move, owned: found, cursor, isSealed, items });
        return true;
      }
      case 'departed':
        if (loaded.departed.get(tenant) !== standing.departed) return false;
        loaded.departed.set(tenant, { ...standing.departed, owned: found });
        return true;
    }
  }
}
