/** What a figure is to be, beside what it is. A figure that this machine cannot give is not measured, and not missed. */

export interface Goal {
  readonly what: string;
  /** Null: not measured here. */
  readonly measured: number | null;
  readonly relation: 'at least' | 'at most';
  readonly goal: number;
  readonly unit: string;
  readonly holds: boolean | null;
}

export function atLeast(what: string, measured: number, goal: number, unit: string): Goal {
  return judged(what, measured, 'at least', goal, unit, measured >= goal);
}

export function atMost(what: string, measured: number, goal: number, unit: string): Goal {
  return judged(what, measured, 'at most', goal, unit, measured <= goal);
}

function judged(
  what: string,
  measured: number,
  relation: Goal['relation'],
  goal: number,
  unit: string,
  holds: boolean,
): Goal {
  const isMeasured = Number.isFinite(measured);
  return { what, measured: isMeasured ? measured : null, relation, goal, unit, holds: isMeasured ? holds : null };
}

export function verdict({ holds }: Goal): string {
  if (holds === null) return 'not measured';
  return holds ? 'holds' : 'missed';
}
