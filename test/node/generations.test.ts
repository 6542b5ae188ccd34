/**
 * Nodes die, come back with what they had or with nothing, and an operator recovers whatever stands still. Whatever
 * happens in whatever order: within a generation a counter never goes back, and where a later generation is known of
 * nothing of one before is served.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GroupId } from '../../core/base/ids.ts';
import { generationOf } from '../../core/raft/generation.ts';
import { Nodes } from './harness.ts';

const group = GroupId(1);
const size = 5;
/** As long as it takes until what was heard over a new link is everybody's. */
const heardMs = 1_500;
/** As long as it takes until a leader counts as lost. */
const quietMs = 4_000;

type Action =
  | { readonly kind: 'kill' | 'start' | 'lose' | 'recover' | 'add' | 'disaster'; readonly node: number }
  | { readonly kind: 'hang'; readonly node: number; readonly ms: number }
  | { readonly kind: 'pass'; readonly ms: number };

const node = fc.integer({ min: 1, max: size });
const ms = fc.integer({ min: 1, max: 3_000 });
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('kill' as const), node }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('start' as const), node }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose' as const), node }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('recover' as const), node }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), node }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('disaster' as const), node }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hang' as const), node, ms }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms }) },
);

class Run {
  /** How often what happened, for the sake of the test's own worth. */
  readonly seen = { recovered: 0, counted: 0, outlived: 0 };
  private readonly nodes = new Nodes(size, 1);
  private readonly down = new Set<number>();
  private connections = 0;
  private last = { generation: 0, value: 0 };

  constructor() {
    this.ask(1, 'SET', '{acme}counter', '0');
  }

  act(what: Action): void {
    const { nodes, down } = this;
    if (what.kind === 'pass') nodes.pass(what.ms);
    else if (what.kind === 'hang') this.hang(what.node, what.ms);
    else if (what.kind === 'start') {
      if (down.delete(what.node)) nodes.start(what.node);
    } else if (what.kind === 'lose') {
      if (down.delete(what.node)) nodes.start(what.node, true);
    } else if (down.has(what.node)) return;
    else if (what.kind === 'kill') this.kill(what.node);
    else if (what.kind === 'recover') this.recover(what.node);
    else if (what.kind === 'disaster') {
      const members = this.nodes.nodes[what.node - 1]?.groups.get(group)?.raft.configuration.voters ?? [];
      for (const { node: member } of members) if (member !== what.node) this.kill(member);
      nodes.pass(quietMs);
      this.recover(what.node);
    } else for (const leader of this.up) this.ask(leader, 'GROUP', 'ADD-REPLICA', '1', String(what.node));
    this.count();
  }

  private kill(which: number): void {
    if (this.down.has(which)) return;
    this.down.add(which);
    this.nodes.kill(which);
  }

  private recover(which: number): void {
    if (this.ask(which, 'GROUP', 'RECOVER', '1', 'UNSAFE').includes('goes on')) this.seen.recovered += 1;
  }

  private get up(): readonly number[] {
    return this.nodes.nodes.map((_, at) => at + 1).filter((each) => !this.down.has(each));
  }

  private hang(which: number, forMs: number): void {
    const disk = this.nodes.disks[which - 1];
    if (disk === undefined || this.down.has(which)) return;
    disk.isSlow = true;
    this.nodes.pass(forMs);
    disk.isSlow = false;
    this.nodes.sync(which);
  }

  private ask(which: number, ...words: string[]): string {
    this.connections += 1;
    this.nodes.connect(which, this.connections);
    return this.nodes.ask(which, this.connections, ...words);
  }

  private count(): void {
    const { up } = this;
    const [asked] = up;
    if (asked === undefined) return;
    this.nodes.pass(heardMs);
    const known = this.knownGeneration();
    const value = Number(/^:(\d+)/.exec(this.ask(up[this.connections % up.length] ?? asked, 'INCR', '{acme}counter'))?.[1]);
    if (Number.isNaN(value)) return;
    const generation = Math.max(
      ...up.map((each) => {
        const raft = this.nodes.nodes[each - 1]?.groups.get(group)?.raft;
        return raft?.state.role === 'leader' ? generationOf(raft.id) : -1;
      }),
    );
    expect(generation).toBeGreaterThanOrEqual(known);
    if (generation === this.last.generation) expect(value).toBeGreaterThan(this.last.value);
    if (generation < this.last.generation) this.seen.outlived += 1;
    this.seen.counted += 1;
    this.last = { generation, value };
  }

  private knownGeneration(): number {
    const known = this.up.map((each) => {
      const made = this.nodes.nodes[each - 1];
      return generationOf(made?.router.groups.membershipOf(group).configuration.highest ?? (0 as never));
    });
    return Math.max(...known);
  }
}

test('a counter never goes back', () => {
  const seen = { recovered: 0, counted: 0, outlived: 0 };
  fc.assert(
    fc.property(fc.array(action, { minLength: 20, maxLength: 60 }), (actions) => {
      const run = new Run();
      for (const each of actions) run.act(each);
      for (const kind of ['recovered', 'counted', 'outlived'] as const) seen[kind] += run.seen[kind];
    }),
    { numRuns: Number(process.env['RUNS'] ?? 20), ...(process.env['SEED'] ? { seed: Number(process.env['SEED']) } : {}) },
  );
  console.log(seen);
});
