/** The driver: one step for what happens together, effects in order, and nothing after a broken law. */
import { describe, expect, test } from 'vitest';
import { type Effect, type Input, InvariantError, MonoTime, NodeId, type Now, WriteId } from '../../core/index.ts';
import { Driver, type World } from '../../runtime/driver.ts';
import { listeningLog } from './quietLog.ts';
import { until } from './until.ts';

interface Scripted {
  readonly turns: Input[][];
  readonly nows: Now[];
  readonly performed: string[];
  readonly fatal: unknown[];
  readonly messages: readonly string[];
  readonly driver: Driver;
}

/** A driver whose node does as told and whose world writes down what it is asked for. */
function drive(
  onStep: (turn: readonly Input[], step: number) => readonly Effect[],
  wakeAt: () => MonoTime | null,
): Scripted {
  const turns: Input[][] = [];
  const nows: Now[] = [];
  const performed: string[] = [];
  const fatal: unknown[] = [];
  const node = {
    step: (turn: readonly Input[], now: Now) => {
      turns.push([...turn]);
      nows.push(now);
      return onStep(turn, turns.length);
    },
    get wakeAt() {
      return wakeAt();
    },
  };
  const { log, messages } = listeningLog();
  const driver = new Driver(node, log, (error) => fatal.push(error));
  const world: World = {
    clients: {
      send: (conn, bytes) => performed.push(`send ${String(conn)} ${Buffer.from(bytes).toString()}`),
      closeClient: (conn) => performed.push(`close ${String(conn)}`),
      setPaused: (conn, isPaused) => performed.push(`${isPaused ? 'pause' : 'resume'} ${String(conn)}`),
    },
    peers: {
      send: (to) => {
        performed.push(`peer ${String(to)}`);
        driver.emit({ kind: 'peerDown', peer: to });
      },
    },
    log: {
      persist: (write) => performed.push(`persist ${String(write)}`),
    },
    map: { keep: ({ version }) => performed.push(`keep ${String(version)}`) },
    onNodes: ({ version }) => performed.push(`nodes ${String(version)}`),
  };
  driver.start(world);
  return { turns, nows, performed, fatal, messages, driver };
}

const never = (): null => null;
const timer: Input = { kind: 'timer' };

describe('a turn', () => {
  test('holds everything that happened since the last one, in order', async () => {
    const { turns, driver } = drive(() => [], never);
    const inputs: readonly Input[] = [timer, { kind: 'peerUp', peer: NodeId(2), store: 'two' }, { kind: 'drain' }];
    for (const input of inputs) driver.emit(input);
    await until(() => turns.length > 0, 'the turn');
    driver.emit(timer);
    await until(() => turns.length > 1, 'the next');
    expect(turns).toEqual([inputs, [timer]]);
  });

  test('performs its effects in order; what comes of them belongs to the next', async () => {
    const conn = 1 as never;
    const effects: readonly Effect[] = [
      { kind: 'persist', write: WriteId(1), records: [] },
      { kind: 'sendToPeer', to: NodeId(2), messages: [] },
      { kind: 'sendToClient', conn, bytes: Buffer.from('+OK') },
      { kind: 'pauseClient', conn },
      { kind: 'resumeClient', conn },
      { kind: 'closeClient', conn },
      { kind: 'log', level: 'info', message: 'something', facts: {} },
    ];
    const { turns, performed, messages } = drive((_, step) => (step === 1 ? effects : []), never);
    await until(() => turns.length === 2, 'both turns');
    expect(performed).toEqual(['persist 1', 'peer 2', 'send 1 +OK', 'pause 1', 'resume 1', 'close 1']);
    expect(messages).toEqual(['something']);
    expect(turns).toEqual([[], [{ kind: 'peerDown', peer: 2 }]]);
  });
});

describe('the timer', () => {
  test('comes when the node wants it, and the clock does not go back', async () => {
    let due: MonoTime | null = null;
    const { turns, nows } = drive(
      (_, step) => {
        due = step < 4 ? MonoTime((nows.at(-1)?.mono ?? 0) + 2000) : null;
        return [];
      },
      () => due,
    );
    await until(() => turns.length === 4, 'three timers');
    expect(turns).toEqual([[], [timer], [timer], [timer]]);
    for (const [i, now] of nows.entries()) {
      expect(Number.isInteger(now.mono) && Number.isInteger(now.wall)).toBe(true);
      expect(now.mono - (nows[i - 1]?.mono ?? now.mono)).toBeGreaterThanOrEqual(i === 0 ? 0 : 1000);
    }
  });
});

test('a timer is moved forward when the node wants it earlier', async () => {
  let due = MonoTime(Number.MAX_SAFE_INTEGER);
  const { turns, nows, driver } = drive(
    (turn) => {
      if (turn.length === 1) due = MonoTime((nows.at(-1)?.mono ?? 0) + 1000);
      return [];
    },
    () => due,
  );
  await until(() => turns.length === 1, 'the first turn');
  driver.emit({ kind: 'drain' });
  await until(() => turns.length >= 3, 'the timer');
  expect(turns.slice(0, 3)).toEqual([[], [{ kind: 'drain' }], [timer]]);
  driver.stop();
});

describe('the end', () => {
  test('of a node whose law is broken: it is told once and nothing more is done', async () => {
    const { turns, performed, fatal, messages, driver } = drive((_, step) => {
      if (step === 2) throw new InvariantError('a law holds', { of: 'nature' });
      return [{ kind: 'persist', write: WriteId(step), records: [] }];
    }, never);
    await until(() => turns.length === 1, 'the first turn');
    driver.emit(timer);
    await until(() => fatal.length === 1, 'the fault');
    driver.emit(timer);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(turns.length).toBe(2);
    expect(performed).toEqual(['persist 1']);
    expect(fatal).toEqual([expect.objectContaining({ law: 'a law holds' })]);
    expect(messages).toEqual(['a law of the core is broken']);
  });

  test('of a drained node is reported to whoever drains it', async () => {
    const { driver } = drive((turn) => (turn.some(({ kind }) => kind === 'drain') ? [{ kind: 'drained' }] : []), never);
    await driver.drain();
    driver.stop();
  });
});
