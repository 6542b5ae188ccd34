/** Times to live: setting, asking and taking them away. They are measured against log time. */
import { binaryString } from '../base/bytes.ts';
import type { WallTime } from '../base/time.ts';
import { invalidExpire } from '../resp/errors.ts';
import { argument, integerAt, itemToRead, itemToWrite, wordAt } from './arguments.ts';
import { type DataCommand, type Execution, family } from './command.ts';
import { instantOf, type TimeUnit } from './instants.ts';

const generic = family('generic', '@keyspace');
const seconds = 1000;
const milliseconds = 1;

export const expiryCommands: readonly DataCommand[] = [
  generic('expire', -3, 'write fast', 'first', '1.0.0', 'O(1)', 'Lets a key live for some seconds.', (e) => {
    expire(e, 'ex');
  }),
  generic('pexpire', -3, 'write fast', 'first', '2.6.0', 'O(1)', 'Lets a key live for some milliseconds.', (e) => {
    expire(e, 'px');
  }),
  generic('expireat', -3, 'write fast', 'first', '1.2.0', 'O(1)', 'Lets a key live until a Unix time.', (e) => {
    expire(e, 'exat');
  }),
  generic('pexpireat', -3, 'write fast', 'first', '2.6.0', 'O(1)', 'Lets a key live until a millisecond.', (e) => {
    expire(e, 'pxat');
  }),
  generic('ttl', 2, 'readonly fast', 'first', '1.0.0', 'O(1)', 'Answers the seconds a key has left.', (e) => {
    timeLeft(e, seconds);
  }),
  generic('pttl', 2, 'readonly fast', 'first', '2.6.0', 'O(1)', 'Answers the milliseconds a key has left.', (e) => {
    timeLeft(e, milliseconds);
  }),
  generic('expiretime', 2, 'readonly fast', 'first', '7.0.0', 'O(1)', 'Answers when a key leaves.', (e) => {
    expireTime(e, seconds);
  }),
  generic('pexpiretime', 2, 'readonly fast', 'first', '7.0.0', 'O(1)', 'Answers at which ms a key leaves.', (e) => {
    expireTime(e, milliseconds);
  }),
  generic('persist', 2, 'write fast', 'first', '2.2.0', 'O(1)', 'Takes the expiry from a key.', persist),
];

interface Conditions {
  nx: boolean;
  xx: boolean;
  gt: boolean;
  lt: boolean;
}

function expire(e: Execution, unit: TimeUnit): void {
  const conditions = readConditions(e);
  if (conditions === null) return;
  const amount = integerAt(e, 2);
  if (amount === null) return;
  const at = instantOf(amount, unit, e.now);
  if (at === null) {
    e.reply.error(invalidExpire(wordAt(e, 0)));
    return;
  }
  const item = itemToWrite(e, 1);
  if (item === null || !areMet(conditions, item.expireAt, at)) {
    e.reply.integer(0);
    return;
  }
  e.keyspace.expire(item, at, e.now);
  e.reply.integer(1);
}

/** Null, with the error replied, if they contradict one another or one is unknown. */
function readConditions(e: Execution): Conditions | null {
  const conditions: Conditions = { nx: false, xx: false, gt: false, lt: false };
  for (let i = 3; i < e.args.length; i += 1) {
    const word = wordAt(e, i);
    if (word !== 'nx' && word !== 'xx' && word !== 'gt' && word !== 'lt') {
      e.reply.error(`ERR Unsupported option ${binaryString(argument(e, i))}`);
      return null;
    }
    conditions[word] = true;
  }
  const { nx, xx, gt, lt } = conditions;
  if (nx && (xx || gt || lt)) e.reply.error('ERR NX and XX, GT or LT options at the same time are not compatible');
  else if (gt && lt) e.reply.error('ERR GT and LT options at the same time are not compatible');
  else return conditions;
  return null;
}

/** Without an expiry a key lives for ever: nothing is later than that. */
function areMet({ nx, xx, gt, lt }: Conditions, present: WallTime | null, at: WallTime): boolean {
  if (present === null) return !xx && !gt;
  return !nx && !(gt && at <= present) && !(lt && at >= present);
}

function timeLeft(e: Execution, unitMs: number): void {
  const item = itemToRead(e, 1);
  if (item === null) e.reply.integer(-2);
  else e.reply.integer(item.expireAt === null ? -1 : rounded(item.expireAt - e.now, unitMs));
}

function expireTime(e: Execution, unitMs: number): void {
  const item = itemToRead(e, 1);
  if (item === null) e.reply.integer(-2);
  else e.reply.integer(item.expireAt === null ? -1 : rounded(item.expireAt, unitMs));
}

function rounded(millis: number, unitMs: number): number {
  return Math.floor((millis + Math.floor(unitMs / 2)) / unitMs);
}

function persist(e: Execution): void {
  const item = itemToWrite(e, 1);
  const hasExpiry = item !== null && item.expireAt !== null;
  if (hasExpiry) e.keyspace.persist(item);
  e.reply.integer(hasExpiry ? 1 : 0);
}
