/**
 * A group's state as bytes, format 1: equal state is equal bytes. A header, then records, one behind the other,
 * cut into chunks between records. A value is read and written piece by piece, so that no record is much larger than
 * a piece, whatever a client has stored.
 *
 *   header    version · kind of machine · latest log time
 *   tenants   { released }* · { tenant · { ingress · { session · { remembered }* }* }* · { item · contents }* }*
 *   contents  { values | large · { part }* }*, as many byte strings as the item counts
 *   directory tenants placed by policy · { change }*
 *
 * Integers are varints, byte strings have their length before them; see `base/bytes.ts`.
 */
import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { WallTime } from '../../base/time.ts';

const stateVersion = 1;
export type MachineKind = 'tenants' | 'directory';
const kindCode = { tenants: 1, directory: 2 } as const;

export const record = {
  released: 1,
  tenant: 2,
  ingress: 3,
  session: 4,
  remembered: 5,
  item: 6,
  values: 7,
  large: 8,
  part: 9,
  directory: 10,
  placed: 11,
  dropped: 12,
} as const;

/** Byte strings beyond it are written in parts of this size; records end soon behind it. */
export const pieceBytes = 64 * 1024;

export interface StateHeader {
  readonly kind: MachineKind;
  /** The latest log time of the state. */
  readonly stamp: WallTime;
}

export function writeHeader(writer: ByteWriter, { kind, stamp }: StateHeader): void {
  writer.varint(stateVersion);
  writer.u8(kindCode[kind]);
  writer.varint(stamp);
}

/** Null for a machine of another kind, or a version this one does not know. */
export function readHeader(reader: ByteReader, kind: MachineKind): StateHeader | null {
  const version = reader.varint();
  const code = reader.u8();
  const stamp = WallTime(reader.varint());
  return version === stateVersion && code === kindCode[kind] ? { kind, stamp } : null;
}

/** Writes one record and comes back for the next; done when there is none. */
export type Records = Generator<undefined, void>;
