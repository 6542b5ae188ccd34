/**
 * The whole simulated world, built from a scenario: machines, their network, clients, faults and the witness.
 */
import { binaryString, bytesOfBinary } from '../../core/base/bytes.ts';
import { ConnId, GroupId, metadataGroup, NodeId, ReplicaId } from '../../core/base/ids.ts';
import { crc32 } from 'node:zlib';
import { invariant } from '../../core/base/invariant.ts';
import type { Random } from '../../core/base/random.ts';
import { parseTenantName } from '../../core/base/tenantName.ts';
import type { Settings, Topology } from '../../core/node/options.ts';
import type { PeerMessage } from '../../core/wire/messages.ts';
import { encodeFrames, FrameReader } from '../../core/wire/frames.ts';
import type { RollingHash } from '../base/hash.ts';
import { worldCode } from '../base/codes.ts';
import { pick, randomSource } from '../base/random.ts';
import type { Oracle } from '../oracles/oracle.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Trace } from '../trace/trace.ts';
import type { Command } from '../truth/commands.ts';
import { rule } from '../truth/violation.ts';
import { Witness } from '../truth/witness.ts';
import { Bystanders } from './bystanders.ts';
import { Client, type ClientWorld } from './client.ts';
import { Clock } from './clock.ts';
import { Disk } from './disk.ts';
import { Faults } from './faults.ts';
import { Machine, type Surroundings } from './machine.ts';
import { addressOf, joinToken, Operator } from './operator.ts';
import { type FrameCodec, Network } from './network.ts';
import { Restorer } from './restorer.ts';
import { Schedule } from './schedule.ts';
import { AskMaker } from './workload.ts';

const clusterId = 'simulated';
/** Values of the workload are small; what a list or an append grows to is not. */
const mib = 1024 * 1024;
const maxValueBytes = 1024 * 1024;

/** Hears what is answered on a connection of its own. */
export interface Listener {
  onReply(conn: ConnId, text: string): void;
}

export class World {
  readonly schedule: Schedule;
  readonly witness: Witness;
  readonly machines: readonly Machine[];
  readonly network: Network;
  readonly faults: Faults;
  readonly bystanders: Bystanders;
  readonly operator: Operator;
  readonly clients: Client[] = [];
  readonly random;
  private readonly hash: RollingHash;
  private readonly scenario: Scenario;
  private readonly clientOf = new Map<ConnId, Client>();
  readonly restorers: Restorer[] = [];
  private readonly listenerOf = new Map<ConnId, Listener>();
  private readonly clientWorld: ClientWorld;
  private conns = 0;
  private operations = 0;

  constructor(scenario: Scenario, hash: RollingHash, trace: Trace | null, extraOracles: readonly Oracle[]) {
    this.scenario = scenario;
    this.hash = hash;
    this.random = randomSource(scenario.noise);
    this.schedule = new Schedule(scenario.turns.randomTies ? this.random('ties') : null);
    const topology = topologyOf(scenario);
    const ids = nodeIdsOf(scenario);
    this.witness = new Witness(ids, topology, scenario.timing, this.schedule, hash, trace, extraOracles);
    const around = this.surroundings();
    this.machines = ids.map((node) => this.makeMachine(node, node <= scenario.nodes ? topology : null, around));
    this.network = new Network(
      this.schedule,
      scenario.network,
      this.machines,
      scenario.network.encoded ? frameCodec() : null,
      this.random,
    );
    this.operator = new Operator(this, this.random('operator'));
    this.faults = new Faults({
      scenario,
      schedule: this.schedule,
      machines: this.machines,
      network: this.network,
      witness: this.witness,
      operator: this.operator,
      random: this.random('faults'),
      order: (machine, words) => {
        this.order(machine, words);
      },
      restore: (tenant, group) => {
        this.restore(tenant, group);
      },
    });
    this.bystanders = new Bystanders(this, scenario.profile === 'metadata-down' ? scenario.tenants : []);
    this.witness.onMoved = (node, step) => {
      this.faults.notice(node, step);
    };
    this.witness.onChanging = (node, step) => {
      this.faults.notice(node, step);
    };
    this.witness.onElected = (node) => {
      this.faults.notice(node, 'lead');
    };
    this.witness.onCommandStarted = (command) => {
      this.clientOf.get(command.conn)?.onStarted(command);
    };
    this.witness.protocolOf = (conn) => this.clientOf.get(conn)?.protocolOf(conn) ?? 2;
    this.clientWorld = {
      schedule: this.schedule,
      latencyUs: scenario.network.clientUs,
      readonlyConnections: this.witness.readonlyConnections,
      nextConn: () => this.nextConn(),
      pickNode: (random: Random) =>
        pick(
          random,
          this.machines.filter(({ isInUse }) => isInUse),
        ),
      answered: (client, tenant, text, command) => {
        this.answered(client, tenant, text, command);
      },
    };
  }

  start(): void {
    for (const machine of this.machines) machine.start();
    this.bystanders.start();
    const { workload } = this.scenario;
    for (let number = 1; number <= workload.clients; number += 1) {
      const random = this.random(`client/${String(number)}`);
      this.addClient(number, workload, random).start();
    }
  }

  /** A client with a workload of its own. */
  addClient(number: number, workload: Scenario['workload'], random: Random): Client {
    const tenants = this.scenario.tenants.map(({ name }) => name);
    const asks = new AskMaker(workload, tenants, random, () => this.nextOperation());
    const client: Client = new Client(
      number,
      { ...this.clientWorld, nextConn: () => this.connFor(client) },
      workload,
      asks,
      random,
    );
    this.clients.push(client);
    return client;
  }

  nextOperation(): number {
    this.operations += 1;
    return this.operations;
  }

  nextConn(): ConnId {
    this.conns += 1;
    return ConnId(this.conns);
  }

  /** Links and disks do what is expected of them from now on; only what is cut stays cut. */
  calm(): void {
    this.network.calm();
    for (const { disk } of this.machines) disk.calm();
  }

  /** The node runs, and no other hears of it or is heard by it again. */
  isolate({ id }: Machine): void {
    this.witness.note(id, 'is cut off for good');
    for (const other of this.network.others(id)) {
      this.network.cut(id, other);
      this.network.cut(other, id);
    }
  }

  get electionUs(): number {
    return this.scenario.timing.electionMs * 1000;
  }

  get commandTimeoutUs(): number {
    return this.scenario.timing.commandTimeoutMs * 1000;
  }

  /** A connection whose replies go to that one. */
  connect(listener: Listener): ConnId {
    const conn = this.nextConn();
    this.listenerOf.set(conn, listener);
    return conn;
  }

  /** What the operator types goes to a connection of its own; nobody waits for the answer. */
  private order(machine: Machine, words: readonly string[]): void {
    this.type(machine, this.nextConn(), words);
  }

  /** A command through a connection that begins with it. */
  type(machine: Machine, conn: ConnId, words: readonly string[]): void {
    machine.receive({ kind: 'clientOpened', conn, address: 'operator' });
    machine.receive({ kind: 'clientCommand', conn, args: words.map(bytesOfBinary) });
  }

  private restore(tenant: string, group: string): void {
    const random = this.random(`restorer/${String(this.restorers.length)}`);
    const restorer = new Restorer(this, tenant, group, random);
    this.restorers.push(restorer);
    restorer.start();
  }

  private connFor(client: Client): ConnId {
    const conn = this.nextConn();
    this.clientOf.set(conn, client);
    return conn;
  }

  private answered(client: number, tenant: string, text: string, command: Command | null): void {
    this.hash.event(worldCode.reply, client, this.schedule.now);
    this.hash.add(text.length);
    this.witness.answered(client, tenant, text, command);
  }

  private makeMachine(node: NodeId, topology: Topology | null, around: Surroundings): Machine {
    const { scenario, schedule } = this;
    const plan = scenario.clocks[node - 1] ?? { ratePpm: 0, wallOffsetMs: 0 };
    const disk = new Disk(schedule, scenario.disk, { clusterId, node }, this.random(`disk/${String(node)}`), () => {
      this.faults.notice(node, 'sync');
    });
    return new Machine(node, topology, new Clock(plan.ratePpm, plan.wallOffsetMs), disk, around);
  }

  private surroundings(): Surroundings {
    const { timing, turns, disk } = this.scenario;
    const settings: Settings = {
      electionMs: timing.electionMs,
      heartbeatMs: timing.heartbeatMs,
      leaseReads: timing.leaseReads,
      metadata: this.scenario.metadata,
      joinToken,
      rebalance: timing.rebalance ? 'on' : 'manual',
      placement: 'round-robin',
      isolationPercent: 50,
      // Small, so that what little there is counts.
      nodeBytes: mib,
      nodeOperations: 2_000,
      lostAfterMs: timing.lostAfterMs,
      commandTimeoutMs: timing.commandTimeoutMs,
      gossipMs: timing.gossipMs,
      autoCreateTenants: true,
      maxTenantNames: 2_000_000,
      defaultTenant: true,
      maxValueBytes,
      snapshotLogBytes: disk.snapshotLogBytes,
      snapshotBytesPerSecond: disk.snapshotBytesPerSecond,
    };
    return {
      schedule: this.schedule,
      witness: this.witness,
      knobs: turns,
      settings,
      random: this.random,
      storeOf: (node) => this.machines[node - 1]?.store ?? '',
      sendToPeer: (from, to, messages) => {
        this.network.send(from, to, messages);
      },
      sendToClient: (conn, bytes) => {
        this.clientOf.get(conn)?.onReply(conn, bytes);
        this.listenerOf.get(conn)?.onReply(conn, binaryString(bytes));
      },
      closeClient: (conn) => {
        this.clientOf.get(conn)?.onBroken(conn, null);
      },
      onStarted: (machine) => {
        this.hash.event(worldCode.start, machine.id, this.schedule.now);
        this.network.onStart(machine.id);
      },
      onStopped: (machine) => {
        this.hash.event(worldCode.crash, machine.id, this.schedule.now);
        this.network.onStop(machine.id);
        for (const client of this.clients) client.onBroken(null, machine.id);
      },
      onPeers: (machine, peers) => {
        this.network.onPeers(machine.id, peers);
      },
      filter: (machine, messages) =>
        messages.filter(
          (message) =>
            !(this.faults.isPinned(machine.id) && isNewsOfTheMap(message)) &&
            !(message.kind === 'raft' && this.faults.isDeaf(machine.id, message.group)),
        ),
    };
  }
}

function isNewsOfTheMap(message: PeerMessage): boolean {
  const isOfTheMap = message.kind === 'mapChanges' || message.kind === 'mapPiece' || message.kind === 'places';
  return isOfTheMap || (message.kind === 'raft' && message.group === metadataGroup);
}

/** Those that are there from the beginning, and as many as may join. */
function nodeIdsOf({ nodes, faults }: Scenario): readonly NodeId[] {
  const joins = faults.filter((fault) => fault.do === 'join').length;
  return Array.from({ length: nodes + joins }, (_, i) => NodeId(i + 1));
}

export function topologyOf(scenario: Scenario): Topology {
  const nodes = Array.from({ length: scenario.nodes }, (_, i) => NodeId(i + 1));
  return {
    clusterId,
    nodes: nodes.map((node) => ({
      node,
      clientAddress: `${addressOf(node)}:7000`,
      peerAddress: `${addressOf(node)}:17000`,
      zone: '',
      hasJoined: false,
    })),
    groups: scenario.groups.flatMap((members, group) =>
      scenario.metadata !== 'raft' && group === 0
        ? []
        : [
            {
              group: GroupId(group),
              replicas: members.map((node, i) => ({
                replica: ReplicaId(i + 1),
                node: NodeId(((node - 1) % scenario.nodes) + 1),
              })),
            },
          ],
    ),
    tenants: scenario.tenants.flatMap(({ name, group }) => {
      const tenant = parseTenantName(name);
      invariant(tenant !== null, 'a scenario names tenants rightly', { name });
      return group > 0 ? [{ tenant, group: GroupId(((group - 1) % (scenario.groups.length - 1)) + 1) }] : [];
    }),
  };
}

export function frameCodec(): FrameCodec {
  return {
    encode: (messages) => concat(encodeFrames(messages, (bytes, seed) => crc32(bytes, seed))),
    decode: (frame) => {
      const decoded = new FrameReader((bytes, seed) => crc32(bytes, seed)).read(frame);
      rule(decoded !== 'malformed', 'wire', 'what is encoded can be decoded');
      return decoded;
    },
  };
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
