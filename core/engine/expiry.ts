/** Times to live. What they are measured against is log time. */
import { invalidExpire } from '../resp/errors.ts';
import { type ExpiryUnit, instantOf, integerArg, itemAt, word } from './arguments.ts';
import { type DataCommand, type Execution, family } from './command.ts';

const generic = family('generic', '@keyspace');

export const expiryCommands: readonly DataCommand[] = [
  generic('expire', -3, 'write', 'first', '1.0.0', 'O(1)', 'Lets a key live for seconds.', (e) => {
    expire(e, 'ex');
  }),
  generic('pexpire', -3, 'write', 'first', '2.6.0', 'O(1)', 'Lets a key live for milliseconds.', (e) => {
    expire(e, 'px');
  }),
  generic('expireat', -3, 'write', 'first', '1.2.0', 'O(1)', 'Lets a key live until a second.', (e) => {
    expire(e, 'exat');
  }),
  generic('pexpireat', -3, 'write', 'first', '2.6.0', 'O(1)', 'Lets a key live until a millisecond.', (e) => {
    expire(e, 'pxat');
  }),
  generic('ttl', 2, 'read', 'first', '1.0.0', 'O(1)', 'Answers how many seconds a key has left.', (e) => {
    timeLeft(e, 1000);
  }),
  generic('pttl', 2, 'read', 'first', '2.6.0', 'O(1)', 'Answers how many milliseconds a key has left.', (e) => {
    timeLeft(e, 1);
  }),
  generic('expiretime', 2, 'read', 'first', '7.0.0', 'O(1)', 'Answers the second at which a key expires.', (e) => {
    expireTime(e, 1000);
  }),
  generic(
    'pexpiretime',
    2,
    'read',
    'first',
    '7.0.0',
    'O(1)',
    'Answers the millisecond at which a key expires.',
    (e) => {
      expireTime(e, 1);
    },
  ),
  generic('persist', 2, 'write', 'first', '2.2.0', 'O(1)', 'Takes the expiry from a key.', persist),
];

interface Conditions {
  nx: boolean;
  xx: boolean;
  gt: boolean;
  lt: boolean;
}

/** Null, with the error replied, if they contradict each other or one is unknown. */
function readConditions(e: Execution): Conditions | null {
  const conditions: Conditions = { nx: false, xx: false, gt: false, lt: false };
  for (let i = 3; i < e.args.length; i += 1) {
    const option = word(e, i);
    if (option !== 'nx' && option !== 'xx' && option !== 'gt' && option !== 'lt') {
      e.reply.error(`ERR Unsupported option ${option}`);
      return null;
    }
    conditions[option] = true;
  }
  if (conditions.nx && (conditions.xx || conditions.gt || conditions.lt)) {
    e.reply.error('ERR NX and XX, GT or LT options at the same time are not compatible');
    return null;
  }
  if (conditions.gt && conditions.lt) {
    e.reply.error('ERR GT and LT options at the same time are not compatible');
    return null;
  }
  return conditions;
}

function expire(e: Execution, unit: ExpiryUnit): void {
  const conditions = readConditions(e);
  if (conditions === null) return;
  const amount = integerArg(e, 2);
  if (amount === null) return;
  const at = instantOf(amount, unit, e.now);
  if (at === null) {
    e.reply.error(invalidExpire(word(e, 0)));
    return;
  }
  const item = itemAt(e, 1, true);
  if (item === null) {
    e.reply.integer(0);
    return;
  }
  const present = item.expireAt;
  // Without an expiry a key lives for ever: nothing is later than that, everything is earlier.
  const isRefused =
    (conditions.nx && present !== null) ||
    (conditions.xx && present === null) ||
    (conditions.gt && (present === null || at <= present)) ||
    (conditions.lt && present !== null && at >= present);
  if (isRefused) {
    e.reply.integer(0);
    return;
  }
  if (at <= e.now) e.keyspace.remove(item);
  else e.keyspace.setExpiry(item, at);
  e.reply.integer(1);
}

function timeLeft(e: Execution, unitMs: number): void {
  const item = itemAt(e, 1, false);
  if (item === null) e.reply.integer(-2);
  else if (item.expireAt === null) e.reply.integer(-1);
  else e.reply.integer(Math.floor((item.expireAt - e.now + unitMs / 2) / unitMs));
}

function expireTime(e: Execution, unitMs: number): void {
  const item = itemAt(e, 1, false);
  if (item === null) e.reply.integer(-2);
  else e.reply.integer(item.expireAt === null ? -1 : Math.floor((item.expireAt + unitMs / 2) / unitMs));
}

function persist(e: Execution): void {
  const item = itemAt(e, 1, true);
  if (item === null || item.expireAt === null) {
    e.reply.integer(0);
    return;
  }
  e.keyspace.setExpiry(item, null);
  e.reply.integer(1);
}
