/**
 * A group's tenants: which it owns, and their data. Ownership is state of this log and of nothing else, so a
 * command for a tenant that lives elsewhere is refused here whatever the maps say.
 */
import { type Incarnation, type TenantName, unordered } from '../base/ids.ts';
import { invariant, unreachable } from '../base/invariant.ts';
import { type ByteWriter, noBytes, totalBytes } from '../base/bytes.ts';
import { limits } from '../base/limits.ts';
import { type Random, SeededRandom } from '../base/random.ts';
import { type MonoTime, WallTime } from '../base/time.ts';
import type { Execution } from '../engine/command.ts';
import { ClientSessions } from '../engine/clientSessions.ts';
import { commandCount, findDataCommand } from '../engine/dataCommands.ts';
import { runWithin } from '../engine/fullness.ts';
import { Keyspace } from '../engine/keyspace.ts';
import type { CutClock } from '../engine/keyspaceCut.ts';
import { ReplyWriter } from '../resp/replyWriter.ts';
import type { Execute, Operation, Outcome } from '../wire/messages.ts';
import type { LoggedItem, LoggedOperation, Terms } from '../wire/operation.ts';
import type { PurgeOperation } from '../node/probe.ts';
import { TenantExports } from './exports.ts';
import { type Applied, done, type Judged, type StateMachine } from './machine.ts';
import type { DirectoryMachine } from './directoryMachine.ts';
import type { Instant, Records } from './state/format.ts';
import { StateCut } from './state/stateCut.ts';
import type { StateLoader } from './state/stateLoader.ts';
import { TenantLoader } from './state/tenantLoader.ts';
import { directoryRecords } from './state/directoryRecords.ts';
import { cutOf, tenantRecords, withData } from './state/tenantRecords.ts';
import { TenantMoves } from './tenantMoves.ts';
import { fullnessOf, overQuota, reportOf } from './quotas.ts';
import {
  type Held,
  type DepartedTenant,
  isImported,
  newTenant,
  noTenants,
  type OwnedTenant,
  type StagedTenant,
  type Tenants,
} from './tenants.ts';

/** What is said to the owner of one incarnation of a tenant. */
type ToOwner = PurgeOperation | Execute | Extract<Operation, { kind: 'setQuota' | 'inspectTenant' | 'exportTenant' }>;

const replyChunkBytes = 16 * 1024;

export class TenantMachine implements StateMachine {
  readonly moves: TenantMoves;
  /** The entries of tenants whose home this group is; null if the metadata group keeps all. */
  readonly home: DirectoryMachine | null;
  private state: Tenants = noTenants();
  /** Tenants that may hold keys with a time to live, in the order in which they are swept. */
  private readonly expiring = new Set<TenantName>();
  /** Tells every keyspace and all sessions of a cut that is being read out. */
  private readonly clock: CutClock = { current: null };
  private readonly reply: ReplyWriter;
  private readonly execution: Execution;
  private readonly random: Random;
  /** What logged operations draw from: the same on every replica. */
  private readonly logged = new SeededRandom();
  private readonly exports: TenantExports;
  /** Of what it owns; null when tenants have come or gone since it was counted. */
  private counted: { keys: number; bytes: number } | null = null;

  /**
   * `random` serves reads that draw (`RANDOMKEY`); what is logged draws from its own seed. `reply` may be shared: nothing
   * is left in it from one command to the next. So may `exports`.
   */
  constructor(
    random: Random,
    reply = new ReplyWriter(replyChunkBytes),
    exports = new TenantExports('', '', limits.exportPieceBytes),
    home: DirectoryMachine | null = null,
  ) {
    this.random = random;
    this.home = home;
    this.reply = reply;
    this.exports = exports;
    const nowhere = { keyspace: new Keyspace(), clients: new ClientSessions(WallTime(0)) };
    this.execution = { ...nowhere, args: [], now: WallTime(0), random, reply, maxValueBytes: 0, full: null };
    this.moves = new TenantMoves(() => this.state, this.clock);
  }

  /** Those that this group owns. */
  get tenants(): ReadonlyMap<TenantName, OwnedTenant> {
    return this.state.owned;
  }

  /** What all its tenants have, kept up with each write: asked for often, of groups with many tenants. */
  get held(): Held {
    this.counted ??= this.count();
    return { tenants: this.tenants.size, ...this.counted };
  }

  /** The highest incarnation of each tenant that this group gave up for good. */
  get released(): ReadonlyMap<TenantName, Incarnation> {
    return this.state.released;
  }

  accessOf(operation: LoggedOperation): 'read' | 'write' {
    if (operation.kind === 'move') return operation.step.kind === 'look' ? 'read' : 'write';
    if (operation.kind === 'inspectTenant' || operation.kind === 'exportTenant') return 'read';
    if (isAboutEntry(operation)) return this.home?.accessOf(operation) ?? 'write';
    return operation.kind === 'execute' ? operation.access : 'write';
  }

  judge(item: Judged, now: MonoTime): Outcome | null {
    const { operation } = item;
    switch (operation.kind) {
      case 'execute': {
        const owned = this.find(operation);
        if (owned === null) return this.notHere(operation);
        if (operation.access === 'write' && (isFrozen(owned) || this.isHeld(operation.tenant))) return frozen;
        return item.isRetry ? null : this.admit(operation, owned, now);
      }
      case 'purge':
        return this.refusalOf(operation, true) ?? (this.isHeld(operation.tenant) ? frozen : null);
      case 'setQuota':
        return this.refusalOf(operation, true);
      case 'inspectTenant':
        this.tenants.get(operation.tenant)?.account.look(now);
        return this.refusalOf(operation, false);
      case 'exportTenant':
        return this.refusalOf(operation, false);
      case 'adopt':
        return this.owns(operation.tenant, operation.incarnation) ? done : null;
      case 'release':
        return null;
      case 'move': {
        const state = this.moves.judge(operation.tenant, operation.move, operation.step);
        return state === null ? null : { kind: 'moving', state };
      }
      case 'resolveTenant':
      case 'dropTenant':
      case 'planMove':
        return this.home === null ? this.notOwner(operation.tenant) : this.home.judge(item);
      case 'planNode':
      case 'planGroups':
        return this.notOwner(operation.tenant);
      default:
        return unreachable(operation);
    }
  }

  apply(item: LoggedItem, { stamp, maxValueBytes }: Terms, wantsReply: boolean): Applied {
    const { operation } = item;
    switch (operation.kind) {
      case 'execute': {
        const owned = this.find(operation);
        if (owned === null) return this.notHere(operation);
        if (isFrozen(owned)) return frozen;
        if (operation.access === 'read') return wantsReply ? this.serve(operation, owned, stamp) : done;
        this.execution.maxValueBytes = maxValueBytes;
        this.logged.begin(stamp + item.origin.request);
        this.execution.random = this.logged.draw;
        this.execution.full = null;
        const applied = this.executeOnce(item, operation, owned, stamp, wantsReply);
        if (wantsReply) this.answered(owned, applied);
        return applied;
      }
      case 'setQuota':
        return this.refusalOf(operation, true) ?? this.setQuota(operation);
      case 'inspectTenant':
        return this.inspect(operation);
      case 'exportTenant':
        return this.export(operation, stamp);
      case 'purge':
        return this.refusalOf(operation, true) ?? this.purge(operation, stamp);
      case 'adopt':
        return this.adopt(operation, stamp);
      case 'release':
        return this.release(operation);
      case 'move':
        return this.move(operation, stamp);
      case 'resolveTenant':
      case 'dropTenant':
      case 'planMove':
        return this.home?.apply(item) ?? this.notOwner(operation.tenant);
      case 'planNode':
      case 'planGroups':
        return this.notOwner(operation.tenant);
      default:
        return unreachable(operation);
    }
  }

  read(operation: LoggedOperation, now: WallTime): Outcome {
    if (operation.kind === 'move')
      return { kind: 'moving', state: this.moves.stateOf(operation.tenant, operation.move) };
    if (operation.kind === 'inspectTenant') return this.inspect(operation);
    if (operation.kind === 'exportTenant') return this.export(operation, now);
    if (isAboutEntry(operation)) return this.home?.read(operation) ?? this.notOwner(operation.tenant);
    invariant(operation.kind === 'execute', 'only commands are read beside the log', { kind: operation.kind });
    const owned = this.find(operation);
    return owned === null ? this.notHere(operation) : this.serve(operation, owned, now);
  }

  cut(instant: Instant): StateCut {
    invariant(this.clock.current === null, 'a machine is cut once at a time');
    const current = {};
    const cut = cutOf(this.state, current);
    this.clock.current = current;
    const entries = this.home?.image() ?? null;
    const records = function* (writer: ByteWriter): Records {
      yield* tenantRecords(writer, cut);
      if (entries !== null) yield* directoryRecords(writer, entries);
    };
    return new StateCut('tenants', instant, records, () => {
      this.clock.current = null;
      entries?.map.places.close();
      for (const { keyspace, sessions, clients } of withData(cut)) {
        keyspace.leaveCut();
        sessions.leaveCut();
        clients.leaveCut();
      }
    });
  }

  loader(): StateLoader {
    return new TenantLoader(this.clock, this.home?.reader() ?? null, (loaded, directory) => {
      this.state = loaded;
      this.counted = null;
      if (this.home !== null && directory !== null) this.home.directory = directory;
      this.moves.onInstalled();
      this.expiring.clear();
      for (const [tenant, { keyspace }] of loaded.owned) if (keyspace.nextExpiry() !== null) this.expiring.add(tenant);
    });
  }

  /**
   * Keys of the next tenant whose time has passed, as an operation to be logged; null if there are none in
   * the next `maxTenants` tenants. At most `maxKeys` keys.
   */
  nextPurge(now: WallTime, maxTenants: number, maxKeys: number): PurgeOperation | null {
    let looked = 0;
    for (const tenant of this.expiring) {
      if (looked === maxTenants) return null;
      looked += 1;
      this.expiring.delete(tenant);
      const owned = this.tenants.get(tenant);
      const nextAt = owned?.keyspace.nextExpiry() ?? null;
      if (owned === undefined || nextAt === null) continue;
      this.expiring.add(tenant);
      if (nextAt > now || owned.out?.isFrozen === true) continue;
      return { kind: 'purge', tenant, incarnation: owned.incarnation, keys: owned.keyspace.expiredKeys(now, maxKeys) };
    }
    return null;
  }

  /** There are keys whose time will come. */
  get hasExpiring(): boolean {
    return this.expiring.size > 0;
  }

  private owns(tenant: TenantName, incarnation: Incarnation): boolean {
    return this.tenants.get(tenant)?.incarnation === incarnation;
  }

  /** The tenant as it is here, if this group owns that incarnation of it. */
  private find({ tenant, incarnation }: ToOwner): OwnedTenant | null {
    const owned = this.state.owned.get(tenant);
    return owned?.incarnation === incarnation ? owned : null;
  }

  /**
   * What is answered in the place of an operation for the tenant; null if it is to run. `isLogged`: it goes through the
   * log, as a write, or as a read behind a write of its connection, which must not run if that does not.
   */
  private refusalOf(operation: ToOwner, isLogged: boolean): Outcome | null {
    const owned = this.find(operation);
    if (owned === null) return this.notHere(operation);
    return isLogged && isFrozen(owned) ? frozen : null;
  }

  private notHere({ tenant, incarnation }: ToOwner): Outcome {
    // Whoever knows that it is about to live here need not ask who else owns it.
    const staged = this.state.staged.get(tenant);
    if (staged?.isSealed === true && staged.owned.incarnation === incarnation && !isImported(staged)) return frozen;
    const departed = this.state.departed.get(tenant);
    return departed?.incarnation === incarnation ? movedTo(departed) : this.notOwner(tenant);
  }

  private isHeld(tenant: TenantName): boolean {
    const { held } = this.moves;
    return held.size > 0 && held.has(tenant);
  }

  /**
   * Counts a command, or refuses it for what its tenant has had in this second. What may have run is only asked for
   * again, and its answer must not be that it did not run.
   */
  private admit({ tenant, access, args }: Execute, { quota, account }: OwnedTenant, now: MonoTime): Outcome | null {
    const exceeded = account.judge(quota, now);
    if (exceeded !== null) return overQuota(tenant, quota, exceeded);
    account.admit(quota, access, quota.operations > 0 ? commandCount(args) : 1, totalBytes(args), now);
    return null;
  }

  private answered({ quota, account }: OwnedTenant, outcome: Applied): void {
    if (outcome.kind !== 'done') return;
    account.answer(quota, outcome.reply.length);
    if (this.execution.full?.wasTold === true) account.refusedFull += 1;
  }

  private inspect(operation: Extract<Operation, { kind: 'inspectTenant' }>): Outcome {
    const { tenant } = operation;
    const refusal = this.refusalOf(operation, false);
    const owned = this.tenants.get(tenant);
    return refusal ?? (owned === undefined ? done : { kind: 'inspected', report: reportOf(owned) });
  }

  private export(operation: Extract<Operation, { kind: 'exportTenant' }>, now: WallTime): Outcome {
    const { tenant, piece } = operation;
    const owned = this.tenants.get(tenant);
    if (owned?.incarnation !== operation.incarnation) return this.refusalOf(operation, false) ?? done;
    return { kind: 'exported', answer: this.exports.answer(tenant, owned, piece, now) };
  }

  private setQuota({ tenant, change }: Extract<Operation, { kind: 'setQuota' }>): Outcome {
    const owned = this.tenants.get(tenant);
    if (owned !== undefined) this.state.owned.set(tenant, { ...owned, quota: { ...owned.quota, ...change } });
    return done;
  }

  private move({ tenant, move, step }: Extract<Operation, { kind: 'move' }>, stamp: WallTime): Outcome {
    const state = this.moves.apply(tenant, move, step, stamp);
    this.counted = null;
    const owned = step.kind === 'activate' ? this.state.owned.get(tenant) : undefined;
    if (owned !== undefined && owned.keyspace.nextExpiry() !== null) this.expiring.add(tenant);
    return { kind: 'moving', state };
  }

  private notOwner(tenant: TenantName): Outcome {
    const owned = this.tenants.get(tenant)?.incarnation ?? 0;
    const released = this.released.get(tenant) ?? 0;
    return { kind: 'refused', refusal: { kind: 'notOwner', owned, released } };
  }

  /** A write of a session: what has run before is answered and not run again. */
  private executeOnce(
    item: LoggedItem,
    operation: Execute,
    owned: OwnedTenant,
    stamp: WallTime,
    wantsReply: boolean,
  ): Applied {
    const { sessions, keyspace } = owned;
    if (item.lane === unordered) {
      keyspace.beginWrite();
      return this.execute(operation, owned, stamp, wantsReply);
    }
    const memory = sessions.recall(item);
    if (memory === 'forgotten') return { kind: 'forgotten', isSure: false };
    if (memory !== 'new') {
      if (memory.reply === null) return { kind: 'forgotten', isSure: true };
      return { kind: 'remembered', reply: memory.reply };
    }
    keyspace.beginWrite();
    const outcome = this.execute(operation, owned, stamp, true);
    if (outcome.kind === 'done') sessions.remember(item, outcome.reply, stamp);
    return outcome;
  }

  private serve(operation: Execute, owned: OwnedTenant, now: WallTime): Outcome {
    this.execution.random = this.random;
    const outcome = this.execute(operation, owned, now, true);
    this.answered(owned, outcome);
    return outcome;
  }

  private execute(operation: Execute, owned: OwnedTenant, now: WallTime, wantsReply: boolean): Outcome {
    const { args } = operation;
    const command = findDataCommand(args[0] ?? noBytes);
    invariant(command !== undefined, 'a command is checked before it is sent');
    const { execution, reply } = this;
    reply.protocol = operation.protocol;
    execution.keyspace = owned.keyspace;
    execution.clients = owned.clients;
    execution.args = args;
    execution.now = now;
    execution.full = operation.access === 'write' ? fullnessOf(operation.tenant, owned) : null;
    const { size, bytes } = owned.keyspace;
    runWithin(execution, command);
    this.grow(owned.keyspace, size, bytes);
    if (operation.access === 'write' && owned.keyspace.nextExpiry() !== null) this.expiring.add(operation.tenant);
    if (wantsReply) return { kind: 'done', reply: reply.take() };
    reply.rewind();
    return done;
  }

  private purge(operation: PurgeOperation, stamp: WallTime): Outcome {
    const keyspace = this.tenants.get(operation.tenant)?.keyspace;
    if (keyspace === undefined) return done;
    const { size, bytes } = keyspace;
    keyspace.beginWrite();
    keyspace.purge(operation.keys, stamp);
    this.grow(keyspace, size, bytes);
    return done;
  }

  /** The keyspace had so many keys and bytes before. */
  private grow(keyspace: Keyspace, keys: number, bytes: number): void {
    if (this.counted === null) return;
    this.counted.keys += keyspace.size - keys;
    this.counted.bytes += keyspace.bytes - bytes;
  }

  private count(): { keys: number; bytes: number } {
    const counted = { keys: 0, bytes: 0 };
    for (const { keyspace } of this.tenants.values()) {
      counted.keys += keyspace.size;
      counted.bytes += keyspace.bytes;
    }
    return counted;
  }

  private adopt(operation: Extract<Operation, { kind: 'adopt' }>, stamp: WallTime): Outcome {
    const { tenant, incarnation, epoch } = operation;
    const owned = this.tenants.get(tenant);
    if (owned?.incarnation === incarnation) return done;
    if (owned !== undefined || incarnation <= (this.released.get(tenant) ?? 0)) return this.notOwner(tenant);
    const departed = this.state.departed.get(tenant);
    if (departed !== undefined && departed.incarnation >= incarnation) return movedTo(departed);
    const staged = this.state.staged.get(tenant);
    if (staged !== undefined && isImported(staged) && staged.owned.incarnation === incarnation)
      return this.adoptImported(tenant, staged, stamp);
    this.state.owned.set(tenant, newTenant(incarnation, epoch, stamp, this.clock));
    return done;
  }

  /** Whoever asks has seen it placed by the metadata group, which places it when it is whole. */
  private adoptImported(tenant: TenantName, { move, isSealed }: StagedTenant, stamp: WallTime): Outcome {
    if (!isSealed) return this.notOwner(tenant);
    this.move({ kind: 'move', tenant, move, step: { kind: 'activate' } }, stamp);
    return done;
  }

  private release(operation: Extract<Operation, { kind: 'release' }>): Outcome {
    const { tenant, incarnation } = operation;
    const owned = this.tenants.get(tenant);
    if (owned !== undefined && owned.incarnation > incarnation) return done;
    const departed = this.state.departed.get(tenant);
    if (departed?.incarnation === incarnation) return movedTo(departed);
    this.moves.drop(tenant);
    this.counted = null;
    if (incarnation > (this.released.get(tenant) ?? 0)) this.state.released.set(tenant, incarnation);
    return done;
  }
}

/** Of the directory, whoever keeps it. */
function isAboutEntry({ kind }: LoggedOperation): boolean {
  return kind === 'resolveTenant' || kind === 'dropTenant' || kind === 'planMove';
}

/** No write may change it any more, here. */
function isFrozen({ out }: OwnedTenant): boolean {
  return out?.isFrozen === true;
}

const frozen: Outcome = { kind: 'refused', refusal: { kind: 'frozen' } };

function movedTo({ to: group, epoch, incarnation }: DepartedTenant): Outcome {
  return { kind: 'refused', refusal: { kind: 'moved', group, epoch, incarnation } };
}
