/** The records of the directory: every change it has seen, in order. */
import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { Epoch, type GroupId, type MapVersion, MoveId } from '../../base/ids.ts';
import { Directory } from '../../metadata/directory.ts';
import { readGroup, readIncarnation, readMove, readTenant } from '../../wire/fields.ts';
import type { MapChange, PlannedMove } from '../../wire/messages.ts';
import { record, type Records } from './format.ts';
import { StateLoader } from './stateLoader.ts';

/** What there was at an instant. */
export interface DirectoryCut {
  readonly changes: readonly MapChange[];
  readonly version: MapVersion;
  readonly placedByPolicy: number;
  readonly latestMove: MoveId;
  readonly planned: readonly PlannedMove[];
}

export function* directoryRecords(writer: ByteWriter, cut: DirectoryCut): Records {
  const { changes, version, placedByPolicy, latestMove, planned } = cut;
  let count: number = version;
  writer.u8(record.directory);
  writer.varint(placedByPolicy);
  for (const change of changes) {
    // More may have come since.
    if (count === 0) break;
    count -= 1;
    yield;
    writer.u8(record[change.kind]);
    writer.text(change.tenant);
    writer.varint(change.incarnation);
    if (change.kind === 'dropped') continue;
    writer.varint(change.group);
    writer.varint(change.epoch);
  }
  yield;
  if (latestMove === 0) return;
  writer.u8(record.moves);
  writer.varint(latestMove);
  yield;
  for (const { move, tenant, incarnation, epoch, from, to } of planned) {
    writer.u8(record.planned);
    writer.text(tenant);
    for (const part of [move, incarnation, epoch, from, to]) writer.varint(part);
    yield;
  }
}

export class DirectoryLoader extends StateLoader {
  private readonly groups: readonly GroupId[];
  private readonly install: (directory: Directory) => void;
  private readonly changes: MapChange[] = [];
  private readonly planned: PlannedMove[] = [];
  private latestMove = MoveId(0);
  private placedByPolicy: number | null = null;

  constructor(groups: readonly GroupId[], install: (directory: Directory) => void) {
    super('directory');
    this.groups = groups;
    this.install = install;
  }

  finish(): boolean {
    if (this.placedByPolicy === null) return false;
    const directory = Directory.of(this.groups, this.changes, this.placedByPolicy);
    if (directory === null) return false;
    directory.moves.restore(this.latestMove, this.planned);
    this.install(directory);
    return true;
  }

  protected read(kind: number, reader: ByteReader): boolean {
    if (kind === record.directory) {
      const isFirst = this.placedByPolicy === null;
      this.placedByPolicy = reader.varint();
      return isFirst;
    }
    if (kind === record.moves) {
      this.latestMove = readMove(reader);
      return true;
    }
    if (kind === record.planned) return this.addPlanned(reader);
    if (kind !== record.placed && kind !== record.dropped) return false;
    const tenant = readTenant(reader);
    const incarnation = readIncarnation(reader);
    if (tenant === null) return false;
    if (kind === record.dropped) this.changes.push({ kind: 'dropped', tenant, incarnation });
    else {
      const group = readGroup(reader);
      this.changes.push({ kind: 'placed', tenant, group, epoch: Epoch(reader.varint()), incarnation });
    }
    return true;
  }

  private addPlanned(reader: ByteReader): boolean {
    const tenant = readTenant(reader);
    const move = readMove(reader);
    const incarnation = readIncarnation(reader);
    const epoch = Epoch(reader.varint());
    const from = readGroup(reader);
    const to = readGroup(reader);
    if (tenant === null || move > this.latestMove) return false;
    this.planned.push({ move, tenant, incarnation, epoch, from, to });
    return true;
  }
}
