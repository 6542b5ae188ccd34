/** One question to a node over its client port. */
import { connect } from 'node:net';
import Parser from 'redis-parser';
import type { HostPort } from '../config/hostPort.ts';

const answerWithinMs = 1000;

/** The answer, as redis-parser reads it; undefined if there is none in time. */
export async function ask({ host, port }: HostPort, args: readonly string[]): Promise<unknown> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (answer: unknown): void => {
      socket.destroy();
      resolve(answer);
    };
    const parser = new Parser({ returnReply: finish, returnError: finish, returnFatalError: finish });
    socket.setTimeout(answerWithinMs, () => {
      finish(undefined);
    });
    socket.on('error', () => {
      finish(undefined);
    });
    socket.on('close', () => {
      finish(undefined);
    });
    socket.on('data', (chunk) => {
      parser.execute(chunk);
    });
    socket.write(
      `*${String(args.length)}\r\n${args.map((arg) => `$${String(Buffer.byteLength(arg))}\r\n${arg}\r\n`).join('')}`,
    );
  });
}
