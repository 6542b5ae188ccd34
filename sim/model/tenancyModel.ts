/**
 * Who owns which tenant, by the logs of the tenants' groups and nothing else: intervals of log indexes, each
 * with the data of one incarnation.
 */
import type { Incarnation, MoveId, TenantName } from '../../core/base/ids.ts';
import { binaryString } from '../../core/base/bytes.ts';
import type { LoggedItem, LoggedOperation } from '../../core/wire/operation.ts';
import { ClientModel } from './clientModel.ts';
import { type CopyCursor, copyStart, type MoveStep, sameCursor } from '../../core/wire/moves.ts';
import { FileContents } from './fileContents.ts';
import { KeyspaceModel, type ModelCommand } from './keyspaceModel.ts';
import type { MoveModel } from './moveModel.ts';
import { SessionModel } from './sessionModel.ts';

export interface Ownership {
  readonly tenant: TenantName;
  readonly incarnation: Incarnation;
  readonly epoch: number;
  readonly from: number;
  /** The index that ended it; infinite while it lasts. */
  until: number;
  readonly keyspace: KeyspaceModel;
  readonly sessions: SessionModel;
  readonly clients: ClientModel;
  /** The move that takes it elsewhere. */
  out: { readonly move: MoveId; readonly isFrozen: boolean } | null;
}

type MoveOperation = Extract<LoggedOperation, { kind: 'move' }>;

/** A tenant that comes from a file, and so far is seen by nobody. */
interface Coming {
  readonly move: MoveId;
  readonly incarnation: Incarnation;
  cursor: CopyCursor;
  readonly contents: FileContents;
  isSealed: boolean;
}

/** What must come of one logged operation. `reply` is null for what no client asked for. */
export interface Verdict {
  readonly executed: boolean;
  readonly reply: string | null;
  /** Its client had numbered it, and it had run before, perhaps through another node: it changed nothing. */
  readonly isAgain?: boolean;
  /** It began, ended or gave up what comes from a file. */
  readonly isOfFile?: boolean;
}

const refused: Verdict = { executed: false, reply: null };
const executed: Verdict = { executed: true, reply: null };
const executedOfFile: Verdict = { ...executed, isOfFile: true };

export class TenancyModel {
  /** The present owner's data comes last. */
  private readonly ownerships = new Map<TenantName, Ownership[]>();
  private readonly released = new Map<TenantName, Incarnation>();
  /** Tenants that have left by a move, and have not come back: the incarnation. */
  private readonly departed = new Map<TenantName, Incarnation>();
  /** The highest move of each tenant that is over here. */
  private readonly ended = new Map<TenantName, number>();
  /** Of those, the moves whose data is still here. */
  private readonly held = new Map<TenantName, MoveId>();
  private readonly coming = new Map<TenantName, Coming>();
  private readonly moves: MoveModel;
  private readonly keepsEntries: boolean;

  /** `keepsEntries`: the group has a part of the directory. */
  constructor(moves: MoveModel, keepsEntries: boolean) {
    this.moves = moves;
    this.keepsEntries = keepsEntries;
  }

  present(tenant: TenantName): Ownership | null {
    const last = this.ownerships.get(tenant)?.at(-1);
    return last === undefined || last.until !== Number.POSITIVE_INFINITY ? null : last;
  }

  /** What has left for another group, as long as it has not come there. */
  leaving(tenant: TenantName): Ownership | null {
    const last = this.ownerships.get(tenant)?.at(-1);
    return last?.out != null && this.moves.isBetween(last.out.move) ? last : null;
  }

  /** The ownership of that incarnation at an index, if there was one. */
  at(tenant: TenantName, incarnation: Incarnation, index: number): Ownership | null {
    const isIt = (known: Ownership): boolean =>
      known.incarnation === incarnation && index >= known.from && index < known.until;
    return this.ownerships.get(tenant)?.find(isIt) ?? null;
  }

  /** Everything the group owned at an index. */
  ownedAt(index: number): readonly Ownership[] {
    return [...this.ownerships.values()].flatMap((known) =>
      known.filter(({ from, until }) => from <= index && index < until),
    );
  }

  run(item: LoggedItem, index: number, stamp: number): Verdict {
    const { operation } = item;
    switch (operation.kind) {
      case 'execute': {
        const owner = this.present(operation.tenant);
        if (owner?.incarnation !== operation.incarnation) return refused;
        if (owner.out?.isFrozen === true) return refused;
        const known = operation.access === 'write' ? owner.sessions.recall(item) : 'first';
        if (known !== 'first') return { executed: false, reply: known.again };
        if (operation.access === 'write') owner.keyspace.beginWrite();
        const run = (command: ModelCommand): string => owner.keyspace.run(command, operation.protocol, index, stamp);
        const args = textOf(operation.args);
        const { reply, isAgain } =
          args[0] === 'numbered' ? owner.clients.run(args, run) : { reply: run(args), isAgain: false };
        if (operation.access === 'write') owner.sessions.remember(item, reply);
        return { executed: true, reply, isAgain };
      }
      case 'purge': {
        const owner = this.present(operation.tenant);
        if (owner?.incarnation !== operation.incarnation || owner.out?.isFrozen === true) return refused;
        owner.keyspace.purge(textOf(operation.keys), index, stamp);
        return executed;
      }
      case 'adopt':
        return this.adopt(operation.tenant, operation.incarnation, operation.epoch, index);
      case 'release':
        return this.release(operation.tenant, operation.incarnation, index);
      case 'move':
        this.move(operation, index);
        return operation.step.kind === 'prepare' && this.coming.has(operation.tenant) ? executedOfFile : executed;
      // The model knows no quotas: nobody sets one.
      case 'setQuota':
      case 'inspectTenant':
      case 'exportTenant':
      case 'planNode':
      case 'planGroups':
        return refused;
      case 'resolveTenant':
      case 'dropTenant':
      case 'planMove':
        return this.keepsEntries ? executed : refused;
    }
  }

  /** How far a copy is makes no difference to anybody: only where the tenant is. */
  private move({ tenant, move, step }: MoveOperation, index: number): void {
    const present = this.present(tenant);
    const isOut = present?.out?.move === move;
    switch (step.kind) {
      case 'start':
        this.start(tenant, move, step.incarnation, step.epoch);
        return;
      case 'freeze':
        if (isOut) present.out = { move, isFrozen: true };
        return;
      case 'depart':
        if (present?.out?.move !== move || !present.out.isFrozen) return;
        present.until = index;
        this.departed.set(tenant, present.incarnation);
        this.held.set(tenant, move);
        this.end(tenant, move);
        this.moves.depart(move, present);
        return;
      case 'cancel':
      case 'thaw':
        if (isOut && present.out?.isFrozen !== (step.kind === 'thaw')) return;
        if (isOut) present.out = null;
        this.end(tenant, move);
        return;
      case 'erase':
        if (this.held.get(tenant) === move) this.held.delete(tenant);
        return;
      case 'prepare':
        this.prepare(tenant, move, step.incarnation, step.epoch);
        return;
      case 'stage':
      case 'seal':
        this.take(tenant, move, step);
        return;
      case 'abandon':
        if (this.coming.get(tenant)?.move === move) this.coming.delete(tenant);
        this.end(tenant, move);
        return;
      case 'activate': {
        const former = present === null ? this.moves.arrive(move) : null;
        if (former === null) return;
        this.departed.delete(tenant);
        this.end(tenant, move);
        this.add({
          ...former,
          epoch: former.epoch + 1,
          from: index,
          until: Number.POSITIVE_INFINITY,
          keyspace: former.keyspace.continuedAt(index),
          sessions: former.sessions.copy(),
          clients: former.clients.copy(),
          out: null,
        });
        return;
      }
      default:
        return;
    }
  }

  private start(tenant: TenantName, move: MoveId, incarnation: Incarnation, epoch: number): void {
    const present = this.present(tenant);
    const isOver = move <= (this.ended.get(tenant) ?? 0);
    if (present === null || present.incarnation !== incarnation || present.epoch !== epoch) return;
    if (present.out === null && !isOver) present.out = { move, isFrozen: false };
  }

  /** Only of what comes from a file there is no other group that has it. */
  private prepare(tenant: TenantName, move: MoveId, incarnation: Incarnation, epoch: number): void {
    const isOver = move <= (this.ended.get(tenant) ?? 0);
    if (isOver || this.present(tenant) !== null || incarnation <= (this.released.get(tenant) ?? 0)) return;
    if (this.held.has(tenant)) return;
    const before = this.coming.get(tenant);
    if (before !== undefined && before.move >= move) return;
    if (before !== undefined) this.end(tenant, before.move);
    this.coming.delete(tenant);
    if (epoch > 0) return;
    this.coming.set(tenant, { move, incarnation, cursor: copyStart, contents: new FileContents(), isSealed: false });
  }

  private take(tenant: TenantName, move: MoveId, step: Extract<MoveStep, { kind: 'stage' | 'seal' }>): void {
    const coming = this.coming.get(tenant);
    if (coming?.move !== move || coming.isSealed || !sameCursor(coming.cursor, step.after)) return;
    coming.contents.take(step.records);
    if (step.kind === 'seal') coming.isSealed = true;
    else coming.cursor = step.upTo;
  }

  private end(tenant: TenantName, move: MoveId): void {
    this.ended.set(tenant, Math.max(move, this.ended.get(tenant) ?? 0));
  }

  private add(ownership: Ownership): void {
    const known = this.ownerships.get(ownership.tenant);
    if (known === undefined) this.ownerships.set(ownership.tenant, [ownership]);
    else known.push(ownership);
  }

  private adopt(tenant: TenantName, incarnation: Incarnation, epoch: number, index: number): Verdict {
    const present = this.present(tenant);
    if (present?.incarnation === incarnation) return executed;
    if (present !== null || incarnation <= (this.released.get(tenant) ?? 0)) return refused;
    if (incarnation <= (this.departed.get(tenant) ?? 0)) return refused;
    const coming = this.coming.get(tenant);
    const isFromFile = coming?.incarnation === incarnation;
    if (isFromFile && !coming.isSealed) return refused;
    if (isFromFile) this.end(tenant, coming.move);
    if (isFromFile) this.coming.delete(tenant);
    this.add({
      tenant,
      incarnation,
      epoch,
      from: index,
      until: Number.POSITIVE_INFINITY,
      keyspace: isFromFile ? KeyspaceModel.of(coming.contents.items, index) : new KeyspaceModel(),
      sessions: new SessionModel(),
      clients: new ClientModel(),
      out: null,
    });
    return isFromFile ? executedOfFile : executed;
  }

  private release(tenant: TenantName, incarnation: Incarnation, index: number): Verdict {
    const present = this.present(tenant);
    if (present !== null && present.incarnation > incarnation) return executed;
    if (this.departed.get(tenant) === incarnation) return refused;
    if (present?.out != null) this.end(tenant, present.out.move);
    if (present !== null) present.until = index;
    const coming = this.coming.get(tenant);
    this.coming.delete(tenant);
    if (incarnation > (this.released.get(tenant) ?? 0)) this.released.set(tenant, incarnation);
    return coming === undefined ? executed : executedOfFile;
  }
}

export function textOf(args: readonly Uint8Array[]): ModelCommand {
  return args.map((arg) => binaryString(arg));
}
