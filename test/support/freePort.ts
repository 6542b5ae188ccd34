/**
 * Ports that nobody listens on, and that the system gives to nobody who dials: they stay free until they are used, also
 * while what listened there is down. Each of the runner's workers has a range of its own.
 */
import { createServer } from 'node:net';

/** Where a local cluster has the port of a node's peers, above the one of its clients. */
export const peerPortOffset = 10_000;
/** Systems number the ends that dial from higher up. */
const ends = { first: 10_000, last: 32_000 };
const workers = 4;
const span = Math.floor((ends.last - peerPortOffset - ends.first) / workers);
const attempts = 200;

/** Its peer port is free as well. */
export async function freePort(): Promise<number> {
  return freePorts(1);
}

/** The first of so many in a row, whose peer ports are free too. */
export async function freePorts(count: number): Promise<number> {
  const start = ends.first + (Number(process.env['VITEST_POOL_ID'] ?? 0) % workers) * span;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const first = start + Math.floor(Math.random() * (span - count));
    const wanted = Array.from({ length: count }, (_, i) => [first + i, first + i + peerPortOffset]).flat();
    const free = await Promise.all(wanted.map(isFree));
    if (free.every(Boolean)) return first;
  }
  throw new Error('no port is free');
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
