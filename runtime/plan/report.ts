/** A plan as text: each step with its reason, what could not be done, and what nodes have before and after. */
import type { NodeLoad, Plan, Step, Utilisation } from '../../core/index.ts';

export function reportOf(plan: Plan, before: Utilisation, after: Utilisation): string {
  const { steps, proposed, notes, brake, isCut } = plan;
  const parts = [
    brake === null ? null : `the brake is on: ${brake}`,
    ...steps.map(lineOf),
    steps.length === 0 && brake === null ? 'nothing to do' : null,
    isCut ? 'there may be more to do than a plan may have steps: plan again when these are done' : null,
    ...(proposed.length === 0 ? [] : ['', 'with rebalancing on it would go on with', ...proposed.map(lineOf)]),
    ...(notes.length === 0 ? [] : ['', 'wanted, and not possible now', ...notes.map((note) => `  ${note}`)]),
    '',
    tableOf(before, after),
    '',
    `Φ ${String(before.potential)} before, ${String(after.potential)} after`,
  ];
  return `${parts.filter((part) => part !== null).join('\n')}\n`;
}

function lineOf(step: Step): string {
  const number = String(step.number).padStart(5);
  return `${number}  ${step.phase.padEnd(11)}  ${whatOf(step)}\n${' '.repeat(20)}${step.why}`;
}

function whatOf(step: Step): string {
  switch (step.kind) {
    case 'transferLeader':
      return `group ${String(step.group)}: node ${String(step.from)} hands its lead to node ${String(step.to)}`;
    case 'replaceReplica':
      return `group ${String(step.group)}: a replica on node ${String(step.to)} for the one on node ${String(step.from)}`;
    case 'addReplica':
      return `group ${String(step.group)}: one more replica, on node ${String(step.to)}`;
    case 'removeReplica':
      return `group ${String(step.group)}: the replica on node ${String(step.from)} goes`;
    case 'moveTenant':
      return `tenant ${step.tenant}: from group ${String(step.from)} to group ${String(step.to)}`;
    case 'createGroup':
      return `group ${String(step.group)}: made on nodes ${step.nodes.join(', ')} for ${step.dedicatedTo}`;
  }
}

const head = ['node', 'zone', 'state', 'leaders', 'replicas', 'bytes', 'operations'];

function tableOf(before: Utilisation, after: Utilisation): string {
  const rows = before.nodes.map((old, i) => {
    const now = after.nodes[i] ?? old;
    return [
      String(old.node),
      old.zone,
      old.state,
      change(String(old.leaders), String(now.leaders)),
      change(String(old.replicas), String(now.replicas)),
      change(percent(old, 'bytesPpt'), percent(now, 'bytesPpt')),
      change(percent(old, 'operationsPpt'), percent(now, 'operationsPpt')),
    ];
  });
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function percent(load: NodeLoad, of: 'bytesPpt' | 'operationsPpt'): string {
  return `${(load[of] / 10).toFixed(1)} %`;
}

function change(before: string, after: string): string {
  return before === after ? before : `${before} > ${after}`;
}
