/** TENANT QUOTA and TENANT STATS: what a tenant may use, and what it uses. */
import { noBytes } from '../../base/bytes.ts';
import type { TenantName } from '../../base/ids.ts';
import { setQuota, showQuota, showStatistics } from '../../forward/accountProcedure.ts';
import type { ReplyWriter } from '../../resp/replyWriter.ts';
import { type Quota, type QuotaName, quotaNames, type TenantReport } from '../../wire/accounts.ts';
import type { TenantPlace } from '../../wire/messages.ts';
import type { NodeView } from '../view.ts';
import { integerOf, wordOf } from './arguments.ts';
import { begin } from './begin.ts';
import type { NodeCall } from './spec.ts';

/** What an operator calls each. */
const words: Readonly<Record<QuotaName, string>> = {
  bytes: 'bytes',
  keys: 'keys',
  operations: 'ops',
  bandwidth: 'bandwidth',
};

const firstPair = 4;

/** `TENANT QUOTA <tenant>`, or behind that `SET` and what is set to how much. */
export function quota(call: NodeCall, name: TenantName): void {
  const { args, reply } = call;
  if (args.length === firstPair - 1) {
    begin(call, showQuota(name));
    return;
  }
  const change: Partial<Record<QuotaName, number>> = {};
  const isWhole = wordOf(args[firstPair - 1]) === 'set' && args.length > firstPair && args.length % 2 === 0;
  for (let at = firstPair; isWhole && at < args.length; at += 2) {
    const word = wordOf(args[at]);
    const of = quotaNames.find((each) => words[each] === word);
    const amount = wordOf(args[at + 1]) === 'none' ? 0 : integerOf(args[at + 1] ?? noBytes);
    if (of === undefined) {
      reply.error('ERR syntax error');
      return;
    }
    if (amount === null || amount < 0) {
      reply.error('ERR value is not an integer or out of range');
      return;
    }
    change[of] = amount;
  }
  if (isWhole) begin(call, setQuota(name, change));
  else reply.error('ERR syntax error');
}

export function statistics(call: NodeCall, name: TenantName): void {
  begin(call, showStatistics(name));
}

export function writeQuota(reply: ReplyWriter, given: Quota): void {
  reply.map(quotaNames.length);
  for (const name of quotaNames) writeFigure(reply, words[name], given[name]);
}

export function writeStatistics(reply: ReplyWriter, { usage }: TenantReport, place: TenantPlace, node: NodeView): void {
  const { reads, writes } = usage;
  let connections = 0;
  for (const { tenant, lane } of node.connections()) if ((tenant ?? lane?.tenant) === place.tenant) connections += 1;
  const figures: readonly (readonly [string, number])[] = [
    ['group', place.group],
    ['keys', usage.keys],
    ['bytes', usage.bytes],
    ['sessions', usage.sessions],
    ['ops', reads + writes],
    ['reads', reads],
    ['writes', writes],
    ['ops-per-second', usage.operationsPerSecond],
    ['bytes-in', usage.bytesIn],
    ['bytes-out', usage.bytesOut],
    ['refused-full', usage.refusedFull],
    ['refused-ops', usage.refusedOperations],
    ['refused-bandwidth', usage.refusedBandwidth],
    ['asked-node', node.self],
    ['connections-here', connections],
  ];
  reply.map(figures.length + 1);
  reply.bulkText('tenant');
  reply.bulkText(place.tenant);
  for (const [name, figure] of figures) writeFigure(reply, name, figure);
}

/** So many of them follow what INFO says of every tenant, where its group is led. */
export const reportFigures = quotaNames.length + 2;

export function writeReport(reply: ReplyWriter, { quota: given, usage }: TenantReport): void {
  writeFigure(reply, 'keys', usage.keys);
  writeFigure(reply, 'bytes', usage.bytes);
  for (const name of quotaNames) writeFigure(reply, `quota-${words[name]}`, given[name]);
}

function writeFigure(reply: ReplyWriter, name: string, figure: number): void {
  reply.bulkText(name);
  reply.integer(figure);
}
