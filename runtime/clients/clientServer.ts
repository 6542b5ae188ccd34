/**
 * The port where clients connect. Turns bytes into commands and replies into bytes; decides nothing. Bounds what
 * any client, or all of them, can make the node hold: connections, unread replies, half-received commands.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { bytesOfBinary, ConnId, type Input } from '../../core/index.ts';
import { listen } from '../listen.ts';
import { type Logger, Seldom } from '../log.ts';
import { CommandFramer, type FramerLimits } from './commandFramer.ts';

export interface ClientServerOptions {
  readonly host: string;
  readonly port: number;
  readonly maxClients: number;
  /** Replies one client may leave unread before it is cut off. */
  readonly maxUnreadBytes: number;
  /** A client that says nothing for so long is closed; 0 for never. */
  readonly idleMs: number;
  readonly framer: FramerLimits;
}

interface Client {
  readonly conn: ConnId;
  readonly socket: Socket;
  readonly framer: CommandFramer;
  /** Reading is stopped because the core has enough of its commands. */
  isPaused: boolean;
  /** Reading is stopped because it does not read its replies. */
  isSlow: boolean;
  /** Of its commands, how many are handed over at a time. */
  portion: number;
  /** It sends no more; not said to the core before everything that it did send is. */
  hasEnded: boolean;
}

/** Above it a client's commands wait until it reads; the hard limit is `maxUnreadBytes`. */
const slowReaderBytes = 1024 * 1024;
/**
 * Commands of a client that are handed over in a turn of the loop. What waits beside others' is better kept as bytes than
 * as objects: once the core had enough of it, it gets few, then more again while the core takes them.
 */
const fewestAtATime = 128;
const mostAtATime = 1024;
const keepAliveMs = 60_000;
/** How long a connection that is being closed may take to read what it is still owed. */
const lingerMs = 5000;
const repeatWarningMs = 10_000;

export class ClientServer {
  private readonly options: ClientServerOptions;
  private readonly log: Logger;
  private readonly emit: (input: Input) => void;
  private readonly server: Server;
  private readonly clients = new Map<ConnId, Client>();
  /** Every open socket, those included that are being closed. */
  private readonly sockets = new Set<Socket>();
  /** Those of whose commands more are to be handed over behind this turn. */
  private behind = new Set<Client>();
  private readonly warnings = new Seldom(repeatWarningMs);
  private lastConn = 0;
  private onEmpty: (() => void) | null = null;

  constructor(options: ClientServerOptions, log: Logger, emit: (input: Input) => void) {
    this.options = options;
    this.log = log;
    this.emit = emit;
    const keepAlive = { keepAlive: true, keepAliveInitialDelay: keepAliveMs };
    this.server = createServer({ noDelay: true, allowHalfOpen: true, ...keepAlive }, (socket) => {
      this.accept(socket);
    });
  }

  async listen(): Promise<void> {
    await listen(this.server, this.options, this.log);
  }

  /** Takes no new connections; those there are go on. */
  stopAccepting(): void {
    this.server.close();
  }

  /** Ends all connections after what was written to them; resolves when they are gone. */
  async close(): Promise<void> {
    this.stopAccepting();
    for (const conn of this.clients.keys()) this.closeClient(conn);
    if (this.sockets.size === 0) return;
    await new Promise<void>((resolve) => {
      this.onEmpty = resolve;
    });
  }

  send(conn: ConnId, bytes: Uint8Array): void {
    const client = this.clients.get(conn);
    if (client === undefined) return;
    const { socket } = client;
    socket.write(bytes);
    const unread = socket.writableLength;
    if (unread > this.options.maxUnreadBytes) {
      this.log.warn({ conn, unread }, 'client does not read its replies: connection closed');
      socket.destroy();
    } else if (!client.isSlow && unread > slowReaderBytes) {
      client.isSlow = true;
      socket.pause();
    }
  }

  /** Closes after what was written; no `clientClosed` follows. */
  closeClient(conn: ConnId): void {
    const client = this.clients.get(conn);
    if (client === undefined) return;
    this.clients.delete(conn);
    this.endSocket(client.socket);
  }

  setPaused(conn: ConnId, isPaused: boolean): void {
    const client = this.clients.get(conn);
    if (client === undefined) return;
    client.isPaused = isPaused;
    if (isPaused) client.portion = fewestAtATime;
    this.resumeIfWanted(client);
  }

  private accept(socket: Socket): void {
    const isFull = this.sockets.size >= this.options.maxClients;
    this.sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.sockets.delete(socket);
      if (this.sockets.size === 0) this.onEmpty?.();
    });
    if (!isFull) this.open(socket);
    else if (this.sockets.size > this.options.maxClients + refusalsAtATime) socket.destroy();
    else this.refuse(socket);
  }

  private refuse(socket: Socket): void {
    const message = 'max number of clients reached';
    if (this.warnings.isDue(message)) this.log.warn({ clients: this.options.maxClients }, message);
    socket.write(`-ERR ${message}\r\n`);
    this.endSocket(socket);
  }

  private open(socket: Socket): void {
    this.lastConn += 1;
    const conn = ConnId(this.lastConn);
    const address = `${socket.remoteAddress ?? ''}:${String(socket.remotePort ?? 0)}`;
    const framer = new CommandFramer(this.options.framer, {
      command: (args) => {
        this.emit({ kind: 'clientCommand', conn, args });
      },
      malformed: (error) => {
        this.log.debug({ conn, address, error }, 'client broke the protocol');
        this.emit({ kind: 'clientMalformed', conn, error });
      },
      webRequest: () => {
        const { remoteAddress = '' } = socket;
        const message = 'possible attack: a web request on the client port; connection closed';
        if (this.warnings.isDue(`${message} ${remoteAddress}`)) this.log.warn({ address }, message);
        socket.destroy();
      },
    });
    const client: Client = {
      conn,
      socket,
      framer,
      isPaused: false,
      isSlow: false,
      portion: mostAtATime,
      hasEnded: false,
    };
    this.clients.set(conn, client);
    this.emit({ kind: 'clientOpened', conn, address });
    if (this.options.idleMs > 0) {
      socket.setTimeout(this.options.idleMs, () => {
        socket.destroy();
      });
    }
    socket.on('data', (chunk) => {
      if (!this.clients.has(conn)) return;
      framer.feed(chunk, client.portion);
      if (framer.isBehind) this.resumeIfWanted(client);
    });
    socket.once('end', () => {
      client.hasEnded = true;
      if (!framer.isBehind) this.sayFarewell(client);
    });
    socket.on('drain', () => {
      client.isSlow = false;
      this.resumeIfWanted(client);
    });
    socket.once('close', () => {
      if (this.clients.delete(conn)) this.emit({ kind: 'clientClosed', conn });
    });
  }

  /** Reads from the client if it is to be heard, once everything that was read before is handed over. */
  private resumeIfWanted(client: Client): void {
    const { socket, framer } = client;
    if (isHeard(client) && !framer.isBehind) {
      socket.resume();
      return;
    }
    socket.pause();
    if (isHeard(client)) this.goOnWith(client);
  }

  private goOnWith(client: Client): void {
    if (this.behind.size === 0) setImmediate(this.goOn);
    this.behind.add(client);
  }

  /** Behind the turn that takes what was handed over before, which may well say that this is enough. */
  private readonly goOn = (): void => {
    const { behind } = this;
    this.behind = new Set();
    for (const client of behind) {
      if (!isHeard(client) || !this.clients.has(client.conn)) continue;
      client.framer.goOn(client.portion);
      client.portion = Math.min(2 * client.portion, mostAtATime);
      if (client.hasEnded && !client.framer.isBehind) this.sayFarewell(client);
      this.resumeIfWanted(client);
    }
  };

  private sayFarewell({ conn }: Client): void {
    if (this.clients.has(conn)) for (const args of farewell) this.emit({ kind: 'clientCommand', conn, args });
  }

  /**
   * Lets the client read what it is owed and forgets what it still says: closing with its bytes unread would make
   * the system throw away ours. Whoever does not end in time is cut off.
   */
  private endSocket(socket: Socket): void {
    socket.resume();
    socket.end();
    const force = setTimeout(() => {
      socket.destroy();
    }, lingerMs);
    socket.once('close', () => {
      clearTimeout(force);
    });
  }
}

/**
 * What a client means that sends no more but still reads, as `printf … | nc` does: what it is owed, then the end,
 * and no reply to that.
 */
const farewell = [['CLIENT', 'REPLY', 'OFF'], ['QUIT']].map((words) => words.map((word) => bytesOfBinary(word)));

function isHeard({ isPaused, isSlow }: Client): boolean {
  return !isPaused && !isSlow;
}

/** Connections above the limit that are being told so: beyond it they are cut without a word. */
const refusalsAtATime = 100;
