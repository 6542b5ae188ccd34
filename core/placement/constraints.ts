/**
 * What must hold whatever else is wanted: of one group no two replicas on a node, nor in a zone while there are zones
 * enough; nothing new on a node that is not up, nor above its high-water mark or its number of replicas; no tenant where it
 * must not be. Every step is asked for here before it is taken, so no step breaks one, whatever the snapshot had broken.
 */
import { metadataGroup } from '../base/ids.ts';
import { majority } from '../raft/quorum.ts';
import { type GroupDraft, isMember, spare } from './groupDraft.ts';
import { type Layout, movedLoad } from './layout.ts';
import type { Policy } from './policy.ts';

export class Constraints {
  private readonly layout: Layout;
  private readonly highWaterPpt: number;
  /** Of all nodes that stay. */
  private readonly zones: number;

  constructor(layout: Layout, { highWaterPpt }: Policy) {
    this.layout = layout;
    this.highWaterPpt = highWaterPpt;
    const zones = layout.nodes.filter((_, index) => layout.stays(index)).map(({ zone }) => zone);
    this.zones = new Set(zones).size;
  }

  /** What a node is given at most. */
  highWater(node: number, resource: 'bytes' | 'operations'): number {
    const { capacityBytes, capacityOperations } = this.layout.nodeAt(node);
    const capacity = resource === 'bytes' ? capacityBytes : capacityOperations;
    // In two parts: the product of both could be no safe integer.
    return Math.floor(capacity / 1000) * this.highWaterPpt + Math.floor(((capacity % 1000) * this.highWaterPpt) / 1000);
  }

  fits(node: number, resource: 'bytes' | 'operations', more: number): boolean {
    return this.layout.of(resource, node) + more <= this.highWater(node, resource);
  }

  /** Whether the node may have a replica of the group; `leaving`: one that goes in its favour, or −1. */
  mayHold(group: GroupDraft, node: number, leaving: number): boolean {
    const { layout } = this;
    const { state, maxReplicas } = layout.nodeAt(node);
    if (state !== 'up' || isMember(group, node) || this.isExcluded(group, node)) return false;
    if (layout.of('replicas', node) >= maxReplicas || !this.fits(node, 'bytes', group.bytes)) return false;
    const isFirst = group.voters.length === 0;
    const leads = isFirst || (group.voters.length === 1 && leaving >= 0 && group.leader === leaving);
    if (leads && !this.fits(node, 'operations', group.operations)) return false;
    return this.crowd(group, node, leaving) < this.mostInZone(group);
  }

  /** Whether the node may lead the group, of which it has a voter. Who is to lead is no matter while members change. */
  mayLead(group: GroupDraft, node: number): boolean {
    return (
      !group.isChanging &&
      node !== group.leader &&
      group.voters.includes(node) &&
      this.layout.nodeAt(node).state === 'up' &&
      this.fits(node, 'operations', group.operations)
    );
  }

  /** Whether the tenant may live in the group. */
  mayLive(tenant: number, group: GroupDraft): boolean {
    const { layout } = this;
    const status = layout.tenantAt(tenant);
    if (group.group === metadataGroup || group.leader < 0 || !this.decides(group)) return false;
    if (group.dedicatedTo !== null && group.dedicatedTo !== status.tenant) return false;
    const from = layout.homeOf(tenant);
    const { bytes, operations } = movedLoad(status, from);
    for (const id of status.exclusions) if (isMember(group, layout.indexOf(id))) return false;
    // Both have the tenant until the move is done.
    const room = (node: number): boolean => this.fits(node, 'bytes', bytes);
    if (!group.voters.every(room) || !group.learners.every(room)) return false;
    return group.leader === from.leader || this.fits(group.leader, 'operations', operations);
  }

  isExcluded({ excluded }: GroupDraft, node: number): boolean {
    return (excluded.get(node) ?? 0) > 0;
  }

  /** More of its voters are in the node's zone than have to be. */
  isCrowded(group: GroupDraft, node: number): boolean {
    return this.crowd(group, node, -1) > this.mostInZone(group);
  }

  /** It has a majority of voters that answer. */
  decides(group: GroupDraft): boolean {
    return spare(group, (node) => this.layout.answers(node)) >= 0;
  }

  /** Its members may be changed: it decides, and nothing else changes them. */
  isOpen(group: GroupDraft): boolean {
    return !group.isChanging && this.decides(group);
  }

  /** It would go on deciding without that voter. */
  decidesWithout({ voters }: GroupDraft, node: number): boolean {
    const alive = voters.filter((other) => other !== node && this.layout.answers(other)).length;
    return alive > 0 && alive >= majority(voters.length - 1);
  }

  /** Voters in the node's zone, but for one that leaves. */
  private crowd({ voters }: GroupDraft, node: number, leaving: number): number {
    const { zone } = this.layout.nodeAt(node);
    let count = 0;
    for (const other of voters) if (other !== leaving && this.layout.nodeAt(other).zone === zone) count += 1;
    return count;
  }

  /** One, where there are zones enough; otherwise they are filled evenly. */
  private mostInZone({ wanted }: GroupDraft): number {
    return Math.ceil(wanted / Math.max(this.zones, 1));
  }
}
