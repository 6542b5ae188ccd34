/**
 * `leasehold dev`: a cluster of real node processes on this machine. It starts them, says when they serve, and
 * ends them with itself; what dies in between stays dead.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import pc from 'picocolors';
import { exitCodes, FatalError } from '../exitCodes.ts';
import { prepare } from './preparation.ts';
import { leadersAsSeenBy, untilServing } from './serving.ts';
import { type ClusterShape, localConfig, type LocalNode, localNodes } from './topology.ts';

export interface ClusterOptions extends ClusterShape {
  readonly data: string;
  readonly fresh: boolean;
}

interface Running {
  readonly node: LocalNode;
  readonly child: ChildProcess;
  readonly log: string;
}

/** Enough for nodes to send the replies they owe. */
const hurryAfterMs = 1000;
/** Groups of a node in the table. */
const mostShown = 16;
const killAfterMs = 8000;

export async function runCluster(options: ClusterOptions): Promise<void> {
  const data = resolve(options.data);
  await prepare(data, options, options.fresh);
  const startedAt = performance.now();
  const running = localNodes(options).map((node) => startNode(data, options, node));
  const { stop, isStopping } = stopOnSignal(running);
  const ended = Promise.all(running.map(async (each) => reportEnd(each, isStopping)));
  const failed = (): Running | undefined =>
    running.find(({ child }) => child.exitCode !== null || child.signalCode !== null);
  const isServing = await untilServing(
    running.map(({ node }) => node),
    options.groups,
    () => isStopping() || failed() !== undefined,
  );
  if (isServing) {
    const tookMs = String(Math.round(performance.now() - startedAt));
    process.stdout.write(`${await table(running)}\nserving after ${tookMs} ms, data in ${data}, Ctrl-C stops it\n`);
  } else if (!isStopping()) {
    const failure = whyNot(failed());
    stop();
    await ended;
    throw failure;
  }
  await ended;
  if (!isStopping()) throw new FatalError('no node is left', exitCodes.unavailable);
}

function startNode(data: string, shape: ClusterShape, node: LocalNode): Running {
  const directory = join(data, `node-${String(node.id)}`);
  mkdirSync(directory, { recursive: true });
  const config = join(directory, 'config.json');
  writeFileSync(config, `${JSON.stringify(localConfig(shape, node.id), null, 2)}\n`);
  const entry = fileURLToPath(import.meta.url);
  const isSource = entry.endsWith('.ts');
  const cli = resolve(entry, '..', '..', isSource ? 'cli.ts' : 'cli.js');
  const loader = isSource ? ['--import', import.meta.resolve('tsx')] : [];
  const log = join(directory, 'node.log');
  const output = openSync(log, 'a');
  // A session of its own, so that Ctrl-C reaches a node once, through us. It ends when we do: the channel closes.
  const child = spawn(process.execPath, [...loader, cli, 'node', '--config', config], {
    stdio: ['ignore', output, output, 'ipc'],
    detached: true,
  });
  closeSync(output);
  writeFileSync(join(directory, 'pid'), `${String(child.pid)}\n`);
  return { node, child, log };
}

/** The first signal stops the nodes in peace, the second at once. */
function stopOnSignal(running: readonly Running[]): { readonly stop: () => void; readonly isStopping: () => boolean } {
  let isStopping = false;
  const tellAll = (signal: NodeJS.Signals): void => {
    for (const { child } of running) child.kill(signal);
  };
  const stop = (): void => {
    tellAll(isStopping ? 'SIGKILL' : 'SIGTERM');
    if (isStopping) return;
    isStopping = true;
    // Where all stop together there is nobody to hand over to, and no use in waiting for it.
    setTimeout(tellAll, hurryAfterMs, 'SIGTERM').unref();
    setTimeout(tellAll, killAfterMs, 'SIGKILL').unref();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return { stop, isStopping: () => isStopping };
}

async function reportEnd({ node, child, log }: Running, isStopping: () => boolean): Promise<void> {
  await new Promise<void>((done) => {
    child.once('exit', (code, signal) => {
      const how = signal ?? `exit code ${String(code)}`;
      const line = `node ${String(node.id)} ended (${how}); its log is in ${log}\n`;
      if (!isStopping()) process.stdout.write(pc.yellow(line));
      done();
    });
  });
}

function whyNot(failed: Running | undefined): FatalError {
  if (failed === undefined) {
    return new FatalError('the cluster does not serve; see node.log of each node', exitCodes.unavailable);
  }
  const { node, child, log } = failed;
  const code = child.exitCode ?? exitCodes.unavailable;
  return new FatalError(`node ${String(node.id)} did not start: ${lastWords(log)}`, code);
}

/** What a node that gave up said last, from where it speaks as a program and not as a log. */
function lastWords(log: string): string {
  const mark = 'leasehold: ';
  const text = readFileSync(log, 'utf8').trim();
  const said = text.lastIndexOf(mark);
  return said < 0 ? (text.split('\n').at(-1) ?? '') : text.slice(said + mark.length);
}

async function table(running: readonly Running[]): Promise<string> {
  const [first] = running;
  const leaders = first === undefined ? new Map<number, number>() : await leadersAsSeenBy(first.node);
  const rows = running.map(({ node, child }) => {
    const led = [...leaders].filter(([, leader]) => leader === node.id).map(([group]) => group);
    return [String(node.id), String(child.pid), node.client, someOf(led)];
  });
  const [head = '', ...lines] = aligned([['node', 'pid', 'clients', 'leads groups'], ...rows]);
  return [pc.bold(head), ...lines].join('\n');
}

/** The first ones, and how many more there are. */
function someOf(groups: readonly number[]): string {
  const shown = groups.slice(0, mostShown).join(' ');
  const more = groups.length - mostShown;
  return more > 0 ? `${shown} and ${String(more)} more` : shown;
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) => {
    const cells = row.map((cell, column) => cell.padEnd(width(column)));
    return cells.join('   ').trimEnd();
  });
}
