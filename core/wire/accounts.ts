/**
 * What a tenant may use and what it uses, as nodes speak of it. A quota is replicated state of the tenant's group; what
 * was counted is the leader's own, and begins anew with the next.
 */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { varintBytes } from './fields.ts';

/** Nothing is bounded that is 0. */
export interface Quota {
  /** Memory that the tenant's keys and values take, roughly. */
  readonly bytes: number;
  readonly keys: number;
  /** Commands per second, those of a transaction one by one. */
  readonly operations: number;
  /** Bytes per second, of commands and replies together. */
  readonly bandwidth: number;
}

export type QuotaName = keyof Quota;

/** What is set anew. The rest stays. */
export type QuotaChange = Partial<Quota>;

/** In the order in which they are written and told. */
export const quotaNames: readonly QuotaName[] = ['bytes', 'keys', 'operations', 'bandwidth'];

export const noQuota: Quota = { bytes: 0, keys: 0, operations: 0, bandwidth: 0 };

/** Everything is a count, as of the moment or since this node leads the tenant's group. */
export interface Usage {
  readonly bytes: number;
  readonly keys: number;
  /** Lanes and clients whose writes are remembered. */
  readonly sessions: number;
  readonly reads: number;
  readonly writes: number;
  readonly operationsPerSecond: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Refused by quota: of bytes or keys, of operations, of bandwidth. */
  readonly refusedFull: number;
  readonly refusedOperations: number;
  readonly refusedBandwidth: number;
}

const usageNames: readonly (keyof Usage)[] = [
  'bytes',
  'keys',
  'sessions',
  'reads',
  'writes',
  'operationsPerSecond',
  'bytesIn',
  'bytesOut',
  'refusedFull',
  'refusedOperations',
  'refusedBandwidth',
];

const noUsage: Usage = {
  bytes: 0,
  keys: 0,
  sessions: 0,
  reads: 0,
  writes: 0,
  operationsPerSecond: 0,
  bytesIn: 0,
  bytesOut: 0,
  refusedFull: 0,
  refusedOperations: 0,
  refusedBandwidth: 0,
};

export interface TenantReport {
  readonly quota: Quota;
  readonly usage: Usage;
}

export function encodeQuota(writer: ByteWriter, quota: Quota): void {
  for (const name of quotaNames) writer.varint(quota[name]);
}

export function decodeQuota(reader: ByteReader): Quota {
  const quota: Record<QuotaName, number> = { ...noQuota };
  for (const name of quotaNames) quota[name] = reader.varint();
  return quota;
}

/** A bit for each that is set, and what it is set to. */
export function encodeQuotaChange(writer: ByteWriter, change: QuotaChange): void {
  writer.u8(bitsOf(change));
  for (const name of quotaNames) {
    const value = change[name];
    if (value !== undefined) writer.varint(value);
  }
}

export function decodeQuotaChange(reader: ByteReader): QuotaChange {
  const bits = reader.u8();
  const change: Partial<Record<QuotaName, number>> = {};
  quotaNames.forEach((name, i) => {
    if ((bits & (1 << i)) !== 0) change[name] = reader.varint();
  });
  return change;
}

export function quotaChangeBytes(change: QuotaChange): number {
  return quotaNames.reduce((bytes, name) => bytes + (change[name] === undefined ? 0 : varintBytes(change[name])), 1);
}

/** How many figures there are is said first: a later version may have more. */
export function encodeReport(writer: ByteWriter, { quota, usage }: TenantReport): void {
  encodeQuota(writer, quota);
  writer.varint(usageNames.length);
  for (const name of usageNames) writer.varint(usage[name]);
}

export function decodeReport(reader: ByteReader): TenantReport {
  const quota = decodeQuota(reader);
  const usage: Record<keyof Usage, number> = { ...noUsage };
  const count = reader.count(1);
  for (let i = 0; i < count; i += 1) {
    const figure = reader.varint();
    const name = usageNames[i];
    if (name !== undefined) usage[name] = figure;
  }
  return { quota, usage };
}

export function reportBytes({ quota, usage }: TenantReport): number {
  const quotas = quotaNames.reduce((bytes, name) => bytes + varintBytes(quota[name]), 0);
  return usageNames.reduce((bytes, name) => bytes + varintBytes(usage[name]), quotas + varintBytes(usageNames.length));
}

function bitsOf(change: QuotaChange): number {
  return quotaNames.reduce((bits, name, i) => (change[name] === undefined ? bits : bits | (1 << i)), 0);
}
