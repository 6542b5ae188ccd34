/**
 * Sees tenants out of the groups that are led here: copies what they have, holds their writes when little is left, and
 * hands them over. Whoever leads the group next looks how far the destination is, and goes on from there.
 */
import { ByteWriter } from '../base/bytes.ts';
import { type GroupId, metadataGroup, type MoveId, type TenantName } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { after, elapsedMs, type MonoTime } from '../base/time.ts';
import type { Errand } from '../forward/procedure.ts';
import type { CopyReader } from '../group/state/copyRecords.ts';
import type { TenantMoves } from '../group/tenantMoves.ts';
import { type MoveState, type MoveStep, sameCursor } from '../wire/moves.ts';
import { Errands } from './errands.ts';
import { nextAction } from './nextAction.ts';

export interface LedGroup {
  readonly id: GroupId;
  readonly moves: TenantMoves;
  /** It may have lost the end of its log (`docs/decisions/0026`), and in it that a tenant has left. */
  readonly isRecovered: boolean;
}

export interface DeparturesHost {
  /** Has a group asked, wherever it is led; `onAnswered` follows. */
  readonly ask: (errand: Errand) => void;
  /** A tenant stays where it is, for that reason. */
  readonly onGivenUp: (tenant: TenantName, why: string) => void;
}

export interface CopyPace {
  /** A piece of a tenant, roughly: an entry of the group that it is to come to. */
  readonly chunkBytes: number;
  /** Of all departures together. */
  readonly bytesPerSecond: number;
}

/** A tenant is frozen when its latest changes took less than that share of a piece: its writes wait for a few syncs. */
const freezeShare = 4;

interface Departure {
  readonly tenant: TenantName;
  readonly move: MoveId;
  readonly from: GroupId;
  readonly to: GroupId;
  readonly moves: TenantMoves;
  /** It may have left already, though the source's log does not say so. */
  mayHaveLeft: boolean;
  /** As the destination said last; null if that is to be asked, or it has not answered. */
  destination: MoveState | null;
  reader: CopyReader | null;
  /** Pieces that went since every item had been copied. */
  rounds: number;
  /** Of the last piece. */
  lastBytes: number;
  /** When the piece went that is on its way, if others wait for it. */
  pieceAt: MonoTime | null;
  frozenAt: MonoTime | null;
  /** When the destination has answered last, or this has begun. */
  heardAt: MonoTime;
  /** The keeper of the tenant's entry knows where it is. */
  isNoted: boolean;
  /** Nothing is asked before. */
  notBefore: MonoTime;
}

export class Departures {
  private readonly errands: Errands<Departure>;
  private readonly host: DeparturesHost;
  private readonly pace: CopyPace;
  /** At most `limits.departuresAtATime`. Whose turn it was last is last. */
  private readonly departures = new Map<MoveId, Departure>();
  /** No piece of a tenant that is not frozen goes before. */
  private nextPieceAt: MonoTime;
  private readonly writer: ByteWriter;
  private now: MonoTime;

  constructor(host: DeparturesHost, pace: CopyPace, now: MonoTime) {
    this.host = host;
    this.errands = new Errands(host.ask);
    this.pace = pace;
    this.writer = new ByteWriter(2 * pace.chunkBytes);
    this.now = now;
    this.nextPieceAt = now;
  }

  /** When something is to go on unasked; null if nothing is. */
  get wakeAt(): MonoTime | null {
    let wakeAt: MonoTime | null = null;
    for (const departure of this.departures.values()) {
      const dueAt = this.dueAt(departure);
      if (dueAt !== null && (wakeAt === null || dueAt < wakeAt)) wakeAt = dueAt;
    }
    return wakeAt;
  }

  /** Looks who is to leave the groups that are led here. */
  look(groups: Iterable<LedGroup>, now: MonoTime): void {
    const seen = new Set<Departure>();
    for (const { id, moves, isRecovered } of groups) {
      for (const { tenant, move, to } of moves.outgoing()) {
        const known = this.departures.get(move);
        const isKnown = known?.moves === moves;
        // The others' turn comes when some of these have left.
        if (known === undefined && this.departures.size >= limits.departuresAtATime) continue;
        const departure = isKnown ? known : beginDeparture(tenant, move, id, to, moves, now);
        if (!isKnown && known !== undefined) this.end(known);
        departure.mayHaveLeft = isRecovered;
        this.departures.set(move, departure);
        seen.add(departure);
      }
    }
    for (const departure of this.departures.values()) if (!seen.has(departure)) this.end(departure);
    this.goOn(now);
  }

  /** Goes on with those that wait for nothing, or have waited long enough. */
  goOn(now: MonoTime): void {
    this.now = now;
    for (const departure of [...this.departures.values()]) {
      const dueAt = this.dueAt(departure);
      if (dueAt === null || dueAt > now) continue;
      this.errands.forget(departure);
      this.goOnWith(departure);
    }
  }

  /** Whether the errand was one of these. */
  onAnswered(done: Errand, now: MonoTime): boolean {
    this.now = now;
    return this.errands.onAnswered(done);
  }

  /** Null: when it is answered. The writes of a frozen tenant do not wait for that as long as for an answer. */
  private dueAt(departure: Departure): MonoTime | null {
    if (!this.errands.isWaiting(departure)) return departure.notBefore;
    return this.errands.isAsking(departure, departure.to) ? thawAt(departure) : null;
  }

  private end(departure: Departure): void {
    this.departures.delete(departure.move);
    this.errands.forget(departure);
    departure.moves.held.delete(departure.tenant);
  }

  private goOnWith(departure: Departure): void {
    const { tenant, move, moves, destination } = departure;
    const source = moves.stateOf(tenant, move);
    if (source.kind === 'none' || source.kind === 'ended') {
      // It stays, or its data is gone: there is nothing to be seen out.
      this.end(departure);
      return;
    }
    departure.frozenAt = source.kind === 'frozen' ? (departure.frozenAt ?? this.now) : null;
    if (destination === null) {
      // Whatever the destination has, it owns nothing before the source's log says `depart`: that, or this.
      if (isDue(thawAt(departure), this.now)) this.giveUp(departure, true, waitedTooLong);
      else if (source.kind === 'copying' && isDue(cancelAt(departure), this.now))
        this.giveUp(departure, false, 'the group that it is to come to does not answer');
      else this.askDestination(departure, { kind: 'look' });
      return;
    }
    const action = nextAction(source, destination);
    switch (action.at) {
      case 'destination':
        if (action.step === 'prepare') this.prepare(departure);
        else this.askDestination(departure, { kind: action.step });
        return;
      case 'metadata':
        if (departure.isNoted) this.erase(departure);
        else this.note(departure, action.hasDeparted);
        return;
      case 'source':
        if (action.step === 'copy') this.copy(departure, destination, source.kind === 'frozen');
        else if (action.step !== 'start') this.askSource(departure, { kind: action.step });
        return;
      case 'nowhere':
        departure.destination = null;
        this.pause(departure, limits.moveLookMs);
        return;
    }
  }

  private copy(departure: Departure, destination: MoveState, isFrozen: boolean): void {
    if (destination.kind !== 'staged') return;
    const isFrozenLong = departure.frozenAt !== null && elapsedMs(departure.frozenAt, this.now) >= limits.frozenMs;
    if (isFrozenLong || departure.rounds > limits.moveRounds) {
      this.giveUp(departure, isFrozen, isFrozenLong ? waitedTooLong : 'its writes outrun the copy');
      return;
    }
    const { tenant, move, moves } = departure;
    // Nobody else is made to wait for one whose own writes wait.
    const isUrgent = isFrozen || moves.held.has(tenant);
    if (!isUrgent && this.nextPieceAt > this.now) {
      departure.notBefore = this.nextPieceAt;
      return;
    }
    const { cursor: after } = destination;
    if (departure.reader === null || !sameCursor(departure.reader.cursor, after))
      departure.reader = moves.reader(tenant, move, this.writer, after);
    const { reader } = departure;
    if (reader === null) return;
    if (!isFrozen && this.isNearTheEnd(departure, reader)) {
      this.askSource(departure, { kind: 'freeze' });
      return;
    }
    const records = reader.next(this.pace.chunkBytes);
    if (!isFrozen || !reader.isAtEnd) {
      departure.lastBytes = records.length;
      if (!isUrgent) this.beginPiece(departure, records.length);
      this.askDestination(departure, { kind: 'stage', after, upTo: reader.cursor, records });
      return;
    }
    const seal = moves.sealOf(tenant, move, this.writer, after, records);
    if (seal === 'tooLarge') this.giveUp(departure, isFrozen, 'it has too many replies that nobody has fetched');
    else if (seal !== null) this.askDestination(departure, seal);
  }

  private beginPiece(departure: Departure, bytes: number): void {
    this.nextPieceAt = after(this.now, (bytes * 1000) / this.pace.bytesPerSecond);
    departure.pieceAt = this.now;
    this.departures.delete(departure.move);
    this.departures.set(departure.move, departure);
  }

  /**
   * The next piece waits as long as this one took: on nodes that have much to do a copy takes half of what there is at
   * most, and leaves the rest to whoever waits.
   */
  private endPiece(departure: Departure): void {
    if (departure.pieceAt === null) return;
    const restMs = Math.min(elapsedMs(departure.pieceAt, this.now), limits.moveRestMs);
    departure.pieceAt = null;
    const rested = after(this.now, restMs);
    if (rested > this.nextPieceAt) this.nextPieceAt = rested;
  }

  private giveUp(departure: Departure, isFrozen: boolean, why: string): void {
    this.host.onGivenUp(departure.tenant, why);
    this.askSource(departure, { kind: isFrozen ? 'thaw' : 'cancel' });
  }

  /** What is left is copied sooner than a client would notice. Who writes faster than that is held up, and at last let stay. */
  private isNearTheEnd(departure: Departure, reader: CopyReader): boolean {
    if (reader.isAtEnd) return true;
    if (!reader.isFollowing) return false;
    departure.rounds += 1;
    const { rounds, lastBytes, tenant, moves } = departure;
    if (rounds > limits.moveRoundsBeforeHold) moves.held.add(tenant);
    return lastBytes < this.pace.chunkBytes / freezeShare;
  }

  private prepare(departure: Departure): void {
    const { tenant, move, moves } = departure;
    const owned = moves.leaving(tenant, move);
    if (owned === null) return;
    const { incarnation, epoch } = owned;
    this.pause(departure, limits.movePauseMs);
    this.askDestination(departure, { kind: 'prepare', incarnation, epoch });
  }

  private note(departure: Departure, hasDeparted: boolean): void {
    const { tenant, move } = departure;
    const plan = { kind: 'end', move, hasDeparted } as const;
    this.errands.send(departure, metadataGroup, { kind: 'planMove', tenant, plan }, (answer) => {
      departure.isNoted = answer?.kind === 'planned';
      this.answered(departure, departure.isNoted);
    });
  }

  private erase(departure: Departure): void {
    const { tenant, move, from } = departure;
    this.errands.send(departure, from, { kind: 'move', tenant, move, step: { kind: 'erase' } }, (answer) => {
      if (answer?.kind === 'moving') this.end(departure);
      else this.answered(departure, false);
    });
  }

  private askSource(departure: Departure, step: MoveStep): void {
    const { tenant, move, from } = departure;
    this.errands.send(departure, from, { kind: 'move', tenant, move, step }, (answer) => {
      // If the log says that it is over and the state here does not, this is no leader's state any more.
      this.answered(departure, answer?.kind === 'moving' && answer.state.kind !== 'ended');
    });
  }

  private askDestination(departure: Departure, step: MoveStep): void {
    const { tenant, move, to } = departure;
    departure.destination = null;
    this.errands.send(departure, to, { kind: 'move', tenant, move, step }, (answer) => {
      this.endPiece(departure);
      departure.destination = answer?.kind === 'moving' ? answer.state : null;
      if (departure.destination !== null) departure.heardAt = this.now;
      this.answered(departure, answer?.kind === 'moving');
    });
  }

  private answered(departure: Departure, isAnswered: boolean): void {
    if (this.departures.get(departure.move) !== departure) return;
    if (!isAnswered) {
      // Nobody waits for what may take long.
      departure.moves.held.delete(departure.tenant);
      this.pause(departure, limits.movePauseMs);
    }
    if (departure.notBefore <= this.now) this.goOnWith(departure);
  }

  private pause(departure: Departure, pauseMs: number): void {
    departure.notBefore = after(this.now, pauseMs);
  }
}

const waitedTooLong = 'its writes have waited too long';

/**
 * When a frozen tenant stays, even if nobody knows how far the destination is. Null if it is not frozen; or may have left
 * before its group was recovered: then the destination has to say that it has not.
 */
function thawAt({ frozenAt, mayHaveLeft }: Departure): MonoTime | null {
  return frozenAt === null || mayHaveLeft ? null : after(frozenAt, limits.frozenMs);
}

/** The same of one that is being copied, whose clients notice nothing. */
function cancelAt({ heardAt, mayHaveLeft }: Departure): MonoTime | null {
  return mayHaveLeft ? null : after(heardAt, limits.moveSilentMs);
}

function isDue(at: MonoTime | null, now: MonoTime): boolean {
  return at !== null && at <= now;
}

function beginDeparture(
  tenant: TenantName,
  move: MoveId,
  from: GroupId,
  to: GroupId,
  moves: TenantMoves,
  notBefore: MonoTime,
): Departure {
  const fresh = {
    destination: null,
    mayHaveLeft: false,
    reader: null,
    rounds: 0,
    lastBytes: 0,
    pieceAt: null,
    frozenAt: null,
    heardAt: notBefore,
    isNoted: false,
  };
  return { tenant, move, from, to, moves, notBefore, ...fresh };
}
