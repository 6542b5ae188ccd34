/**
 * The committed logs as they ran through the model: for each group, who owned what and what each operation had
 * to answer. The model is fed once per entry, when it first becomes known to be committed.
 */
import { type GroupId, metadataGroup } from '../../core/base/ids.ts';
import { invariant } from '../../core/base/invariant.ts';
import { MoveModel } from '../model/moveModel.ts';
import { TenancyModel, type Verdict } from '../model/tenancyModel.ts';
import type { CommittedEntry } from './groupTruth.ts';

export interface History {
  readonly tenancy: TenancyModel;
  /** By index, then by position in the entry. */
  readonly verdicts: (readonly Verdict[])[];
}

const nothing: readonly Verdict[] = [];

export class Histories {
  readonly groups: Map<GroupId, History>;
  private readonly keepsEntries: boolean;
  readonly moves = new MoveModel();

  constructor(groups: Iterable<GroupId>) {
    const all = [...groups];
    this.keepsEntries = !all.includes(metadataGroup);
    this.groups = new Map();
    for (const group of all) this.add(group);
  }

  add(group: GroupId): void {
    this.groups.set(group, { tenancy: new TenancyModel(this.moves, this.keepsEntries), verdicts: [nothing] });
  }

  of(group: GroupId): History {
    const history = this.groups.get(group);
    invariant(history !== undefined, 'every group has a history', { group });
    return history;
  }

  /** Runs the next entry of a group's log. The metadata group's operations have no model. */
  run(group: GroupId, { entry, items, stamp }: CommittedEntry): void {
    const { tenancy, verdicts } = this.of(group);
    invariant(entry.index === verdicts.length, 'a history has no gaps', { group, index: entry.index });
    if (items.length === 0 || group === metadataGroup) verdicts.push(nothing);
    else verdicts.push(items.map((item) => tenancy.run(item, entry.index, stamp)));
  }
}
