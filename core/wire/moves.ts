/**
 * A tenant's move between groups, as groups speak of it: the steps that each of the two logs, how far it is there, and
 * what of it is written into messages and logs. What the steps mean is in `group/tenantMoves.ts`.
 */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { Epoch, GroupId, type Incarnation, metadataGroup, type MoveId, type TenantName } from '../base/ids.ts';
import { unreachable } from '../base/invariant.ts';
import { none, readGroup, readIncarnation, readMove, readTenant, sizedBytes, varintBytes } from './fields.ts';

/**
 * How much of the source the destination has: every item up to `serial`, every change up to `change`; and of one large
 * item behind that, as of its write, so many records. Of a file that is imported: so many pieces, and in the place of a
 * change the checksum of them all.
 */
export interface CopyCursor {
  readonly serial: number;
  readonly change: number;
  readonly part: { readonly serial: number; readonly write: number; readonly records: number } | null;
}

export type MoveStep =
  /** To the source: note what is changed from now on. */
  | { readonly kind: 'start'; readonly incarnation: Incarnation; readonly epoch: Epoch; readonly to: GroupId }
  /** To the source: take no more writes. */
  | { readonly kind: 'freeze' }
  /** To the source: own the tenant no more. This is the commit point. */
  | { readonly kind: 'depart' }
  /** To the source, before that: the move is over, and the tenant stays. Of one that is frozen it does nothing. */
  | { readonly kind: 'cancel' }
  /** To the source, by somebody who has seen that it is frozen: as `cancel`. */
  | { readonly kind: 'thaw' }
  /** To the source, once the destination owns the tenant: let go of its data. */
  | { readonly kind: 'erase' }
  /** To the destination: make room that nobody sees. */
  | { readonly kind: 'prepare'; readonly incarnation: Incarnation; readonly epoch: Epoch }
  /** To the destination: what follows `after` in the copy, up to `upTo`. */
  | {
      readonly kind: 'stage';
      readonly after: CopyCursor;
      readonly upTo: CopyCursor;
      readonly records: Uint8Array;
    }
  /** To the destination: the last of that, sessions and counts, and the mark of the frozen keyspace. */
  | {
      readonly kind: 'seal';
      readonly after: CopyCursor;
      readonly records: Uint8Array;
      readonly rest: Uint8Array;
      readonly mark: number;
    }
  /** To the destination, once the source has departed: own the tenant. */
  | { readonly kind: 'activate' }
  /** To the destination, once the source has cancelled: forget what was staged. */
  | { readonly kind: 'abandon' }
  /** To either: how far is it? */
  | { readonly kind: 'look' };

/** How far a move is in one of its groups. */
export type MoveState =
  /** It has not begun here. */
  | { readonly kind: 'none' }
  /** It has begun at its source, which has items up to that serial. */
  | { readonly kind: 'copying' | 'frozen'; readonly lastSerial: number }
  | { readonly kind: 'departed' }
  | { readonly kind: 'staged'; readonly cursor: CopyCursor; readonly isSealed: boolean }
  /** The tenant lives here since. */
  | { readonly kind: 'active' }
  /** It is over here: cancelled, abandoned, or followed by another. */
  | { readonly kind: 'ended' };

/** Where a tenant has to live: in that group, or in one of its own. */
export type Pin = GroupId | 'own';

/** What the keeper of the tenant's entry is asked. */
export type MovePlan =
  /** `alone`: nobody else is to live there. `isPlanners`: no operator asked for it. */
  | { readonly kind: 'begin'; readonly to: GroupId; readonly alone: boolean; readonly isPlanners: boolean }
  | { readonly kind: 'pin'; readonly pin: Pin }
  | { readonly kind: 'unpin' }
  /** The tenant is to come from outside, to that group or one of the metadata group's choice. */
  | { readonly kind: 'import'; readonly to: GroupId | null }
  /** `hasDeparted`: the destination owns the tenant now; otherwise it stays where it was. */
  | { readonly kind: 'end'; readonly move: MoveId; readonly hasDeparted: boolean }
  /** The tenant stays, as its source says; the destination may not know that yet. */
  | { readonly kind: 'stay'; readonly move: MoveId }
  | { readonly kind: 'look' };

/**
 * A move that the keeper of the tenant's entry has begun. That of a tenant which is imported comes from outside: `from` is
 * the metadata group, which holds no tenants, and `epoch` 0.
 */
export interface PlannedMove {
  readonly move: MoveId;
  readonly tenant: TenantName;
  readonly incarnation: Incarnation;
  /** Of the tenant before the move; it has the next one after it. */
  readonly epoch: Epoch;
  readonly from: GroupId;
  readonly to: GroupId;
  /** No operator asked for it. */
  readonly isPlanners: boolean;
}

/** It is an import. */
export function isFromOutside({ from }: PlannedMove): boolean {
  return from === metadataGroup;
}

export const copyStart: CopyCursor = { serial: 0, change: 0, part: null };

export function sameCursor(a: CopyCursor, b: CopyCursor): boolean {
  return (
    a.serial === b.serial &&
    a.change === b.change &&
    a.part?.serial === b.part?.serial &&
    a.part?.write === b.part?.write &&
    a.part?.records === b.part?.records
  );
}

const step = {
  start: 1,
  freeze: 2,
  depart: 3,
  cancel: 4,
  erase: 5,
  prepare: 6,
  stage: 7,
  seal: 8,
  activate: 9,
  abandon: 10,
  look: 11,
  thaw: 12,
} as const;
const state = { none: 1, copying: 2, frozen: 3, departed: 4, staged: 5, active: 6, ended: 7 } as const;
const beginFlag = { alone: 1, isPlanners: 2 } as const;
const plan = { begin: 1, end: 2, look: 3, import: 4, pin: 5, unpin: 6, stay: 7 } as const;
/** In the place of a group: no pin, and a group of its own. */
const unpinned = 0;
const ownGroup = 1;
const firstPin = 2;

export function encodeStep(writer: ByteWriter, s: MoveStep): void {
  writer.u8(step[s.kind]);
  switch (s.kind) {
    case 'start':
    case 'prepare':
      writer.varint(s.incarnation);
      writer.varint(s.epoch);
      if (s.kind === 'start') writer.varint(s.to);
      return;
    case 'stage':
      encodeCursor(writer, s.after);
      encodeCursor(writer, s.upTo);
      writer.bytes(s.records);
      return;
    case 'seal':
      encodeCursor(writer, s.after);
      writer.bytes(s.records);
      writer.bytes(s.rest);
      writer.varint(s.mark);
      return;
    case 'freeze':
    case 'depart':
    case 'cancel':
    case 'thaw':
    case 'erase':
    case 'activate':
    case 'abandon':
    case 'look':
      return;
    default:
      unreachable(s);
  }
}

/** Null for a step that this version does not know. */
export function decodeStep(reader: ByteReader): MoveStep | null {
  switch (reader.u8()) {
    case step.start: {
      const incarnation = readIncarnation(reader);
      const epoch = Epoch(reader.varint());
      return { kind: 'start', incarnation, epoch, to: readGroup(reader) };
    }
    case step.prepare: {
      const incarnation = readIncarnation(reader);
      return { kind: 'prepare', incarnation, epoch: Epoch(reader.varint()) };
    }
    case step.stage: {
      const after = decodeCursor(reader);
      const upTo = decodeCursor(reader);
      return { kind: 'stage', after, upTo, records: reader.bytes() };
    }
    case step.seal: {
      const after = decodeCursor(reader);
      const records = reader.bytes();
      const rest = reader.bytes();
      return { kind: 'seal', after, records, rest, mark: reader.varint() };
    }
    case step.freeze:
      return { kind: 'freeze' };
    case step.depart:
      return { kind: 'depart' };
    case step.cancel:
      return { kind: 'cancel' };
    case step.thaw:
      return { kind: 'thaw' };
    case step.erase:
      return { kind: 'erase' };
    case step.activate:
      return { kind: 'activate' };
    case step.abandon:
      return { kind: 'abandon' };
    case step.look:
      return { kind: 'look' };
    default:
      return null;
  }
}

/** Bytes that `encodeStep` takes. */
export function stepBytes(s: MoveStep): number {
  switch (s.kind) {
    case 'start':
    case 'prepare':
      return 1 + varintBytes(s.incarnation) + varintBytes(s.epoch) + (s.kind === 'start' ? varintBytes(s.to) : 0);
    case 'stage':
      return 1 + cursorBytes(s.after) + cursorBytes(s.upTo) + sizedBytes(s.records);
    case 'seal':
      return 1 + cursorBytes(s.after) + sizedBytes(s.records) + sizedBytes(s.rest) + varintBytes(s.mark);
    default:
      return 1;
  }
}

/** Bytes that `encodePlan` takes. */
export function planBytes(p: MovePlan): number {
  if (p.kind === 'begin') return 2 + varintBytes(p.to);
  if (p.kind === 'pin') return 1 + varintBytes(pinCode(p.pin));
  if (p.kind === 'import') return 1 + varintBytes(p.to ?? none);
  if (p.kind === 'stay') return 1 + varintBytes(p.move);
  return p.kind === 'end' ? 2 + varintBytes(p.move) : 1;
}

function cursorBytes({ serial, change, part }: CopyCursor): number {
  const rest = part === null ? 0 : varintBytes(part.write) + varintBytes(part.records);
  return varintBytes(serial) + varintBytes(change) + varintBytes(part?.serial ?? 0) + rest;
}

export function encodeState(writer: ByteWriter, s: MoveState): void {
  writer.u8(state[s.kind]);
  if (s.kind === 'copying' || s.kind === 'frozen') writer.varint(s.lastSerial);
  if (s.kind !== 'staged') return;
  encodeCursor(writer, s.cursor);
  writer.u8(s.isSealed ? 1 : 0);
}

/** Null for a state that this version does not know. */
export function decodeState(reader: ByteReader): MoveState | null {
  switch (reader.u8()) {
    case state.none:
      return { kind: 'none' };
    case state.copying:
      return { kind: 'copying', lastSerial: reader.varint() };
    case state.frozen:
      return { kind: 'frozen', lastSerial: reader.varint() };
    case state.departed:
      return { kind: 'departed' };
    case state.staged: {
      const cursor = decodeCursor(reader);
      return { kind: 'staged', cursor, isSealed: reader.u8() === 1 };
    }
    case state.active:
      return { kind: 'active' };
    case state.ended:
      return { kind: 'ended' };
    default:
      return null;
  }
}

export function encodePlan(writer: ByteWriter, p: MovePlan): void {
  writer.u8(plan[p.kind]);
  if (p.kind === 'begin') {
    writer.varint(p.to);
    writer.u8((p.alone ? beginFlag.alone : 0) | (p.isPlanners ? beginFlag.isPlanners : 0));
  }
  if (p.kind === 'pin') encodePin(writer, p.pin);
  if (p.kind === 'import') writer.varint(p.to ?? none);
  if (p.kind === 'stay') writer.varint(p.move);
  if (p.kind !== 'end') return;
  writer.varint(p.move);
  writer.u8(p.hasDeparted ? 1 : 0);
}

/** Null for a plan that this version does not know. */
export function decodePlan(reader: ByteReader): MovePlan | null {
  switch (reader.u8()) {
    case plan.begin: {
      const to = readGroup(reader);
      const flags = reader.u8();
      const isPlanners = (flags & beginFlag.isPlanners) !== 0;
      return { kind: 'begin', to, alone: (flags & beginFlag.alone) !== 0, isPlanners };
    }
    case plan.pin: {
      const pin = decodePin(reader);
      return pin === null ? null : { kind: 'pin', pin };
    }
    case plan.unpin:
      return { kind: 'unpin' };
    case plan.import: {
      const to = readGroup(reader);
      return { kind: 'import', to: to === none ? null : to };
    }
    case plan.end: {
      const move = readMove(reader);
      return { kind: 'end', move, hasDeparted: reader.u8() === 1 };
    }
    case plan.stay:
      return { kind: 'stay', move: readMove(reader) };
    case plan.look:
      return { kind: 'look' };
    default:
      return null;
  }
}

export function encodePin(writer: ByteWriter, pin: Pin | null): void {
  writer.varint(pinCode(pin));
}

/** Null: none. */
export function decodePin(reader: ByteReader): Pin | null {
  const code = reader.varint();
  if (code === unpinned) return null;
  return code === ownGroup ? 'own' : GroupId(code - firstPin);
}

function pinCode(pin: Pin | null): number {
  if (pin === null) return unpinned;
  return pin === 'own' ? ownGroup : pin + firstPin;
}

export function encodePlannedMove(writer: ByteWriter, planned: PlannedMove): void {
  const { move, tenant, incarnation, epoch, from, to, isPlanners } = planned;
  writer.varint(move);
  writer.text(tenant);
  for (const part of [incarnation, epoch, from, to]) writer.varint(part);
  writer.u8(isPlanners ? 1 : 0);
}

/** Null, and the reader failed, if it names no tenant. */
export function decodePlannedMove(reader: ByteReader): PlannedMove | null {
  const move = readMove(reader);
  const tenant = readTenant(reader);
  const incarnation = readIncarnation(reader);
  const epoch = Epoch(reader.varint());
  const from = readGroup(reader);
  const to = readGroup(reader);
  const isPlanners = reader.u8() === 1;
  return tenant === null ? null : { move, tenant, incarnation, epoch, from, to, isPlanners };
}

export function encodeCursor(writer: ByteWriter, { serial, change, part }: CopyCursor): void {
  writer.varint(serial);
  writer.varint(change);
  writer.varint(part?.serial ?? 0);
  if (part === null) return;
  writer.varint(part.write);
  writer.varint(part.records);
}

export function decodeCursor(reader: ByteReader): CopyCursor {
  const serial = reader.varint();
  const change = reader.varint();
  const partial = reader.varint();
  if (partial === 0) return { serial, change, part: null };
  const write = reader.varint();
  return { serial, change, part: { serial: partial, write, records: reader.varint() } };
}
