import { expect, test } from 'vitest';
import { GroupId, LogIndex, NodeId } from '../../core/base/ids.ts';
import { MonoTime } from '../../core/base/time.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import { Loads } from '../../core/node/loads.ts';

const second = 1_000_000;

function led(submitted: number): Parameters<Loads['news']>[0] {
  return [{ id: GroupId(1), submitted, applied: LogIndex(submitted), machine: new TenantMachine(() => 0) }];
}

test('a replica that has begun anew is told with what it has run since, and not with less than nothing', () => {
  const loads = new Loads(MonoTime(0));
  const reader = NodeId(2);
  const told = (submitted: number, at: number): readonly number[] =>
    loads.news(led(submitted), reader, MonoTime(at)).map(({ operations }) => operations);
  expect(told(500, second)).toEqual([0]);
  expect(told(600, 2 * second)).toEqual([100]);
  expect(told(40, 3 * second)).toEqual([40]);
});

test('who may have forgotten is told again what has not changed', () => {
  const loads = new Loads(MonoTime(0));
  const told = (reader: number): number => loads.news(led(5), NodeId(reader), MonoTime(second)).length;
  expect([told(2), told(2)]).toEqual([1, 0]);
  loads.forget(NodeId(3));
  expect(told(2)).toBe(0);
  loads.forget(NodeId(2));
  expect(told(2)).toBe(1);
});
