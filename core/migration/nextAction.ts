/**
 * What is to be done for a move, by how far its two groups are and by nothing else: so any node can go on with it, and
 * two that do so at once do the same. The source's log decides; the destination follows.
 */
import type { MoveState } from '../wire/moves.ts';

export type MoveAction =
  | { readonly at: 'source'; readonly step: 'start' | 'freeze' | 'cancel' | 'thaw' | 'depart' }
  | { readonly at: 'destination'; readonly step: 'prepare' | 'activate' | 'abandon' }
  /** To be seen through by who has the data: copy, freeze when little is left, seal when nothing is. */
  | { readonly at: 'source'; readonly step: 'copy' }
  /** The keeper of the tenant's entry is to note that it is over. */
  | { readonly at: 'metadata'; readonly hasDeparted: boolean }
  /** What there is does not fit together: nothing is done, and somebody is to look. */
  | { readonly at: 'nowhere' };

const nowhere: MoveAction = { at: 'nowhere' };

/** `destination` is as of a later instant than `source`, or nobody has acted on either since. */
export function nextAction(source: MoveState, destination: MoveState): MoveAction {
  switch (source.kind) {
    case 'none':
      return destination.kind === 'ended' ? { at: 'source', step: 'cancel' } : { at: 'source', step: 'start' };
    case 'copying':
      if (hasDeparted(destination)) return { at: 'source', step: 'freeze' };
      if (destination.kind === 'none') return { at: 'destination', step: 'prepare' };
      return { at: 'source', step: destination.kind === 'staged' && !destination.isSealed ? 'copy' : 'cancel' };
    case 'frozen':
      if (hasDeparted(destination)) return { at: 'source', step: 'depart' };
      if (destination.kind !== 'staged') return { at: 'source', step: 'thaw' };
      return { at: 'source', step: destination.isSealed ? 'depart' : 'copy' };
    case 'departed':
      if (destination.kind === 'active') return { at: 'metadata', hasDeparted: true };
      if (destination.kind === 'staged' && destination.isSealed) return { at: 'destination', step: 'activate' };
      // It was owned there, and has moved on since.
      return destination.kind === 'departed' || destination.kind === 'ended'
        ? { at: 'metadata', hasDeparted: true }
        : nowhere;
    case 'ended':
      // Also one that has not come there yet: whoever led the source before may still have it prepared.
      if (destination.kind === 'staged' || destination.kind === 'none') return { at: 'destination', step: 'abandon' };
      return { at: 'metadata', hasDeparted: destination.kind === 'active' };
    default:
      return nowhere;
  }
}

/**
 * It is owned there, so it has departed. A source that does not know that has lost the end of its log (`docs/decisions/0026`),
 * and does again what it did.
 */
function hasDeparted(destination: MoveState): boolean {
  return destination.kind === 'active';
}
