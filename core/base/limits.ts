/**
 * Every bound of the core, each with its reason. Sizes in bytes, times in milliseconds unless the name says
 * otherwise. Codecs and parsers keep theirs beside the format they bound.
 */
import { invariant } from './invariant.ts';

const kib = 1024;
const mib = 1024 * kib;

export const limits = {
  /** Commands of one connection without a reply: beyond it the connection is not read from. Redis pipelines rarely pass 10,000. */
  pipelinedCommands: 16_384,
  /** Where reading goes on: low enough that pausing and resuming are rare. */
  pipelinedCommandsResume: 8_192,
  /** Commands of one connection that wait for their turn: beyond it the connection is not read from. What its client sends in the meantime waits with the client. */
  waitingCommands: 256,
  waitingCommandsResume: 128,
  /**
   * Commands and requests that a turn takes, and bytes of them that count as one more: half a millisecond of work, so
   * that nobody waits longer than that for what others have sent. While a tenant is alone, larger turns cost less.
   */
  arrivalsPerTurn: 64,
  arrivalsAlone: 1_024,
  arrivalBytes: 4 * kib,
  /** Of those, what one tenant takes before it is the turn of the next. */
  arrivalsPerShare: 16,
  /**
   * Operations of one tenant under way in the groups of a node while others are about: an entry or two, a few
   * milliseconds of work, for which others wait. A tenant is about for so long after it was heard of last. While it is
   * alone it may have so many: enough for any rate, and too few to fill what a group may hold.
   */
  operationsPerTenant: 256,
  operationsAlone: 16_384,
  aboutMs: 1_000,
  /** Bytes of arguments of one connection without a reply, before it is not read from. */
  pipelinedBytes: 64 * mib,
  /** Commands of one node under way, over all connections. About 1 KiB each. */
  commandsInFlight: 262_144,
  /** Requests at one peer without an answer: a few hundred milliseconds of full load. */
  requestsPerPeer: 65_536,
  /** Tenants one connection keeps a lane for; idle lanes beyond it are forgotten. */
  lanesPerConnection: 256,
  /** Keys of one tenant: a map of the engine holds 2^24, and what one command or transaction adds goes beyond this. */
  tenantKeys: 10_000_000,
  /** Tenants that one answer lists, made and sorted in one turn: more are listed in steps. */
  tenantsListed: 100_000,
  /** Procedures (creating or dropping a tenant) under way on one node. */
  procedures: 4_096,
  /** A turn's commands to one group beyond this become an entry before the turn ends. */
  entryBytes: 1 * mib,
  /**
   * Behind an entry of so many operations the next waits until followers have answered for it and clients that were
   * answered have come again, for so long at most: fewer and larger entries. A few clients are better served at once.
   */
  gatherFrom: 8,
  gatherMs: 3,
  /** Operations run by one group in one turn: a few milliseconds of work, for which the other groups of the node wait. */
  operationsPerTurn: 2_000,
  /** Bytes of replies made by one group in one turn, unless a single one is larger: a pipeline of reads of a large value must not fill memory before anybody could see that its client is too slow. */
  replyBytesPerTurn: 8 * mib,
  /** Reads that wait for a quorum round, per group. */
  waitingReads: 65_536,
  /** Quorum rounds for reads under way at a time, per group: the second hides the time of the first, a third costs more than it hides. */
  readRounds: 2,
  /** Operations in entries of one group that are not applied yet, per group. */
  proposedOperations: 65_536,
  /** Bytes of entries of one group that are not committed yet: then `-BUSY`. */
  uncommittedBytes: 256 * mib,
  /** Entries sent to a follower in one message, unless a single one is larger. */
  appendBytes: 4 * mib,
  /** Append messages to one follower without an answer. */
  appendsInFlight: 64,
  /** Bytes of entries to one follower without an answer: what a fast link carries in the time of a slow sync. */
  appendBytesInFlight: 32 * mib,
  /** A piece of a snapshot: little enough that a write or a message of it delays others hardly at all. */
  snapshotChunkBytes: 64 * kib,
  /** Pieces of a snapshot on their way to a follower: enough to hide a round trip and a sync at any rate allowed. */
  snapshotChunksInFlight: 16,
  /** Pieces without an answer are sent again after so long, and a transfer is given up after so long. */
  snapshotResendMs: 1_000,
  snapshotGiveUpMs: 10_000,
  /** How often work on snapshots goes on, and by how many groups of a node at a time. */
  snapshotTickMs: 2,
  /** What is read at once to make up for a wait: four pieces take about a millisecond. */
  snapshotCatchUpBytes: 256 * kib,
  snapshotsAtATime: 2,
  /** Changes of the ShardMap in one message: some ten KiB. */
  mapChangesPerMessage: 1_000,
  /** Latest changes of the ShardMap that are known, a power of two: those of some seconds in which tenants are created as fast as can be. Who is further behind gets the map. */
  mapChangesKept: 8_192,
  /** A piece of the ShardMap: two or three thousand places, which take a few milliseconds to read. */
  mapPieceBytes: 64 * kib,
  /**
   * Parts of the map, a power of two, that nodes without a metadata group compare: a thousand names each of a million. So
   * many of them two nodes tell one another at a time: half a MiB of that.
   */
  mapParts: 1_024,
  mapPartsAtATime: 16,
  /** Nodes that get the map piece by piece from one node at a time; one that does not go on makes room after so long. */
  mapReadersAtATime: 4,
  mapReaderSilentMs: 1_000,
  /** What replies told of tenants that the map does not know yet: beyond it the oldest is forgotten, and asked for again. */
  mapHints: 4_096,
  /** How often the ShardMap is kept on disk if it changes, and how much of it is written in a second at most. */
  mapKeptEveryMs: 5_000,
  mapKeptBytesPerSecond: 512 * kib,
  /** Group ids are below it: moves that several groups number differ by their rest. */
  groupIds: 65_536,
  /** Groups whose replicas are lost for which a node asks at a time. */
  lossesAtATime: 64,
  /** Groups that one command makes, and replicas that each begins with: more are added one by one. */
  groupsMadeAtATime: 256,
  firstReplicas: 7,
  /** Election timeouts without a leader before an operator may let a group go on from one replica: by then every voter that is left has asked this one for its vote. */
  quietElections: 4,
  /** Tenants of a recovered group that are looked at at a time: a millisecond of work. */
  leftoversPerLook: 4_096,
  /** Tenants that a report names: what else there is, is counted. */
  tenantsNamed: 16,
  /** Alarms at a time: those that come first say enough. */
  alarms: 1_000,
  /** Groups whose members one message tells. */
  groupsPerMessage: 256,
  /** The first pause after refusals that taught nothing new; it doubles up to the last. */
  backoffFirstMs: 2,
  backoffLastMs: 200,
  /** How long a write waits before it comes again for a tenant that is about to change its group: that takes a few syncs. After so many pauses they get longer. */
  frozenPauseMs: 3,
  frozenPausesAlike: 8,
  /** How often the cluster is planned for, and groups tell what they hold; how many steps are begun at a time. */
  balanceEveryMs: 2_000,
  balanceStepsAtATime: 4,
  /** Steps that are planned each time: many more than are begun, for some of them cannot be, and few enough for an event loop. */
  balanceStepsPlanned: 64,
  /** Tenants of a busy group that its leader looks at when it tells that, and the heaviest that it names. */
  tenantsPerLook: 512,
  tenantsTold: 16,
  /** Moves of tenants that the planner has under way at a time. */
  movesPlannedAtATime: 2,
  /**
   * Moves of tenants under way in a cluster: more would not be faster, for each node reads out tenants at one rate. Beside
   * them the planner may have its own.
   */
  movesAtATime: 64,
  /** Moves that are over of which the destination has not heard: those beyond it wait for that, and count as under way. */
  movesLeftOver: 256,
  /** Tenants that a node sees out at a time. Those of groups that were recovered are not among the moves above. */
  departuresAtATime: 256,
  /** Groups that the planner has made at a time, each for a tenant that has none for itself. */
  groupsPlannedAtATime: 1,
  /** How long a group's members rest between two changes that serve the balance. */
  balanceCoolDownMs: 10_000,
  /** A tenant that was to move and stayed rests as long; twice as long each time that this happens again, up to so long. */
  balanceLongestRestMs: 300_000,
  /** A node that was silent for so long is not only slow. */
  downAfterMs: 10_000,
  /** A piece of a tenant that is copied to another group: an entry there, which is little beside what it may hold. */
  moveChunkBytes: 128 * kib,
  /** How long a copy rests behind a piece at most: one that took longer has waited for something else than work. */
  moveRestMs: 250,
  /** What a tenant may remember of its writes, in one entry, when it moves: some hundred thousand short replies. */
  moveRestBytes: 8 * mib,
  /** So many pieces may follow a tenant's writes before those are held up, and before it stays where it is; for so long it may be frozen. */
  moveRoundsBeforeHold: 64,
  moveRounds: 1_024,
  frozenMs: 3_000,
  /** How long a copy waits for a destination that does not answer: longer than a node takes to start again. */
  moveSilentMs: 60_000,
  /**
   * A piece of a tenant's export: so many bytes or items, roughly, whichever comes first: as an entry, where it is
   * imported, a few milliseconds of work. Part of the format: equal data are equal pieces.
   */
  exportPieceBytes: 256 * kib,
  exportPieceItems: 2_000,
  /** Items of an export that are looked at in one go: a millisecond of work, and little for the collector to do meanwhile. */
  exportLooksAtATime: 500,
  /** Exports of one node under way: what is changed meanwhile is kept twice. One for which nobody asks is dropped. */
  exportsAtATime: 4,
  exportIdleMs: 30_000,
  /** Imports under way in a cluster, and pieces of any of them that one node has at a time. */
  importsAtATime: 256,
  importPiecesAtATime: 64,
  /** How long a move that got no answer waits, and how often the metadata group looks after one, and after how many at a time. */
  movePauseMs: 50,
  moveLookMs: 1_000,
  movesLookedAfter: 64,
  /** Refusals in a row before a lane pauses even though it learned something. */
  setbacksBeforeBackoff: 3,
  /** Of groups whose leader is gone, or which begin, so many elections in a time: a few thousand a second are held. */
  msPerElection: 0.2,
  /** Elections of one node under way: what a node that has half a core answers well before an election timeout. */
  electionsAtATime: 128,
  /** How often a leader looks for keys whose time has passed, and how many it takes at a time. */
  purgeEveryMs: 250,
  purgeTenantsPerRound: 64,
  purgeKeysPerEntry: 1_000,
  /** How far the wall clock may run from the monotonic one between two turns before leases are dropped. */
  clockDriftMs: 500,
  /** How long a replica leads before it gives its group back to the first of its members. */
  returnLeadershipAfterMs: 1_000,
  /** Groups that are given back at a time: a node of some thousand has its own back within a minute, and the few milliseconds in which a group has no leader do not add up to a storm of elections. */
  leadersReturnedAtATime: 64,
  /** How long a node that is told to stop waits for others to take its groups over. */
  drainMs: 3_000,
  /** Writes of a client's own session whose replies it may still ask for: more than any client pipelines without reading. */
  sessionWrites: 1_024,
  /** A client's name and library strings: enough to be useful in a list. */
  clientNameBytes: 256,
} as const;

/** Limits that must fit one another. Called when a node is made. */
export function checkLimits(): void {
  const l: Readonly<Record<keyof typeof limits, number>> = limits;
  invariant(l.pipelinedCommandsResume < l.pipelinedCommands, 'a paused client resumes below its limit');
  invariant(l.waitingCommandsResume < l.waitingCommands, 'a connection that waits is read again below its limit');
  invariant(l.arrivalsPerTurn < l.arrivalsAlone, 'turns are longer for one tenant');
  invariant(l.arrivalsPerShare < l.arrivalsPerTurn, 'several tenants have their share in a turn');
  invariant(l.operationsPerTenant < l.operationsAlone, 'a tenant has less beside others');
  invariant(2 * l.operationsAlone <= l.proposedOperations, 'one tenant leaves room in a group');
  invariant(l.entryBytes <= l.appendBytes, 'a batch fits in one append');
  invariant(l.appendBytes < l.uncommittedBytes, 'an append fits in what may be uncommitted');
  invariant(l.appendBytes <= l.appendBytesInFlight, 'an append fits in what may be on its way');
  invariant(l.backoffFirstMs < l.backoffLastMs, 'pauses grow');
  invariant(l.movesAtATime + l.movesPlannedAtATime <= l.departuresAtATime, 'a node can see out all that move');
  const begun = l.balanceStepsAtATime + l.movesPlannedAtATime + l.groupsPlannedAtATime;
  invariant(begun < l.balanceStepsPlanned, 'more is planned than is begun');
  invariant(l.exportPieceBytes <= l.entryBytes, 'a piece that is imported fits in an entry');
}
