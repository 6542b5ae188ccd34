/**
 * Generations of a group (`docs/decisions/0026`). A group whose majority is lost for good goes on by an operator's word
 * from one replica that is left: the next generation of it. What is left of the one before must never be mistaken for a
 * part of it, so a generation is a band of numbers: its replica ids and its terms are all higher than those of the
 * generations before, and whoever reads one knows where it belongs.
 *
 * A generation is a round and the node that began it, so that two nodes never begin the same one.
 */
import { type NodeId, ReplicaId, Term } from '../base/ids.ts';
import type { Configuration } from './types.ts';

/** More replicas and terms than a group ever has. */
const numbersPerGeneration = 100_000_000;
/** More than there are nodes. */
const generationsPerRound = 100_000;
const lastGeneration = Math.floor(Number.MAX_SAFE_INTEGER / numbersPerGeneration) - 1;

/** Of a replica or a term; 0 before the group was ever recovered. */
export function generationOf(number: ReplicaId | Term): number {
  return Math.floor(number / numbersPerGeneration);
}

/** The replica is of a generation before that of the configuration: it will never be one of its members. */
export function isOutlived(replica: ReplicaId, { highest }: Configuration): boolean {
  return generationOf(replica) < generationOf(highest);
}

/** The one that this node begins behind `known`; null if there are no more. */
export function nextGeneration(known: number, node: NodeId): number | null {
  const next = (Math.floor(known / generationsPerRound) + 1) * generationsPerRound + node;
  return next > lastGeneration ? null : next;
}

/** Its first replica. */
export function firstReplicaOf(generation: number): ReplicaId {
  return ReplicaId(generation * numbersPerGeneration + 1);
}

/** The term of the entry that begins it. */
export function firstTermOf(generation: number): Term {
  return Term(generation * numbersPerGeneration);
}
