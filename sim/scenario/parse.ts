/**
 * Reads a saved scenario. It was written by this program, perhaps by an earlier version, so its shape is
 * compared with one that is known to be right.
 */
import { expand } from './expand.ts';
import { faultKinds, type Scenario, scenarioFormat, type Timing, type Workload } from './scenario.ts';

/** Knobs that scenarios of this format did not have from the beginning, and what was true then. */
const unknownToEarlier: Pick<Scenario, 'isolated' | 'metadata'> = { isolated: [], metadata: 'raft' };
const unknownToEarlierTiming: Pick<Timing, 'rebalance' | 'lostAfterMs'> = { rebalance: false, lostAfterMs: 600_000 };
const unknownToEarlierClients: Pick<Workload, 'numberedPermille'> = { numberedPermille: 0 };

/** The scenario, or what is wrong with the text. */
export function parseScenario(text: string): Scenario | string {
  let parsed: Partial<Scenario>;
  try {
    parsed = JSON.parse(text) as Partial<Scenario>;
  } catch {
    return 'it is not JSON';
  }
  const { format } = parsed;
  if (format !== scenarioFormat) return `its format is ${String(format)}, this program reads ${String(scenarioFormat)}`;
  const workload = { ...unknownToEarlierClients, ...parsed.workload };
  const timing = { ...unknownToEarlierTiming, ...parsed.timing };
  const whole: unknown = { ...unknownToEarlier, ...parsed, timing, workload };
  const problem = compare('scenario', whole, expand(0, 'mixed'));
  if (problem !== null) return problem;
  const scenario = whole as Scenario;
  const unknown = scenario.faults.find((fault) => !Object.hasOwn(faultKinds, fault.do));
  return unknown === undefined ? scenario : `there is no fault '${unknown.do}'`;
}

/** What a value lacks, or has of another type, compared with a model of it. Lists are compared by kind only. */
function compare(path: string, value: unknown, model: unknown): string | null {
  if (Array.isArray(model)) return Array.isArray(value) ? null : `${path} is no list`;
  if (typeof model !== 'object' || model === null)
    return typeof value === typeof model ? null : `${path} is no ${typeof model}`;
  if (typeof value !== 'object' || value === null) return `${path} is no object`;
  for (const [key, part] of Object.entries(model)) {
    const problem = compare(`${path}.${key}`, (value as Record<string, unknown>)[key], part);
    if (problem !== null) return problem;
  }
  return null;
}
