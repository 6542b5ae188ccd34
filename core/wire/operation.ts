/**
 * Operations as bytes: in requests between nodes, and in the log, where those of a turn share an entry.
 * Byte fields of what is decoded are views of the source.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { Epoch, LaneId, RequestId, type TenantName } from '../base/ids.ts';
import { unreachable } from '../base/invariant.ts';
import { parseTenantName } from '../base/tenantName.ts';
import { WallTime } from '../base/time.ts';
import type { Origin, PurgeOperation } from '../node/probe.ts';
import { decodeQuotaChange, encodeQuotaChange, quotaChangeBytes } from './accounts.ts';
import { decodeWanted, encodeWanted, wantedBytes } from './exports.ts';
import { none, readGroup, readIncarnation, readMove, readNode, sizedBytes, varintBytes } from './fields.ts';
import { decodeGroupPlan, encodeGroupPlan, groupPlanBytes } from './groups.ts';
import type { Operation } from './messages.ts';
import { decodeNodePlan, encodeNodePlan, nodePlanBytes } from './nodes.ts';
import { decodePlan, decodeStep, encodePlan, encodeStep, planBytes, stepBytes } from './moves.ts';

export type LoggedOperation = Operation | PurgeOperation;

export interface LoggedItem {
  readonly origin: Origin;
  /** As in `ForwardRequest`: with the origin's node and boot, the session of a write. */
  readonly lane: LaneId;
  readonly ackBelow: RequestId;
  readonly isRetry: boolean;
  readonly operation: LoggedOperation;
}

/** What its leader decided for all operations of an entry, so that every replica judges them alike. */
export interface Terms {
  /** The log time its leader proposes; what counts is never before that of an earlier entry. */
  readonly stamp: WallTime;
  /** What a command may make a value grow to. */
  readonly maxValueBytes: number;
}

export interface EntryBatch extends Terms {
  readonly items: readonly LoggedItem[];
}

/** Raised when an older reader could misunderstand an entry. Version 1 had no `maxValueBytes` and no sessions. */
const batchVersion = 2;
const version1MaxValueBytes = 64 * 1024 * 1024;
/** Version, stamp and the largest `maxValueBytes`. */
const batchPrefixBytes = 17;
/** What a writer wants to have left before it writes a short varint at the end. */
const sparedBytes = 8;
/** Three of the origin; then kind, tenant and incarnation. */
const minimumItemBytes = 6;

const tag = {
  execute: 1,
  adopt: 2,
  release: 3,
  resolveTenant: 4,
  dropTenant: 5,
  purge: 6,
  planMove: 7,
  move: 8,
  planNode: 9,
  setQuota: 10,
  inspectTenant: 11,
  exportTenant: 12,
  planGroups: 13,
} as const;
const flag = { write: 1, resp3: 2 } as const;

/** The `data` of a log entry. */
export function encodeEntryBatch({ stamp, maxValueBytes, items }: EntryBatch): Uint8Array {
  // Entries stay in memory: they get as many bytes as they need.
  const writer = new ByteWriter(batchBytes(items));
  writer.varint(batchVersion);
  writer.u64(stamp);
  writer.varint(maxValueBytes);
  writer.varint(items.length);
  let tenant: TenantName | null = null;
  for (const { origin, lane, ackBelow, isRetry, operation } of items) {
    writer.varint(origin.node);
    writer.varint(origin.boot);
    writer.varint(origin.request);
    writer.varint(lane);
    writer.varint(origin.request - ackBelow);
    writer.u8(isRetry ? 1 : 0);
    encodeOperation(writer, operation, tenant);
    tenant = operation.tenant;
  }
  return writer.take();
}

export function decodeEntryBatch(data: Uint8Array): EntryBatch | 'malformed' {
  const reader = new ByteReader(data);
  const version = reader.varint();
  if (version < 1 || version > batchVersion) return 'malformed';
  const stamp = WallTime(reader.u64());
  const maxValueBytes = version === 1 ? version1MaxValueBytes : reader.varint();
  const count = reader.count(minimumItemBytes);
  const items: LoggedItem[] = [];
  let tenant: TenantName | null = null;
  let command: Uint8Array | null = null;
  for (let i = 0; i < count; i += 1) {
    const origin: Origin = { node: readNode(reader), boot: reader.varint(), request: RequestId(reader.varint()) };
    const lane = LaneId(version === 1 ? 0 : reader.varint());
    const behind = version === 1 ? 0 : reader.varint();
    const isRetry = version > 1 && reader.u8() === 1;
    if (behind > origin.request) reader.fail();
    const operation = decodeOperation(reader, tenant, tenant, command);
    if (operation === null) return 'malformed';
    tenant = operation.tenant;
    command = commandOf(operation);
    items.push({ origin, lane, ackBelow: RequestId(origin.request - behind), isRetry, operation });
  }
  return reader.complete ? { stamp, maxValueBytes, items } : 'malformed';
}

/** `previous` is the tenant of the operation before it, whose name is not repeated. */
export function encodeOperation(writer: ByteWriter, operation: LoggedOperation, previous: TenantName | null): void {
  writer.u8(tag[operation.kind]);
  if (operation.tenant === previous) writer.u8(0);
  else writer.text(operation.tenant);
  switch (operation.kind) {
    case 'execute':
      writer.u8((operation.access === 'write' ? flag.write : 0) | (operation.protocol === 3 ? flag.resp3 : 0));
      writer.varint(operation.incarnation);
      encodeList(writer, operation.args);
      return;
    case 'adopt':
      writer.varint(operation.incarnation);
      writer.varint(operation.epoch);
      return;
    case 'release':
    case 'dropTenant':
    case 'inspectTenant':
      writer.varint(operation.incarnation);
      return;
    case 'setQuota':
      writer.varint(operation.incarnation);
      encodeQuotaChange(writer, operation.change);
      return;
    case 'exportTenant':
      writer.varint(operation.incarnation);
      encodeWanted(writer, operation.piece);
      return;
    case 'resolveTenant':
      writer.u8(operation.create ? 1 : 0);
      writer.varint(operation.group ?? none);
      return;
    case 'purge':
      writer.varint(operation.incarnation);
      encodeList(writer, operation.keys);
      return;
    case 'planNode':
      encodeNodePlan(writer, operation.plan);
      return;
    case 'planGroups':
      encodeGroupPlan(writer, operation.plan);
      return;
    case 'planMove':
      encodePlan(writer, operation.plan);
      return;
    case 'move':
      writer.varint(operation.move);
      encodeStep(writer, operation.step);
      return;
    default:
      unreachable(operation);
  }
}

/**
 * Null for a kind this version does not know, or if the reader failed. `likely` and `command` are the tenant and the
 * command whose names cost less than any other.
 */
export function decodeOperation(
  reader: ByteReader,
  previous: TenantName | null,
  likely: TenantName | null = previous,
  command: Uint8Array | null = null,
): LoggedOperation | null {
  const kind = reader.u8();
  const tenant = readTenantOr(reader, previous, likely);
  return tenant === null ? null : decodeBody(reader, kind, tenant, command);
}

/** The name of the command that it runs; null if it runs none. */
export function commandOf(operation: LoggedOperation): Uint8Array | null {
  return operation.kind === 'execute' ? (operation.args[0] ?? null) : null;
}

/** Bytes that `encodeOperation` takes at most, and little more than it takes. */
export function operationBytes(operation: LoggedOperation, previous: TenantName | null): number {
  const named = 2 + (operation.tenant === previous ? 0 : sizedBytes(operation.tenant));
  switch (operation.kind) {
    case 'execute':
      return named + 1 + varintBytes(operation.incarnation) + listBytes(operation.args);
    case 'adopt':
      return named + varintBytes(operation.incarnation) + varintBytes(operation.epoch);
    case 'release':
    case 'dropTenant':
    case 'inspectTenant':
      return named + varintBytes(operation.incarnation);
    case 'setQuota':
      return named + varintBytes(operation.incarnation) + quotaChangeBytes(operation.change);
    case 'exportTenant':
      return named + varintBytes(operation.incarnation) + wantedBytes(operation.piece);
    case 'resolveTenant':
      return named + 1 + varintBytes(operation.group ?? none);
    case 'purge':
      return named + varintBytes(operation.incarnation) + listBytes(operation.keys);
    case 'planNode':
      return named + nodePlanBytes(operation.plan);
    case 'planGroups':
      return named + groupPlanBytes(operation.plan);
    case 'planMove':
      return named + planBytes(operation.plan);
    case 'move':
      return named + varintBytes(operation.move) + stepBytes(operation.step);
    default:
      return unreachable(operation);
  }
}

function batchBytes(items: readonly LoggedItem[]): number {
  let bytes = batchPrefixBytes + varintBytes(items.length) + sparedBytes;
  let tenant: TenantName | null = null;
  for (const { origin, lane, ackBelow, operation } of items) {
    bytes += varintBytes(origin.node) + varintBytes(origin.boot) + varintBytes(origin.request);
    bytes += varintBytes(lane) + varintBytes(origin.request - ackBelow) + 1;
    bytes += operationBytes(operation, tenant);
    tenant = operation.tenant;
  }
  return bytes;
}

function readTenantOr(reader: ByteReader, previous: TenantName | null, likely: TenantName | null): TenantName | null {
  const name = reader.text(likely);
  const tenant = name === '' ? previous : name === likely ? likely : parseTenantName(name);
  if (tenant === null) reader.fail();
  return tenant;
}

function decodeBody(
  reader: ByteReader,
  kind: number,
  tenant: TenantName,
  command: Uint8Array | null,
): LoggedOperation | null {
  switch (kind) {
    case tag.execute: {
      const flags = reader.u8();
      const incarnation = readIncarnation(reader);
      const args = decodeList(reader, command);
      if (args.length === 0) reader.fail();
      const access = (flags & flag.write) === 0 ? 'read' : 'write';
      return { kind: 'execute', tenant, incarnation, access, protocol: (flags & flag.resp3) === 0 ? 2 : 3, args };
    }
    case tag.adopt:
      return { kind: 'adopt', tenant, incarnation: readIncarnation(reader), epoch: Epoch(reader.varint()) };
    case tag.release:
      return { kind: 'release', tenant, incarnation: readIncarnation(reader) };
    case tag.dropTenant:
      return { kind: 'dropTenant', tenant, incarnation: readIncarnation(reader) };
    case tag.resolveTenant: {
      const create = reader.u8() === 1;
      const group = readGroup(reader);
      return { kind: 'resolveTenant', tenant, create, group: group === none ? null : group };
    }
    case tag.purge:
      return { kind: 'purge', tenant, incarnation: readIncarnation(reader), keys: decodeList(reader) };
    case tag.planNode: {
      const plan = decodeNodePlan(reader);
      return plan === null ? null : { kind: 'planNode', tenant, plan };
    }
    case tag.planGroups:
      return { kind: 'planGroups', tenant, plan: decodeGroupPlan(reader) };
    case tag.planMove: {
      const plan = decodePlan(reader);
      return plan === null ? null : { kind: 'planMove', tenant, plan };
    }
    case tag.move: {
      const move = readMove(reader);
      const step = decodeStep(reader);
      return step === null ? null : { kind: 'move', tenant, move, step };
    }
    case tag.setQuota: {
      const incarnation = readIncarnation(reader);
      return { kind: 'setQuota', tenant, incarnation, change: decodeQuotaChange(reader) };
    }
    case tag.inspectTenant:
      return { kind: 'inspectTenant', tenant, incarnation: readIncarnation(reader) };
    case tag.exportTenant: {
      const incarnation = readIncarnation(reader);
      return { kind: 'exportTenant', tenant, incarnation, piece: decodeWanted(reader) };
    }
    default:
      return null;
  }
}

export function encodeList(writer: ByteWriter, list: readonly Uint8Array[]): void {
  writer.varint(list.length);
  for (const bytes of list) writer.bytes(bytes);
}

/** `first`: what its first item probably is. */
export function decodeList(reader: ByteReader, first: Uint8Array | null = null): readonly Uint8Array[] {
  const count = reader.count(1);
  const list: Uint8Array[] = [];
  for (let i = 0; i < count; i += 1) list.push(reader.bytes(i === 0 ? first : null));
  return list;
}

function listBytes(list: readonly Uint8Array[]): number {
  let bytes = varintBytes(list.length);
  for (const each of list) bytes += sizedBytes(each);
  return bytes;
}
