/**
 * The clients of a node: finds the command and its tenant, hands data commands to the forwarder, answers the
 * rest itself, and sends every connection its replies in the order of its commands.
 */
import { binaryString, bytesOfBinary, ByteWriter, noBytes, totalBytes } from '../base/bytes.ts';
import type { ConnId, TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Now } from '../base/time.ts';
import { type DataCommand, isArityRight, keysOf } from '../engine/command.ts';
import { encodeNumbered } from '../engine/numbered.ts';
import type { CommandCall, IngressLane, Transaction } from '../forward/call.ts';
import type { Ending, Forwarder, ProcedureEnding } from '../forward/forwarder.ts';
import type { Procedure } from '../forward/procedure.ts';
import { writeEnd, writeLate } from './commands/procedureReplies.ts';
import { wrongArity } from '../resp/errors.ts';
import { ReplyWriter } from '../resp/replyWriter.ts';
import { type TenantChoice, tenantOf } from '../routing/tenantOf.ts';
import { type Command, findCommand } from './commandTable.ts';
import type { NodeCommand } from './commands/spec.ts';
import { nextNumber } from './clientSession.ts';
import { collectReplies, type Connection, joinReplies, openConnection, type Slot } from './connection.ts';
import type { Effect } from './door.ts';
import { endingError, lateError, tenantError, unknownCommand } from './errors.ts';
import type { Probe } from './probe.ts';
import {
  isControl,
  joinTenants,
  mayBeQueued,
  mostQueued,
  mostWatched,
  notQueueable,
  emptyQueue,
  endTransaction,
  type Queued,
  wrongExec,
} from './transactions.ts';
import type { NodeStatistics, NodeView } from './view.ts';

const replyChunkBytes = 16 * 1024;
const versionsCommand = bytesOfBinary('versions');
const execCommand: readonly Uint8Array[] = [bytesOfBinary('EXEC')];
const queuedReply = bytesOfBinary('+QUEUED\r\n');

/** Who is answered with the end of a procedure. */
interface Awaiting {
  readonly connection: Connection;
  readonly slot: Slot;
  readonly isSilent: boolean;
}

export class Clients {
  readonly awaited = new Map<Procedure, Awaiting>();
  private readonly connections = new Map<ConnId, Connection>();
  /** Each once: those of which `isChanged` says so. */
  private changed: Connection[] = [];
  private readonly reply = new ReplyWriter(replyChunkBytes);
  private readonly joined = new ByteWriter(replyChunkBytes);
  private readonly view: NodeView;
  private readonly forwarder: Forwarder;
  private readonly statistics: NodeStatistics;
  private readonly onGone: (connection: Connection) => void;
  private readonly probe: Probe | null;
  private readonly fallback: TenantName | null;
  private effects: Effect[] = [];
  /** Pieces of tenants that are imported, each large, on their way from here to their groups. */
  private piecesUnderWay = 0;

  /** `onGone`: of a connection that is not to be heard of again. */
  constructor(
    view: NodeView,
    forwarder: Forwarder,
    statistics: NodeStatistics,
    onGone: (connection: Connection) => void,
    probe: Probe | null,
  ) {
    this.view = view;
    this.forwarder = forwarder;
    this.statistics = statistics;
    this.onGone = onGone;
    this.probe = probe;
    this.fallback = view.defaultTenant;
  }

  get size(): number {
    return this.connections.size;
  }

  all(): Iterable<Connection> {
    return this.connections.values();
  }

  open(id: ConnId, address: string, now: Now): void {
    this.statistics.connections += 1;
    this.connections.set(id, openConnection(id, address, now.mono));
  }

  /** The client went away: what was sent for it goes on, unheard. */
  onClosed(id: ConnId): void {
    const connection = this.connections.get(id);
    if (connection !== undefined) this.forget(connection);
  }

  /** Null once it is closed, or about to be: what it says is not looked at. */
  find(id: ConnId): Connection | null {
    const connection = this.connections.get(id);
    return connection === undefined || connection.isClosing ? null : connection;
  }

  /** What waits of the connection has changed. */
  touch(connection: Connection): void {
    if (connection.isChanged) return;
    connection.isChanged = true;
    this.changed.push(connection);
  }

  onMalformed(connection: Connection, error: string): void {
    if (connection.isClosing) return;
    beginCommand(connection);
    this.answerError(connection, error);
    this.close(connection);
  }

  /** Ends the connection once the replies it is owed have left; later commands are not looked at. */
  close(connection: Connection): void {
    connection.isClosing = true;
    this.touch(connection);
  }

  onCommand(connection: Connection, args: readonly Uint8Array[], now: Now): void {
    if (connection.isClosing) return;
    beginCommand(connection);
    this.statistics.commands += 1;
    const command = findCommand(args[0] ?? noBytes);
    if (command === undefined) {
      this.refuse(connection, unknownCommand(args));
      return;
    }
    const { name } = command.spec;
    connection.lastCommand = name;
    connection.lastActiveAt = now.mono;
    const isRight = isArityRight(command.spec, args.length);
    if (!isRight && name === 'exec') this.abort(connection);
    else if (!isRight) this.refuse(connection, wrongArity(name));
    else if (connection.queued !== null && !isControl(name)) this.queue(connection, connection.queued, command, args);
    else if (command.kind === 'data') this.onDataCommand(connection, command.spec, args, now);
    else this.onNodeCommand(connection, command.spec, args, now);
  }

  /** Reads the versions of the keys that follow the command's name, unless all are watched already. */
  watch(connection: Connection, args: readonly Uint8Array[], now: Now): void {
    const choice = this.tenantOfKeys(connection, args, everyArgument(args));
    if (choice.kind !== 'tenant') {
      this.answerError(connection, tenantError(choice));
      return;
    }
    const { tenant } = choice;
    const { watching } = connection;
    const keys = args.slice(1);
    if (watching.hasAll(tenant, keys)) {
      this.reply.ok();
      return;
    }
    const bytes = watching.bytes + totalBytes(keys);
    if (watching.size + keys.length > mostWatched || bytes > 2 * this.view.settings.maxValueBytes) {
      this.reply.error('ERR not executed: too much is watched');
      return;
    }
    this.tellStarted(connection, tenant, 'read', args);
    const lane = this.laneFor(connection, tenant);
    watching.add(tenant, keys, this.call(connection, lane, 'read', [versionsCommand, ...keys], null, now));
  }

  exec(connection: Connection, queued: Queued, watches: readonly CommandCall[], now: Now): void {
    let tenant: TenantName | null | 'other' = queued.tenant;
    for (const { lane } of watches) tenant = tenant === 'other' ? tenant : joinTenants(tenant, lane.tenant);
    tenant ??= connection.tenant ?? this.fallback;
    if (tenant === null || tenant === 'other') {
      this.answerError(connection, tenantError({ kind: tenant === null ? 'none' : 'crossTenant' }));
      return;
    }
    const { access, commands } = queued;
    const client = access === 'write' ? nextNumber(connection) : null;
    this.tellStarted(connection, tenant, access, execCommand);
    const lane = this.laneFor(connection, tenant);
    this.call(connection, lane, access, execCommand, { access, watches, commands, client }, now);
  }

  /** Starts a procedure whose end answers the command that is being run. */
  await(connection: Connection, procedure: Procedure, now: Now): boolean {
    if (this.awaited.size >= limits.procedures) return false;
    if (procedure.kind === 'import') {
      if (this.piecesUnderWay >= limits.importPiecesAtATime) return false;
      this.piecesUnderWay += 1;
    }
    const slot: Slot = { reply: null };
    connection.slots.push(slot);
    this.awaited.set(procedure, { connection, slot, isSilent: connection.isSilent });
    this.forwarder.start(procedure, now.mono);
    return true;
  }

  finished(call: CommandCall, ending: Ending): void {
    const { lane } = call;
    call.reply = ending.kind === 'executed' ? this.replyOf(call, ending.reply) : this.errorBytes(endingError(ending));
    if (ending.kind === 'unknown') this.statistics.unknownOutcomes += 1;
    if (this.probe !== null) {
      const { request, hops, reply } = call;
      this.probe.commandFinished({ conn: lane.conn, request, outcome: ending.kind, reply, hops });
    }
    const connection = this.connections.get(lane.conn);
    if (connection === undefined) return;
    connection.pendingBytes -= call.bytes;
    if (call.isSilent) call.reply = noBytes;
    this.touch(connection);
  }

  procedureFinished(procedure: Procedure, ending: ProcedureEnding): void {
    const waiting = this.awaited.get(procedure);
    if (waiting === undefined) return;
    this.awaited.delete(procedure);
    if (procedure.kind === 'import') this.piecesUnderWay -= 1;
    const { connection, slot, isSilent } = waiting;
    this.reply.protocol = connection.protocol;
    if (ending.kind === 'finished') writeEnd(this.reply, this.view, procedure, ending.place);
    else if (ending.kind === 'deadline') {
      if (!writeLate(this.reply, this.view, procedure)) this.reply.error(lateError(ending));
    } else this.reply.error(endingError(ending));
    const reply = this.reply.take();
    slot.reply = isSilent ? noBytes : reply;
    this.touch(connection);
  }

  /** What this turn sends to clients, one effect a connection. */
  flush(): readonly Effect[] {
    for (const connection of this.changed) this.flushConnection(connection);
    this.changed = [];
    const { effects } = this;
    this.effects = [];
    return effects;
  }

  private flushConnection(connection: Connection): void {
    connection.isChanged = false;
    if (!this.connections.has(connection.id)) return;
    const conn = connection.id;
    collectReplies(connection);
    if (connection.out.length > 0) {
      this.effects.push({ kind: 'sendToClient', conn, bytes: joinReplies(connection.out, this.joined) });
      connection.out = [];
    }
    if (connection.isClosing && connection.slots.length === 0) {
      this.forget(connection);
      this.effects.push({ kind: 'closeClient', conn });
      return;
    }
    const { isPaused } = connection;
    if (!isPaused && hasEnough(connection)) {
      connection.isPaused = true;
      this.effects.push({ kind: 'pauseClient', conn });
    } else if (isPaused && hasRoom(connection)) {
      connection.isPaused = false;
      this.effects.push({ kind: 'resumeClient', conn });
    }
  }

  private forget(connection: Connection): void {
    connection.isClosing = true;
    this.connections.delete(connection.id);
    for (const lane of connection.lanes.values()) this.forwarder.closeLane(lane);
    connection.lanes.clear();
    this.onGone(connection);
  }

  private onDataCommand(connection: Connection, spec: DataCommand, args: readonly Uint8Array[], now: Now): void {
    const choice = this.chooseTenant(connection, spec, args);
    if (choice.kind !== 'tenant') {
      this.answerError(connection, tenantError(choice));
      return;
    }
    const { tenant } = choice;
    const { access } = spec;
    const lane = this.laneFor(connection, tenant);
    this.tellStarted(connection, tenant, access, args);
    if (access === 'read' && this.readAtOnce(connection, lane, args)) return;
    const client = access === 'write' ? nextNumber(connection) : null;
    const numbered = client === null ? args : encodeNumbered(client, args);
    this.call(connection, lane, access, numbered, null, now);
  }

  /** Answers a read that need not wait for anything. Returns whether it was one. */
  private readAtOnce(connection: Connection, lane: IngressLane, args: readonly Uint8Array[]): boolean {
    const request = this.forwarder.nextRequest;
    const ending = this.forwarder.readAtOnce(lane, connection.protocol, args);
    if (ending === null) return false;
    const reply = ending.kind === 'executed' ? ending.reply : this.errorBytes(endingError(ending));
    this.probe?.commandFinished({ conn: connection.id, request, outcome: ending.kind, reply, hops: 0 });
    if (!connection.isSilent) this.answer(connection, reply);
    return true;
  }

  /** Has a command run in its tenant's group; its reply is the connection's next. */
  private call(
    connection: Connection,
    lane: IngressLane,
    access: 'read' | 'write',
    args: readonly Uint8Array[],
    transaction: Transaction | null,
    now: Now,
  ): CommandCall {
    const call = this.forwarder.command(lane, access, connection.protocol, args, now.mono, transaction);
    call.isSilent = connection.isSilent;
    connection.slots.push(call);
    connection.pendingBytes += call.bytes;
    this.touch(connection);
    this.forwarder.pump(lane, now.mono);
    return call;
  }

  /** The next command of the forwarder's is this, as its client wrote it. */
  private tellStarted(
    connection: Connection,
    tenant: TenantName,
    access: 'read' | 'write',
    args: readonly Uint8Array[],
  ): void {
    if (this.probe === null) return;
    this.probe.commandStarted({ conn: connection.id, request: this.forwarder.nextRequest, tenant, access, args });
  }

  /** What the client is told; a WATCH keeps what it was told, and says OK. */
  private replyOf(call: CommandCall, reply: Uint8Array): Uint8Array {
    if (call.args[0] !== versionsCommand) return reply;
    const keys = call.args.slice(1);
    const versions = decodeVersions(reply, keys.length);
    if (versions === null) return reply;
    call.watched = keys.map((key, i) => ({ key, version: versions[i] ?? 0 }));
    this.reply.ok();
    return this.reply.take();
  }

  private queue(connection: Connection, queued: Queued, command: Command, args: readonly Uint8Array[]): void {
    if (!mayBeQueued(command)) {
      this.refuse(connection, notQueueable(args));
      return;
    }
    const choice = command.kind === 'data' ? this.chooseTenant(connection, command.spec, args) : null;
    if (choice !== null && choice.kind !== 'tenant') {
      this.refuse(connection, tenantError(choice));
      return;
    }
    const tenant = joinTenants(queued.tenant, choice?.tenant ?? null);
    const bytes = queued.bytes + totalBytes(args);
    const mostBytes = 2 * this.view.settings.maxValueBytes - connection.watching.bytes;
    if (tenant === 'other') this.refuse(connection, tenantError({ kind: 'crossTenant' }));
    else if (queued.commands.length >= mostQueued || bytes > mostBytes)
      this.refuse(connection, 'ERR not executed: the transaction is too large');
    else {
      const isWrite = command.kind === 'data' && command.spec.access === 'write';
      queued.commands.push(args);
      connection.queued = { ...queued, access: isWrite ? 'write' : queued.access, tenant, bytes };
      if (!connection.isSilent) this.answer(connection, queuedReply);
    }
  }

  /** A command that cannot run: within MULTI it spoils what was queued, which is of no use any more. */
  private refuse(connection: Connection, text: string): void {
    if (connection.queued !== null) connection.queued = emptyQueue(true);
    this.answerError(connection, text);
  }

  /** An EXEC with arguments ends the transaction, as in Redis. */
  private abort(connection: Connection): void {
    endTransaction(connection);
    this.answerError(connection, wrongExec);
  }

  private chooseTenant(connection: Connection, spec: DataCommand, args: readonly Uint8Array[]): TenantChoice {
    return this.tenantOfKeys(connection, args, spec.scope === 'keys' ? keysOf(spec, args) : []);
  }

  private tenantOfKeys(
    connection: Connection,
    args: readonly Uint8Array[],
    positions: readonly number[],
  ): TenantChoice {
    if (connection.tenant !== null) return { kind: 'tenant', tenant: connection.tenant };
    return tenantOf(args, positions, this.fallback, connection.lane?.tenant ?? null);
  }

  private laneFor(connection: Connection, tenant: TenantName): IngressLane {
    if (connection.lane?.tenant === tenant) return connection.lane;
    let lane = connection.lanes.get(tenant);
    if (lane === undefined) {
      if (connection.lanes.size >= limits.lanesPerConnection) forgetIdleLanes(connection);
      lane = this.forwarder.openLane(connection.id, tenant);
      lane.readsHere = connection.readsHere;
      connection.lanes.set(tenant, lane);
    }
    connection.lane = lane;
    return lane;
  }

  private onNodeCommand(connection: Connection, spec: NodeCommand, args: readonly Uint8Array[], now: Now): void {
    const { reply } = this;
    const wasOff = connection.replies === 'off';
    const owed = connection.slots.length;
    reply.protocol = connection.protocol;
    spec.run({ connection, args, reply, now, node: this.view });
    this.touch(connection);
    if (connection.slots.length > owed) return;
    const bytes = reply.take();
    const isHeardAgain = wasOff && connection.replies === 'on';
    if (bytes.length > 0 && (!connection.isSilent || isHeardAgain)) this.answer(connection, bytes);
  }

  private answerError(connection: Connection, text: string): void {
    if (!connection.isSilent) this.answer(connection, this.errorBytes(text));
  }

  private errorBytes(text: string): Uint8Array {
    this.reply.error(text);
    return this.reply.take();
  }

  private answer(connection: Connection, bytes: Uint8Array): void {
    if (connection.slots.length === 0) connection.out.push(bytes);
    else connection.slots.push({ reply: bytes });
    this.touch(connection);
  }
}

/** Whether it goes unanswered (`CLIENT REPLY`) is settled as it comes. A `SKIP` is for one. */
function beginCommand(connection: Connection): void {
  connection.isSilent = connection.replies !== 'on';
  if (connection.replies === 'skipNext') connection.replies = 'on';
}

/** It is not to be read from. */
function hasEnough({ slots, arrivals, pendingBytes }: Connection): boolean {
  const isLong = slots.length >= limits.pipelinedCommands || arrivals >= limits.waitingCommands;
  return isLong || pendingBytes >= limits.pipelinedBytes;
}

/** It is to be read from again. */
function hasRoom({ slots, arrivals, pendingBytes }: Connection): boolean {
  const isShort = slots.length <= limits.pipelinedCommandsResume && arrivals <= limits.waitingCommandsResume;
  return isShort && pendingBytes < limits.pipelinedBytes;
}

function forgetIdleLanes(connection: Connection): void {
  for (const [tenant, lane] of connection.lanes) {
    if (lane.inFlight === 0 && lane.waiting.length === 0 && lane.hold === 'none') connection.lanes.delete(tenant);
  }
}

function everyArgument(args: readonly Uint8Array[]): readonly number[] {
  return args.slice(1).map((_, i) => i + 1);
}

/** The integers of `*N :V…`; null if it is something else, an error for one. */
function decodeVersions(reply: Uint8Array, count: number): readonly number[] | null {
  const [head, ...lines] = binaryString(reply).trimEnd().split('\r\n');
  if (head !== `*${String(count)}` || lines.length !== count) return null;
  return lines.map((line) => Number(line.slice(1)));
}
