/** What a plan would do with a cluster, from a file. Nothing is asked of the cluster, and nothing is done to it. */
import { readFileSync } from 'node:fs';
import { apply, type ClusterSnapshot, plan, type Policy, utilisationOf } from '../../core/index.ts';
import { ConfigError } from '../exitCodes.ts';
import { reportOf } from './report.ts';
import { checkSnapshot } from './snapshotFile.ts';

export interface WhatIfFlags {
  /** What the command line puts in the place of what the file says. */
  readonly policy: Partial<Policy>;
  /** Nodes to be taken for draining, and for lost. */
  readonly drain: readonly number[];
  readonly lose: readonly number[];
  readonly isJson: boolean;
}

/** What to print. */
export function whatIf(path: string, flags: WhatIfFlags): string {
  const file = checkSnapshot(readJson(path));
  const policy = { ...file.policy, ...flags.policy };
  const before = supposed(file.snapshot, flags);
  const made = plan(before, policy);
  const done = apply(before, [...made.steps, ...made.proposed]);
  const [old, now] = [utilisationOf(before, policy), utilisationOf(done, policy)];
  return flags.isJson ? `${JSON.stringify({ ...made, before: old, after: now }, null, 2)}\n` : reportOf(made, old, now);
}

function supposed(snapshot: ClusterSnapshot, { drain, lose }: WhatIfFlags): ClusterSnapshot {
  for (const id of [...drain, ...lose])
    if (!snapshot.nodes.some(({ node }) => node === id)) throw new ConfigError(`nodes: there is no node ${String(id)}`);
  const nodes = snapshot.nodes.map((status) => {
    if (lose.includes(status.node)) return { ...status, state: 'lost' as const };
    return drain.includes(status.node) ? { ...status, state: 'draining' as const } : status;
  });
  return { ...snapshot, nodes };
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ConfigError(`--snapshot: ${path}: ${(error as Error).message}`);
  }
}
