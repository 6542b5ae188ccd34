/** A node that starts alone knows where tenants live: nobody is there to tell it. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { askPort, fieldsOf, placeOf } from '../support/asking.ts';
import { type Cluster, startCluster, until } from '../support/cluster.ts';

let cluster: Cluster;

beforeEach(async () => {
  cluster = await startCluster({ groups: 4 });
});

afterEach(async () => {
  await cluster.stop();
});

test('the map of tenants is kept, and is there before any group has a leader', async () => {
  const [port = 0] = cluster.ports;
  await askPort(port, 'TENANT', 'CREATE', 'acme');
  const { group } = await placeOf(port, 'acme');
  const file = join(cluster.data, 'node-1', 'map');
  await until(() => existsSync(file), 'the map is kept');
  for (const node of [1, 2, 3]) await cluster.kill(node);
  cluster.start(1);
  const isUp = async (): Promise<boolean> => {
    try {
      return (await askPort(port, 'PING')) === 'PONG';
    } catch {
      return false;
    }
  };
  await until(isUp, 'the node answers');
  const fields = fieldsOf(await askPort(port, 'TENANT', 'WHERE', 'acme'));
  expect([fields.get('group'), fields.get('leader')]).toEqual([group, null]);
});
