/**
 * The port where clients connect. Turns bytes into commands and replies into bytes; decides nothing.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { ConnId, type Input } from '../../core/index.ts';
import type { Logger } from '../log.ts';
import { CommandFramer, type FramerLimits } from './commandFramer.ts';

export interface ClientServerOptions {
  readonly host: string;
  readonly port: number;
  readonly maxClients: number;
  /** Replies one client may leave unread before it is cut off. */
  readonly maxUnreadBytes: number;
  readonly framer: FramerLimits;
}

interface Client {
  readonly conn: ConnId;
  readonly socket: Socket;
  /** Reading is stopped because the core has enough of its commands. */
  isPaused: boolean;
  /** Reading is stopped because it does not read its replies. */
  isSlow: boolean;
}

/** Above it a client's commands wait until it reads; the hard limit is `maxUnreadBytes`. */
const slowReaderBytes = 1024 * 1024;
const keepAliveMs = 60_000;

export class ClientServer {
  private readonly options: ClientServerOptions;
  private readonly log: Logger;
  private readonly emit: (input: Input) => void;
  private readonly server: Server;
  private readonly clients = new Map<ConnId, Client>();
  private lastConn = 0;

  constructor(options: ClientServerOptions, log: Logger, emit: (input: Input) => void) {
    this.options = options;
    this.log = log;
    this.emit = emit;
    this.server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs }, (socket) => {
      this.accept(socket);
    });
  }

  async listen(): Promise<void> {
    const { host, port } = this.options;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ host, port, backlog: 1024 }, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
  }

  /** Takes no new connections; those there are go on. */
  stopAccepting(): void {
    this.server.close();
  }

  /** Ends all connections after what was written to them. */
  closeAll(): void {
    for (const { socket } of this.clients.values()) socket.end();
  }

  send(conn: ConnId, bytes: Uint8Array): void {
    const client = this.clients.get(conn);
    if (client === undefined) return;
    const { socket } = client;
    socket.write(bytes);
    if (socket.writableLength > this.options.maxUnreadBytes) {
      this.log.warn({ conn, unread: socket.writableLength }, 'client does not read its replies: connection closed');
      socket.destroy();
    } else if (!client.isSlow && socket.writableLength > slowReaderBytes) {
      client.isSlow = true;
      socket.pause();
    }
  }

  /** No `clientClosed` follows. */
  close(conn: ConnId): void {
    const client = this.clients.get(conn);
    this.clients.delete(conn);
    client?.socket.destroySoon();
  }

  setPaused(conn: ConnId, isPaused: boolean): void {
    const client = this.clients.get(conn);
    if (client === undefined) return;
    client.isPaused = isPaused;
    this.resumeIfWanted(client);
  }

  private accept(socket: Socket): void {
    if (this.clients.size >= this.options.maxClients) {
      socket.end('-ERR max number of clients reached\r\n');
      return;
    }
    this.lastConn += 1;
    const conn = ConnId(this.lastConn);
    const client: Client = { conn, socket, isPaused: false, isSlow: false };
    this.clients.set(conn, client);
    this.emit({
      kind: 'clientOpened',
      conn,
      address: `${socket.remoteAddress ?? ''}:${String(socket.remotePort ?? 0)}`,
    });
    const framer = new CommandFramer(this.options.framer, {
      command: (args) => {
        this.emit({ kind: 'clientCommand', conn, args });
      },
      malformed: (error) => {
        this.log.debug({ conn, error }, 'client broke the protocol');
        socket.pause();
        this.emit({ kind: 'clientMalformed', conn, error });
      },
    });
    socket.on('data', (chunk) => {
      framer.feed(chunk);
    });
    socket.on('drain', () => {
      client.isSlow = false;
      this.resumeIfWanted(client);
    });
    socket.on('error', () => {
      socket.destroy();
    });
    socket.on('close', () => {
      if (this.clients.delete(conn)) this.emit({ kind: 'clientClosed', conn });
    });
  }

  private resumeIfWanted(client: Client): void {
    if (client.isPaused || client.isSlow) client.socket.pause();
    else client.socket.resume();
  }
}
