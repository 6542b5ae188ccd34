/**
 * The metadata group's machine: the directory of tenants behind the log. It owns no data.
 */
import type { ByteWriter } from '../base/bytes.ts';
import type { GroupId, TenantName } from '../base/ids.ts';
import { Directory } from '../metadata/directory.ts';
import type { Outcome } from '../wire/messages.ts';
import type { MovePlan } from '../wire/moves.ts';
import type { LoggedItem, LoggedOperation } from '../wire/operation.ts';
import { done, type StateMachine } from './machine.ts';
import { DirectoryLoader, directoryRecords } from './state/directoryRecords.ts';
import type { Instant } from './state/format.ts';
import { StateCut } from './state/stateCut.ts';
import type { StateLoader } from './state/stateLoader.ts';

export class DirectoryMachine implements StateMachine {
  directory: Directory;
  private readonly tenantGroups: readonly GroupId[];

  constructor(tenantGroups: readonly GroupId[]) {
    this.tenantGroups = tenantGroups;
    this.directory = new Directory(tenantGroups);
  }

  accessOf(operation: LoggedOperation): 'read' | 'write' {
    if (operation.kind === 'planMove') return operation.plan.kind === 'look' ? 'read' : 'write';
    if (operation.kind !== 'resolveTenant') return 'write';
    return operation.create && this.directory.find(operation.tenant) === null ? 'write' : 'read';
  }

  judge({ operation }: LoggedItem): Outcome | null {
    const { kind } = operation;
    return kind === 'resolveTenant' || kind === 'dropTenant' || kind === 'planMove' ? null : notForUs;
  }

  apply({ operation }: LoggedItem): Outcome {
    if (operation.kind === 'resolveTenant') {
      const { tenant, create, group } = operation;
      return this.resolved(create ? this.directory.place(tenant, group) : this.directory.find(tenant));
    }
    if (operation.kind === 'planMove') return this.planned(operation.tenant, operation.plan);
    if (operation.kind !== 'dropTenant') return notForUs;
    this.directory.drop(operation.tenant, operation.incarnation);
    return done;
  }

  read(operation: LoggedOperation): Outcome {
    if (operation.kind === 'planMove') return this.underWay(operation.tenant, '');
    return operation.kind === 'resolveTenant' ? this.resolved(this.directory.find(operation.tenant)) : notForUs;
  }

  /** Changes are only ever added, so the first so many of them stay as they are. */
  cut(instant: Instant): StateCut {
    const { changes, placedByPolicy, version, moves } = this.directory;
    const latestMove = moves.latest;
    const planned = moves.list();
    const records = (writer: ByteWriter) =>
      directoryRecords(writer, { changes, version, placedByPolicy, latestMove, planned });
    return new StateCut('directory', instant, records, () => undefined);
  }

  loader(): StateLoader {
    return new DirectoryLoader(this.tenantGroups, (directory) => {
      this.directory = directory;
    });
  }

  private planned(tenant: TenantName, plan: MovePlan): Outcome {
    let why: string | null = null;
    if (plan.kind === 'begin') why = this.directory.beginMove(tenant, plan.to);
    else if (plan.kind === 'end') this.directory.endMove(tenant, plan.move, plan.hasDeparted);
    return this.underWay(tenant, why ?? '');
  }

  private underWay(tenant: TenantName, why: string): Outcome {
    return { kind: 'planned', move: this.directory.moves.of(tenant), why };
  }

  private resolved(tenant: ReturnType<Directory['find']>): Outcome {
    return { kind: 'resolved', version: this.directory.version, tenant };
  }
}

const notForUs: Outcome = { kind: 'refused', refusal: { kind: 'notOwner', owned: 0, released: 0 } };
