/**
 * Who leads each group, as far as this node has heard: (node, term), the highest term wins. A wrong hint
 * costs a hop. Where there is none, the members are tried in rotation.
 */
import { type GroupId, type NodeId, Term } from '../base/ids.ts';
import type { GroupMap } from './groupMap.ts';

interface Hint {
  leader: NodeId | null;
  term: Term;
  /** Where the rotation over the members stands. */
  turn: number;
}

export class LeaderHints {
  private readonly hints = new Map<GroupId, Hint>();
  private readonly groups: GroupMap;
  private readonly news = new Set<GroupId>();

  constructor(groups: GroupMap) {
    this.groups = groups;
  }

  leaderOf(group: GroupId): NodeId | null {
    return this.hints.get(group)?.leader ?? null;
  }

  termOf(group: GroupId): Term {
    return this.hints.get(group)?.term ?? Term(0);
  }

  /** Adopts a hint of a newer term, or the first name for the present one. Returns whether it did. */
  learn(group: GroupId, leader: NodeId | null, term: Term): boolean {
    if (leader === null) return false;
    const hint = this.hintOf(group);
    const isNewer = term > hint.term || (term === hint.term && hint.leader === null);
    if (!isNewer) return false;
    hint.leader = leader;
    hint.term = term;
    this.news.add(group);
    return true;
  }

  /** A group whose leader was learned and not taken yet; null if there is none. */
  takeNews(): GroupId | null {
    for (const group of this.news) {
      this.news.delete(group);
      return group;
    }
    return null;
  }

  /** The node did not lead the group after all, or cannot be reached: forget it, unless another was learned since. */
  doubt(group: GroupId, node: NodeId): void {
    const hint = this.hintOf(group);
    if (hint.leader === node) hint.leader = null;
    hint.turn += 1;
  }

  /** The leader, or the member whose turn it is to be asked. Null for a group of which nothing is known. */
  candidate(group: GroupId, isReachable: (node: NodeId) => boolean): NodeId | null {
    const hint = this.hintOf(group);
    if (hint.leader !== null && isReachable(hint.leader)) return hint.leader;
    const members = this.groups.votersOf(group);
    for (let i = 0; i < members.length; i += 1) {
      const member = members[(hint.turn + i) % members.length];
      if (member !== undefined && isReachable(member)) return member;
    }
    return null;
  }

  /** Who leads a group may be heard before that there is one. */
  private hintOf(group: GroupId): Hint {
    const known = this.hints.get(group);
    if (known !== undefined) return known;
    const made: Hint = { leader: null, term: Term(0), turn: 0 };
    this.hints.set(group, made);
    return made;
  }
}
