/**
 * Closed-loop load over plain sockets: so many connections, each with so many commands under way. Answers have a
 * known length, so they are counted by bytes and the generator stays cheap beside what it measures.
 */
import { connect, type Socket } from 'node:net';
import { latencyOf } from './figures.ts';

export interface Load {
  /** Where connections go, round and round. */
  readonly ports: readonly number[];
  readonly connections: number;
  /** What each connection says first, and is answered OK. */
  readonly prologue?: Buffer;
  /** One round trip: what is sent, how long its whole answer is, and how many operations it counts for. */
  readonly request: Buffer;
  readonly answerBytes: number;
  readonly operations: number;
  readonly seconds: number;
}

export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly operations: number;
}

const warmUpShare = 0.25;

export async function measure(load: Load): Promise<Measured> {
  const startedAt = performance.now();
  const countFrom = startedAt + load.seconds * 1000 * warmUpShare;
  const endAt = countFrom + load.seconds * 1000;
  const latencies: number[] = [];
  await Promise.all(
    Array.from({ length: load.connections }, async (_, i) =>
      drive(load, load.ports[i % load.ports.length] ?? 0, countFrom, endAt, latencies),
    ),
  );
  return summarise(latencies, load.operations, load.seconds);
}

export function summarise(latencies: readonly number[], operationsEach: number, seconds: number): Measured {
  const { count, p50Ms, p99Ms } = latencyOf(latencies);
  const operations = count * operationsEach;
  return { perSecond: operations / seconds, p50Ms, p99Ms, operations };
}

async function drive(load: Load, port: number, countFrom: number, endAt: number, latencies: number[]): Promise<void> {
  const socket = await open(port);
  await new Promise<void>((resolve, reject) => {
    let expected = load.prologue === undefined ? load.answerBytes : okBytes;
    let missing = expected;
    let sentAt = performance.now();
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      if (chunk[0] === minus && missing === expected) {
        reject(new Error(`port ${String(port)} answered ${chunk.toString('latin1').slice(0, 200)}`));
        return;
      }
      missing -= chunk.length;
      if (missing > 0) return;
      const now = performance.now();
      if (now > endAt) {
        socket.destroy();
        resolve();
        return;
      }
      if (sentAt >= countFrom) latencies.push(now - sentAt);
      expected = load.answerBytes;
      missing = expected;
      sentAt = now;
      socket.write(load.request);
    });
    socket.write(load.prologue ?? load.request);
  });
}

const minus = 0x2d;
const okBytes = '+OK\r\n'.length;

export async function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => {
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

/** Commands as RESP, one after the other. */
export function encode(commands: readonly (readonly string[])[]): Buffer {
  return Buffer.from(
    commands
      .map(
        (args) =>
          `*${String(args.length)}\r\n${args.map((arg) => `$${String(Buffer.byteLength(arg))}\r\n${arg}\r\n`).join('')}`,
      )
      .join(''),
  );
}
