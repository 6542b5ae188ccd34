/**
 * What people read of a run.
 */
import pc from 'picocolors';
import type { Result, Verdict } from '../simulate.ts';

export function describeVerdict(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'clean':
      return pc.green('clean');
    case 'invalid':
      return pc.yellow(`invalid (S1): ${verdict.reason}`);
    case 'violation':
      return `${pc.red(`violation of ${verdict.rule}`)} at ${seconds(verdict.atUs)} s: ${verdict.message}`;
  }
}

/** `wallMs`: how long it took. */
export function describeResult(result: Result, wallMs: number): readonly string[] {
  const { verdict, statistics: s, hash } = result;
  const faults = Object.entries(s.faults).map(([kind, count]) => `${kind} ${String(count)}`);
  const rows: readonly (readonly [string, string])[] = [
    ['verdict', describeVerdict(verdict)],
    [
      'commands',
      `${String(s.commands)}: ${String(s.commandsExecuted)} executed, ${String(s.commandsNotExecuted)} refused, ${String(s.commandsUnknown)} unknown`,
    ],
    ['writes', `${String(s.acknowledgedWrites)} acknowledged, ${String(s.committed)} entries committed`],
    ['reads', `${String(s.servedReads)} served beside the log`],
    ['forwards', `${String(s.forwards)}, of which ${String(s.staleForwards)} to the wrong place`],
    ['elections', String(s.elections)],
    ['snapshots', `${String(s.snapshots)}, of which ${String(s.installed)} from another replica`],
    ['faults', faults.length === 0 ? 'none' : faults.join(', ')],
    ['marks', Object.keys(s.marks).join(', ')],
    ['network', `${String(s.messages)} messages, ${String(s.lostMessages)} lost`],
    ['time', `${seconds(s.simulatedUs)} s simulated in ${(wallMs / 1000).toFixed(2)} s`],
    ['events', `${String(s.events)}, ${String(Math.round((s.events / wallMs) * 1000))} per second`],
    ['hash', hash],
  ];
  return rows.map(([name, value]) => `${name.padEnd(10)} ${value}`);
}

export function seconds(us: number): string {
  return (us / 1_000_000).toFixed(3);
}
