/**
 * How nodes hear who leads a group and who its members are: whoever leads tells everybody at once, and peers that find
 * that one has heard more of members than the other pass it on. All of it is hints.
 */
import type { GroupId, NodeId, Term } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Group } from '../group/group.ts';
import type { GroupMembers, PeerMessage } from '../wire/messages.ts';
import type { GroupMap } from './groupMap.ts';
import type { LeaderHints } from './leaderHints.ts';

export interface GroupExchangeHost {
  readonly post: (to: NodeId, message: PeerMessage) => void;
  readonly peers: () => readonly NodeId[];
}

export class GroupExchange {
  private readonly map: GroupMap;
  private readonly leaders: LeaderHints;
  private readonly host: GroupExchangeHost;

  constructor(map: GroupMap, leaders: LeaderHints, host: GroupExchangeHost) {
    this.map = map;
    this.leaders = leaders;
    this.host = host;
  }

  /** Says how far the map is here. */
  greet(peer: NodeId): void {
    const { version } = this.map;
    if (version > 0) this.host.post(peer, { kind: 'groupsVersion', version });
  }

  /** A new link: what the peer missed of the groups that are `led` here. */
  tellLed(peer: NodeId, led: readonly Group[]): void {
    for (let at = 0; at < led.length; at += limits.groupsPerMessage) {
      const groups = led.slice(at, at + limits.groupsPerMessage);
      this.host.post(peer, {
        kind: 'leads',
        groups: groups.map(({ id, raft }) => ({ group: id, term: raft.state.term })),
      });
    }
  }

  /** The peer takes this node for the leader of a group: it is told who is, if that is known here. */
  correct(peer: NodeId, group: GroupId): void {
    const node = this.leaders.leaderOf(group);
    if (node !== null) this.host.post(peer, { kind: 'leader', group, node, term: this.leaders.termOf(group) });
  }

  onLeads(from: NodeId, groups: readonly { readonly group: GroupId; readonly term: Term }[]): void {
    for (const { group, term } of groups) this.leaders.learn(group, from, term);
  }

  onVersion(from: NodeId, theirs: number): void {
    const { version } = this.map;
    if (theirs === version) return;
    const changed = this.map.changed();
    for (let at = 0; at < changed.length; at += limits.groupsPerMessage)
      this.host.post(from, { kind: 'groups', groups: changed.slice(at, at + limits.groupsPerMessage) });
    if (theirs > version) this.host.post(from, { kind: 'groupsVersion', version });
  }

  onGroups(groups: readonly GroupMembers[]): void {
    for (const members of groups) this.map.learn(members.group, members);
  }

  /** A replica here has gone on, and needs nobody to tell it. */
  follow(group: Group): void {
    this.followLeader(group);
    this.followMembers(group);
  }

  private followLeader({ id, isLeader, leaderNode, raft }: Group): void {
    const { term } = raft.state;
    if (leaderNode === null || !this.leaders.learn(id, leaderNode, term) || !isLeader) return;
    for (const peer of this.host.peers()) this.host.post(peer, { kind: 'leads', groups: [{ group: id, term }] });
  }

  /** A configuration is committed: the leader tells everybody. */
  private followMembers(group: Group): void {
    const { log, commitIndex } = group.raft.state;
    if (log.era.since <= group.toldConfiguration && group.toldConfiguration > 0) return;
    const [era] = log.erasSince(commitIndex);
    if (era === undefined || era.since <= group.toldConfiguration) return;
    group.toldConfiguration = era.since;
    const members: GroupMembers = { group: group.id, index: era.since, configuration: era.configuration };
    if (!this.map.learn(group.id, members) || !group.isLeader) return;
    for (const peer of this.host.peers()) this.host.post(peer, { kind: 'groups', groups: [members] });
  }
}
