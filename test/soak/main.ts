/**
 * `npm run soak`: a real cluster whose nodes are killed, paused and restarted at random while clients count, push and
 * transact; every other one numbers its writes, and is never to be left in doubt. At the end what the clients were told and what the cluster holds must agree, to the last number.
 *
 * With `--moves`, tenants change their groups all the while. With `--grow`, two nodes join, and one of the first is drained
 * and removed.
 *
 *   npm run soak -- [--minutes 10] [--clients 4] [--seed N] [--moves] [--grow]
 *
 * Exit code 0: they agree. 1: they do not. 2: usage.
 */
import { parseArgs } from 'node:util';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pc from 'picocolors';
import seedrandom from 'seedrandom';
import { askPort } from '../support/asking.ts';
import { type Cluster, startCluster, until } from '../support/cluster.ts';
import { moveTenant } from '../support/moving.ts';
import { growAndShrink } from './growth.ts';
import { compare, type Disagreement, Worker } from './worker.ts';

const tenants = 6;
const groups = 4;
const secondMs = 1000;
const settleMs = 15_000;

interface Options {
  readonly minutes: number;
  readonly clients: number;
  readonly seed: string;
  readonly moves: boolean;
  readonly grow: boolean;
}

function readOptions(): Options | null {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string' },
        clients: { type: 'string' },
        seed: { type: 'string' },
        moves: { type: 'boolean', default: false },
        grow: { type: 'boolean', default: false },
      },
    });
    const minutes = Number(values.minutes ?? 10);
    const clients = Number(values.clients ?? 4);
    if (!(minutes > 0 && clients >= 1 && Number.isInteger(clients))) return null;
    return { minutes, clients, seed: values.seed ?? String(Date.now()), moves: values.moves, grow: values.grow };
  } catch {
    return null;
  }
}

/** Does one bad thing to one node, and undoes it: the others are a majority all the while. */
async function disturb(
  cluster: Cluster,
  among: readonly number[],
  random: () => number,
  say: (what: string) => void,
): Promise<void> {
  const node = among[Math.floor(random() * among.length)] ?? 1;
  const lastsMs = 500 + random() * 3500;
  if (random() < 0.5) {
    say(`node ${String(node)} is killed`);
    await cluster.kill(node);
    await pause(lastsMs);
    cluster.start(node);
    const port = cluster.ports[node - 1] ?? 0;
    await until(async () => (await askPort(port, 'PING')) === 'PONG', `node ${String(node)} answers again`);
  } else {
    say(`node ${String(node)} is paused`);
    process.kill(cluster.pidOf(node), 'SIGSTOP');
    await pause(lastsMs);
    process.kill(cluster.pidOf(node), 'SIGCONT');
  }
  await pause(1000 + random() * 4000);
}

async function main({ minutes, clients, seed, moves, grow }: Options): Promise<number> {
  process.stdout.write(`soak of ${String(minutes)} minutes, ${String(clients)} clients, seed ${seed}\n`);
  const random = seedrandom(seed);
  const cluster = await startCluster({ groups, rebalance: grow ? 'on' : 'manual' });
  const names = Array.from({ length: tenants }, (_, i) => `soak-${String(i)}`);
  const workers = Array.from(
    { length: clients },
    (_, i) =>
      new Worker(i, [...cluster.ports], names, seedrandom(`${seed}/${String(i)}`), { isNumbering: i % 2 === 1 }),
  );
  const startedAt = Date.now();
  const endsAt = startedAt + minutes * 60 * secondMs;
  const say = (what: string): void => {
    const seconds = Math.round((Date.now() - startedAt) / secondMs);
    const done = workers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
    const unknown = workers.reduce((sum, worker) => sum + worker.unknown, 0);
    process.stdout.write(
      `${String(seconds).padStart(5)} s  ${String(done)} acknowledged, ${String(unknown)} unknown; ${what}\n`,
    );
  };
  const leaving = grow ? 1 + Math.floor(random() * cluster.ports.length) : null;
  /** Those that stay. */
  const steady = (): readonly number[] =>
    [...cluster.ports.keys()].map((at) => at + 1).filter((node) => node !== leaving);
  const ports = (): readonly number[] => steady().map((node) => cluster.ports[node - 1] ?? 0);
  try {
    const working = workers.map(async (worker) => worker.work());
    const drawn = seedrandom(`${seed}/moves`);
    const moving = moves ? moveAround(ports, names, drawn, () => Date.now() < endsAt) : Promise.resolve(0);
    const growing = leaving === null ? Promise.resolve() : growAndShrink(cluster, leaving, say);
    while (Date.now() < endsAt) await disturb(cluster, steady(), random, say);
    await growing;
    for (const worker of workers) worker.stop();
    await Promise.all(working);
    const moved = await moving;
    if (moves) say(`tenants have moved ${String(moved)} times`);
    await pause(settleMs);
    say('all clients have stopped');
    const resumed = workers.reduce((sum, worker) => sum + worker.resumed, 0);
    process.stdout.write(`${String(resumed)} numbered writes were asked again through another connection\n`);
    const problems = await judge(ports(), workers, names);
    for (const { where, lost, doubled, strange } of problems) {
      const counts = `${String(lost)} lost, ${String(doubled)} doubled, ${String(strange)} that nobody sent`;
      process.stdout.write(`${pc.red('disagreement')} ${where}: ${counts}\n`);
    }
    if (problems.length === 0) process.stdout.write(`${pc.green('agreement')}: nothing lost, nothing doubled\n`);
    return problems.length === 0 ? 0 : 1;
  } finally {
    await cluster.stop();
  }
}

/** Returns how many moves came to their end. */
async function moveAround(
  ports: () => readonly number[],
  names: readonly string[],
  random: () => number,
  goesOn: () => boolean,
): Promise<number> {
  let moved = 0;
  while (goesOn()) {
    const tenant = names[Math.floor(random() * names.length)] ?? '';
    const isThere = await moveTenant(ports, tenant, 1 + Math.floor(random() * groups));
    if (isThere) moved += 1;
    await pause(random() * 1000);
  }
  return moved;
}

/** Through every node, what is there against what the clients know. */
async function judge(
  ports: readonly number[],
  workers: readonly Worker[],
  names: readonly string[],
): Promise<readonly Disagreement[]> {
  const problems: Disagreement[] = [];
  for (const port of ports) {
    const redis = new Redis({ port, host: '127.0.0.1' });
    for (const tenant of names) problems.push(...(await compare(redis, tenant, workers)));
    redis.disconnect();
  }
  return problems;
}

const options = readOptions();
if (options === null) {
  process.stderr.write('usage: npm run soak -- [--minutes 10] [--clients 4] [--seed N] [--moves] [--grow]\n');
  process.exitCode = 2;
} else process.exitCode = await main(options);
