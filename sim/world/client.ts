/**
 * A client that knows nothing of leaders: it connects to any node, sends commands in bursts, reads one reply for
 * each in order, and sometimes goes away in the middle. Only one that numbers its writes asks again. Connections are
 * streams.
 */
import { binaryString } from '../../core/base/bytes.ts';
import type { ConnId, NodeId } from '../../core/base/ids.ts';
import { Queue } from '../../core/base/queue.ts';
import type { Random } from '../../core/base/random.ts';
import type { Input } from '../../core/node/door.ts';
import { between, chance, exponential } from '../base/random.ts';
import { type Reply, RespParser } from '../base/respParser.ts';
import { type Command, isAsked } from '../truth/commands.ts';
import { rule } from '../truth/violation.ts';
import type { Schedule } from './schedule.ts';
import { type Ask, type AskMaker, nodeAsk } from './workload.ts';
import type { Workload } from '../scenario/scenario.ts';

/** A command on its way. */
interface Sent {
  readonly ask: Ask;
  /** Its number, if it is a write of a client that numbers them. */
  readonly number: number | null;
  command: Command | null;
}

/** A client's numbering of its writes. */
interface Numbering {
  /** Null until the node has said it. */
  token: string | null;
  next: number;
  /** Without a reply, in order: what is sent again when the connection is gone. A transaction is its commands. */
  open: { readonly number: number; readonly asks: readonly Ask[] }[];
}

/** What a client is connected to. */
export interface Ingress {
  readonly id: NodeId;
  readonly isRunning: boolean;
  receive(input: Input): void;
}

export interface ClientWorld {
  readonly schedule: Schedule;
  readonly latencyUs: number;
  /** Connections whose clients let any replica serve their reads. */
  readonly readonlyConnections: Set<ConnId>;
  nextConn(): ConnId;
  /** A running node or not: clients cannot tell before they try. */
  pickNode(random: Random): Ingress;
  answered(client: number, tenant: string, text: string, command: Command | null): void;
}

/** One TCP connection of a client. */
class Connection {
  readonly id: ConnId;
  readonly ingress: Ingress;
  /** Not taken up by the node yet, and without a reply: both in order. */
  readonly unstarted = new Queue<Sent>();
  readonly unanswered = new Queue<Sent>();
  readonly parser = new RespParser();
  isOpen = true;
  /** Streams: what is sent later arrives later. */
  lastRequestAt = 0;
  lastReplyAt = 0;

  constructor(id: ConnId, ingress: Ingress) {
    this.id = id;
    this.ingress = ingress;
  }
}

const reconnectUs = 20_000;
const slowReaderUs = 50_000;
const meansLimit = 5;
const unansweredLimit = 64;

export class Client {
  readonly number: number;
  private readonly world: ClientWorld;
  private readonly knobs: Workload;
  private readonly asks: AskMaker;
  private readonly random: Random;
  private connection: Connection | null = null;
  private bound: string | null = null;
  private readonly speaks3 = new Set<ConnId>();
  private isStopped = false;
  /** Does not wait for replies before it sends on. */
  private readonly isEager: boolean;
  /** Null: it does not number its writes. */
  private readonly numbering: Numbering | null;
  /** How many replies this client has read. */
  answers = 0;

  constructor(number: number, world: ClientWorld, knobs: Workload, asks: AskMaker, random: Random) {
    this.number = number;
    this.world = world;
    this.knobs = knobs;
    this.asks = asks;
    this.random = random;
    this.isEager = chance(random, knobs.eagerPermille);
    const isNumbering = knobs.numberedPermille > 0 && chance(random, knobs.numberedPermille);
    this.numbering = isNumbering ? { token: null, next: 1, open: [] } : null;
  }

  /** Commands without a reply on a connection that is open. */
  get pending(): number {
    return this.connection?.unanswered.length ?? 0;
  }

  /** The oldest of them, for people. */
  get oldestPending(): string | null {
    return this.connection?.unanswered.peek()?.ask.text ?? null;
  }

  start(): void {
    this.later(Math.floor(this.random() * this.knobs.thinkUs), () => {
      this.act();
    });
  }

  /** Sends no more. */
  stop(): void {
    this.isStopped = true;
  }

  /** Also of connections that are gone: a node may begin on what they sent later than that. */
  protocolOf(conn: ConnId): 2 | 3 {
    return this.speaks3.has(conn) ? 3 : 2;
  }

  /** A node began to work on the next command of this connection. */
  onStarted(command: Command): void {
    const { connection } = this;
    if (connection?.id !== command.conn) return;
    let sent = connection.unstarted.shift();
    while (sent !== undefined && sent.ask.kind !== 'data') sent = connection.unstarted.shift();
    rule(
      sent !== undefined && isAsked(sent.ask.args, command.args),
      'X6',
      'a node works on the commands of a connection in order',
      {
        conn: command.conn,
        request: command.request,
      },
    );
    sent.command = command;
  }

  onReply(conn: ConnId, bytes: Uint8Array): void {
    const { connection, world } = this;
    if (connection?.id !== conn) return;
    const text = binaryString(bytes);
    const slowUs = chance(this.random, this.knobs.slowPermille) ? slowReaderUs : 0;
    connection.lastReplyAt = Math.max(connection.lastReplyAt, world.schedule.now + world.latencyUs + slowUs);
    world.schedule.inOrder(connection.lastReplyAt, () => {
      if (connection.isOpen) this.read(connection, text);
    });
  }

  /** The node, or its end of the connection, is gone. */
  onBroken(conn: ConnId | null, node: NodeId | null): void {
    const { connection } = this;
    if (
      connection === null ||
      (node !== null && connection.ingress.id !== node) ||
      (conn !== null && conn !== connection.id)
    )
      return;
    connection.isOpen = false;
    this.connection = null;
    if (!this.isStopped) {
      this.later(reconnectUs, () => {
        this.act();
      });
    }
  }

  private act(): void {
    if (this.isStopped) return;
    const connection = this.connection ?? this.connect();
    if (connection === null) {
      this.later(reconnectUs, () => {
        this.act();
      });
      return;
    }
    const count = between(this.random, 1, this.knobs.pipeline);
    for (let i = 0; i < count; i += 1) this.sendAll(connection, this.asks.next(this.bound));
    if (chance(this.random, this.knobs.disconnectPermille)) this.hangUp(connection);
    else if (this.isEager) this.actAgain(connection);
  }

  private connect(): Connection | null {
    const { world, random, knobs } = this;
    const ingress = world.pickNode(random);
    const speaks3 = chance(random, knobs.resp3Permille);
    const binds = chance(random, knobs.boundPermille);
    const isReadonly = knobs.readonlyPermille > 0 && chance(random, knobs.readonlyPermille);
    if (!ingress.isRunning) return null;
    const connection = new Connection(world.nextConn(), ingress);
    this.connection = connection;
    if (speaks3) this.speaks3.add(connection.id);
    this.deliver(connection, { kind: 'clientOpened', conn: connection.id, address: `client-${String(this.number)}` });
    if (speaks3) this.send(connection, nodeAsk('', ['HELLO', '3']));
    if (isReadonly) {
      world.readonlyConnections.add(connection.id);
      this.send(connection, nodeAsk('', ['READONLY']));
    }
    const tenant = binds ? this.asks.tenant() : null;
    // What is asked again means the tenant that it meant before.
    if (this.numbering === null || this.numbering.token === null || this.numbering.open.length === 0)
      this.bound = tenant;
    if (this.bound !== null) this.send(connection, nodeAsk('', ['TENANT', 'USE', this.bound]));
    if (this.numbering !== null) this.beginNumbering(connection, this.numbering);
    return connection;
  }

  /** Goes on where the last connection ended: what it was not answered is asked again, before anything new. */
  private beginNumbering(connection: Connection, numbering: Numbering): void {
    const { token, open } = numbering;
    if (token === null) {
      numbering.next = 1;
      numbering.open = [];
      this.send(connection, nodeAsk('', ['SESSION', 'NEW']));
      return;
    }
    // Replies come in order, so what has none is numbered without a gap, up to the latest.
    const from = open[0]?.number ?? numbering.next;
    this.send(connection, nodeAsk('', ['SESSION', 'RESUME', token, 'FROM', String(from)]));
    for (const { number, asks } of open)
      for (const ask of asks) this.send(connection, ask, ask === asks.at(-1) ? number : null);
  }

  /** What is sent in one go: of a client that numbers them, each write takes a number, and a transaction with one does. */
  private sendAll(connection: Connection, asks: readonly Ask[]): void {
    const { numbering } = this;
    let begun: Ask[] = [];
    for (const ask of asks) {
      begun.push(ask);
      if (numbering === null || !ask.isWrite) this.send(connection, ask);
      else {
        const number = numbering.next;
        numbering.next += 1;
        numbering.open.push({ number, asks: begun });
        this.send(connection, ask, number);
      }
      if (ask.kind === 'data') begun = [];
    }
  }

  private send(connection: Connection, ask: Ask, number: number | null = null): void {
    const sent: Sent = { ask, number, command: null };
    connection.unstarted.push(sent);
    connection.unanswered.push(sent);
    this.deliver(connection, { kind: 'clientCommand', conn: connection.id, args: ask.args });
  }

  private hangUp(connection: Connection): void {
    this.deliver(connection, { kind: 'clientClosed', conn: connection.id });
    this.later(reconnectUs, () => {
      if (this.connection !== connection) return;
      connection.isOpen = false;
      this.connection = null;
      this.act();
    });
  }

  private deliver(connection: Connection, input: Input): void {
    const { schedule, latencyUs } = this.world;
    connection.lastRequestAt = Math.max(connection.lastRequestAt, schedule.now + latencyUs);
    schedule.inOrder(connection.lastRequestAt, () => {
      if (connection.isOpen) connection.ingress.receive(input);
    });
  }

  private read(connection: Connection, text: string): void {
    connection.parser.feed(text);
    for (let parsed = connection.parser.next(); parsed !== null; parsed = connection.parser.next()) {
      rule(parsed !== 'malformed', 'X6', 'a reply is well-formed', { client: this.number, text });
      this.take(connection, parsed.reply, parsed.text);
    }
    rule(connection.parser.pending === 0, 'X6', 'replies are sent whole', { client: this.number, text });
    if (connection.unanswered.length === 0 && !this.isEager) this.actAgain(connection);
  }

  /** After some thought, unless the connection is gone by then. An eager client lets only so much go unanswered. */
  private actAgain(connection: Connection): void {
    this.later(Math.round(exponential(this.random(), this.knobs.thinkUs, meansLimit)), () => {
      if (this.connection !== connection || this.isStopped) return;
      if (connection.unanswered.length < (this.isEager ? unansweredLimit : 1)) this.act();
      else this.actAgain(connection);
    });
  }

  private take(connection: Connection, reply: Reply, text: string): void {
    const sent = connection.unanswered.shift();
    rule(sent !== undefined, 'X6', 'nobody is answered who did not ask', { client: this.number, text });
    const { ask, command, number } = sent;
    const { numbering } = this;
    if (numbering !== null && number !== null) numbering.open = numbering.open.filter((each) => each.number !== number);
    if (numbering !== null && ask.text === 'SESSION NEW') numbering.token = text.split('\r\n')[1] ?? null;
    const wasStarted = ask.kind === 'node' || command !== null || reply.kind === 'error';
    rule(wasStarted, 'X6', 'a command is answered after it was begun', {
      client: this.number,
      command: ask.text,
      text,
    });
    this.answers += 1;
    this.world.answered(this.number, ask.tenant, text, command);
  }

  private later(delayUs: number, happening: () => void): void {
    this.world.schedule.at(this.world.schedule.now + delayUs, happening);
  }
}
