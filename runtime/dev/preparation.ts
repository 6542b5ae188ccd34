/**
 * What must be in order before a local cluster starts, and is told as the mistake it is: its ports are free, its
 * data is nobody else's, and has the shape that is asked for.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type HostPort, hostPort } from '../config/hostPort.ts';
import { userOf } from '../disk/dataLock.ts';
import { beginStore, readStore } from '../disk/store.ts';
import { ConfigError } from '../exitCodes.ts';
import { type ClusterShape, localNodes } from './topology.ts';

const shapeFile = 'cluster.json';
const nodeDirectory = /^node-[0-9]+$/;

export async function prepare(data: string, shape: ClusterShape, isFresh: boolean): Promise<void> {
  await checkPorts(shape);
  mkdirSync(data, { recursive: true });
  const directories = readdirSync(data).filter((name) => nodeDirectory.test(name));
  for (const name of directories) {
    const user = userOf(join(data, name));
    if (user !== null) throw new ConfigError(`--data: ${join(data, name)} is in use by process ${String(user)}`);
  }
  // What a cluster left, and nothing else: the directory may be anybody's.
  if (isFresh)
    for (const name of [...directories, shapeFile]) rmSync(join(data, name), { recursive: true, force: true });
  if (!existsSync(join(data, shapeFile))) beginStores(data, shape);
  checkShape(data, shape);
}

/** Once, with the cluster: a directory that is gone later is a loss. */
function beginStores(data: string, shape: ClusterShape): void {
  for (const { id } of localNodes(shape)) {
    const directory = join(data, `node-${String(id)}`);
    if (readStore(directory) === null) beginStore(directory, 'new');
  }
}

/** Whoever answers there would be taken for one of ours. */
async function checkPorts(shape: ClusterShape): Promise<void> {
  for (const { client, peer } of localNodes(shape)) {
    for (const address of [client, peer]) {
      if (!(await isFree(hostPort(address)))) throw new ConfigError(`--port: ${address} is taken by another process`);
    }
  }
}

async function isFree(address: HostPort): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(address, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/** A cluster keeps the shape it was made with: groups do not move by themselves yet. */
function checkShape(data: string, { nodes, groups, metadata }: ClusterShape): void {
  const path = join(data, shapeFile);
  const shape = JSON.stringify({ nodes, groups, ...(metadata === 'raft' ? {} : { metadata }) });
  if (!existsSync(path)) writeFileSync(path, shape);
  const kept = readFileSync(path, 'utf8');
  if (kept === shape) return;
  const advice = 'start it as it was, or give --fresh to delete it';
  throw new ConfigError(`--data: ${data} holds a cluster of another shape, ${kept}: ${advice}`);
}
