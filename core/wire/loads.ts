/** What leaders say of their groups, so that somebody can plan: as bytes. */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { GroupId, TenantName } from '../base/ids.ts';
import { readGroup, readTenant, sizedBytes, varintBytes } from './fields.ts';

/** What a tenant holds on each replica of its group, and does in a second. */
export interface TenantLoad {
  readonly tenant: TenantName;
  readonly bytes: number;
  readonly operations: number;
}

/** The same of all tenants of a group together. */
export interface GroupLoad {
  readonly group: GroupId;
  readonly bytes: number;
  readonly operations: number;
  /** How many there are. */
  readonly tenants: number;
  /** Those that hold or do most, as far as that is known: some of them. */
  readonly heaviest: readonly TenantLoad[];
}

/** What a node can hold, replicas counted each, and can run in a second; at least 1 of each. */
export interface NodeCapacity {
  readonly bytes: number;
  readonly operations: number;
}

const minimumLoadBytes = 5;
const minimumTenantBytes = 4;

export function encodeLoads(writer: ByteWriter, loads: readonly GroupLoad[]): void {
  writer.varint(loads.length);
  for (const { group, bytes, operations, tenants, heaviest } of loads) {
    for (const part of [group, bytes, operations, tenants, heaviest.length]) writer.varint(part);
    for (const each of heaviest) {
      writer.text(each.tenant);
      writer.varint(each.bytes);
      writer.varint(each.operations);
    }
  }
}

/** Fails the reader if it names no tenant. */
export function decodeLoads(reader: ByteReader): readonly GroupLoad[] {
  return Array.from({ length: reader.count(minimumLoadBytes) }, () => {
    const group = readGroup(reader);
    const [bytes, operations, tenants] = [reader.varint(), reader.varint(), reader.varint()];
    const heaviest: TenantLoad[] = [];
    for (let left = reader.count(minimumTenantBytes); left > 0 && !reader.failed; left -= 1) {
      const tenant = readTenant(reader);
      const load = { bytes: reader.varint(), operations: reader.varint() };
      if (tenant !== null) heaviest.push({ tenant, ...load });
    }
    return { group, bytes, operations, tenants, heaviest };
  });
}

export function encodeCapacity(writer: ByteWriter, { bytes, operations }: NodeCapacity): void {
  writer.varint(bytes);
  writer.varint(operations);
}

/** Fails the reader if there is none of something: shares are reckoned by it. */
export function decodeCapacity(reader: ByteReader): NodeCapacity {
  const capacity = { bytes: reader.varint(), operations: reader.varint() };
  if (capacity.bytes < 1 || capacity.operations < 1) reader.fail();
  return capacity;
}

/** Bytes that `encodeLoads` takes, and little more. */
export function loadsBytes(loads: readonly GroupLoad[]): number {
  let sum = varintBytes(loads.length);
  for (const { group, bytes, operations, tenants, heaviest } of loads) {
    for (const part of [group, bytes, operations, tenants, heaviest.length]) sum += varintBytes(part);
    for (const each of heaviest)
      sum += sizedBytes(each.tenant) + varintBytes(each.bytes) + varintBytes(each.operations);
  }
  return sum;
}
