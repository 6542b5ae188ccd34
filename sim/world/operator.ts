/**
 * An operator who lets nodes join, takes them out of the cluster, has groups made, and asks again for as long as it takes:
 * a machine that is to join asks whoever runs until it is told its id; a node that is to leave is drained, then removed,
 * then stopped.
 */
import { type ConnId, GroupId, NodeId, ReplicaId } from '../../core/base/ids.ts';
import type { Random } from '../../core/base/random.ts';
import type { Topology } from '../../core/node/options.ts';
import { pick } from '../base/random.ts';
import { rule } from '../truth/violation.ts';
import type { Machine } from './machine.ts';
import type { World } from './world.ts';

export const joinToken = 'let me in';

const againAfterUs = 400_000;

interface Task {
  /** What is typed now. */
  readonly words: () => readonly string[];
  /** Through any node but that one. */
  readonly except: NodeId | null;
  /** Returns whether that was all. */
  readonly onAnswer: (text: string) => boolean;
  conn: ConnId | null;
  sentAt: number;
}

export class Operator {
  private readonly world: World;
  private readonly random: Random;
  private readonly tasks = new Set<Task>();
  /** Nodes that are to leave. */
  readonly leaving = new Set<NodeId>();
  /** Those among them that have left. */
  readonly removed = new Set<NodeId>();
  private newcomers = 0;

  constructor(world: World, random: Random) {
    this.world = world;
    this.random = random;
  }

  /** Everything that was asked for is so. */
  get isIdle(): boolean {
    return this.tasks.size === 0;
  }

  /** A machine that is in no cluster asks for a place in this one; with the address of one that was removed, if that is given. */
  admit(formerly: NodeId | null): void {
    this.newcomers += 1;
    const address = formerly === null ? `joins-${String(this.newcomers)}` : addressOf(formerly);
    const store = this.newcomers.toString(16).padStart(16, '0');
    const where = [`${address}:7000`, `${address}:17000`];
    const words = ['NODE', 'JOIN', ...where, 'ZONE', '', 'TOKEN', joinToken, 'STORE', store];
    this.begin({
      words: () => words,
      except: null,
      onAnswer: (text) => {
        const configuration = bulkOf(text);
        if (configuration === null) return false;
        this.onAdmitted(configuration);
        return true;
      },
    });
  }

  /** The node is to have nothing any more, or `heir` all that it has; then it is removed, and stopped so long after. */
  retire(machine: Machine, heir: NodeId | null, stopAfterUs: number): void {
    const drain = heir === null ? ['DRAIN', String(machine.id)] : ['REPLACE', String(machine.id), String(heir)];
    let stage: 'drain' | 'drainAlone' | 'remove' = 'drain';
    const wordsOf = { drain, drainAlone: ['DRAIN', String(machine.id)], remove: ['REMOVE', String(machine.id)] };
    this.leaving.add(machine.id);
    this.begin({
      words: () => ['NODE', ...wordsOf[stage]],
      except: machine.id,
      onAnswer: (text) => {
        const isDone = text === '+OK\r\n';
        if (isDone && stage === 'remove') {
          this.removed.add(machine.id);
          this.world.witness.marks.hit('nodeRemoved');
          this.world.schedule.at(this.world.schedule.now + stopAfterUs, () => {
            machine.discard();
          });
          return true;
        }
        // It may have been given its share again meanwhile; and its heir may be no more.
        if (isDone) stage = 'remove';
        else if (text.startsWith('-ERR')) stage = stage === 'remove' ? 'drain' : 'drainAlone';
        return false;
      },
    });
  }

  /** As many groups as that are made; or none, if the cluster says why it cannot. */
  makeGroups(count: number): void {
    const words = ['GROUP', 'CREATE', 'COUNT', String(count)];
    this.begin({
      words: () => words,
      except: null,
      onAnswer: (text) => text.startsWith('*') || text.startsWith('-ERR not executed'),
    });
  }

  private begin(asked: Pick<Task, 'words' | 'except' | 'onAnswer'>): void {
    const task: Task = { ...asked, conn: null, sentAt: 0 };
    this.tasks.add(task);
    this.goOn(task);
  }

  private goOn(task: Task): void {
    if (!this.tasks.has(task)) return;
    const { world } = this;
    world.schedule.at(world.schedule.now + againAfterUs, () => {
      this.goOn(task);
    });
    const { now } = world.schedule;
    if (task.conn !== null && now - task.sentAt < world.commandTimeoutUs + againAfterUs) return;
    const machines = world.machines.filter(({ isRunning, id }) => isRunning && id !== task.except);
    if (machines.length === 0) return;
    const machine = pick(this.random, machines);
    const conn: ConnId = world.connect({
      onReply: (from, text) => {
        if (from !== task.conn) return;
        task.conn = null;
        if (task.onAnswer(text)) this.tasks.delete(task);
      },
    });
    task.conn = conn;
    task.sentAt = now;
    world.type(machine, conn, task.words());
  }

  private onAdmitted(text: string): void {
    const { world } = this;
    const given = JSON.parse(text) as Configuration;
    const machine = world.machines[given.node - 1];
    rule(machine !== undefined && !machine.isDiscarded, 'N1', 'the id of a node is given once', { node: given.node });
    if (machine.isInUse) return;
    world.witness.marks.hit('nodeJoined');
    machine.install(topologyFrom(given));
    machine.start();
  }
}

/** What a node that joins is given: the configuration that it is to start with. */
interface Configuration {
  readonly cluster: string;
  readonly node: number;
  readonly nodes: readonly {
    readonly id: number;
    readonly client: string;
    readonly peer: string;
    readonly zone: string;
    readonly joined: boolean;
  }[];
  readonly groups: readonly { readonly id: number; readonly nodes: readonly number[] }[];
}

function topologyFrom({ cluster, nodes, groups }: Configuration): Topology {
  return {
    clusterId: cluster,
    nodes: nodes.map(({ id, client, peer, zone, joined }) => ({
      node: NodeId(id),
      clientAddress: client,
      peerAddress: peer,
      zone,
      hasJoined: joined,
    })),
    // As `topologyOf` numbers them.
    groups: groups.map(({ id, nodes: members }) => ({
      group: GroupId(id),
      replicas: members.map((node, i) => ({ replica: ReplicaId(i + 1), node: NodeId(node) })),
    })),
    tenants: [],
  };
}

export function addressOf(node: NodeId): string {
  return `n${String(node)}`;
}

/** The text of a bulk string; null if the reply is none. */
function bulkOf(reply: string): string | null {
  return reply.startsWith('$') ? reply.slice(reply.indexOf('\r\n') + 2, -2) : null;
}
