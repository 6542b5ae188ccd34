/**
 * Makes one tenant of its records: whole, or, for one whose items came before, the rest. It trusts none of them: what
 * does not follow is refused.
 */
import type { ByteReader } from '../../base/bytes.ts';
import { Epoch, LaneId, type NodeId, type TenantName } from '../../base/ids.ts';
import { WallTime } from '../../base/time.ts';
import { ChangeLog } from '../../engine/changeLog.ts';
import { ClientSessions } from '../../engine/clientSessions.ts';
import { Keyspace } from '../../engine/keyspace.ts';
import type { CutClock } from '../../engine/keyspaceCut.ts';
import type { MemoryImage, Remembered } from '../../engine/replyMemory.ts';
import type { VersionsImage } from '../../engine/versions.ts';
import { decodeQuota, noQuota } from '../../wire/accounts.ts';
import { readGroup, readIncarnation, readMove, readNode, readTenant } from '../../wire/fields.ts';
import { Account } from '../account.ts';
import { Sessions } from '../sessions.ts';
import type { OutgoingMove, OwnedTenant } from '../tenants.ts';
import { record } from './format.ts';
import { ItemLoader } from './itemLoader.ts';

/** A session whose remembered replies follow: of a lane of the ingress, or of a client. */
interface LoadingSession extends MemoryImage {
  readonly of: LaneId | string;
  readonly count: number;
  readonly remembered: Remembered[];
}

export class TenantReader {
  readonly tenant: TenantName;
  readonly items: ItemLoader;
  private owned: OwnedTenant;
  private readonly lastSerial: number;
  /** Of a copy that is still coming, the item that is not complete is newer than those that are. */
  private readonly mostSerial: number;
  private readonly versions: VersionsImage;
  private ingress: NodeId | null = null;
  private hasClients = false;
  private session: LoadingSession | null = null;

  private constructor(
    tenant: TenantName,
    owned: OwnedTenant,
    lastSerial: number,
    mostSerial: number,
    versions: VersionsImage,
  ) {
    this.tenant = tenant;
    this.owned = owned;
    this.lastSerial = lastSerial;
    this.mostSerial = mostSerial;
    this.versions = versions;
    this.items = new ItemLoader((image) => {
      owned.keyspace.restore(image);
    });
  }

  /**
   * Reads a tenant's first record. `keyspace` has its items, if they came before; `isComing`: it is a copy of which
   * more is to come. Null for one that cannot be read.
   */
  static begin(
    reader: ByteReader,
    clock: CutClock,
    isComing: boolean,
    keyspace = new Keyspace(clock),
  ): TenantReader | null {
    const tenant = readTenant(reader);
    const incarnation = readIncarnation(reader);
    const epoch = Epoch(reader.varint());
    const lastSerial = reader.varint();
    const sweptAt = WallTime(reader.varint());
    const versions = readVersions(reader);
    if (tenant === null || reader.failed) return null;
    const sessions = new Sessions(sweptAt, clock);
    const clients = new ClientSessions(sweptAt, clock);
    const own = { quota: noQuota, account: new Account() };
    const owned = { incarnation, epoch, keyspace, sessions, clients, ...own, since: null, out: null };
    const mostSerial = isComing ? Number.MAX_SAFE_INTEGER : lastSerial;
    return new TenantReader(tenant, owned, lastSerial, mostSerial, versions);
  }

  /** Reads one record of the tenant; false if it does not follow. */
  read(kind: number, reader: ByteReader): boolean {
    switch (kind) {
      case record.quota:
        this.owned = { ...this.owned, quota: decodeQuota(reader) };
        return true;
      case record.arrived:
        this.owned = { ...this.owned, since: readMove(reader) };
        return true;
      case record.outgoing:
        return this.startOut(reader);
      case record.changes:
        return this.addChanges(reader);
      case record.ingress:
        return this.startIngress(reader);
      case record.session:
        return this.startSession(reader);
      case record.remembered:
        return this.remember(reader);
      case record.clients:
        return this.startClients(reader);
      case record.client:
        return this.startClient(reader);
      default:
        return this.session === null && this.items.read(kind, reader, this.mostSerial);
    }
  }

  /** Everything has come. Null if something is missing. */
  end(): OwnedTenant | null {
    const mayBePartial = this.mostSerial > this.lastSerial;
    if (this.session !== null || (this.items.isPartial && !mayBePartial)) return null;
    const { keyspace, out } = this.owned;
    keyspace.restoreEnd(this.lastSerial, this.versions);
    keyspace.changes = out?.changes ?? null;
    return this.owned;
  }

  private startOut(reader: ByteReader): boolean {
    const move = readMove(reader);
    const to = readGroup(reader);
    const isFrozen = reader.u8() === 1;
    const changes = new ChangeLog();
    changes.restore(reader.varint(), reader.varint(), reader.varint());
    const out: OutgoingMove = { move, to, isFrozen, changes };
    if (this.owned.out !== null) return false;
    this.owned = { ...this.owned, out };
    return true;
  }

  private addChanges(reader: ByteReader): boolean {
    const { out } = this.owned;
    const count = reader.count(2);
    for (let i = 0; i < count && !reader.failed; i += 1) {
      const number = reader.varint();
      out?.changes.restoreChange(reader.text(), number);
    }
    return out !== null;
  }

  private startIngress(reader: ByteReader): boolean {
    if (this.session !== null || this.items.isPartial) return false;
    this.ingress = readNode(reader);
    const boot = reader.varint();
    const forgotten = reader.varint();
    if (!reader.failed) this.owned.sessions.restoreIngress(this.ingress, boot, forgotten);
    return true;
  }

  private startSession(reader: ByteReader): boolean {
    if (this.ingress === null || this.session !== null || this.items.isPartial) return false;
    const lane = LaneId(reader.varint());
    const last = reader.varint();
    const usedAt = WallTime(reader.varint());
    this.session = { of: lane, last, usedAt, remembered: [], count: reader.varint() };
    this.maybeEndSession();
    return true;
  }

  private startClients(reader: ByteReader): boolean {
    if (this.hasClients || this.session !== null || this.items.isPartial) return false;
    this.ingress = null;
    this.hasClients = true;
    this.owned.clients.restore(WallTime(reader.varint()), reader.u8() === 1);
    return true;
  }

  private startClient(reader: ByteReader): boolean {
    if (!this.hasClients || this.session !== null || this.items.isPartial) return false;
    const token = reader.text();
    const last = reader.varint();
    const usedAt = WallTime(reader.varint());
    this.session = { of: token, last, usedAt, remembered: [], count: reader.varint() };
    this.maybeEndSession();
    return true;
  }

  private remember(reader: ByteReader): boolean {
    if (this.session === null) return false;
    const number = reader.varint();
    const isKnown = reader.u8() === 1;
    const reply = reader.bytes().slice();
    this.session.remembered.push({ number, reply: isKnown ? reply : null });
    this.maybeEndSession();
    return true;
  }

  private maybeEndSession(): void {
    const { session, owned, ingress } = this;
    if (session === null || session.remembered.length < session.count) return;
    if (typeof session.of === 'string') owned.clients.restoreSession(session.of, session);
    else if (ingress !== null) owned.sessions.restoreSession(ingress, { lane: session.of, ...session });
    this.session = null;
  }
}

function readVersions(reader: ByteReader): VersionsImage {
  const writes = reader.varint();
  const clearedAt = reader.varint();
  const count = reader.count(2);
  const removals: (readonly [number, number])[] = [];
  for (let i = 0; i < count; i += 1) removals.push([reader.varint(), reader.varint()]);
  return { writes, clearedAt, removals };
}
