/** When a key is to leave: the ways in which commands say it. What is relative counts from log time. */
import { WallTime } from '../base/time.ts';
import { errors, invalidExpire } from '../resp/errors.ts';
import { type Integer, parseInteger } from '../resp/numbers.ts';
import { argument, wordAt } from './arguments.ts';
import type { Execution } from './command.ts';

export type TimeUnit = 'ex' | 'px' | 'exat' | 'pxat';

const secondMs = 1000;
const largestInteger = 2n ** 63n - 1n;
/** Later instants, after the year 287,396, are refused: a number no longer holds each of them. */
const latest = BigInt(Number.MAX_SAFE_INTEGER);

export function isTimeUnit(word: string): word is TimeUnit {
  return word === 'ex' || word === 'px' || word === 'exat' || word === 'pxat';
}

/** The instant that an amount of time means. Null if it is out of range. */
export function instantOf(amount: Integer, unit: TimeUnit, now: WallTime): WallTime | null {
  const scale = unit === 'ex' || unit === 'exat' ? secondMs : 1;
  const base = unit === 'ex' || unit === 'px' ? now : 0;
  const at = Number(amount) * scale + base;
  if (typeof amount === 'number' && Number.isSafeInteger(at)) return WallTime(at);
  const millis = BigInt(amount) * BigInt(scale);
  const exact = millis + BigInt(base);
  if (millis < -largestInteger - 1n || exact > latest) return null;
  return WallTime(Number(exact < -latest ? -latest : exact));
}

/** The instant of an option such as `EX 10`, whose amount is positive; null with the error replied. */
export function instantAt(e: Execution, index: number, unit: TimeUnit): WallTime | null {
  const amount = parseInteger(argument(e, index));
  if (amount === null) {
    e.reply.error(errors.notAnInteger);
    return null;
  }
  const instant = amount > 0 ? instantOf(amount, unit, e.now) : null;
  if (instant === null) e.reply.error(invalidExpire(wordAt(e, 0)));
  return instant;
}
