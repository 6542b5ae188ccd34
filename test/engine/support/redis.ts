/** A real redis-server of its own for a test, and the plainest client of it: raw replies, whole. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { bytesOfWord, type Word } from './tenant.ts';

export const isRedisInstalled = spawnSync('redis-server', ['--version']).status === 0;

export class Redis {
  private readonly child: ChildProcess;
  private readonly socket: Socket;
  private received = '';
  private wake: () => void = () => undefined;

  private constructor(child: ChildProcess, socket: Socket) {
    this.child = child;
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.received += chunk.toString('latin1');
      this.wake();
    });
  }

  static async start(): Promise<Redis> {
    const port = await freePort();
    const options = [
      '--port',
      String(port),
      '--save',
      '',
      '--appendonly',
      'no',
      '--databases',
      '1',
      '--bind',
      '127.0.0.1',
    ];
    const child = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] });
    process.once('exit', () => child.kill('SIGKILL'));
    let log = '';
    while (!log.includes('Ready to accept connections')) {
      const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
      log += chunk.toString();
    }
    child.stdout.resume();
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Redis(child, socket);
  }

  async stop(): Promise<void> {
    this.socket.destroy();
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  /** The replies to a pipeline, each as one character per byte. */
  async run(commands: readonly (readonly Word[])[]): Promise<readonly string[]> {
    this.socket.write(Buffer.concat(commands.map(encode)));
    const replies: string[] = [];
    let at = 0;
    while (replies.length < commands.length) {
      const end = endOfReply(this.received, at);
      if (end !== null) {
        replies.push(this.received.slice(at, end));
        at = end;
        continue;
      }
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    this.received = this.received.slice(at);
    return replies;
  }
}

function encode(words: readonly Word[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${String(words.length)}\r\n`)];
  for (const word of words) {
    const bytes = bytesOfWord(word);
    parts.push(Buffer.from(`$${String(bytes.length)}\r\n`), Buffer.from(bytes), Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

/** Null if the reply that begins at `at` is not complete. */
function endOfReply(text: string, at: number): number | null {
  const lineEnd = text.indexOf('\r\n', at);
  if (lineEnd < 0) return null;
  const count = Number(text.slice(at + 1, lineEnd));
  const next = lineEnd + 2;
  switch (text[at]) {
    case '$':
    case '=':
      if (count < 0) return next;
      return text.length >= next + count + 2 ? next + count + 2 : null;
    case '*':
    case '~':
      return endOfReplies(text, next, count);
    case '%':
      return endOfReplies(text, next, count * 2);
    default:
      return next;
  }
}

function endOfReplies(text: string, start: number, count: number): number | null {
  let at: number | null = start;
  for (let i = 0; i < count && at !== null; i += 1) at = endOfReply(text, at);
  return at;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
