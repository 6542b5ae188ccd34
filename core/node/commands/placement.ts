/**
 * PLACEMENT: what the cluster is about to do about where things are, and why. The node that leads the metadata group
 * knows; any other says which that is.
 */
import type { Plan } from '../../placement/plan.ts';
import { defaultPolicy, type Policy } from '../../placement/policy.ts';
import type { Step } from '../../placement/step.ts';
import type { ReplyWriter } from '../../resp/replyWriter.ts';
import { wordOf, wrongSubcommand } from './arguments.ts';
import { isWithoutMetadataGroup, notPlannedHere } from './begin.ts';
import { type NodeCall, type NodeCommand, nodeCommand } from './spec.ts';

export const placementCommands: readonly NodeCommand[] = [
  nodeCommand({
    name: 'placement',
    arity: 2,
    group: 'leasehold',
    since: '0.1.0',
    summary: 'Tells what is planned for the cluster, and what the plan is made of.',
    run: runPlacement,
  }),
];

const help: readonly string[] = [
  'PLACEMENT <subcommand>. Subcommands are:',
  'PLAN: what would be done first about nodes, replicas, leaders and tenants, step by step, and why. Nothing is done by asking.',
  'SNAPSHOT: what that is planned from, as JSON: `leasehold plan --snapshot FILE` plans from it, as it is or changed.',
];

function runPlacement(call: NodeCall): void {
  const { args, reply, node } = call;
  const [, subcommand] = args;
  const isHelp = wordOf(subcommand) === 'help';
  if (!isHelp && isWithoutMetadataGroup(call)) return;
  switch (wordOf(subcommand)) {
    case 'help':
      reply.array(help.length);
      for (const line of help) reply.simple(line);
      return;
    case 'plan': {
      const plan = node.plan();
      if (plan === null) reply.error(notPlannedHere(node));
      else writePlan(reply, plan);
      return;
    }
    case 'snapshot': {
      const snapshot = node.clusterSnapshot();
      if (snapshot === null) reply.error(notPlannedHere(node));
      else reply.bulkText(JSON.stringify({ ...snapshot, policy: wholePlan(node.policy()) }));
      return;
    }
    default:
      reply.error(wrongSubcommand('placement', subcommand));
  }
}

/** As the cluster is run, but for what an event loop can bear. */
function wholePlan(policy: Policy): Policy {
  return { ...policy, maxSteps: defaultPolicy.maxSteps };
}

function writePlan(reply: ReplyWriter, { steps, proposed, notes, brake, isCut }: Plan): void {
  const lines = [
    ...(brake === null ? [] : [`stopped: ${brake}`]),
    ...steps.map((step) => lineOf(step)),
    ...proposed.map((step) => `proposed: ${lineOf(step)}`),
    ...notes.map((note) => `note: ${note}`),
    ...(isCut ? [`note: more may follow: ${String(steps.length)} steps are planned at a time`] : []),
  ];
  reply.array(lines.length);
  for (const line of lines) reply.bulkText(line);
}

function lineOf(step: Step): string {
  return `${String(step.number)}. ${step.phase}: ${whatOf(step)}: ${step.why}`;
}

function whatOf(step: Step): string {
  switch (step.kind) {
    case 'transferLeader':
      return `group ${String(step.group)} is led by node ${String(step.to)} instead of ${String(step.from)}`;
    case 'replaceReplica':
      return `node ${String(step.to)} replaces node ${String(step.from)} in group ${String(step.group)}`;
    case 'addReplica':
      return `node ${String(step.to)} joins group ${String(step.group)}`;
    case 'removeReplica':
      return `node ${String(step.from)} leaves group ${String(step.group)}`;
    case 'moveTenant':
      return `tenant ${step.tenant} moves from group ${String(step.from)} to ${String(step.to)}`;
    case 'createGroup':
      return `group ${String(step.group)} is made for tenant ${step.dedicatedTo}`;
  }
}
