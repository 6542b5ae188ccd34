/**
 * `leasehold dev`: a cluster of real node processes on this machine. It starts them, says when they serve, and
 * ends them with itself; what dies in between stays dead.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import pc from 'picocolors';
import { hostPort } from '../config/hostPort.ts';
import { ConfigError, FatalError } from '../exitCodes.ts';
import { ask } from './ask.ts';
import { type ClusterShape, localConfig, type LocalNode, localNodes } from './topology.ts';

export interface ClusterOptions extends ClusterShape {
  readonly data: string;
  readonly fresh: boolean;
}

interface Running {
  readonly node: LocalNode;
  readonly child: ChildProcess;
}

const pollMs = 50;
const serveWithinMs = 30_000;
/** Leaders find their places soon after the start; a node that is late is not waited for. */
const spreadWithinMs = 2000;
const killAfterMs = 8000;

export async function runCluster(options: ClusterOptions): Promise<void> {
  const data = resolve(options.data);
  if (options.fresh) rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true });
  checkShape(data, options);
  const started = Date.now();
  const running = localNodes(options).map((node) => startNode(data, options, node));
  const { stop, isStopping } = stopOnSignal(running);
  const ended = running.map(async (each) => reportEnd(data, each, isStopping));
  const failure = await untilServing(data, running);
  if (failure !== null && !isStopping()) {
    stop();
    await Promise.all(ended);
    throw failure;
  }
  if (!isStopping()) {
    const tookMs = String(Date.now() - started);
    process.stdout.write(`${await table(running)}\nserving after ${tookMs} ms, data in ${data}, Ctrl-C stops it\n`);
  }
  await Promise.all(ended);
}

/** The first signal stops the nodes in peace, the second at once. */
function stopOnSignal(running: readonly Running[]): { readonly stop: () => void; readonly isStopping: () => boolean } {
  let isStopping = false;
  const killAll = (signal: 'SIGTERM' | 'SIGKILL'): void => {
    for (const { child } of running) child.kill(signal);
  };
  const stop = (): void => {
    killAll(isStopping ? 'SIGKILL' : 'SIGTERM');
    if (isStopping) return;
    isStopping = true;
    setTimeout(killAll, killAfterMs, 'SIGKILL').unref();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return { stop, isStopping: () => isStopping };
}

async function reportEnd(data: string, { node, child }: Running, isExpected: () => boolean): Promise<void> {
  await new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      const how = signal ?? `exit code ${String(code)}`;
      const line = `node ${String(node.id)} ended (${how}); its log is in ${logPath(data, node)}\n`;
      if (!isExpected()) process.stdout.write(pc.yellow(line));
      resolve();
    });
  });
}

/** A cluster keeps the shape it was made with: groups do not move by themselves yet. */
function checkShape(data: string, { nodes, groups }: ClusterShape): void {
  const path = join(data, 'cluster.json');
  const shape = JSON.stringify({ nodes, groups });
  if (!existsSync(path)) writeFileSync(path, shape);
  const kept = readFileSync(path, 'utf8');
  if (kept !== shape)
    throw new ConfigError(
      `--data: ${data} holds a cluster of another shape, ${kept}: start it as it was, or give --fresh to delete it`,
    );
}

function startNode(data: string, shape: ClusterShape, node: LocalNode): Running {
  const directory = join(data, `node-${String(node.id)}`);
  mkdirSync(directory, { recursive: true });
  const config = join(directory, 'config.json');
  writeFileSync(config, `${JSON.stringify(localConfig(shape, node.id), null, 2)}\n`);
  const entry = fileURLToPath(import.meta.url);
  const isSource = entry.endsWith('.ts');
  const cli = resolve(entry, '..', '..', isSource ? 'cli.ts' : 'cli.js');
  const log = openSync(logPath(data, node), 'a');
  const loader = isSource ? ['--import', import.meta.resolve('tsx')] : [];
  // A session of its own, so that Ctrl-C reaches the nodes once, through us. They end when we do: the channel closes.
  const child = spawn(process.execPath, [...loader, cli, 'node', '--config', config], {
    stdio: ['ignore', log, log, 'ipc'],
    detached: true,
  });
  closeSync(log);
  writeFileSync(join(directory, 'pid'), `${String(child.pid)}\n`);
  return { node, child };
}

function logPath(data: string, node: LocalNode): string {
  return join(data, `node-${String(node.id)}`, 'node.log');
}

/** Null when every node knows a leader for every group; otherwise why it will not come to that. */
async function untilServing(data: string, running: readonly Running[]): Promise<Error | null> {
  let spreadBy = Number.POSITIVE_INFINITY;
  for (const deadline = Date.now() + serveWithinMs; Date.now() < deadline; ) {
    const dead = running.find(({ child }) => child.exitCode !== null || child.signalCode !== null);
    if (dead !== undefined) {
      const why = lastWords(logPath(data, dead.node));
      return new FatalError(`node ${String(dead.node.id)} did not start: ${why}`, dead.child.exitCode ?? 1);
    }
    const answers = await Promise.all(running.map(async ({ node }) => ledGroups(node)));
    const isServing = answers.every((groups) => groups?.every(({ leader }) => leader !== null) ?? false);
    const isSpread = answers.every((groups) => groups?.every(({ leader, home }) => leader === home) ?? false);
    if (isServing) spreadBy = Math.min(spreadBy, Date.now() + spreadWithinMs);
    if (isServing && (isSpread || Date.now() >= spreadBy)) return null;
    await new Promise((done) => setTimeout(done, pollMs));
  }
  return new FatalError('the cluster does not serve; see node.log of each node', 1);
}

/** What a node that gave up said last, from where it speaks as a program and not as a log. */
function lastWords(path: string): string {
  const text = readFileSync(path, 'utf8').trim();
  const said = text.lastIndexOf('leasehold: ');
  return said < 0 ? (text.split('\n').at(-1) ?? '') : text.slice(said + 'leasehold: '.length);
}

interface GroupAnswer {
  readonly id: number;
  readonly leader: number | null;
  /** Where its leader belongs. */
  readonly home: number;
}

/** Null while the node does not answer. */
async function ledGroups(node: LocalNode): Promise<readonly GroupAnswer[] | null> {
  const answer = await ask(hostPort(node.client), ['GROUP', 'LIST']);
  if (!Array.isArray(answer)) return null;
  return answer.map((fields) => {
    const values = fields as unknown[];
    const replicas = values[7] as unknown[];
    return { id: Number(values[1]), leader: values[3] === null ? null : Number(values[3]), home: Number(replicas[0]) };
  });
}

async function table(running: readonly Running[]): Promise<string> {
  const rows = [['node', 'pid', 'clients', 'leads groups']];
  const first = running[0];
  const groups = first === undefined ? null : await ledGroups(first.node);
  for (const { node, child } of running) {
    const led = (groups ?? []).filter(({ leader }) => leader === node.id).map(({ id }) => String(id));
    rows.push([String(node.id), String(child.pid), node.client, led.join(' ')]);
  }
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row, line) => {
      const text = row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd();
      return line === 0 ? pc.bold(text) : text;
    })
    .join('\n');
}
