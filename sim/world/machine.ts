/**
 * A simulated computer: clocks, a disk, and at times a process, which is the real `Node`. Inputs that arrive
 * while it is busy, paused, or within the gathering time make one turn together. Effects are performed at once.
 */
import { type ConnId, type NodeId, WriteId } from '../../core/base/ids.ts';
import { invariant, unreachable } from '../../core/base/invariant.ts';
import type { NodeMapImage } from '../../core/wire/nodes.ts';
import type { Random, RandomSource } from '../../core/base/random.ts';
import type { Effect, Input } from '../../core/node/door.ts';
import type { LogRecord } from '../../core/log/records.ts';
import { Node } from '../../core/node/node.ts';
import type { NodeOptions, Settings, Topology } from '../../core/node/options.ts';
import type { PeerMessage } from '../../core/wire/messages.ts';
import type { CrashKeeps, TurnKnobs } from '../scenario/scenario.ts';
import { rule } from '../truth/violation.ts';
import type { Witness } from '../truth/witness.ts';
import type { Clock } from './clock.ts';
import type { Disk } from './disk.ts';
import type { Peer } from './network.ts';
import type { Schedule } from './schedule.ts';

/** What a machine is connected to. */
export interface Surroundings {
  readonly schedule: Schedule;
  readonly witness: Witness;
  readonly knobs: TurnKnobs;
  readonly settings: Settings;
  readonly random: RandomSource;
  /** The data directory of a machine. */
  storeOf(node: NodeId): string;
  sendToPeer(from: NodeId, to: NodeId, messages: readonly PeerMessage[]): void;
  sendToClient(conn: ConnId, bytes: Uint8Array): void;
  closeClient(conn: ConnId): void;
  onStarted(machine: Machine): void;
  onStopped(machine: Machine): void;
  /** It takes these for others of its cluster now, or does so no more. */
  onPeers(machine: Machine, peers: readonly NodeId[]): void;
  /** May take news of the map away from a node that is to stay behind. */
  filter(machine: Machine, messages: readonly PeerMessage[]): readonly PeerMessage[];
}

/** The write of the boot record; the process's own begin behind it. */
const bootWrite = WriteId(0);

export class Machine implements Peer {
  readonly id: NodeId;
  readonly clock: Clock;
  readonly disk: Disk;
  /** Null while the process is down, and while it writes its boot record. */
  node: Node | null = null;
  boot = 0;
  /** Which process this is; odd while one exists. */
  life = 0;
  pauses = 0;
  /** It is no machine of the cluster any more, and never will be again. */
  isDiscarded = false;
  private topology: Topology | null;
  private readonly around: Surroundings;
  private readonly random: Random;
  private losses = 0;
  /** The NodeMap that it was told to keep. */
  private nodes: NodeMapImage | null = null;
  /** It was told that its disk is nearly full. */
  private knowsShort = false;
  private inbox: Input[] = [];
  private turnIsDue = false;
  private busyUntil = 0;
  /** The monotonic instant for which a wake-up is set. */
  private wakeMono: number | null = null;

  /** `topology`: what its configuration says; null as long as it has none. */
  constructor(id: NodeId, topology: Topology | null, clock: Clock, disk: Disk, around: Surroundings) {
    this.id = id;
    this.topology = topology;
    this.clock = clock;
    this.disk = disk;
    this.around = around;
    this.random = around.random(`turns/${String(id)}`);
  }

  get isRunning(): boolean {
    return this.node !== null;
  }

  /** It has a configuration, and was not taken away. */
  get isInUse(): boolean {
    return this.topology !== null && !this.isDiscarded;
  }

  /** Is given its configuration. */
  install(topology: Topology): void {
    invariant(this.topology === null, 'a machine is configured once', { node: this.id });
    this.topology = topology;
  }

  /** Its data directory, which is another once its log was lost. */
  get store(): string {
    return `${String(this.id)}.${String(this.losses)}`;
  }

  discard(): void {
    this.isDiscarded = true;
    this.crash('none');
  }

  /** The nodes that it takes for others of its cluster. */
  knows(peer: NodeId): boolean {
    const known = this.nodes?.nodes ?? this.topology?.nodes ?? [];
    return known.some((other) => other.node === peer && !('state' in other && other.state === 'removed'));
  }

  /** Begins a life: recovers the log, writes the boot record, then makes the node. */
  start(): void {
    if (this.life % 2 === 1 || !this.isInUse) return;
    this.life += 1;
    const { life } = this;
    const { witness } = this.around;
    const { isLost } = this.disk;
    if (isLost) this.losses += 1;
    const found = this.disk.open(
      (upTo) => {
        if (life !== this.life) return;
        this.disk.isLost = false;
        this.onSynced(upTo, { ...found, isLost: found.isLost || isLost });
      },
      (groups) => {
        if (life === this.life) this.receive({ kind: 'reclaim', groups });
      },
    );
    witness.recovered(this.id, found);
    this.boot = Math.max(this.boot, found.boots) + 1;
    const lost = isLost ? [{ kind: 'lost' } as const] : [];
    this.disk.append(bootWrite, [...lost, { kind: 'boot', boot: this.boot }]);
  }

  /** The process dies at this instant; the disk keeps what the scenario says. */
  crash(keeps: CrashKeeps): void {
    if (this.life % 2 === 0) return;
    this.life += 1;
    this.node = null;
    this.inbox = [];
    this.wakeMono = null;
    this.disk.crash(keeps);
    this.around.witness.stopped(this.id);
    this.around.onStopped(this);
  }

  pause(): void {
    this.pauses += 1;
  }

  resume(): void {
    this.pauses = Math.max(0, this.pauses - 1);
    this.dueTurn();
  }

  /** Inputs of a client's; those to a process that is gone are lost. */
  receive(input: Input): void {
    if (this.node === null) return;
    this.inbox.push(input);
    this.dueTurn();
  }

  onMessages(from: NodeId, messages: readonly PeerMessage[]): void {
    const passed = this.around.filter(this, messages);
    if (passed.length > 0) this.receive({ kind: 'peerMessages', from, messages: passed });
  }

  onLink(peer: NodeId, isUp: boolean): void {
    if (isUp) this.receive({ kind: 'peerUp', peer, store: this.around.storeOf(peer) });
    else this.receive({ kind: 'peerDown', peer });
  }

  /** The process is told how much room its disk has. */
  setDiskShort(isShort: boolean): void {
    this.disk.isShort = isShort;
    this.receive({ kind: 'diskSpace', isShort });
  }

  /** The clock was changed: the wake-up is set anew. */
  onClockChanged(): void {
    this.wakeMono = null;
    this.setWakeUp();
  }

  private onSynced(upTo: WriteId, restored: NodeOptions['restored']): void {
    this.around.witness.synced(this.id, upTo);
    if (upTo > bootWrite) this.receive({ kind: 'persisted', upTo });
    else this.makeNode(restored);
  }

  private makeNode(restored: NodeOptions['restored']): void {
    const { settings, random, schedule, witness } = this.around;
    const { id, boot, store, topology } = this;
    invariant(topology !== null, 'only a machine with a configuration starts', { node: id });
    const now = this.clock.read(schedule.now);
    witness.beginTurn(this.id, now);
    const map = restored.isLost ? null : this.disk.readMap();
    this.node = new Node({
      node: id,
      boot,
      store,
      topology,
      settings,
      restored,
      ...(map === null ? {} : { map }),
      ...(this.nodes === null ? {} : { nodes: this.nodes }),
      random: (label) => random(`${label}/${String(id)}/${String(boot)}`),
      now,
      probe: witness.probeOf(id, boot),
    });
    witness.started(this.id, this.boot, this.node);
    this.knowsShort = false;
    if (this.disk.isShort) this.receive({ kind: 'diskSpace', isShort: true });
    this.around.onStarted(this);
    this.setWakeUp();
  }

  private dueTurn(): void {
    if (this.turnIsDue || this.pauses > 0 || this.inbox.length === 0) return;
    this.turnIsDue = true;
    const { schedule, knobs } = this.around;
    const gatherUs = knobs.gatherUs === 0 ? 0 : Math.floor(this.random() * knobs.gatherUs);
    const { life } = this;
    schedule.at(Math.max(schedule.now + gatherUs, this.busyUntil), () => {
      this.turnIsDue = false;
      if (life === this.life && this.pauses === 0) this.takeTurn();
      else this.dueTurn();
    });
  }

  private takeTurn(): void {
    const { node, inbox } = this;
    if (node === null || inbox.length === 0) return;
    this.inbox = [];
    const { schedule, witness, knobs } = this.around;
    const now = this.clock.read(schedule.now);
    witness.beginTurn(this.id, now);
    witness.received(this.id, inbox);
    const effects = node.step(inbox, now);
    witness.stepped(this.id);
    this.busyUntil = schedule.now + knobs.turnUs + inbox.length * knobs.inputUs;
    const news = inbox.filter((input) => input.kind === 'diskSpace');
    // What it heard in this turn it may have acted on or not.
    if (news.length > 0) this.knowsShort = false;
    for (const effect of effects) this.perform(effect);
    this.knowsShort = news.at(-1)?.isShort ?? this.knowsShort;
    witness.endTurn(this.id);
    this.setWakeUp();
  }

  private perform(effect: Effect): void {
    const { around } = this;
    switch (effect.kind) {
      case 'sendToClient':
        around.sendToClient(effect.conn, effect.bytes);
        return;
      case 'closeClient':
        around.closeClient(effect.conn);
        return;
      case 'sendToPeer':
        around.witness.sent(this.id, effect.to, effect.messages);
        around.sendToPeer(this.id, effect.to, effect.messages);
        return;
      case 'persist':
        if (this.knowsShort) requireSparse(this.id, effect.records);
        around.witness.written(this.id, effect.write, effect.records);
        this.disk.append(effect.write, effect.records);
        return;
      case 'keepMap':
        this.disk.keepMap(effect.map);
        return;
      case 'nodes':
        this.keepNodes(effect.map);
        return;
      case 'pauseClient':
      case 'resumeClient':
      case 'drained':
      case 'log':
        return;
      default:
        unreachable(effect);
    }
  }

  private keepNodes(map: NodeMapImage): void {
    const before = map.nodes.map(({ node }) => this.knows(node));
    this.nodes = map;
    this.around.witness.nodesKept(this.id, map);
    const changed = map.nodes.filter(({ node }, i) => this.knows(node) !== before[i]);
    if (changed.length > 0)
      this.around.onPeers(
        this,
        changed.map(({ node }) => node),
      );
  }

  /** A stale wake-up does nothing: the node is asked again when it fires. */
  private setWakeUp(): void {
    const wakeAt = this.node?.wakeAt ?? null;
    if (wakeAt === null || (this.wakeMono !== null && this.wakeMono <= wakeAt)) return;
    this.wakeMono = wakeAt;
    const { life } = this;
    const { schedule } = this.around;
    schedule.at(this.clock.whenShows(wakeAt, schedule.now), () => {
      if (life !== this.life || this.wakeMono !== wakeAt) return;
      this.wakeMono = null;
      this.wake();
    });
  }

  private wake(): void {
    invariant(this.node !== null, 'only a running process is woken', { node: this.id });
    const { wakeAt } = this.node;
    if (wakeAt !== null && wakeAt <= this.clock.mono(this.around.schedule.now)) this.receive({ kind: 'timer' });
    else this.setWakeUp();
  }
}

/** What must be written anyway: terms, votes, who belongs to a group. */
function requireSparse(node: NodeId, records: readonly LogRecord[]): void {
  for (const record of records) {
    const isData = record.kind === 'entries' && record.entries.some(({ kind }) => kind === 'data');
    rule(!isData, 'disk', 'nothing of clients is written to a disk that is nearly full', { node });
  }
}
