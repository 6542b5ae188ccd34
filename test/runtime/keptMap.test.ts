/** The map of tenants beside the log: there in the next life, or not at all. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Epoch, GroupId, Incarnation, type TenantName } from '../../core/base/ids.ts';
import { TenantMap } from '../../core/metadata/tenantMap.ts';
import { KeptMap } from '../../runtime/disk/keptMap.ts';
import { listeningLog, type Told } from './quietLog.ts';
import { until } from './until.ts';

let directory: string;
let told: Told;
let kept: KeptMap;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'leasehold-map-'));
  told = listeningLog();
  kept = new KeptMap(directory, 'here', told.log);
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function mapOf(count: number): TenantMap {
  const map = new TenantMap();
  const place = { group: GroupId(3), epoch: Epoch(1), incarnation: Incarnation(1) };
  for (let i = 0; i < count; i += 1) map.apply({ kind: 'placed', tenant: `t${String(i)}` as TenantName, ...place });
  return map;
}

async function isThere(): Promise<void> {
  await until(() => existsSync(join(directory, 'map')), 'the map is there');
}

test('what was kept is read, as it was when it was to be kept', async () => {
  expect(kept.read()).toBeNull();
  const map = mapOf(5000);
  const { digest } = map;
  kept.keep(map.cut());
  map.apply({ kind: 'dropped', tenant: 't4999' as TenantName, incarnation: Incarnation(1) });
  await isThere();
  expect(kept.read()).toMatchObject({ version: 5000, digest });
  expect(existsSync(join(directory, 'map.new'))).toBe(false);
  expect(told.messages).toEqual([]);
});

test('while one is written another is not', async () => {
  kept.keep(mapOf(5000).cut());
  kept.keep(mapOf(1).cut());
  await isThere();
  expect(kept.read()?.version).toBe(5000);
});

test('one that is damaged, or of another cluster, is passed over and said so', async () => {
  kept.keep(mapOf(9).cut());
  await isThere();
  expect(new KeptMap(directory, 'there', told.log).read()).toBeNull();
  const path = join(directory, 'map');
  writeFileSync(path, readFileSync(path).subarray(0, 30));
  expect(kept.read()).toBeNull();
  expect(told.messages).toEqual(
    Array.from({ length: 2 }, () => 'the map of tenants that was kept cannot be used: it is passed over'),
  );
});

test('one that cannot be written is said so, and the node goes on', async () => {
  const nowhere = new KeptMap(join(directory, 'gone'), 'here', told.log);
  nowhere.keep(mapOf(9).cut());
  await until(() => told.messages.length > 0, 'it says so');
  expect(told.messages).toEqual(['the map of tenants could not be kept']);
});
