/**
 * The directory of tenants behind a log. It owns no data. The metadata group has it by itself; without one, every group
 * has a part of it beside its tenants.
 */
import type { ByteWriter } from '../base/bytes.ts';
import type { GroupId, NodeId, TenantName } from '../base/ids.ts';
import { Directory } from '../metadata/directory.ts';
import { preferred } from '../metadata/groupChoice.ts';
import { NodeMap } from '../metadata/nodeMap.ts';
import type { ClusterNode, NodeMapImage } from '../wire/nodes.ts';
import type { Outcome } from '../wire/messages.ts';
import type { MovePlan } from '../wire/moves.ts';
import type { NodePlan } from '../wire/nodes.ts';
import type { LoggedItem, LoggedOperation } from '../wire/operation.ts';
import { done, type Judged, type StateMachine } from './machine.ts';
import { type DirectoryCut, DirectoryLoader, DirectoryReader, directoryRecords } from './state/directoryRecords.ts';
import type { Instant } from './state/format.ts';
import { StateCut } from './state/stateCut.ts';
import type { StateLoader } from './state/stateLoader.ts';

export class DirectoryMachine implements StateMachine {
  directory: Directory;
  private readonly tenantGroups: readonly GroupId[];
  private readonly nodesAtFirst: NodeMapImage;
  private readonly home: GroupId | null;
  private readonly homes: readonly { readonly group: GroupId }[];
  private readonly replicasOn: (node: NodeId) => number;
  private readonly maxNames: number;

  /**
   * What the configuration says: where tenants may live, and which nodes there are. `home`: the group that has this part
   * of the directory, null if it is the whole. `replicasOn`: of how many groups the node has a replica, as far as is known here.
   * `maxNames`: with so many names, dropped ones included, no new one is taken.
   */
  constructor(
    tenantGroups: readonly GroupId[],
    nodes: readonly ClusterNode[] = [],
    home: GroupId | null = null,
    replicasOn: (node: NodeId) => number = () => 0,
    maxNames = Number.POSITIVE_INFINITY,
  ) {
    this.replicasOn = replicasOn;
    this.maxNames = maxNames;
    this.tenantGroups = tenantGroups;
    this.nodesAtFirst = { version: 0, nodes, groups: [] };
    this.home = home;
    this.homes = tenantGroups.map((group) => ({ group }));
    this.directory = new Directory(tenantGroups, undefined, 0, new NodeMap(this.nodesAtFirst), home);
  }

  accessOf(operation: LoggedOperation): 'read' | 'write' {
    if (operation.kind === 'planMove') return operation.plan.kind === 'look' ? 'read' : 'write';
    if (operation.kind !== 'resolveTenant') return 'write';
    const { tenant, create } = operation;
    const isFree = this.directory.find(tenant) === null && this.directory.importOf(tenant) === null;
    return create && isFree ? 'write' : 'read';
  }

  judge({ operation }: Judged): Outcome | null {
    const { kind } = operation;
    if (kind === 'planNode' && operation.plan.kind === 'remove') return this.refuseRemoval(operation.plan.node);
    if (!ours.has(kind) || !this.isHomeOf(operation.tenant)) return notForUs;
    return this.brings(operation) ? this.refuseName() : null;
  }

  apply({ operation }: LoggedItem): Outcome {
    if (operation.kind === 'resolveTenant') {
      const { tenant, create, group } = operation;
      if (create && this.directory.importOf(tenant) === null) this.directory.place(tenant, group);
      return this.resolved(tenant);
    }
    if (operation.kind === 'planMove') return this.planned(operation.tenant, operation.plan);
    if (operation.kind === 'planNode') return this.plannedNode(operation.plan);
    if (operation.kind === 'planGroups') return { kind: 'made', ...this.directory.makeGroups(operation.plan) };
    if (operation.kind !== 'dropTenant') return notForUs;
    this.directory.drop(operation.tenant, operation.incarnation);
    return done;
  }

  read(operation: LoggedOperation): Outcome {
    if (operation.kind === 'planMove') return this.underWay(operation.tenant, '');
    return operation.kind === 'resolveTenant' ? this.resolved(operation.tenant) : notForUs;
  }

  cut(instant: Instant): StateCut {
    const cut = this.image();
    const records = (writer: ByteWriter) => directoryRecords(writer, cut);
    return new StateCut('directory', instant, records, () => {
      cut.map.places.close();
    });
  }

  /** What it has now, to be read out while it goes on; the map in it is to be closed. */
  image(): DirectoryCut {
    const { map, placedByPolicy, moves, nodes, pins } = this.directory;
    const held = { pinned: pins.list(), owned: pins.owned() };
    const planned = { latestMove: moves.latest, planned: moves.list(), leftOver: moves.leftOver() };
    return { map: map.cut(), placedByPolicy, nodes: nodes.image, ...planned, ...held };
  }

  loader(): StateLoader {
    return new DirectoryLoader(this.reader(), (directory) => {
      this.directory = directory;
    });
  }

  reader(): DirectoryReader {
    return new DirectoryReader(this.tenantGroups, this.nodesAtFirst, this.home);
  }

  /** Who asks goes by a configuration that may be another than this one's: two homes would be two that create a tenant. */
  private isHomeOf(tenant: TenantName): boolean {
    return this.home === null || preferred(tenant, this.homes) === this.home;
  }

  private planned(tenant: TenantName, plan: MovePlan): Outcome {
    let why: string | null = null;
    if (plan.kind === 'begin') why = this.directory.beginMove(tenant, plan.to, plan.alone, plan.isPlanners);
    else if (plan.kind === 'import') why = this.directory.beginImport(tenant, plan.to);
    else if (plan.kind === 'pin') why = this.directory.pin(tenant, plan.pin);
    else if (plan.kind === 'unpin') this.directory.unpin(tenant);
    else if (plan.kind === 'stay') this.directory.letStay(tenant, plan.move);
    else if (plan.kind === 'end') this.directory.endMove(tenant, plan.move, plan.hasDeparted);
    return this.underWay(tenant, why ?? '');
  }

  private plannedNode(plan: NodePlan): Outcome {
    const { nodes } = this.directory;
    if (plan.kind === 'join') {
      const { node } = nodes.join(plan.clientAddress, plan.peerAddress, plan.zone, plan.store);
      return { kind: 'nodes', map: nodes.image, node, why: '' };
    }
    const why =
      plan.kind === 'replace' ? nodes.replace(plan.node, plan.heir) : nodes.change(plan.node, stateAfter[plan.kind]);
    return { kind: 'nodes', map: nodes.image, node: plan.node, why: why ?? '' };
  }

  /** Who belongs to groups is no state of this machine: whoever leads goes by what the groups' leaders have told it. */
  private refuseRemoval(node: NodeId): Outcome | null {
    const count = this.replicasOn(node);
    const why = `node ${String(node)} has replicas of ${String(count)} groups: they must go first`;
    return count === 0 ? null : { kind: 'nodes', map: this.directory.nodes.image, node, why };
  }

  /** Whether the operation gives a place to a name that never had one. */
  private brings(operation: LoggedOperation): boolean {
    const { kind, tenant } = operation;
    const creates =
      kind === 'resolveTenant' ? operation.create : kind === 'planMove' && operation.plan.kind === 'import';
    return creates && !this.directory.knows(tenant) && this.directory.importOf(tenant) === null;
  }

  /** Names are never forgotten, so there must not be any number of them. No law of the log: its leader's setting counts. */
  private refuseName(): Outcome | null {
    if (this.directory.map.size < this.maxNames) return null;
    const keeper = this.home === null ? 'the cluster' : `group ${String(this.home)}`;
    const what = `${keeper} has reached its bound of ${String(this.maxNames)} names of tenants (maxTenantNames)`;
    return { kind: 'refused', refusal: { kind: 'quota', what } };
  }

  private underWay(tenant: TenantName, why: string): Outcome {
    const { moves, pins } = this.directory;
    return { kind: 'planned', move: moves.of(tenant), pin: pins.of(tenant), why };
  }

  private resolved(tenant: TenantName): Outcome {
    const coming = this.directory.importOf(tenant);
    if (coming !== null)
      return { kind: 'refused', refusal: { kind: 'loading', group: coming.to, incarnation: coming.incarnation } };
    return { kind: 'resolved', version: this.directory.version, tenant: this.directory.find(tenant) };
  }
}

const ours: ReadonlySet<LoggedOperation['kind']> = new Set([
  'resolveTenant',
  'dropTenant',
  'planMove',
  'planNode',
  'planGroups',
]);

const stateAfter = { drain: 'draining', undrain: 'member', remove: 'removed' } as const;

const notForUs: Outcome = { kind: 'refused', refusal: { kind: 'notOwner', owned: 0, released: 0 } };
