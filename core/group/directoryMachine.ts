/**
 * The metadata group's machine: the directory of tenants behind the log. It owns no data.
 */
import type { ByteWriter } from '../base/bytes.ts';
import type { GroupId } from '../base/ids.ts';
import { Directory } from '../metadata/directory.ts';
import type { Outcome } from '../wire/messages.ts';
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
    if (operation.kind !== 'resolveTenant') return 'write';
    return operation.create && this.directory.find(operation.tenant) === null ? 'write' : 'read';
  }

  judge(operation: LoggedOperation): Outcome | null {
    return operation.kind === 'resolveTenant' || operation.kind === 'dropTenant' ? null : notForUs;
  }

  apply({ operation }: LoggedItem): Outcome {
    if (operation.kind === 'resolveTenant') {
      const { tenant, create, group } = operation;
      return this.resolved(create ? this.directory.place(tenant, group) : this.directory.find(tenant));
    }
    if (operation.kind !== 'dropTenant') return notForUs;
    this.directory.drop(operation.tenant, operation.incarnation);
    return done;
  }

  read(operation: LoggedOperation): Outcome {
    return operation.kind === 'resolveTenant' ? this.resolved(this.directory.find(operation.tenant)) : notForUs;
  }

  cut(instant: Instant): StateCut {
    const map = this.directory.map.cut();
    const { placedByPolicy } = this.directory;
    const records = (writer: ByteWriter) => directoryRecords(writer, map, placedByPolicy);
    return new StateCut('directory', instant, records, () => {
      map.places.close();
    });
  }

  loader(): StateLoader {
    return new DirectoryLoader(this.tenantGroups, (directory) => {
      this.directory = directory;
    });
  }

  private resolved(tenant: ReturnType<Directory['find']>): Outcome {
    return { kind: 'resolved', version: this.directory.version, tenant };
  }
}

const notForUs: Outcome = { kind: 'refused', refusal: { kind: 'notOwner', owned: 0, released: 0 } };
