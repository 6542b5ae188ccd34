/** The systems that are measured side by side, each on free ports with its data in a directory of its own. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askPort, placeOf } from '../support/asking.ts';
import { startCluster } from '../support/cluster.ts';
import { call, measureEtcd, message, put, range } from './etcd.ts';
import { encode, measure, type Measured } from './load.ts';
import { isInstalled, start, untilReady } from './processes.ts';

export interface Case {
  readonly system: string;
  readonly operation: 'SET' | 'GET';
  readonly pipeline: number;
  readonly connections: number;
  /** All server processes together. */
  readonly pids: readonly number[];
  run(seconds: number): Promise<Measured>;
}

export interface System {
  readonly cases: readonly Case[];
  stop(): Promise<void>;
}

const value = 'x'.repeat(16);
const getReply = `$${String(value.length)}\r\n${value}\r\n`.length;
const setReply = '+OK\r\n'.length;
const waitReply = ':1\r\n'.length;
const connections = 50;
const pipelines = [1, 16] as const;
const noStop = async (): Promise<void> => Promise.resolve();

interface RespTarget {
  readonly system: string;
  readonly port: number;
  readonly key: string;
  readonly pids: readonly number[];
  readonly operations: readonly ('SET' | 'GET')[];
  /** A WAIT 1 behind each pipeline of writes. */
  readonly waits?: boolean;
  readonly connections?: number;
  /** What each connection says first. */
  readonly prologue?: readonly string[];
}

function respCases(target: RespTarget): readonly Case[] {
  const count = target.connections ?? connections;
  return pipelines.flatMap((pipeline) =>
    target.operations.map((operation): Case => {
      const one = operation === 'SET' ? ['SET', target.key, value] : ['GET', target.key];
      const wait = target.waits === true && operation === 'SET' ? [['WAIT', '1', '0']] : [];
      const request = encode([...Array.from({ length: pipeline }, () => one), ...wait]);
      const answerBytes = pipeline * (operation === 'SET' ? setReply : getReply) + wait.length * waitReply;
      const { system, pids, port } = target;
      const first = target.prologue === undefined ? {} : { prologue: encode([target.prologue]) };
      const load = { ports: [port], connections: count, ...first, request, answerBytes, operations: pipeline };
      return {
        system,
        operation,
        pipeline,
        connections: count,
        pids,
        run: async (seconds) => measure({ ...load, seconds }),
      };
    }),
  );
}

export async function leasehold(): Promise<System> {
  const cluster = await startCluster({ isBuilt: true });
  const key = '{bench}k';
  const [first = 0] = cluster.ports;
  await askPort(first, 'SET', key, value);
  const { leader } = await placeOf(first, 'bench');
  const pids = cluster.ports.map((_, i) => cluster.pidOf(i + 1));
  const port = cluster.ports[leader - 1] ?? 0;
  const other = cluster.ports[leader % cluster.ports.length] ?? 0;
  const both = ['SET', 'GET'] as const;
  return {
    cases: [
      ...respCases({ system: 'leasehold, leader', port, key, pids, operations: both }),
      ...respCases({ system: 'leasehold, forwarded', port: other, key, pids, operations: both }),
      ...respCases({
        system: 'leasehold, follower (READONLY)',
        port: other,
        key,
        pids,
        operations: ['GET'],
        prologue: ['READONLY'],
      }),
      ...respCases({
        system: 'leasehold, leader, 1 connection',
        port,
        key,
        pids,
        operations: both,
        connections: 1,
      }).filter(({ pipeline }) => pipeline === 1),
      ...respCases({
        system: 'leasehold, forwarded, 1 connection',
        port: other,
        key,
        pids,
        operations: both,
        connections: 1,
      }).filter(({ pipeline }) => pipeline === 1),
    ],
    stop: async () => cluster.stop(),
  };
}

export async function redis(port: number): Promise<System | null> {
  if (!isInstalled('redis-server')) return null;
  const directory = mkdtempSync(join(tmpdir(), 'redis-'));
  const server = (offset: number, ...args: string[]): number => {
    const dir = join(directory, String(offset));
    mkdirSync(dir);
    return start('redis-server', ['--port', String(port + offset), '--dir', dir, '--save', '', ...args]);
  };
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];
  const pids = [server(0, ...durable)];
  for (const offset of [1, 2]) pids.push(server(offset, ...durable, '--replicaof', '127.0.0.1', String(port)));
  const plain = server(3);
  const says = async (to: number, text: string): Promise<boolean> =>
    String(await askPort(to, 'INFO', 'replication')).includes(text);
  await untilReady(async () => says(port, 'connected_slaves:2'), 'redis with two replicas');
  await untilReady(async () => says(port + 1, 'master_link_status:up'), 'the first replica');
  await untilReady(async () => says(port + 2, 'master_link_status:up'), 'the second replica');
  await untilReady(async () => (await askPort(port + 3, 'SET', 'k', value)) === 'OK', 'plain redis');
  return {
    cases: [
      ...respCases({ system: 'redis, fsync always, WAIT 1', port, key: 'k', pids, operations: ['SET'], waits: true }),
      ...respCases({ system: 'redis, plain', port: port + 3, key: 'k', pids: [plain], operations: ['SET', 'GET'] }),
    ],
    stop: noStop,
  };
}

export async function etcd(port: number): Promise<System | null> {
  if (!isInstalled('etcd')) return null;
  const directory = mkdtempSync(join(tmpdir(), 'etcd-'));
  const members = [0, 1, 2].map((i) => ({ name: `m${String(i)}`, client: port + 2 * i, peer: port + 2 * i + 1 }));
  const peers = members.map(({ name, peer }) => `${name}=http://127.0.0.1:${String(peer)}`).join(',');
  const pids = members.map(({ name, client, peer }) => {
    const clientUrl = `http://127.0.0.1:${String(client)}`;
    const peerUrl = `http://127.0.0.1:${String(peer)}`;
    return start('etcd', [
      ...['--name', name, '--data-dir', join(directory, name), '--log-level', 'error'],
      ...['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', peers],
    ]);
  });
  const ports = members.map(({ client }) => client);
  const putBody = message('k', value);
  await untilReady(async () => {
    const session = connect(`http://127.0.0.1:${String(port)}`);
    session.on('error', () => undefined);
    await call(session, put, putBody);
    session.close();
    return true;
  }, 'etcd');
  const system = 'etcd, 3 members';
  const common = { system, pipeline: 1, connections, pids };
  return {
    cases: [
      { ...common, operation: 'SET', run: async (seconds) => measureEtcd(ports, connections, put, putBody, seconds) },
      {
        ...common,
        operation: 'GET',
        run: async (seconds) => measureEtcd(ports, connections, range, message('k', null), seconds),
      },
    ],
    stop: noStop,
  };
}
