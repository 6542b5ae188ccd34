/**
 * What is to happen sometimes: a closed list. A swarm in which one of them never happened does not test what it seems
 * to. They are read off what the witness sees and mean nothing to the run.
 */

export const marks = {
  followerRead: 'a replica that does not lead served a read of a READONLY connection',
  leaseRead: 'a read was served on a lease, without a quorum round',
  roundRead: 'a read was served after a quorum round',
  loggedRead: 'a read went through the log',
  rememberedReply: 'a write that was sent again was answered from memory',
  numberedAgain: 'a write that its client had numbered was asked for again, and answered from memory',
  retryAcrossLeaders: 'a write that was sent again came to another leader than the one under which it ran',
  unknownOutcome: 'a client was told that its command may have run',
  shortDiskRefusal: 'a write was refused because the disk of the leader was nearly full',
  wrongNode: 'a request went to a node that did not lead',
  wrongGroup: 'a request went to a group that did not own the tenant',
  conflictCut: 'a follower cut off entries that were not those of its leader',
  appendRefused: 'a follower refused entries that did not follow what it had',
  splitVote: 'several asked for votes in a term',
  leaderSteppedDown: 'a leader gave up without having heard of another term',
  transfer: 'a leader handed over to the one it had chosen',
  snapshotInstalled: 'a follower installed a snapshot of another replica',
  stateSaved: 'a replica saved its state, and its log began anew behind it',
  jointConfiguration: 'a group had a joint configuration',
  learnerPromoted: 'a learner got its vote',
  replicaLeft: 'a replica noted that it had left its group',
  lossReplaced: 'another replica began on a node that had lost its log',
  damageNoticed: 'a log that was damaged was put aside',
  writeRefused: 'a disk refused a write, and the process ended',
  unsyncedLost: 'a crash took what was not synced',
  unsyncedKept: 'a crash left something of what was not synced',
  tenantReleased: 'a group gave a tenant up',
  tenantReturned: 'a tenant was created again after it had been dropped',
  transactionRan: 'EXEC ran',
  transactionNil: 'EXEC found a watched key touched, and answered nil',
  keysPurged: 'a leader logged that keys had expired',
  groupRested: 'a group went to rest',
  groupWoke: 'a group that was at rest went on under the same leader',
  tenantFollowed: 'a request went to a group that its tenant had left, and was told where to',
  moveStarted: 'a group logged that a tenant is to leave it',
  movePrepared: 'a group logged that it makes room for a tenant',
  moveCopied: 'a group logged a piece of a tenant that is to come',
  moveFrozen: 'a group logged that a tenant takes no more writes',
  moveSealed: 'a group logged the last piece of a tenant that is to come',
  moveDeparted: 'a group logged that a tenant has left',
  moveActivated: 'a group logged that a tenant has come',
  moveErased: 'a group logged that it lets go of the data of a tenant that has left',
  moveCancelled: 'a group logged that a tenant stays after all',
  moveAbandoned: 'a group logged that a tenant does not come after all',
  tenantExported: 'a tenant was exported to its end',
  importBegun: 'a group logged that it makes room for a tenant from a file',
  importAdopted: 'a group logged that it owns a tenant that came from a file',
  importDropped: 'a group gave up a tenant of which a part had come from a file',
  nodeJoined: 'a machine joined the cluster',
  groupMade: 'a group was made while the cluster ran',
  madeGroupServes: 'a group that was made ran a command of a tenant',
  nodeDrains: 'a node heard that one is to have nothing any more',
  nodeRemoved: 'a node that had nothing any more was removed',
  newcomerMember: 'a group got a member on a node that had joined',
  newcomerLeads: 'a node that had joined was elected',
  servedWithoutMetadata: 'a group took a write while the metadata group had no quorum',
  electedWithoutMetadata: 'a group got a leader while the metadata group had no quorum',
  departedWithoutMetadata: 'a group logged that a tenant has left while the metadata group had no quorum',
  activatedWithoutMetadata: 'a group logged that a tenant has come while the metadata group had no quorum',
  waitedForMetadata: 'a client was told that the metadata group did not answer',
  mapFetched: 'the last piece of a map came to a node',
  mapRemembered: 'a node began with the map of tenants that it had kept',
  lostForGood: 'a node stayed down for the second phase',
  isolatedForGood: 'a node was cut off for the second phase',
  isolatedLeader: 'a node was cut off for the second phase while it led a group',
} as const satisfies Readonly<Record<string, string>>;

export type Mark = keyof typeof marks;

export const markNames = Object.keys(marks) as readonly Mark[];

export class Marks {
  private readonly counts = new Map<Mark, number>();

  hit(mark: Mark): void {
    this.counts.set(mark, (this.counts.get(mark) ?? 0) + 1);
  }

  /** How often each was hit that was hit at all, in the order of the list. */
  all(): Readonly<Partial<Record<Mark, number>>> {
    const hit = markNames.flatMap((mark): [Mark, number][] => {
      const count = this.counts.get(mark);
      return count === undefined ? [] : [[mark, count]];
    });
    return Object.fromEntries(hit);
  }
}
