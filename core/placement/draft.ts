/**
 * A plan while it is being made: each step is taken in the working copy as it is written down. Beyond the most steps that
 * a plan may have it takes no more, and remembers that some were left.
 */
import type { NodeId, TenantName } from '../base/ids.ts';
import type { ClusterSnapshot } from './clusterSnapshot.ts';
import { Constraints } from './constraints.ts';
import { type GroupDraft, newGroup } from './groupDraft.ts';
import { Layout, movedLoad } from './layout.ts';
import { copyTimeoutMs, type Dimension, type Policy } from './policy.ts';
import { Potential } from './potential.ts';
import type { Phase, Step } from './step.ts';
import { TenantIndex } from './tenantIndex.ts';
import { type Cluster, leaderFor } from './targets.ts';

/** What takes a round of messages or two, on a machine that is busy. */
const briefMs = 10_000;

export class Draft implements Cluster {
  readonly policy: Policy;
  readonly layout: Layout;
  readonly constraints: Constraints;
  potential: Potential;
  readonly steps: Step[] = [];
  phase: Phase = 'repair';
  isCut = false;
  isBalancing: boolean;
  /** A group is made where a tenant needs one for itself and none is empty. */
  makesGroups = false;
  /** Tenants that round robin has given their turn. */
  placed: number;
  /** The last of each tenant that has one. */
  private readonly tenantSteps = new Map<number, number>();
  /** Made when it is first needed: going through all tenants takes a while. */
  private index: TenantIndex | null = null;
  /** Φ, while steps for the balance are taken. */
  private phi = 0;
  private readonly remarks = new Set<string>();

  constructor(snapshot: ClusterSnapshot, policy: Policy) {
    this.policy = policy;
    this.layout = new Layout(snapshot, policy);
    this.constraints = new Constraints(this.layout, policy);
    this.potential = new Potential(this.layout, policy);
    this.isBalancing = snapshot.isBalancing;
    this.placed = snapshot.placed;
  }

  get tenantIndex(): TenantIndex {
    this.index ??= new TenantIndex(this.layout);
    return this.index;
  }

  /** What was wanted and could not be. */
  get notes(): readonly string[] {
    return [...this.remarks];
  }

  note(text: string): void {
    this.remarks.add(text);
  }

  /** Nodes may have other shares than before. */
  weigh(): void {
    this.potential = new Potential(this.layout, this.policy);
    this.phi = this.potential.value;
  }

  /** Whether one more step may be taken. Asked only by who has one. */
  get hasRoom(): boolean {
    if (this.steps.length < this.policy.maxSteps) return true;
    this.isCut = true;
    return false;
  }

  transferLeader(group: GroupDraft, to: number, why: string): void {
    const [from, target] = [this.idOf(group.leader), this.idOf(to)];
    const common = this.onGroup(group, briefMs, why);
    this.steps.push({ kind: 'transferLeader', from, to: target, ...common });
    this.layout.setLeader(group, to);
  }

  replaceReplica(group: GroupDraft, from: number, to: number, why: string): void {
    const replica = this.layout.replicaOn(group, from);
    const common = this.onGroup(group, this.copyMs(group.bytes), why);
    this.steps.push({ kind: 'replaceReplica', replica, from: this.idOf(from), to: this.idOf(to), ...common });
    this.layout.replaceReplica(group, from, to);
  }

  addReplica(group: GroupDraft, to: number, why: string): void {
    this.steps.push({ kind: 'addReplica', to: this.idOf(to), ...this.onGroup(group, this.copyMs(group.bytes), why) });
    this.layout.addReplica(group, to);
  }

  removeReplica(group: GroupDraft, from: number, why: string): void {
    const replica = this.layout.replicaOn(group, from);
    this.steps.push({ kind: 'removeReplica', replica, from: this.idOf(from), ...this.onGroup(group, briefMs, why) });
    this.layout.removeReplica(group, from);
  }

  moveTenant(tenant: number, to: GroupDraft, why: string): void {
    const { layout } = this;
    const status = layout.tenantAt(tenant);
    const from = layout.homeOf(tenant);
    const { bytes } = movedLoad(status, from);
    const number = this.steps.length + 1;
    this.steps.push({
      kind: 'moveTenant',
      number,
      phase: this.phase,
      tenant: status.tenant,
      incarnation: status.incarnation,
      epoch: status.epoch,
      from: from.group,
      to: to.group,
      alone: to.dedicatedTo === status.tenant,
      after: this.tenantSteps.get(tenant) ?? (to.isNew ? to.lastStep : null),
      timeoutMs: this.copyMs(bytes),
      why,
    });
    this.tenantSteps.set(tenant, number);
    layout.moveTenant(tenant, to);
  }

  /** `nodes` may have it; the first of them leads. */
  createGroup(dedicatedTo: TenantName, nodes: readonly number[], why: string): GroupDraft {
    const { layout } = this;
    const draft = newGroup(layout.nextGroup, layout.groups.length, nodes.length, dedicatedTo);
    draft.voters.push(...nodes);
    const { group, number, phase, after, timeoutMs } = this.onGroup(draft, this.copyMs(0), why);
    const ids = nodes.map((node) => this.idOf(node));
    this.steps.push({ kind: 'createGroup', number, phase, group, dedicatedTo, nodes: ids, after, timeoutMs, why });
    layout.createGroup(draft);
    return draft;
  }

  /**
   * Has somebody else lead, if the node leads the group: so that its replica can go. Returns whether it can. What leads
   * alone hands over as it goes.
   */
  yieldLead(group: GroupDraft, node: number, why: string): boolean {
    if (group.leader !== node || group.voters.length === 1) return true;
    const to = leaderFor(this, group);
    if (to === null) return false;
    this.transferLeader(group, to, `${why}; node ${String(this.idOf(to))} leads first`);
    return true;
  }

  idOf(node: number): NodeId {
    return this.layout.nodeAt(node).node;
  }

  /** Where the node stands in a dimension, for people. */
  standing(node: number, dimension: Dimension): string {
    const off = this.potential.deviationPpt(dimension, node);
    const name = `node ${String(this.idOf(node))}`;
    if (off === null) return `${name} has ${String(this.layout.of(dimension, node))} ${dimension}`;
    return `${name} has ${percent(1000 + off)} of its share of ${dimension}`;
  }

  /** Where the node has most, of these, for people. */
  heaviest(node: number, among: readonly [Dimension, Dimension]): string {
    const [one, other] = among;
    const off = (dimension: Dimension): number => this.potential.deviationPpt(dimension, node) ?? -Infinity;
    return this.standing(node, off(other) > off(one) ? other : one);
  }

  /** What a step does for the balance, for people. Every such step says so: Φ need not be added up anew for each. */
  progress(fall: number): string {
    this.phi -= fall;
    return `Φ falls by ${String(fall)} to ${String(this.phi)}`;
  }

  private onGroup(group: GroupDraft, timeoutMs: number, why: string) {
    const number = this.steps.length + 1;
    const after = group.lastStep;
    group.lastStep = number;
    return { number, phase: this.phase, group: group.group, confIndex: group.confIndex, after, timeoutMs, why };
  }

  private copyMs(bytes: number): number {
    return copyTimeoutMs(this.policy, bytes);
  }
}

/** Parts of a thousand, in percent. */
export function percent(ppt: number): string {
  return `${String(Math.round(ppt / 10))} %`;
}
