/**
 * A client of the soak, and what it knows: every number it was told is there must be there once, every number it was
 * told nothing of may be, and no other.
 */
import { setTimeout as pause } from 'node:timers/promises';
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

/** Where what is there is not what the workers know, and by how much. */
export interface Disagreement {
  readonly where: string;
  /** Acknowledged and not there. */
  readonly lost: number;
  /** There more often than it was asked for. */
  readonly doubled: number;
  /** There, and nobody asked for it. */
  readonly strange: number;
}

export interface Manners {
  /** Its clients number their writes (`SESSION`). */
  readonly isNumbering?: boolean;
  /** Commands under way at a time, of one that does not number them. */
  readonly pipeline?: number;
}

/** A write, and what its worker notes when it was answered, and when it never will be. */
interface Operation {
  readonly run: (redis: Redis) => Promise<unknown>;
  readonly done: () => unknown;
  readonly open: () => unknown;
}

const commandsPerNode = 500;
const attemptsBeforeMove = 3;
const retryMs = 100;
/** Connections that a worker in a session makes to be answered its last write. */
const patienceAfterStop = 100;

export class Worker {
  acknowledged = 0;
  unknown = 0;
  /** Writes that were asked again through another connection, and answered. */
  resumed = 0;
  readonly knowledge = new Map<string, Knowledge>();
  /** Told of every command that was answered, when it had been sent: as `performance.now` counts. */
  onAcknowledged: (sentAt: number) => void = () => undefined;
  private readonly number: number;
  private readonly isNumbering: boolean;
  private readonly ports: readonly number[];
  private readonly tenants: readonly string[];
  private readonly random: () => number;
  private readonly pipeline: number;
  private isStopped = false;
  private operations = 0;

  constructor(
    number: number,
    ports: readonly number[],
    tenants: readonly string[],
    random: () => number,
    { isNumbering = false, pipeline = 1 }: Manners = {},
  ) {
    this.number = number;
    this.isNumbering = isNumbering;
    this.ports = ports;
    this.tenants = tenants;
    this.random = random;
    this.pipeline = pipeline;
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
    if (this.isNumbering) return this.workInSession();
    while (!this.isStopped) {
      const redis = this.connect(() => 100);
      let failures = 0;
      for (let i = 0; i < commandsPerNode && failures < attemptsBeforeMove && !this.isStopped; i += this.pipeline) {
        const answers = Array.from({ length: this.pipeline }, async () => this.attempt(this.operation(), redis));
        if ((await Promise.all(answers)).includes(false)) failures += 1;
      }
      redis.disconnect();
    }
  }

  /** The same with numbered writes: what is in doubt is asked again through another node, until it is not. */
  private async workInSession(): Promise<void> {
    let token: string | null = null;
    let number = 1;
    let open: Operation | null = null;
    for (let patience = patienceAfterStop; patience > 0 && !(this.isStopped && open === null); ) {
      if (this.isStopped) patience -= 1;
      const redis = this.connect(() => null);
      try {
        if (token === null) token = String(await redis.call('SESSION', 'NEW'));
        else await redis.call('SESSION', 'RESUME', token, 'FROM', String(number));
        for (let i = 0; i < commandsPerNode && !(this.isStopped && open === null); i += 1) {
          const operation: Operation = open ?? this.operation();
          open = operation;
          if (await isAnswered(operation.run(redis))) {
            operation.done();
            this.acknowledged += 1;
          }
          if (i === 0 && number > 1) this.resumed += 1;
          open = null;
          number += 1;
        }
      } catch {
        await pause(retryMs);
      }
      redis.disconnect();
    }
    open?.open();
    if (open !== null) this.unknown += 1;
  }

  private connect(retryStrategy: () => number | null): Redis {
    const port = this.ports[Math.floor(this.random() * this.ports.length)] ?? 0;
    const redis = new Redis({ port, host: '127.0.0.1', maxRetriesPerRequest: 0, retryStrategy });
    redis.on('error', () => undefined);
    return redis;
  }

  private operation(): Operation {
    const tenant = this.tenants[Math.floor(this.random() * this.tenants.length)] ?? '';
    const known = this.knowledge.get(tenant);
    if (known === undefined) throw new Error(`nothing is known of ${tenant}`);
    this.operations += 1;
    const value = `${String(this.number)}/${String(this.operations)}`;
    const kind = this.random();
    if (kind < 0.4)
      return {
        run: async (redis) => redis.incr(`{${tenant}}n`),
        done: () => (known.increments += 1),
        open: () => (known.openIncrements += 1),
      };
    if (kind < 0.8)
      return {
        run: async (redis) => redis.rpush(`{${tenant}}list`, value),
        done: () => known.pushed.add(value),
        open: () => known.open.add(value),
      };
    return {
      run: async (redis) => redis.multi().rpush(`{${tenant}}both`, value).incr(`{${tenant}}count`).exec(),
      done: () => known.transacted.add(value),
      open: () => known.openTransactions.add(value),
    };
  }

  /** Returns whether it was answered. */
  private async attempt({ run, done, open }: Operation, redis: Redis): Promise<boolean> {
    const sentAt = performance.now();
    try {
      await run(redis);
      done();
      this.acknowledged += 1;
      this.onAcknowledged(sentAt);
      return true;
    } catch (error) {
      if (isSurelyNotExecuted(error)) return false;
      open();
      this.unknown += 1;
      return false;
    }
  }
}

/** False if it was certainly not executed; throws if nobody knows. */
async function isAnswered(run: Promise<unknown>): Promise<boolean> {
  try {
    await run;
    return true;
  } catch (error) {
    if (isSurelyNotExecuted(error)) return false;
    throw error;
  }
}

function isSurelyNotExecuted(error: unknown): boolean {
  return error instanceof Error && error.message.includes('not executed');
}

/** What of a tenant is not as the workers know it. */
export async function compare(
  redis: Redis,
  tenant: string,
  workers: readonly Worker[],
): Promise<readonly Disagreement[]> {
  const known = workers.flatMap(({ knowledge }) => knowledge.get(tenant) ?? []);
  const sum = (pick: (each: Knowledge) => number): number => known.reduce((total, each) => total + pick(each), 0);
  const all = (pick: (each: Knowledge) => ReadonlySet<string>): Set<string> =>
    new Set(known.flatMap((each) => [...pick(each)]));
  const n = Number((await redis.get(`{${tenant}}n`)) ?? 0);
  const least = sum(({ increments }) => increments);
  const most = least + sum(({ openIncrements }) => openIncrements);
  const list = await redis.lrange(`{${tenant}}list`, 0, -1);
  const both = await redis.lrange(`{${tenant}}both`, 0, -1);
  const count = Number((await redis.get(`{${tenant}}count`)) ?? 0);
  const found = [
    differences(
      `${tenant}: list`,
      list,
      all(({ pushed }) => pushed),
      all(({ open }) => open),
    ),
    differences(
      `${tenant}: transactions`,
      both,
      all(({ transacted }) => transacted),
      all(({ openTransactions }) => openTransactions),
    ),
    outside(`${tenant}: counter`, n, least, most),
    outside(`${tenant}: counter of transactions`, count, both.length, both.length),
  ];
  return found.filter(({ lost, doubled, strange }) => lost + doubled + strange > 0);
}

function outside(where: string, counted: number, least: number, most: number): Disagreement {
  return { where, lost: Math.max(0, least - counted), doubled: Math.max(0, counted - most), strange: 0 };
}

function differences(
  where: string,
  there: readonly string[],
  sure: ReadonlySet<string>,
  maybe: ReadonlySet<string>,
): Disagreement {
  const seen = new Set(there);
  const lost = [...sure].filter((value) => !seen.has(value)).length;
  const strange = [...seen].filter((value) => !sure.has(value) && !maybe.has(value)).length;
  return { where, lost, doubled: there.length - seen.size, strange };
}
