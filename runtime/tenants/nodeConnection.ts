/** A connection to a node as its clients have it, for one question after the other. Bytes stay bytes. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import Parser from 'redis-parser';
import type { HostPort } from '../config/hostPort.ts';

/** A node answers sooner, with an error if need be. */
const answerWithinMs = 60_000;
const lineEnd = '\r\n';

/** The connection is gone, or nothing is heard on it: what became of the question is not known. */
export class ConnectionLost extends Error {}

export class NodeConnection {
  private readonly socket: Socket;
  private readonly parser: Parser;
  private waiting: { readonly resolve: (reply: unknown) => void; readonly reject: (error: Error) => void } | null =
    null;

  private constructor(socket: Socket) {
    this.socket = socket;
    const answer = (reply: unknown): void => {
      this.waiting?.resolve(reply);
      this.waiting = null;
    };
    this.parser = new Parser({
      returnReply: answer,
      returnError: answer,
      returnFatalError: answer,
      returnBuffers: true,
    });
    socket.setTimeout(answerWithinMs, () => {
      this.lose('no answer in time');
    });
    socket.on('data', (chunk) => {
      this.parser.execute(chunk);
    });
    socket.on('error', ({ message }) => {
      this.lose(message);
    });
    socket.on('close', () => {
      this.lose('the connection was closed');
    });
  }

  /** Throws `ConnectionLost` if nobody is there. */
  static async open({ host, port }: HostPort): Promise<NodeConnection> {
    const socket = connect({ host, port, noDelay: true });
    try {
      await once(socket, 'connect');
    } catch (error) {
      throw new ConnectionLost(error instanceof Error ? error.message : String(error));
    }
    return new NodeConnection(socket);
  }

  /** The reply, as redis-parser reads it: an error is a value. Throws `ConnectionLost` if there is none. */
  async ask(args: readonly (string | Uint8Array)[]): Promise<unknown> {
    if (this.socket.destroyed) throw new ConnectionLost('the connection was closed');
    const answered = new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
    });
    this.socket.cork();
    this.socket.write(`*${String(args.length)}${lineEnd}`);
    for (const arg of args) {
      this.socket.write(`$${String(Buffer.byteLength(arg))}${lineEnd}`);
      this.socket.write(arg);
      this.socket.write(lineEnd);
    }
    this.socket.uncork();
    return answered;
  }

  close(): void {
    this.socket.destroy();
  }

  private lose(why: string): void {
    this.socket.destroy();
    this.waiting?.reject(new ConnectionLost(why));
    this.waiting = null;
  }
}
