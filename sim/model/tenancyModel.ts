/**
 * Who owns which tenant, by the logs of the tenants' groups and nothing else: intervals of log indexes, each
 * with the data of one incarnation.
 */
import type { Incarnation, TenantName } from '../../core/base/ids.ts';
import { binaryString } from '../../core/base/bytes.ts';
import type { LoggedItem } from '../../core/wire/operation.ts';
import { ClientModel } from './clientModel.ts';
import { KeyspaceModel, type ModelCommand } from './keyspaceModel.ts';
import { SessionModel } from './sessionModel.ts';

export interface Ownership {
  readonly tenant: TenantName;
  readonly incarnation: Incarnation;
  readonly from: number;
  /** The index that ended it; infinite while it lasts. */
  until: number;
  readonly keyspace: KeyspaceModel;
  readonly sessions: SessionModel;
  readonly clients: ClientModel;
}

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

  present(tenant: TenantName): Ownership | null {
    const last = this.ownerships.get(tenant)?.at(-1);
    return last === undefined || last.until !== Number.POSITIVE_INFINITY ? null : last;
  }

  /** The ownership of that incarnation at an index, if there was one. */
  at(tenant: TenantName, incarnation: Incarnation, index: number): Ownership | null {
    const found = this.ownerships.get(tenant)?.find((ownership) => ownership.incarnation === incarnation);
    return found === undefined || index < found.from || index >= found.until ? null : found;
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
        if (owner?.incarnation !== operation.incarnation) return refused;
        owner.keyspace.purge(textOf(operation.keys), index, stamp);
        return executed;
      }
      case 'adopt':
        return this.adopt(operation.tenant, operation.incarnation, index);
      case 'release':
        return this.release(operation.tenant, operation.incarnation, index);
      case 'resolveTenant':
      case 'dropTenant':
        return refused;
    }
  }

  private adopt(tenant: TenantName, incarnation: Incarnation, index: number): Verdict {
    const present = this.present(tenant);
    if (present?.incarnation === incarnation) return executed;
    if (present !== null || incarnation <= (this.released.get(tenant) ?? 0)) return refused;
    const ownership: Ownership = {
      tenant,
      incarnation,
      from: index,
      until: Number.POSITIVE_INFINITY,
      keyspace: new KeyspaceModel(),
      sessions: new SessionModel(),
      clients: new ClientModel(),
    };
    const known = this.ownerships.get(tenant);
    if (known === undefined) this.ownerships.set(tenant, [ownership]);
    else known.push(ownership);
    return executed;
  }

  private release(tenant: TenantName, incarnation: Incarnation, index: number): Verdict {
    const present = this.present(tenant);
    if (present !== null && present.incarnation > incarnation) return executed;
    if (present !== null) present.until = index;
    if (incarnation > (this.released.get(tenant) ?? 0)) this.released.set(tenant, incarnation);
    return executed;
  }
}

export function textOf(args: readonly Uint8Array[]): ModelCommand {
  return args.map((arg) => binaryString(arg));
}
