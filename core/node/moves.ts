/** The node's part in the moves of tenants: those that leave groups led here, and the plans of the metadata group. */
import { metadataGroup } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { MonoTime } from '../base/time.ts';
import type { Procedure } from '../forward/procedure.ts';
import { TenantMachine } from '../group/tenantMachine.ts';
import { Departures, type DeparturesHost, type LedGroup } from '../migration/departures.ts';
import { PlannedMoves } from '../migration/plannedMoves.ts';
import type { PlannedMove } from '../wire/messages.ts';
import { type Hosting, pieceBytes } from './hosting.ts';
import type { Settings } from './options.ts';

const none: readonly PlannedMove[] = [];

export class Moves {
  private readonly hosting: Hosting;
  private readonly departures: Departures;
  private readonly planned: PlannedMoves;

  constructor(hosting: Hosting, host: DeparturesHost, settings: Settings, now: MonoTime) {
    this.hosting = hosting;
    const { snapshotBytesPerSecond: bytesPerSecond } = settings;
    const chunkBytes = pieceBytes(limits.moveChunkBytes, settings);
    this.departures = new Departures(host, { chunkBytes, bytesPerSecond }, now);
    this.planned = new PlannedMoves(host.ask);
  }

  /** When `goOn` wants to be called; null if nothing waits for that. */
  get wakeAt(): MonoTime | null {
    return this.departures.wakeAt;
  }

  /** Looks what there is to be done. */
  look(now: MonoTime): void {
    this.departures.look(this.ledGroups(), now);
    const directory = this.hosting.directory?.directory;
    const isLeader = this.hosting.groups.get(metadataGroup)?.isLeader === true;
    this.planned.look(isLeader && directory !== undefined ? directory.moves.list() : none, now);
  }

  goOn(now: MonoTime): void {
    this.departures.goOn(now);
  }

  /** Whether the procedure was begun here. */
  isFinished(procedure: Procedure, now: MonoTime): boolean {
    if (procedure.kind !== 'errand') return false;
    return this.departures.onAnswered(procedure, now) || this.planned.onAnswered(procedure);
  }

  private *ledGroups(): IterableIterator<LedGroup> {
    for (const { id, isLeader, machine } of this.hosting.duties.departing)
      if (isLeader && machine instanceof TenantMachine) yield { id, moves: machine.moves };
  }
}
