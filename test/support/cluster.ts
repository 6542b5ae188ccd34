/**
 * A real cluster for tests: `leasehold dev` on free ports, data in a directory of its own, and always cleaned up.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { localToken } from '../../runtime/dev/topology.ts';
import { askPort } from './asking.ts';
import { freePort, freePorts, peerPortOffset } from './freePort.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const serveWithinMs = 120_000;
const pollMs = 10;

export interface Cluster {
  /** Where the clients of each node connect: those of nodes that have joined come behind. */
  readonly ports: readonly number[];
  readonly peerPorts: readonly number[];
  readonly data: string;
  /** How long the first start took, as the cluster says itself. */
  readonly servingAfterMs: number;
  pidOf(node: number): number;
  /** kill -9. Resolves when the process is gone. */
  kill(node: number): Promise<void>;
  /** The node's process has ended, by itself or not. */
  hasEnded(node: number): boolean;
  /** Starts one node again, as an operator would: `leasehold node --config FILE`. */
  start(node: number): ChildProcess;
  /** A further node joins and serves, as an operator would have it. Returns its number. */
  join(): Promise<number>;
  /** kill -9 of everything, then a new start on the same data; those that have joined stay down. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startCluster(
  options: {
    readonly nodes?: number;
    readonly groups?: number;
    readonly rebalance?: string;
    readonly metadata?: string;
    /** As it is installed, from `dist/`, which `npm run build` makes. Otherwise from the source as it stands. */
    readonly isBuilt?: boolean;
    /** Of the cluster's processes, beside this one's. */
    readonly environment?: Readonly<Record<string, string>>;
  } = {},
): Promise<Cluster> {
  const nodes = options.nodes ?? 3;
  const groups = options.groups ?? 4;
  const data = mkdtempSync(join(tmpdir(), 'cluster-'));
  const port = await freePorts(nodes);
  const own = new Set<ChildProcess>();
  const program = options.isBuilt === true ? ['dist/runtime/cli.js'] : ['--import', 'tsx', 'runtime/cli.ts'];
  const launch = async (): Promise<{ readonly dev: ChildProcess; readonly servingAfterMs: number }> => {
    const args = [
      ...program,
      'dev',
      '--nodes',
      String(nodes),
      '--groups',
      String(groups),
      '--port',
      String(port),
      '--data',
      data,
      '--rebalance',
      options.rebalance ?? 'manual',
      '--metadata',
      options.metadata ?? 'raft',
    ];
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    own.add(child);
    const said = await untilSaid(child, /serving after (\d+) ms/);
    return { dev: child, servingAfterMs: Number(said[1]) };
  };
  const { dev: firstDev, servingAfterMs } = await launch();
  let dev = firstDev;
  const pidOf = (node: number): number => Number(readFileSync(join(data, `node-${String(node)}`, 'pid'), 'utf8'));
  const ports = Array.from({ length: nodes }, (_, i) => port + i);
  const killNode = async (node: number): Promise<void> => {
    const pid = pidOf(node);
    signal(pid, 'SIGKILL');
    await until(() => !isAlive(pid), 'the process is gone');
  };
  const end = async (): Promise<void> => {
    for (const node of ports.keys()) await killNode(node + 1);
    for (const child of own) child.kill('SIGKILL');
    own.clear();
  };
  return {
    ports,
    peerPorts: ports.map((each) => each + peerPortOffset),
    data,
    servingAfterMs,
    pidOf,
    kill: killNode,
    hasEnded: (node) => !isAlive(pidOf(node)),
    start: (node) => {
      const child = runNode(program, '--config', join(data, `node-${String(node)}`, 'config.json'));
      own.add(child);
      return child;
    },
    join: async () => {
      const node = ports.length + 1;
      const [client, directory] = [await freePort(), join(data, `node-${String(node)}`)];
      const address = (at: number): string => `127.0.0.1:${String(at)}`;
      const place = ['--client', address(client), '--peer', address(client + peerPortOffset)];
      own.add(runNode(program, '--join', address(port), '--token', localToken, '--data', directory, ...place));
      const serves = async (): Promise<boolean> => (await askPort(client, 'PING')) === 'PONG';
      await until(serves, `node ${String(node)} serves`, serveWithinMs);
      ports.push(client);
      return node;
    },
    restart: async () => {
      await end();
      ({ dev } = await launch());
    },
    stop: async () => {
      dev.kill('SIGTERM');
      await end();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

function runNode(program: readonly string[], ...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [...program, 'node', ...args], { cwd: root, stdio: 'ignore' });
}

/** Waits for a condition, with a bound. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 30_000,
): Promise<void> {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline; ) {
    if (await condition()) return;
    await pause(pollMs);
  }
  throw new Error(`not within ${String(withinMs)} ms: ${what}`);
}

async function untilSaid(child: ChildProcess, expected: RegExp): Promise<RegExpExecArray> {
  let said = '';
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => {
      reject(new Error(`the cluster did not say ${String(expected)} but: ${said}`));
    }, serveWithinMs);
    const listen = (chunk: Buffer): void => {
      said += chunk.toString();
      const match = expected.exec(said);
      if (match === null) return;
      clearTimeout(deadline);
      resolve(match);
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('exit', () => {
      clearTimeout(deadline);
      reject(new Error(`the cluster ended: ${said}`));
    });
  });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone already.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${String(pid)}/stat`, 'utf8').split(' ')[2] !== 'Z';
  } catch {
    return false;
  }
}
