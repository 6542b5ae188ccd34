/**
 * A move in every order: whoever sees it through may go by an old picture of either group, may die at any step, and
 * whatever was sent may come late, or again, or never. All states that can be reached so are visited, with the
 * machines that the groups run, and from each the move must come to its end.
 */
import { expect, test } from 'vitest';
import { bytesOfBinary, ByteWriter } from '../../core/base/bytes.ts';
import { crc32 } from '../../core/base/crc32.ts';
import { Epoch, GroupId, Incarnation, MoveId, type TenantName } from '../../core/base/ids.ts';
import { WallTime } from '../../core/base/time.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import { nextAction } from '../../core/migration/nextAction.ts';
import { unknownConfiguration } from '../../core/raft/configuration.ts';
import type { MoveState, MoveStep } from '../../core/wire/moves.ts';
import type { LoggedOperation } from '../../core/wire/operation.ts';
import { applyTo } from '../group/logged.ts';

const tenant = 'acme' as TenantName;
const incarnation = Incarnation(1);
const move = MoveId(1);
type Place = 'source' | 'destination';

interface Sent {
  readonly to: Place;
  readonly step: MoveStep;
}

/** Both groups as bytes; what was ever sent; what anybody has seen of either; writes that were acknowledged. */
interface Situation {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sent: ReadonlyMap<string, Sent>;
  readonly seen: Readonly<Record<Place, ReadonlyMap<string, MoveState>>>;
  readonly writes: number;
}

const mostWrites = 2;

function load(bytes: Uint8Array): TenantMachine {
  const machine = new TenantMachine(() => 0);
  const loader = machine.loader();
  if (!loader.add(bytes) || !loader.finish()) throw new Error('a state can be read');
  return machine;
}

function save(machine: TenantMachine): Uint8Array {
  const bytes = machine.cut({ stamp: WallTime(0), configuration: unknownConfiguration }).next(1_000_000);
  if (bytes === null) throw new Error('a state has a header');
  return bytes;
}

function apply(machine: TenantMachine, operation: LoggedOperation, request = 1): string {
  return applyTo(machine, operation, request, { now: 1 }).kind;
}

function stepIn(machine: TenantMachine, step: MoveStep): void {
  apply(machine, { kind: 'move', tenant, move, step });
}

function write(machine: TenantMachine, number: number): boolean {
  const args = ['INCR', 'n'].map(bytesOfBinary);
  const operation = { kind: 'execute', tenant, incarnation, access: 'write', protocol: 2, args } as const;
  return apply(machine, operation, number) === 'done';
}

const key = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (part instanceof Uint8Array ? crc32(part, 0) : part));

/** What somebody who takes this for the state of both groups sends. The copy is of what the source has now. */
function wanted(situation: Situation, source: MoveState, destination: MoveState): readonly Sent[] {
  const action = nextAction(source, destination);
  if (action.at === 'metadata' || action.at === 'nowhere') return [];
  const epoch = Epoch(1);
  if (action.at === 'destination') {
    const step: MoveStep = action.step === 'prepare' ? { kind: 'prepare', incarnation, epoch } : { kind: action.step };
    return [{ to: 'destination', step }];
  }
  if (action.step === 'start') return [{ to: 'source', step: { kind: 'start', incarnation, epoch, to: GroupId(2) } }];
  if (action.step !== 'copy') return [{ to: 'source', step: { kind: action.step } }];
  if (destination.kind !== 'staged') return [];
  const { moves } = load(situation.source);
  const { cursor: after } = destination;
  const reader = moves.reader(tenant, move, new ByteWriter(), after);
  const sent: Sent[] = [{ to: 'source', step: { kind: 'freeze' } }];
  const records = reader?.next(1000) ?? new Uint8Array(0);
  if (reader !== null && records.length > 0)
    sent.push({ to: 'destination', step: { kind: 'stage', after, upTo: reader.cursor, records } });
  const seal = moves.sealOf(tenant, move, new ByteWriter(), after, records);
  if (seal !== null && seal !== 'tooLarge') sent.push({ to: 'destination', step: seal });
  return sent;
}

function withSeen(situation: Situation): Situation {
  const seen = { source: new Map(situation.seen.source), destination: new Map(situation.seen.destination) };
  for (const place of ['source', 'destination'] as const) {
    const state = load(situation[place]).moves.stateOf(tenant, move);
    seen[place].set(key(state), state);
  }
  return { ...situation, seen };
}

function nextOf(situation: Situation): readonly Situation[] {
  const next: Situation[] = [];
  const { sent, seen, writes } = situation;
  const more = new Map(sent);
  for (const source of seen.source.values())
    for (const destination of seen.destination.values())
      for (const each of wanted(situation, source, destination)) more.set(key(each), each);
  if (more.size > sent.size) next.push({ ...situation, sent: more });
  for (const { to, step } of sent.values()) {
    const machine = load(situation[to]);
    stepIn(machine, step);
    next.push(withSeen({ ...situation, [to]: save(machine) }));
  }
  for (const place of ['source', 'destination'] as const) {
    const machine = load(situation[place]);
    if (writes < mostWrites && write(machine, writes + 1))
      next.push(withSeen({ ...situation, [place]: save(machine), writes: writes + 1 }));
  }
  return next;
}

/** The metadata group may be told that it is over, and then nobody looks after it any more. */
function isOver({ source, destination }: Situation): boolean {
  const [s, d] = [source, destination].map((bytes) => load(bytes).moves.stateOf(tenant, move));
  if (s === undefined || d === undefined) return false;
  return nextAction(s, d).at === 'metadata';
}

/** Somebody sees it through to its end, with nobody else about. Returns who owns the tenant then. */
function seenThrough(situation: Situation): readonly TenantMachine[] {
  let now = situation;
  for (let steps = 0; steps < 20; steps += 1) {
    const [source, destination] = [load(now.source), load(now.destination)];
    const [s, d] = [source.moves.stateOf(tenant, move), destination.moves.stateOf(tenant, move)];
    const action = nextAction(s, d);
    if (action.at === 'metadata') return [source, destination].filter(({ tenants }) => tenants.has(tenant));
    const [each] = wanted(now, s, d).slice(-1);
    if (each === undefined) throw new Error(`stuck: ${key([s, d])}`);
    const machine = each.to === 'source' ? source : destination;
    stepIn(machine, each.step);
    now = { ...now, [each.to]: save(machine) };
  }
  throw new Error('it does not end');
}

test('in whatever order steps are taken, one group owns the tenant, has every write once, and what is over stays over', () => {
  const source = new TenantMachine(() => 0);
  apply(source, { kind: 'adopt', tenant, incarnation, epoch: Epoch(1) });
  const first = withSeen({
    source: save(source),
    destination: save(new TenantMachine(() => 0)),
    sent: new Map(),
    seen: { source: new Map(), destination: new Map() },
    writes: 0,
  });
  const cancels = (['cancel', 'thaw'] as const).map((kind): Sent => ({ to: 'source', step: { kind } }));
  const queue: Situation[] = [{ ...first, sent: new Map(cancels.map((cancel) => [key(cancel), cancel])) }];
  const keyOf = (s: Situation): string =>
    key([
      s.source,
      s.destination,
      [...s.sent.keys()].sort(),
      [...s.seen.source.keys()],
      [...s.seen.destination.keys()],
      s.writes,
    ]);
  const visited = new Set(queue.map(keyOf));
  const ends = { stayed: 0, moved: 0 };
  for (let situation = queue.pop(); situation !== undefined; situation = queue.pop()) {
    const owners = [load(situation.source), load(situation.destination)].filter(({ tenants }) => tenants.has(tenant));
    expect(owners.length).toBeLessThanOrEqual(1);
    const [owner, ...others] = seenThrough(situation);
    expect(others.length).toBe(0);
    const found = owner?.tenants.get(tenant)?.keyspace.find('n', WallTime(1))?.value;
    expect(found === undefined ? 0 : Number(Buffer.from(found as Uint8Array).toString())).toBe(situation.writes);
    if (owner?.tenants.get(tenant)?.epoch === 2) ends.moved += 1;
    else ends.stayed += 1;
    for (const next of nextOf(situation)) {
      const name = keyOf(next);
      if (visited.has(name)) continue;
      visited.add(name);
      if (isOver(situation)) expect(isOver(next)).toBe(true);
      queue.push(next);
    }
  }
  expect(ends.moved).toBeGreaterThan(10);
  expect(ends.stayed).toBeGreaterThan(10);
});
