/** Whether a local cluster serves, asked as a client would ask. */
import { setTimeout as pause } from 'node:timers/promises';
import { hostPort } from '../config/hostPort.ts';
import { ask } from './ask.ts';
import type { LocalNode } from './topology.ts';

const pollMs = 50;
const serveWithinMs = 30_000;
/** Elections of many groups take their time where the nodes share a machine. */
const moreMsPerGroup = 5;
/** Leaders find their places soon after the start; a node that is late is not waited for. */
const spreadWithinMs = 2000;

/**
 * True once every node knows a leader for every group, and leaders have had time to find their places; false if
 * that does not come, or `isHopeless` says that it will not.
 */
export async function untilServing(
  nodes: readonly LocalNode[],
  groups: number,
  isHopeless: () => boolean,
): Promise<boolean> {
  const deadline = performance.now() + serveWithinMs + groups * moreMsPerGroup;
  let spreadBy = Number.POSITIVE_INFINITY;
  while (performance.now() < deadline && !isHopeless()) {
    const answers = await Promise.all(nodes.map(async (node) => groupsOf(node)));
    const isServing = answers.every((groups) => groups?.leaderless === 0);
    const isSpread = answers.every((groups) => groups?.awayFromHome === 0);
    if (isServing) spreadBy = Math.min(spreadBy, performance.now() + spreadWithinMs);
    if (isServing && (isSpread || performance.now() >= spreadBy)) return true;
    await pause(pollMs);
  }
  return false;
}

interface Groups {
  /** As far as the node knows. */
  readonly leaderless: number;
  readonly awayFromHome: number;
}

/** Null while the node does not answer. */
async function groupsOf(node: LocalNode): Promise<Groups | null> {
  const answer = await ask(hostPort(node.client), ['INFO', 'replication']);
  const number = (name: string): number => Number(new RegExp(`^${name}:([0-9]+)`, 'm').exec(String(answer))?.[1]);
  const leaderless = number('groups_without_leader');
  return Number.isNaN(leaderless) ? null : { leaderless, awayFromHome: number('groups_away_from_home') };
}

/** By group; nodes are asked once, for people to read. */
export async function leadersAsSeenBy(node: LocalNode): Promise<ReadonlyMap<number, number>> {
  const answer = await ask(hostPort(node.client), ['GROUP', 'LIST']);
  const leaders = new Map<number, number>();
  for (const fields of Array.isArray(answer) ? (answer as readonly (readonly unknown[])[]) : []) {
    const valueOf = (name: string): number => Number(fields[fields.indexOf(name) + 1]);
    leaders.set(valueOf('id'), valueOf('leader'));
  }
  return leaders;
}
