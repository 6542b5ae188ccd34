/**
 * A client of the soak, and what it knows: every number it was told is there must be there once, every number it was
 * told nothing of may be, and no other.
 */
import { Redis } from 'ioredis';

/** What one worker knows of one tenant. */
interface Knowledge {
  increments: number;
  /** INCRs whose outcome it was not told. */
  openIncrements: number;
  readonly pushed: Set<string>;
  readonly open: Set<string>;
  /** Of transactions: the same, in another list, with a counter that must agree with its length. */
  readonly transacted: Set<string>;
  readonly openTransactions: Set<string>;
}

const attemptsBeforeMove = 3;

export class Worker {
  acknowledged = 0;
  unknown = 0;
  readonly knowledge = new Map<string, Knowledge>();
  private readonly number: number;
  private readonly ports: readonly number[];
  private readonly tenants: readonly string[];
  private readonly random: () => number;
  private isStopped = false;
  private operations = 0;

  constructor(number: number, ports: readonly number[], tenants: readonly string[], random: () => number) {
    this.number = number;
    this.ports = ports;
    this.tenants = tenants;
    this.random = random;
    for (const tenant of tenants)
      this.knowledge.set(tenant, {
        increments: 0,
        openIncrements: 0,
        pushed: new Set(),
        open: new Set(),
        transacted: new Set(),
        openTransactions: new Set(),
      });
  }

  stop(): void {
    this.isStopped = true;
  }

  /** Until it is stopped: a node, some commands, another node when that one fails. */
  async work(): Promise<void> {
    while (!this.isStopped) {
      const port = this.ports[Math.floor(this.random() * this.ports.length)] ?? 0;
      const redis = new Redis({ port, host: '127.0.0.1', maxRetriesPerRequest: 0, retryStrategy: () => 100 });
      redis.on('error', () => undefined);
      let failures = 0;
      for (let i = 0; i < 500 && failures < attemptsBeforeMove && !this.isStopped; i += 1)
        if (!(await this.operate(redis))) failures += 1;
      redis.disconnect();
    }
  }

  /** Returns whether it was answered. */
  private async operate(redis: Redis): Promise<boolean> {
    const tenant = this.tenants[Math.floor(this.random() * this.tenants.length)] ?? '';
    const known = this.knowledge.get(tenant);
    if (known === undefined) return true;
    this.operations += 1;
    const value = `${String(this.number)}/${String(this.operations)}`;
    const kind = this.random();
    if (kind < 0.4)
      return this.attempt(
        async () => redis.incr(`{${tenant}}n`),
        () => (known.increments += 1),
        () => (known.openIncrements += 1),
      );
    if (kind < 0.8)
      return this.attempt(
        async () => redis.rpush(`{${tenant}}list`, value),
        () => known.pushed.add(value),
        () => known.open.add(value),
      );
    return this.attempt(
      async () => redis.multi().rpush(`{${tenant}}both`, value).incr(`{${tenant}}count`).exec(),
      () => known.transacted.add(value),
      () => known.openTransactions.add(value),
    );
  }

  private async attempt(run: () => Promise<unknown>, done: () => unknown, open: () => unknown): Promise<boolean> {
    try {
      await run();
      done();
      this.acknowledged += 1;
      return true;
    } catch (error) {
      if ((error as Error).message.includes('not executed')) return false;
      open();
      this.unknown += 1;
      return false;
    }
  }
}

/** What of a tenant is not as the workers know it. */
export async function compare(redis: Redis, tenant: string, workers: readonly Worker[]): Promise<readonly string[]> {
  const problems: string[] = [];
  const known = workers.flatMap(({ knowledge }) => knowledge.get(tenant) ?? []);
  const sum = (pick: (each: Knowledge) => number): number => known.reduce((total, each) => total + pick(each), 0);
  const all = (pick: (each: Knowledge) => ReadonlySet<string>): Set<string> =>
    new Set(known.flatMap((each) => [...pick(each)]));
  const n = Number((await redis.get(`{${tenant}}n`)) ?? 0);
  const least = sum(({ increments }) => increments);
  const most = least + sum(({ openIncrements }) => openIncrements);
  if (n < least || n > most)
    problems.push(`${tenant}: the counter is ${String(n)}, of ${String(least)} to ${String(most)}`);
  const list = await redis.lrange(`{${tenant}}list`, 0, -1);
  problems.push(
    ...differences(
      `${tenant}: list`,
      list,
      all(({ pushed }) => pushed),
      all(({ open }) => open),
    ),
  );
  const both = await redis.lrange(`{${tenant}}both`, 0, -1);
  const [sure, maybe] = [all(({ transacted }) => transacted), all(({ openTransactions }) => openTransactions)];
  problems.push(...differences(`${tenant}: transactions`, both, sure, maybe));
  const count = Number((await redis.get(`{${tenant}}count`)) ?? 0);
  if (count !== both.length)
    problems.push(`${tenant}: ${String(count)} transactions counted, ${String(both.length)} pushed`);
  return problems;
}

function differences(
  what: string,
  there: readonly string[],
  sure: ReadonlySet<string>,
  maybe: ReadonlySet<string>,
): readonly string[] {
  const problems: string[] = [];
  const seen = new Set(there);
  const lost = [...sure].filter((value) => !seen.has(value));
  const strange = [...seen].filter((value) => !sure.has(value) && !maybe.has(value));
  if (lost.length > 0) problems.push(`${what}: ${String(lost.length)} lost, such as ${lost[0] ?? ''}`);
  if (seen.size < there.length) problems.push(`${what}: ${String(there.length - seen.size)} doubled`);
  if (strange.length > 0) problems.push(`${what}: ${String(strange.length)} that nobody sent`);
  return problems;
}
