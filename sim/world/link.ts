/**
 * One direction between two nodes: what happens to a message on its way. Streams keep their order; a cut or a
 * hold keeps messages back, in order, until it ends or the connection breaks.
 */
import type { Random } from '../../core/base/random.ts';
import { Queue } from '../../core/base/queue.ts';
import { exponential } from '../base/random.ts';
import type { NetworkKnobs } from '../scenario/scenario.ts';

/** Exponential jitter is cut here: e^-12 of all messages would have taken longer. */
const jitterLimit = 12;

export interface Transit {
  readonly delayUs: number;
  readonly isLost: boolean;
  /** How much later a second copy arrives; null if there is none. */
  readonly copyAfterUs: number | null;
}

interface InFlight<Cargo> {
  readonly cargo: Cargo;
  readonly arriveAt: number;
}

export class Link<Cargo> {
  /** Faults in force. Several may overlap, so they are counted. */
  cuts = 0;
  holds = 0;
  extraUs = 0;
  lossPermille = 0;
  knobs: NetworkKnobs;
  /** The stream: what was sent and has not arrived, the oldest first. Nothing in it overtakes anything. */
  readonly stream = new Queue<InFlight<Cargo>>();
  /** Datagrams that wait for the end of a hold. */
  held: Cargo[] = [];
  /** When the link was cut, if it is. */
  cutAt = 0;
  private lastArrival = 0;
  private readonly random: Random;

  constructor(random: Random, knobs: NetworkKnobs) {
    this.random = random;
    this.knobs = knobs;
  }

  get isBlocked(): boolean {
    return this.cuts > 0 || this.holds > 0;
  }

  /** Always the same number of draws, so that one message more or less elsewhere changes nothing here. */
  draw(): Transit {
    const { random, knobs } = this;
    const jitter = random();
    const tail = random();
    const loss = random();
    const duplicate = random();
    const reorder = random();
    let delayUs = knobs.baseUs + this.extraUs + exponential(jitter, knobs.jitterUs, jitterLimit);
    if (tail * 1000 < knobs.tailPermille) delayUs += knobs.tailUs * jitter;
    if (reorder * 1000 < knobs.reorderPermille) delayUs += knobs.tailUs * tail;
    return {
      delayUs: Math.round(delayUs),
      isLost: loss * 1000 < knobs.lossPermille + this.lossPermille,
      copyAfterUs: duplicate * 1000 < knobs.duplicatePermille ? Math.round(knobs.tailUs * reorder) : null,
    };
  }

  /** Puts cargo on the stream; returns when it would arrive. */
  push(cargo: Cargo, now: number, delayUs: number): number {
    this.lastArrival = Math.max(this.lastArrival, now + delayUs);
    this.stream.push({ cargo, arriveAt: this.lastArrival });
    return this.lastArrival;
  }

  /** Takes from the stream what has arrived by now, unless something keeps it back. */
  shift(now: number): Cargo | null {
    const head = this.stream.peek();
    if (this.isBlocked || head === undefined || head.arriveAt > now) return null;
    this.stream.shift();
    return head.cargo;
  }

  /** The connection broke: what was on the stream is lost. */
  reset(): number {
    this.lastArrival = 0;
    return this.stream.drain().length;
  }
}
