/**
 * When so much looks lost at once that the planner, or the network it looks through, is more likely to be wrong than the
 * nodes: more than a zone, or more than a third of the nodes. To make all of it again elsewhere could bring down the rest.
 * A node that somebody has named another for does not count: it is known why.
 */
import type { NodeStatus } from './clusterSnapshot.ts';
import type { Layout } from './layout.ts';

/** Why nothing is to be done until somebody has looked; null: go on. */
export function brakeOf(layout: Layout): string | null {
  const { nodes } = layout;
  // What is lost and holds nothing any more has been dealt with.
  const concerned = nodes.filter(
    (_, index) => layout.stays(index) || layout.answers(index) || hasReplicas(layout, index),
  );
  const missing = concerned.filter(isMissing);
  const count = `${String(missing.length)} of ${String(concerned.length)} nodes look lost`;
  const ids = missing.map(({ node }) => String(node)).join(', ');
  const next = `no step until it is known why: ${ids}`;
  if (missing.length * 3 > concerned.length) return `${count}, more than a third; ${next}`;
  const whole = new Set(missing.map(({ zone }) => zone));
  for (const node of concerned) if (!isMissing(node)) whole.delete(node.zone);
  const isBeyond = whole.size > 1 || missing.some(({ zone }) => !whole.has(zone));
  return whole.size > 0 && isBeyond ? `${count}, more than a zone; ${next}` : null;
}

function isMissing({ state, heir }: NodeStatus): boolean {
  return (state === 'down' || state === 'lost') && heir === null;
}

function hasReplicas(layout: Layout, node: number): boolean {
  return layout.of('replicas', node) > 0;
}
