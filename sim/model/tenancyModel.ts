/**
 * Who owns which tenant, by the logs of the tenants' groups and nothing else: intervals of log indexes, each
 * with the data of one incarnation.
 */
import type { Incarnation, MoveId, TenantName } from '../../core/base/ids.ts';
import { binaryString } from '../../core/base/bytes.ts';
import type { LoggedItem, LoggedOperation } from '../../core/wire/operation.ts';
import { ClientModel } from './clientModel.ts';
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

/** What must come of one logged operation. `reply` is null for what no client asked for. */
export interface Verdict {
  readonly executed: boolean;
  readonly reply: string | null;
  /** Its client had numbered it, and it had run before, perhaps through another node: it changed nothing. */
  readonly isAgain?: boolean;
}

const refused: Verdict = { executed: false, reply: null };
const executed: Verdict = { executed: true, reply: null };

export class TenancyModel {
  /** The present owner's data comes last. */
  private readonly ownerships = new Map<TenantName, Ownership[]>();
  private readonly released = new Map<TenantName, Incarnation>();
  /** Tenants that have left by a move, and have not come back: the incarnation. */
  private readonly departed = new Map<TenantName, Incarnation>();
  /** The highest move of each tenant that is over here. */
  private readonly ended = new Map<TenantName, number>();
  private readonly moves: MoveModel;

  constructor(moves: MoveModel) {
    this.moves = moves;
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
        return executed;
      // The model knows no quotas: nobody sets one.
      case 'setQuota':
      case 'inspectTenant':
      case 'resolveTenant':
      case 'dropTenant':
      case 'planMove':
      case 'planNode':
        return refused;
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
        this.end(tenant, move);
        this.moves.depart(move, present);
        return;
      case 'cancel':
      case 'thaw':
        if (isOut && present.out?.isFrozen !== (step.kind === 'thaw')) return;
        if (isOut) present.out = null;
        this.end(tenant, move);
        return;
      case 'abandon':
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
    this.add({
      tenant,
      incarnation,
      epoch,
      from: index,
      until: Number.POSITIVE_INFINITY,
      keyspace: new KeyspaceModel(),
      sessions: new SessionModel(),
      clients: new ClientModel(),
      out: null,
    });
    return executed;
  }

  private release(tenant: TenantName, incarnation: Incarnation, index: number): Verdict {
    const present = this.present(tenant);
    if (present !== null && present.incarnation > incarnation) return executed;
    if (this.departed.get(tenant) === incarnation) return refused;
    if (present?.out != null) this.end(tenant, present.out.move);
    if (present !== null) present.until = index;
    if (incarnation > (this.released.get(tenant) ?? 0)) this.released.set(tenant, incarnation);
    return executed;
  }
}

export function textOf(args: readonly Uint8Array[]): ModelCommand {
  return args.map((arg) => binaryString(arg));
}
