/**
 * A broken rule. Whoever finds one throws it; the run ends there, with everything still as it was.
 */

export type ViolationFacts = Readonly<Record<string, string | number | boolean | null>>;

export class Violation extends Error {
  override readonly name = 'Violation';
  /** The rule's name, such as `R1`; `core` for an assertion of the core itself. */
  readonly rule: string;

  constructor(rule: string, law: string, facts: ViolationFacts = {}) {
    const described = Object.entries(facts).map(([name, value]) => ` ${name}=${String(value)}`);
    super(`${law}${described.length === 0 ? '' : `:${described.join('')}`}`);
    this.rule = rule;
  }
}

/** States a rule that holds in every run. Facts that cost something to gather come as a function. */
export function rule(
  condition: boolean,
  name: string,
  law: string,
  facts: ViolationFacts | (() => ViolationFacts) = {},
): asserts condition {
  if (!condition) throw new Violation(name, law, typeof facts === 'function' ? facts() : facts);
}
