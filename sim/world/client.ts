/**
 * A client that knows nothing of leaders: it connects to any node, sends commands in bursts, reads one reply for
 * each in order, sometimes goes away in the middle, and never retries. Connections are streams.
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
  command: Command | null;
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
  /** How many replies this client has read. */
  answers = 0;

  constructor(number: number, world: ClientWorld, knobs: Workload, asks: AskMaker, random: Random) {
    this.number = number;
    this.world = world;
    this.knobs = knobs;
    this.asks = asks;
    this.random = random;
    this.isEager = chance(random, knobs.eagerPermille);
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
    for (let i = 0; i < count; i += 1) for (const ask of this.asks.next(this.bound)) this.send(connection, ask);
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
    this.bound = binds ? this.asks.tenant() : null;
    if (this.bound !== null) this.send(connection, nodeAsk('', ['TENANT', 'USE', this.bound]));
    return connection;
  }

  private send(connection: Connection, ask: Ask): void {
    const sent: Sent = { ask, command: null };
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
    const { ask, command } = sent;
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
