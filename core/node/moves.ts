/** The node's part in the moves of tenants: those that leave groups led here, and those that such groups have planned. */
import { type GroupId, metadataGroup, type TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { nobody } from '../base/tenantName.ts';
import type { MonoTime } from '../base/time.ts';
import { type Errand, errand, type Procedure } from '../forward/procedure.ts';
import { TenantMachine } from '../group/tenantMachine.ts';
import { Departures, type DeparturesHost, type LedGroup } from '../migration/departures.ts';
import { PlannedMoves } from '../migration/plannedMoves.ts';
import type { Directory } from '../metadata/directory.ts';
import type { GroupPlan } from '../wire/groups.ts';
import { isFromOutside, type PlannedMove } from '../wire/moves.ts';
import { type Hosting, pieceBytes } from './hosting.ts';
import type { Settings } from './options.ts';

export class Moves {
  private readonly hosting: Hosting;
  private readonly departures: Departures;
  private readonly planned: PlannedMoves;
  /** What the balance has asked for. */
  private readonly wanted = new Set<Errand>();
  private readonly host: DeparturesHost;

  constructor(hosting: Hosting, host: DeparturesHost, settings: Settings, now: MonoTime) {
    this.hosting = hosting;
    this.host = host;
    const { snapshotBytesPerSecond: bytesPerSecond } = settings;
    const chunkBytes = pieceBytes(limits.moveChunkBytes, settings);
    this.departures = new Departures(host, { chunkBytes, bytesPerSecond }, now);
    this.planned = new PlannedMoves(host.ask);
  }

  /** When `goOn` wants to be called; null if nothing waits for that. */
  get wakeAt(): MonoTime | null {
    return this.departures.wakeAt;
  }

  /** Has the metadata group plan a move that the balance wants. If it does not, that is planned again. */
  begin(tenant: TenantName, to: GroupId, alone: boolean): void {
    const asked = errand(metadataGroup, {
      kind: 'planMove',
      tenant,
      plan: { kind: 'begin', to, alone, isPlanners: true },
    });
    this.wanted.add(asked);
    this.host.ask(asked);
  }

  /** Has the metadata group make groups for tenants that are to move. The same holds of them. */
  makeGroups(plan: GroupPlan): void {
    const asked = errand(metadataGroup, { kind: 'planGroups', tenant: nobody, plan });
    this.wanted.add(asked);
    this.host.ask(asked);
  }

  /** Looks what there is to be done. */
  look(now: MonoTime): void {
    this.departures.look(this.ledGroups(), now);
    this.planned.look([...this.plannedHere()], [...this.leftOverHere()], now);
  }

  /** Tenants on their way from outside, as far as groups that are led here keep their entries. */
  imports(): readonly PlannedMove[] {
    return [...this.plannedHere()].filter(isFromOutside);
  }

  goOn(now: MonoTime): void {
    this.departures.goOn(now);
  }

  /** Whether the procedure was begun here. */
  isFinished(procedure: Procedure, now: MonoTime): boolean {
    if (procedure.kind !== 'errand') return false;
    return (
      this.wanted.delete(procedure) || this.departures.onAnswered(procedure, now) || this.planned.onAnswered(procedure)
    );
  }

  private *plannedHere(): IterableIterator<PlannedMove> {
    for (const { moves } of this.directoriesHere()) yield* moves.list();
  }

  private *leftOverHere(): IterableIterator<PlannedMove> {
    for (const { moves } of this.directoriesHere()) yield* moves.leftOver();
  }

  private *directoriesHere(): IterableIterator<Directory> {
    for (const group of this.hosting.duties.planning) {
      const directory = this.hosting.directoryOf(group);
      if (group.isLeader && directory !== null) yield directory;
    }
  }

  private *ledGroups(): IterableIterator<LedGroup> {
    const { departing, recovered } = this.hosting.duties;
    for (const group of departing) {
      const { id, isLeader, machine } = group;
      if (isLeader && machine instanceof TenantMachine)
        yield { id, moves: machine.moves, isRecovered: recovered.has(group) };
    }
  }
}
