/**
 * Which nodes are alive. Nodes show each other a few times an election timeout that they are there, whatever their
 * groups do: a replica at rest trusts the node of its leader, and not a message of its own group.
 */
import type { NodeId } from '../base/ids.ts';
import { after, type MonoTime } from '../base/time.ts';

/** So many may be late before a node counts as silent; each wakes every node, though nothing else does. */
const pulsesPerElection = 3;

interface Peer {
  heardAt: MonoTime;
  /** Which life of it was heard; null before its first pulse. */
  boot: number | null;
  isSilent: boolean;
}

export class Pulses {
  private readonly electionMs: number;
  private readonly peers = new Map<NodeId, Peer>();

  constructor(electionMs: number) {
    this.electionMs = electionMs;
  }

  /** How often a node shows that it is there. */
  get everyMs(): number {
    return Math.floor(this.electionMs / pulsesPerElection);
  }

  /** When the node said anything last; null if it never did. */
  heardAt(node: NodeId): MonoTime | null {
    return this.peers.get(node)?.heardAt ?? null;
  }

  /** Something came from it. Returns whether it was silent before. */
  onHeard(node: NodeId, now: MonoTime): boolean {
    const peer = this.peers.get(node);
    if (peer === undefined) {
      this.peers.set(node, { heardAt: now, boot: null, isSilent: false });
      return true;
    }
    const wasSilent = peer.isSilent;
    peer.heardAt = now;
    peer.isSilent = false;
    return wasSilent;
  }

  /** It is in this life. Returns whether it was in an earlier one before: what it led then, it does not lead now. */
  onPulse(node: NodeId, boot: number): boolean {
    const peer = this.peers.get(node);
    if (peer === undefined) return false;
    const isReborn = peer.boot !== null && peer.boot !== boot;
    peer.boot = boot;
    return isReborn;
  }

  /** Those of which nothing was heard for an election timeout; each is named once. */
  takeSilent(now: MonoTime): readonly NodeId[] {
    const silent: NodeId[] = [];
    for (const [node, peer] of this.peers) {
      if (peer.isSilent || now < after(peer.heardAt, this.electionMs)) continue;
      peer.isSilent = true;
      silent.push(node);
    }
    return silent;
  }
}
