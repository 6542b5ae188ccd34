/** What keys of a file may expect, and how a mistake in one is told: by the key's name, and what it expects. */
import * as v from 'valibot';
import { ConfigError } from '../exitCodes.ts';

export function wholeNumber(least: number, most: number) {
  const expected = `expects a whole number from ${String(least)} to ${String(most)}`;
  return v.pipe(v.number(expected), v.integer(expected), v.minValue(least, expected), v.maxValue(most, expected));
}

export function text(pattern: RegExp, expected: string) {
  return v.pipe(v.string(expected), v.regex(pattern, expected));
}

export function oneOf<const Words extends readonly string[]>(words: Words) {
  return v.picklist(words, `expects one of ${words.join(', ')}`);
}

export const yesOrNo = v.boolean('expects true or false');

/**
 * What the schema makes of the value. Throws a `ConfigError` with a line for every key that is wrong. `missing`: what keys
 * expect whose value is not there at all.
 */
export function check<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  missing: Readonly<Record<string, string>>,
): v.InferOutput<Schema> {
  if (Array.isArray(value)) throw new ConfigError('(whole file): expects keys and values, got a list');
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  throw new ConfigError(parsed.issues.map((issue) => describe(issue, missing)).join('\n'));
}

function describe(issue: v.BaseIssue<unknown>, missing: Readonly<Record<string, string>>): string {
  const key = v.getDotPath(issue) ?? '(whole file)';
  if (issue.type !== 'strict_object') return `${key}: ${issue.message}, got ${issue.received}`;
  if (issue.expected === 'never') return `${key}: there is no such key`;
  const last = key.split('.').at(-1) ?? key;
  return issue.received === 'undefined'
    ? `${key}: is missing, expects ${missing[last] ?? 'a value'}`
    : `${key}: expects keys and values, got ${issue.received}`;
}
