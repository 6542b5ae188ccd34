/** Who belongs to a group changes while clients write, and is remembered. */
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Cluster, startCluster, until } from '../support/cluster.ts';

let cluster: Cluster;
let clients: Redis[];

beforeEach(async () => {
  cluster = await startCluster({ nodes: 4, groups: 1 });
  clients = [1, 2, 3, 4].map((node) => client(node));
});

afterEach(async () => {
  for (const each of clients) each.disconnect();
  await cluster.stop();
});

function client(node: number): Redis {
  const made = new Redis({ port: cluster.ports[node - 1] ?? 0, host: '127.0.0.1', retryStrategy: () => 100 });
  made.on('error', () => undefined);
  return made;
}

function at(node: number): Redis {
  const found = clients[node - 1];
  if (found === undefined) throw new Error(`there is no node ${String(node)}`);
  return found;
}

interface GroupInfo {
  readonly leader: number | null;
  readonly replicas: readonly number[];
  readonly learners: readonly number[];
  readonly changing: number;
  /** Null: there is no replica on that node. */
  readonly role: string | null;
}

async function infoFrom(node: number): Promise<GroupInfo> {
  const flat = (await at(node).call('GROUP', 'INFO', '1')) as unknown[];
  const field = (name: string) => (flat.includes(name) ? flat[flat.indexOf(name) + 1] : null);
  return {
    leader: field('leader') as number | null,
    replicas: field('replicas') as number[],
    learners: field('learners') as number[],
    changing: field('changing') as number,
    role: field('role') as string | null,
  };
}

/** To the node that leads, again while another change is under way. */
async function order(...words: readonly string[]): Promise<void> {
  await until(
    async () => {
      const { leader } = await infoFrom(1);
      if (leader === null) return false;
      const answer = await at(leader)
        .call('GROUP', ...words)
        .catch((error: unknown) => String(error));
      if (answer === 'OK') return true;
      if (/BUSY|does not lead|too few/.test(String(answer))) return false;
      throw new Error(String(answer));
    },
    `GROUP ${words.join(' ')}`,
  );
}

function inOrder(numbers: readonly number[]): readonly number[] {
  return [...numbers].sort((a, b) => a - b);
}

async function membersAre(replicas: readonly number[], learners: readonly number[] = []): Promise<void> {
  const wanted = JSON.stringify([replicas, learners, 0]);
  for (const node of [1, 2, 3, 4]) {
    await until(
      async () => {
        const { replicas: voters, learners: others, changing } = await infoFrom(node);
        return JSON.stringify([inOrder(voters), inOrder(others), changing]) === wanted;
      },
      `node ${String(node)} says ${wanted}`,
    );
  }
}

test('a replica is replaced, added and removed while clients write, and nothing is lost', async () => {
  const acknowledged: string[] = [];
  let isOver = false;
  const writers = [1, 2, 3, 4].map(async (node) => {
    for (let n = 0; !isOver && at(node).status !== 'end'; n += 1) {
      const value = `${String(node)}:${String(n)}`;
      if (
        (await at(node)
          .rpush('{acme}log', value)
          .catch(() => null)) !== null
      )
        acknowledged.push(value);
    }
  });
  const { replicas } = await infoFrom(1);
  expect(replicas).toHaveLength(3);
  const spare = [1, 2, 3, 4].find((node) => !replicas.includes(node)) ?? 0;
  const { leader } = await infoFrom(1);
  const gone = replicas.find((node) => node !== leader) ?? 0;

  await order('REPLACE', '1', String(gone), String(spare));
  const others = [1, 2, 3, 4].filter((node) => node !== gone);
  await membersAre(others);
  // It hears that it was replaced from others first, and then from its group.
  await until(async () => (await infoFrom(gone)).role === null, 'the replica is gone');

  await order('ADD-REPLICA', '1', String(gone), 'LEARNER');
  await membersAre(others, [gone]);
  await until(async () => (await infoFrom(gone)).role === 'follower', 'the learner is there');
  await order('REMOVE-REPLICA', '1', String(gone));
  await membersAre(others);
  await order('ADD-REPLICA', '1', String(gone));
  await membersAre([1, 2, 3, 4]);

  // The leader itself goes: another takes over.
  const last = (await infoFrom(1)).leader ?? 0;
  await order('REMOVE-REPLICA', '1', String(last));
  const rest = [1, 2, 3, 4].filter((node) => node !== last);
  await membersAre(rest);
  isOver = true;
  await Promise.all(writers);

  await cluster.restart();
  await until(
    async () =>
      (await at(1)
        .ping()
        .catch(() => null)) === 'PONG',
    'node 1 is back',
  );
  await until(async () => (await infoFrom(1)).leader !== null, 'somebody leads');
  await membersAre(rest);
  for (const node of [1, 2, 3, 4]) {
    const log = await at(node).lrange('{acme}log', 0, -1);
    const counts = new Map<string, number>();
    for (const value of log) counts.set(value, (counts.get(value) ?? 0) + 1);
    expect(acknowledged.filter((value) => counts.get(value) !== 1)).toEqual([]);
    expect([...counts.values()].every((count) => count === 1)).toBe(true);
  }
  expect(acknowledged.length).toBeGreaterThan(100);
}, 60_000);

test('what cannot be is refused, and says why', async () => {
  await until(async () => (await infoFrom(1)).leader !== null, 'somebody leads');
  const { leader, replicas } = await infoFrom(1);
  const lead = leader ?? 0;
  const follower = replicas.find((node) => node !== lead) ?? 0;
  const ask = async (node: number, ...words: readonly string[]): Promise<string> =>
    at(node)
      .call('GROUP', ...words)
      .then(String, (error: unknown) => (error as Error).message);
  expect(await ask(follower, 'REMOVE-REPLICA', '1', '1')).toMatch(
    /^ERR this node does not lead group 1: ask node \d at 127\.0\.0\.1:\d+$/,
  );
  expect(await ask(lead, 'ADD-REPLICA', '1', String(follower))).toBe(
    `ERR group 1 has a replica on node ${String(follower)} already`,
  );
  expect(await ask(lead, 'ADD-REPLICA', '1', '9')).toBe("ERR no such node '9'");
  expect(await ask(lead, 'ADD-REPLICA', '1', '4', 'WITNESS')).toBe('ERR syntax error');
  expect(await ask(lead, 'REMOVE-REPLICA', '7', '1')).toBe("ERR no such group '7'");
  expect(await ask(lead, 'REPLACE', '1', String(lead), String(lead))).toBe(
    `ERR node ${String(lead)} leads group 1: hand it over first`,
  );
});
