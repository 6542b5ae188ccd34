/** The records of the directory: how far it is, all places in the order in which their names came, moves under way. */
import { type ByteReader, ByteWriter } from '../../base/bytes.ts';
import { Epoch, type GroupId, MapVersion, MoveId, type TenantName } from '../../base/ids.ts';
import { Directory } from '../../metadata/directory.ts';
import { NodeMap } from '../../metadata/nodeMap.ts';
import type { Pins } from '../../metadata/pins.ts';
import type { NodeMapImage } from '../../wire/nodes.ts';
import { type MapCut, MapBuilder, TenantMap } from '../../metadata/tenantMap.ts';
import { readGroup, readIncarnation, readMove, readTenant } from '../../wire/fields.ts';
import {
  decodePin,
  decodePlannedMove,
  encodePin,
  encodePlannedMove,
  type Pin,
  type PlannedMove,
} from '../../wire/moves.ts';
import { decodeNodeMap, encodeNodeMap } from '../../wire/nodes.ts';
import { record, type Records } from './format.ts';
import { StateLoader } from './stateLoader.ts';

/** Always as many, so that equal state is equal bytes. */
const placesPerRecord = 500;

/** What there was at an instant. */
export interface DirectoryCut {
  readonly map: MapCut;
  readonly placedByPolicy: number;
  readonly latestMove: MoveId;
  readonly planned: readonly PlannedMove[];
  readonly leftOver: readonly PlannedMove[];
  readonly nodes: NodeMapImage;
  readonly pinned: ReturnType<Pins['list']>;
  readonly owned: ReturnType<Pins['owned']>;
}

export function* directoryRecords(writer: ByteWriter, cut: DirectoryCut): Records {
  const { map, placedByPolicy, latestMove, planned, leftOver, nodes, pinned, owned } = cut;
  writer.u8(record.map);
  writer.varint(placedByPolicy);
  writer.varint(map.version);
  writer.u64(map.digest);
  yield;
  const places = new ByteWriter();
  while (!map.places.isDone) {
    map.places.write(places, placesPerRecord);
    writer.u8(record.places);
    writer.bytes(places.take());
    places.reuse();
    yield;
  }
  for (const [tenant, pin] of pinned) {
    writer.u8(record.pinned);
    writer.text(tenant);
    encodePin(writer, pin);
    yield;
  }
  for (const [group, tenant] of owned) {
    writer.u8(record.dedicated);
    writer.varint(group);
    writer.text(tenant);
    yield;
  }
  if (nodes.version > 0) {
    writer.u8(record.nodes);
    encodeNodeMap(writer, nodes);
    yield;
  }
  if (latestMove === 0) return;
  writer.u8(record.moves);
  writer.varint(latestMove);
  yield;
  for (const move of planned) {
    writer.u8(record.planned);
    encodePlannedMove(writer, move);
    yield;
  }
  for (const move of leftOver) {
    writer.u8(record.leftOver);
    encodePlannedMove(writer, move);
    yield;
  }
}

/** Makes a directory of its records. It trusts none of them: what does not follow is refused. */
export class DirectoryReader {
  private readonly groups: readonly GroupId[];
  private readonly home: GroupId | null;
  private readonly builder = new MapBuilder();
  private head: { readonly version: MapVersion; readonly digest: number } | null = null;
  /** Of formats up to 3, which told all changes there ever were; null before they are known to be such. */
  private changed: TenantMap | null = null;
  private placedByPolicy = 0;
  private readonly planned: PlannedMove[] = [];
  private readonly leftOver: PlannedMove[] = [];
  private latestMove = MoveId(0);
  private readonly pinned: (readonly [TenantName, Pin])[] = [];
  private readonly owned: (readonly [GroupId, TenantName])[] = [];
  private nodes: NodeMapImage;

  /** `nodes`: what the configuration says, if nothing else is said. */
  constructor(groups: readonly GroupId[], nodes: NodeMapImage, home: GroupId | null) {
    this.groups = groups;
    this.nodes = nodes;
    this.home = home;
  }

  /** Null if something is missing. */
  end(): Directory | null {
    const { head, changed } = this;
    const map = head === null ? changed : this.builder.finish(head.version, head.digest);
    if (map === null) return null;
    const directory = new Directory(this.groups, map, this.placedByPolicy, new NodeMap(this.nodes), this.home);
    directory.moves.restore(this.latestMove, this.planned, this.leftOver);
    for (const [tenant, pin] of this.pinned) directory.pins.pin(tenant, pin);
    for (const [group, tenant] of this.owned) directory.pins.dedicate(group, tenant);
    return directory;
  }

  /** Reads one record; false if it does not follow. */
  read(kind: number, reader: ByteReader): boolean {
    const isBegun = this.head !== null || this.changed !== null;
    switch (kind) {
      case record.map:
        this.placedByPolicy = reader.varint();
        this.head = { version: MapVersion(reader.varint()), digest: reader.u64() };
        return !isBegun;
      case record.places: {
        const outer = reader.enter(reader.varint());
        const isRead = this.builder.add(reader);
        reader.leave(outer);
        return isRead && this.head !== null;
      }
      case record.directory:
        this.placedByPolicy = reader.varint();
        this.changed = new TenantMap();
        return !isBegun;
      case record.placed:
      case record.dropped:
        return this.changed !== null && readChange(kind === record.placed, reader, this.changed);
      case record.nodes:
        this.nodes = decodeNodeMap(reader);
        return this.head !== null;
      case record.moves:
        this.latestMove = readMove(reader);
        return this.head !== null;
      case record.pinned:
        return this.addPin(reader);
      case record.dedicated:
        return this.addOwner(reader);
      case record.planned:
        return this.addPlanned(reader, this.planned);
      case record.leftOver:
        return this.addPlanned(reader, this.leftOver);
      default:
        return false;
    }
  }

  private addPin(reader: ByteReader): boolean {
    const tenant = readTenant(reader);
    const pin = decodePin(reader);
    if (tenant === null || pin === null) return false;
    this.pinned.push([tenant, pin]);
    return this.head !== null;
  }

  private addOwner(reader: ByteReader): boolean {
    const group = readGroup(reader);
    const tenant = readTenant(reader);
    if (tenant === null) return false;
    this.owned.push([group, tenant]);
    return this.head !== null;
  }

  private addPlanned(reader: ByteReader, list: PlannedMove[]): boolean {
    const planned = decodePlannedMove(reader);
    if (planned === null || planned.move > this.latestMove) return false;
    list.push(planned);
    return true;
  }
}

export class DirectoryLoader extends StateLoader {
  private readonly reader: DirectoryReader;
  private readonly install: (directory: Directory) => void;

  constructor(reader: DirectoryReader, install: (directory: Directory) => void) {
    super('directory');
    this.reader = reader;
    this.install = install;
  }

  protected takeOver(): boolean {
    const directory = this.reader.end();
    if (directory !== null) this.install(directory);
    return directory !== null;
  }

  protected read(kind: number, reader: ByteReader): boolean {
    return this.reader.read(kind, reader);
  }
}

/** False for a change that does not follow: an incarnation is placed once the one before it was dropped. */
function readChange(isPlaced: boolean, reader: ByteReader, map: TenantMap): boolean {
  const tenant = readTenant(reader);
  const incarnation = readIncarnation(reader);
  if (tenant === null) return false;
  const before = map.find(tenant);
  const isThere = before !== null && before.group !== null;
  if (!isPlaced) {
    map.apply({ kind: 'dropped', tenant, incarnation });
    return isThere && before.incarnation === incarnation;
  }
  const group = readGroup(reader);
  map.apply({ kind: 'placed', tenant, group, epoch: Epoch(reader.varint()), incarnation });
  return !isThere && incarnation === (before?.incarnation ?? 0) + 1;
}
