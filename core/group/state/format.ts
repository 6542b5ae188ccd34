/**
 * A group's state as bytes, format 4: equal state is equal bytes. A header, then records, one behind the other, and one
 * that says so behind the last (from format 4 on), cut into chunks between records. A value is read and written piece by
 * piece, so that no record is much larger than a piece, whatever a client has stored.
 *
 *   header    version · kind of machine · latest log time · configuration (not in format 1)
 *   tenants   { released }* · { ended }* · { whole }* · { staged · whole }* · { departed · whole? }* · directory?
 *   whole     tenant · quota? · arrived? · { outgoing · { changes }* }? · { ingress · { session · { remembered }* }* }* ·
 *             clients · { item · contents }*
 *   clients   nothing, if there never were any (and in formats 1 and 2), or clients · { client · { remembered }* }*
 *   contents  { values | large · { part }* }*, as many byte strings as the item counts
 *             Of the last item of a staged tenant contents may be missing. Nothing of moves and quotas was in formats 1 to 3.
 *   directory tenants placed by policy · version of the map · its digest · { places }* · { pinned }* · { dedicated }* ·
 *             nodes? · moves? · { planned }* · { leftOver }*
 *             (up to format 3: tenants placed by policy · { change }*, all there ever were)
 *
 * Integers are varints, byte strings have their length before them; see `base/bytes.ts`.
 */
import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { WallTime } from '../../base/time.ts';
import type { Configuration } from '../../raft/types.ts';
import { readConfiguration, writeConfiguration } from '../../wire/configuration.ts';

const stateVersion = 4;
const withoutConfiguration = 1;
const firstWithEnd = 4;
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
  clients: 13,
  client: 14,
  map: 15,
  places: 16,
  ended: 17,
  staged: 18,
  departed: 19,
  arrived: 20,
  outgoing: 21,
  changes: 22,
  /** Of a copy that is on its way from another group: a key that is gone, and all of them. */
  discarded: 23,
  cleared: 24,
  /** And: what came of the item that is not complete is of no use. */
  abandoned: 25,
  /** Of the directory: the number of the latest move, and each that is under way. */
  moves: 26,
  planned: 27,
  /** And the NodeMap, if it is not what the configuration says. */
  nodes: 28,
  /** Of a tenant: what it may use. Missing if nothing is bounded. */
  quota: 29,
  /** Of the directory: a tenant that is pinned, and a group that is for one tenant alone. */
  pinned: 30,
  dedicated: 31,
  /** Nothing follows. */
  end: 32,
  /** Of the directory: each move that is over, and whose destination may not know that. */
  leftOver: 33,
} as const;

/** Byte strings beyond it are written in parts of this size; records end soon behind it. */
export const pieceBytes = 64 * 1024;

export interface StateHeader {
  readonly kind: MachineKind;
  /** The latest log time of the state. */
  readonly stamp: WallTime;
  /** Who belongs to the group; null if the state does not say. */
  readonly configuration: Configuration | null;
  /** It says where it ends. */
  readonly hasEnd: boolean;
}

/** Of which instant a state is, beside what the machine knows. */
export interface Instant {
  readonly stamp: WallTime;
  readonly configuration: Configuration;
}

export function writeHeader(writer: ByteWriter, kind: MachineKind, { stamp, configuration }: Instant): void {
  writer.varint(stateVersion);
  writer.u8(kindCode[kind]);
  writer.varint(stamp);
  writeConfiguration(writer, configuration);
}

/** Null for a machine of another kind, or a version this one does not know. */
export function readHeader(reader: ByteReader, kind: MachineKind): StateHeader | null {
  const version = reader.varint();
  const code = reader.u8();
  const stamp = WallTime(reader.varint());
  if (code !== kindCode[kind] || version < withoutConfiguration || version > stateVersion) return null;
  const configuration = version === withoutConfiguration ? null : readConfiguration(reader);
  return { kind, stamp, configuration, hasEnd: version >= firstWithEnd };
}

/** Writes one record and comes back for the next; done when there is none. */
export type Records = Generator<undefined, void>;
