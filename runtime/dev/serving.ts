/** Whether a local cluster serves, asked as a client would ask. */
import { setTimeout as pause } from 'node:timers/promises';
import { hostPort } from '../config/hostPort.ts';
import { ask } from './ask.ts';
import type { LocalNode } from './topology.ts';

export interface GroupState {
  readonly group: number;
  /** As the node that was asked believes; null if it knows none. */
  readonly leader: number | null;
  /** Where its leader belongs. */
  readonly home: number;
}

const pollMs = 50;
const serveWithinMs = 30_000;
/** Leaders find their places soon after the start; a node that is late is not waited for. */
const spreadWithinMs = 2000;

/**
 * True once every node knows a leader for every group, and leaders have had time to find their places; false if
 * that does not come, or `isHopeless` says that it will not.
 */
export async function untilServing(nodes: readonly LocalNode[], isHopeless: () => boolean): Promise<boolean> {
  let spreadBy = Number.POSITIVE_INFINITY;
  for (const deadline = performance.now() + serveWithinMs; performance.now() < deadline && !isHopeless(); ) {
    const answers = await Promise.all(nodes.map(async (node) => groupsOf(node)));
    const isServing = answers.every((groups) => groups?.every(({ leader }) => leader !== null) ?? false);
    const isSpread = answers.every((groups) => groups?.every(({ leader, home }) => leader === home) ?? false);
    if (isServing) spreadBy = Math.min(spreadBy, performance.now() + spreadWithinMs);
    if (isServing && (isSpread || performance.now() >= spreadBy)) return true;
    await pause(pollMs);
  }
  return false;
}

/** Null while the node does not answer. */
export async function groupsOf(node: LocalNode): Promise<readonly GroupState[] | null> {
  const answer = await ask(hostPort(node.client), ['GROUP', 'LIST']);
  if (!Array.isArray(answer)) return null;
  return answer.map((fields) => {
    const group = namedFields(fields as readonly unknown[]);
    const [home] = group.get('replicas') as readonly unknown[];
    const leader = group.get('leader');
    return { group: Number(group.get('id')), leader: leader === null ? null : Number(leader), home: Number(home) };
  });
}

/** A map, as RESP2 writes it: names and values in turn. */
function namedFields(flat: readonly unknown[]): ReadonlyMap<string, unknown> {
  const fields = new Map<string, unknown>();
  for (let i = 0; i + 1 < flat.length; i += 2) fields.set(String(flat[i]), flat[i + 1]);
  return fields;
}
