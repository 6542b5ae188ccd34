/**
 * One direction between two nodes: what happens to a message on its way. Streams keep their order; a cut or a
 * hold keeps messages back, in order, until it ends or the connection breaks.
 */
import type { Random } from '../../core/base/random.ts';
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

export class Link<Cargo> {
  /** Faults in force. Several may overlap, so they are counted. */
  cuts = 0;
  holds = 0;
  extraUs = 0;
  lossPermille = 0;
  /** Waits for the end of a cut or a hold, the oldest first. */
  waiting: Cargo[] = [];
  /** When the link was cut, if it is. */
  cutAt = 0;
  /** Streams: nothing arrives before what was sent earlier. */
  lastArrival = 0;
  private readonly random: Random;
  private readonly knobs: NetworkKnobs;

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

  /** The same for a stream: later than everything before it. */
  arrivalOnStream(now: number, delayUs: number): number {
    this.lastArrival = Math.max(this.lastArrival, now + delayUs);
    return this.lastArrival;
  }
}
