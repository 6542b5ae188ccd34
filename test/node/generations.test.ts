/**
 * Nodes die, come back with what they had or with nothing, do not hear each other, and an operator recovers whatever
 * stands still. Whatever happens in whatever order: within a generation a counter never goes back, and if everybody hears
 * everybody, nothing is served of a generation before one that somebody knows of.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GroupId, ReplicaId } from '../../core/base/ids.ts';
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
  | { readonly kind: 'cut' | 'heal'; readonly node: number; readonly peer: number }
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
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cut' as const), node, peer: node }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('heal' as const), node, peer: node }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hang' as const), node, ms }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms }) },
);

class Run {
  /** How often what happened, for the sake of the test's own worth. */
  readonly seen = { recovered: 0, counted: 0 };
  private readonly nodes = new Nodes(size, 1);
  private readonly down = new Set<number>();
  private connections = 0;
  private readonly cuts = new Set<string>();
  /** By generation. */
  private readonly last = new Map<number, number>();

  constructor() {
    this.ask(1, 'SET', '{acme}counter', '0');
  }

  act(what: Action): void {
    const { nodes, down } = this;
    if (what.kind === 'pass') nodes.pass(what.ms);
    else if (what.kind === 'cut' || what.kind === 'heal') this.change(what.kind, what.node, what.peer);
    else if (what.kind === 'hang') this.hang(what.node, what.ms);
    else if (what.kind === 'start') {
      if (down.delete(what.node)) nodes.start(what.node);
    } else if (what.kind === 'lose') {
      if (down.delete(what.node)) nodes.start(what.node, true);
    } else if (down.has(what.node)) return;
    else if (what.kind === 'kill') this.kill(what.node);
    else if (what.kind === 'recover') this.recover(what.node);
    else if (what.kind === 'disaster') {
      const members = this.nodes.raftOn(what.node, group)?.configuration.voters ?? [];
      for (const { node: member } of members) if (member !== what.node) this.kill(member);
      nodes.pass(quietMs);
      this.recover(what.node);
    } else for (const leader of this.up) this.ask(leader, 'GROUP', 'ADD-REPLICA', '1', String(what.node));
    this.count();
  }

  /** Everybody is back and hears everybody: the group is led, or an operator lets it, unless nothing of it is left. */
  end(): void {
    for (const name of [...this.cuts]) {
      const [one = 0, other = 0] = name.split(' ').map(Number);
      this.change('heal', one, other);
    }
    for (const each of [...this.down]) this.act({ kind: 'start', node: each });
    this.nodes.pass(2 * quietMs);
    if (this.isLed) return;
    for (const each of this.up) this.recover(each);
    this.nodes.pass(quietMs);
    expect(this.isLed || this.nodes.nodes.every(({ groups }) => !groups.has(group))).toBe(true);
  }

  private get isLed(): boolean {
    return this.nodes.nodes.some(({ groups }) => {
      const { role, commitIndex, termStart } = groups.get(group)?.raft.state ?? {};
      return role === 'leader' && (commitIndex ?? 0) >= (termStart ?? 0);
    });
  }

  private change(how: 'cut' | 'heal', one: number, other: number): void {
    const name = [one, other].sort((a, b) => a - b).join(' ');
    if (one === other || this.cuts.has(name) === (how === 'cut')) return;
    if (how === 'cut') this.cuts.add(name);
    else this.cuts.delete(name);
    this.nodes[how](one, other);
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
    const { up, nodes } = this;
    nodes.pass(heardMs);
    const known = this.cuts.size > 0 ? 0 : this.knownGeneration();
    const asked = up[this.connections % Math.max(1, up.length)];
    if (asked === undefined) return;
    const value = Number(/^:(\d+)/.exec(this.ask(asked, 'INCR', '{acme}counter'))?.[1]);
    if (Number.isNaN(value)) return;
    const leader = nodes.nodes[asked - 1]?.router.leaders.leaderOf(group) ?? 0;
    const raft = nodes.raftOn(leader, group);
    // It may have handed over since, or died.
    if (raft === undefined) return;
    const generation = generationOf(raft.id);
    expect(generation).toBeGreaterThanOrEqual(known);
    expect(value).toBeGreaterThan(this.last.get(generation) ?? 0);
    this.last.set(generation, value);
    this.seen.counted += 1;
  }

  private knownGeneration(): number {
    const known = this.up.map((each) => {
      const made = this.nodes.nodes[each - 1];
      return generationOf(made?.router.groups.membershipOf(group).configuration.highest ?? ReplicaId(0));
    });
    return Math.max(...known);
  }
}

test('a counter never goes back', () => {
  const seen = { recovered: 0, counted: 0 };
  fc.assert(
    fc.property(fc.array(action, { minLength: 20, maxLength: 60 }), (actions) => {
      const run = new Run();
      for (const each of actions) run.act(each);
      run.end();
      seen.recovered += run.seen.recovered;
      seen.counted += run.seen.counted;
    }),
    { numRuns: 25 },
  );
  expect(seen.recovered).toBeGreaterThan(0);
  expect(seen.counted).toBeGreaterThan(100);
});
