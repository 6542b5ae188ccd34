/**
 * Assertions about our own code. A broken one is our fault: the node stops, nobody catches it.
 * They are on in production.
 */

export type Facts = Readonly<Record<string, number | string | boolean | null | undefined>>;

export class InvariantError extends Error {
  override readonly name = 'InvariantError';
  readonly law: string;
  readonly facts: Facts;

  constructor(law: string, facts: Facts) {
    super(`${law} ${describe(facts)}`);
    this.law = law;
    this.facts = facts;
  }
}

/** States a law that holds whatever the input. `law` is positive and constant. */
export function invariant(condition: boolean, law: string, facts: Facts = {}): asserts condition {
  if (!condition) throw new InvariantError(law, facts);
}

/** Ends every `switch` over a union: the compiler proves that no kind was forgotten. */
export function unreachable(value: never): never {
  throw new InvariantError('every kind is handled', {
    got: (value as { kind?: string } | undefined)?.kind ?? String(value),
  });
}

function describe(facts: Facts): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');
}
