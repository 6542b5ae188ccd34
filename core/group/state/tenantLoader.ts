/** Makes tenants of their records. It trusts none of them: what does not follow is refused. */
import type { ByteReader } from '../../base/bytes.ts';
import { noBytes } from '../../base/bytes.ts';
import { Epoch, type Incarnation, LaneId, type NodeId, type TenantName } from '../../base/ids.ts';
import { WallTime } from '../../base/time.ts';
import type { CutClock, ItemImage } from '../../engine/keyspaceCut.ts';
import { Keyspace } from '../../engine/keyspace.ts';
import { ListValue } from '../../engine/listValue.ts';
import { ClientSessions } from '../../engine/clientSessions.ts';
import type { MemoryImage, Remembered } from '../../engine/replyMemory.ts';
import type { VersionsImage } from '../../engine/versions.ts';
import { readIncarnation, readNode, readTenant } from '../../wire/fields.ts';
import { Sessions } from '../sessions.ts';
import type { OwnedTenant } from '../tenantMachine.ts';
import { record } from './format.ts';
import { StateLoader } from './stateLoader.ts';

export interface LoadedTenants {
  readonly tenants: Map<TenantName, OwnedTenant>;
  readonly released: Map<TenantName, Incarnation>;
}

/** A session whose remembered replies follow: of a lane of the ingress, or of a client. */
interface LoadingSession extends MemoryImage {
  readonly of: LaneId | string;
  readonly count: number;
  readonly remembered: Remembered[];
}

/** An item whose contents follow. */
interface LoadingItem {
  readonly image: ItemImage;
  /** Byte strings that are missing, the one in parts included. */
  left: number;
  large: { readonly bytes: Uint8Array; filled: number } | null;
  contents: Uint8Array;
}

/** What a value may be announced to take before any of it has come: as the protocol bounds it. */
const mostBytes = 512 * 1024 * 1024;

export class TenantLoader extends StateLoader {
  private readonly loaded: LoadedTenants = { tenants: new Map(), released: new Map() };
  private readonly clock: CutClock;
  private readonly install: (loaded: LoadedTenants) => void;
  private owned: OwnedTenant | null = null;
  private lastSerial = 0;
  private versions: VersionsImage = { writes: 0, clearedAt: 0, removals: [] };
  private ingress: NodeId | null = null;
  private hasClients = false;
  private session: LoadingSession | null = null;
  private item: LoadingItem | null = null;

  constructor(clock: CutClock, install: (loaded: LoadedTenants) => void) {
    super('tenants');
    this.clock = clock;
    this.install = install;
  }

  finish(): boolean {
    if (!this.endTenant()) return false;
    this.install(this.loaded);
    return true;
  }

  protected read(kind: number, reader: ByteReader): boolean {
    switch (kind) {
      case record.released:
        return this.addReleased(reader);
      case record.tenant:
        return this.endTenant() && this.startTenant(reader);
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
      case record.item:
        return this.startItem(reader);
      case record.values:
        return this.addValues(reader);
      case record.large:
        return this.startLarge(reader);
      case record.part:
        return this.addPart(reader);
      default:
        return false;
    }
  }

  private addReleased(reader: ByteReader): boolean {
    const tenant = readTenant(reader);
    const incarnation = readIncarnation(reader);
    if (tenant === null || this.owned !== null) return false;
    this.loaded.released.set(tenant, incarnation);
    return true;
  }

  private startTenant(reader: ByteReader): boolean {
    const tenant = readTenant(reader);
    const incarnation = readIncarnation(reader);
    const epoch = Epoch(reader.varint());
    this.lastSerial = reader.varint();
    const sweptAt = WallTime(reader.varint());
    const sessions = new Sessions(sweptAt, this.clock);
    const clients = new ClientSessions(sweptAt, this.clock);
    this.versions = readVersions(reader);
    if (tenant === null || reader.failed || this.loaded.tenants.has(tenant)) return false;
    this.owned = { incarnation, epoch, keyspace: new Keyspace(this.clock), sessions, clients };
    this.loaded.tenants.set(tenant, this.owned);
    return true;
  }

  private endTenant(): boolean {
    if (this.item !== null || this.session !== null) return false;
    this.owned?.keyspace.restoreEnd(this.lastSerial, this.versions);
    this.ingress = null;
    this.hasClients = false;
    return true;
  }

  private startIngress(reader: ByteReader): boolean {
    const { owned } = this;
    if (owned === null || this.session !== null || this.item !== null) return false;
    this.ingress = readNode(reader);
    const boot = reader.varint();
    const forgotten = reader.varint();
    if (!reader.failed) owned.sessions.restoreIngress(this.ingress, boot, forgotten);
    return true;
  }

  private startSession(reader: ByteReader): boolean {
    if (this.ingress === null || this.session !== null || this.item !== null) return false;
    const lane = LaneId(reader.varint());
    const last = reader.varint();
    const usedAt = WallTime(reader.varint());
    this.session = { of: lane, last, usedAt, remembered: [], count: reader.varint() };
    this.maybeEndSession();
    return true;
  }

  private startClients(reader: ByteReader): boolean {
    const { owned } = this;
    if (owned === null || this.hasClients || this.session !== null || this.item !== null) return false;
    this.ingress = null;
    this.hasClients = true;
    owned.clients.restore(WallTime(reader.varint()), reader.u8() === 1);
    return true;
  }

  private startClient(reader: ByteReader): boolean {
    if (!this.hasClients || this.session !== null || this.item !== null) return false;
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
    if (typeof session.of === 'string') owned?.clients.restoreSession(session.of, session);
    else if (ingress !== null) owned?.sessions.restoreSession(ingress, { lane: session.of, ...session });
    this.session = null;
  }

  private startItem(reader: ByteReader): boolean {
    if (this.owned === null || this.session !== null || this.item !== null) return false;
    const key = reader.text();
    const serial = reader.varint();
    const expireAt = reader.varint();
    const write = reader.varint();
    const kind = reader.u8();
    const left = reader.varint();
    if (kind > 1 || left === 0 || (kind === 0 && left > 1) || serial > this.lastSerial) return false;
    const value = kind === 0 ? noBytes : new ListValue();
    const image = { key, serial, expireAt: expireAt === 0 ? null : WallTime(expireAt), write, value };
    this.item = { image, left, large: null, contents: noBytes };
    return true;
  }

  private addValues(reader: ByteReader): boolean {
    const { item } = this;
    const count = reader.varint();
    if (item === null || item.large !== null || count > item.left) return false;
    for (let i = 0; i < count && !reader.failed; i += 1) this.addContent(item, reader.bytes().slice());
    return true;
  }

  private startLarge(reader: ByteReader): boolean {
    const { item } = this;
    const length = reader.varint();
    if (item === null || item.large !== null || length > mostBytes) return false;
    item.large = { bytes: new Uint8Array(length), filled: 0 };
    return true;
  }

  private addPart(reader: ByteReader): boolean {
    const large = this.item?.large ?? null;
    const part = reader.bytes();
    if (this.item === null || large === null || large.filled + part.length > large.bytes.length) return false;
    large.bytes.set(part, large.filled);
    large.filled += part.length;
    if (large.filled < large.bytes.length) return true;
    this.item.large = null;
    this.addContent(this.item, large.bytes);
    return true;
  }

  private addContent(item: LoadingItem, content: Uint8Array): void {
    const { image } = item;
    if (image.value instanceof ListValue) image.value.push('right', content);
    else item.contents = content;
    item.left -= 1;
    if (item.left > 0) return;
    const value = image.value instanceof ListValue ? image.value : item.contents;
    this.owned?.keyspace.restore({ ...image, value });
    this.item = null;
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
