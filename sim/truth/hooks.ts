/**
 * Who wants to hear of what: the oracles' methods, gathered once, so that telling costs nobody who does not listen.
 */
import type { Oracle } from '../oracles/oracle.ts';

type Listeners = { readonly [Name in Exclude<keyof Oracle, 'rule'>]-?: readonly NonNullable<Oracle[Name]>[] };

export class Hooks implements Listeners {
  readonly elected;
  readonly hardStateWritten;
  readonly entriesWritten;
  readonly snapshotWritten;
  readonly raftSent;
  readonly raftReceived;
  readonly nodeHeard;
  readonly commitGrew;
  readonly committed;
  readonly replicaChanged;
  readonly proposed;
  readonly applied;
  readonly readServed;
  readonly commandStarted;
  readonly commandFinished;
  readonly forwarded;
  readonly misrouted;
  readonly requestSent;
  readonly placeHeard;
  readonly orderHeard;
  readonly nodesHeard;
  readonly turnEnded;
  readonly started;
  readonly answered;
  readonly exported;
  readonly checkpoint;
  readonly ended;

  constructor(oracles: readonly Oracle[]) {
    this.elected = oracles.flatMap((oracle) => oracle.elected ?? []);
    this.hardStateWritten = oracles.flatMap((oracle) => oracle.hardStateWritten ?? []);
    this.entriesWritten = oracles.flatMap((oracle) => oracle.entriesWritten ?? []);
    this.snapshotWritten = oracles.flatMap((oracle) => oracle.snapshotWritten ?? []);
    this.raftSent = oracles.flatMap((oracle) => oracle.raftSent ?? []);
    this.raftReceived = oracles.flatMap((oracle) => oracle.raftReceived ?? []);
    this.nodeHeard = oracles.flatMap((oracle) => oracle.nodeHeard ?? []);
    this.commitGrew = oracles.flatMap((oracle) => oracle.commitGrew ?? []);
    this.committed = oracles.flatMap((oracle) => oracle.committed ?? []);
    this.replicaChanged = oracles.flatMap((oracle) => oracle.replicaChanged ?? []);
    this.proposed = oracles.flatMap((oracle) => oracle.proposed ?? []);
    this.applied = oracles.flatMap((oracle) => oracle.applied ?? []);
    this.readServed = oracles.flatMap((oracle) => oracle.readServed ?? []);
    this.commandStarted = oracles.flatMap((oracle) => oracle.commandStarted ?? []);
    this.commandFinished = oracles.flatMap((oracle) => oracle.commandFinished ?? []);
    this.forwarded = oracles.flatMap((oracle) => oracle.forwarded ?? []);
    this.misrouted = oracles.flatMap((oracle) => oracle.misrouted ?? []);
    this.requestSent = oracles.flatMap((oracle) => oracle.requestSent ?? []);
    this.placeHeard = oracles.flatMap((oracle) => oracle.placeHeard ?? []);
    this.orderHeard = oracles.flatMap((oracle) => oracle.orderHeard ?? []);
    this.nodesHeard = oracles.flatMap((oracle) => oracle.nodesHeard ?? []);
    this.turnEnded = oracles.flatMap((oracle) => oracle.turnEnded ?? []);
    this.started = oracles.flatMap((oracle) => oracle.started ?? []);
    this.answered = oracles.flatMap((oracle) => oracle.answered ?? []);
    this.exported = oracles.flatMap((oracle) => oracle.exported ?? []);
    this.checkpoint = oracles.flatMap((oracle) => oracle.checkpoint ?? []);
    this.ended = oracles.flatMap((oracle) => oracle.ended ?? []);
  }
}
