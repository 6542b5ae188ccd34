/** A port that nobody listens on, and that the system gives to nobody who dials: it stays free until it is used. */
import { createServer } from 'node:net';

/** Systems number the ends that dial from higher up. */
const firstPort = 20_000;
const lastPort = 32_000;
const attempts = 100;

export async function freePort(): Promise<number> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort));
    if (await isFree(port)) return port;
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
