/**
 * What nodes say to one another. Every map, hint and route in here may be stale; only what a group's own
 * log decides is true.
 */
import type {
  Epoch,
  GroupId,
  Incarnation,
  LaneId,
  LogIndex,
  MapVersion,
  MoveId,
  NodeId,
  ReplicaId,
  RequestId,
  TenantName,
  Term,
} from '../base/ids.ts';
import type { Configuration } from '../raft/types.ts';
import type { RaftMessage } from '../raft/types.ts';
import type { QuotaChange, TenantReport } from './accounts.ts';
import type { ExportAnswer, WantedPiece } from './exports.ts';
import type { GroupPlan } from './groups.ts';
import type { GroupLoad, NodeCapacity } from './loads.ts';
import type { MovePlan, MoveState, MoveStep, Pin, PlannedMove } from './moves.ts';
import type { NodeMapImage, NodePlan } from './nodes.ts';

export type PeerMessage =
  | {
      readonly kind: 'raft';
      readonly group: GroupId;
      readonly from: ReplicaId;
      readonly to: ReplicaId;
      readonly message: RaftMessage;
    }
  | ({ readonly kind: 'request' } & ForwardRequest)
  | ({ readonly kind: 'reply' } & ForwardReply)
  /** Once a heartbeat: the sender is alive, and this is its life. */
  | { readonly kind: 'pulse'; readonly boot: number }
  /** Anti-entropy: "I have the ShardMap up to this version, and this is its digest". The one ahead answers with `mapChanges`. */
  | { readonly kind: 'mapVersion'; readonly version: MapVersion; readonly digest: number }
  | ({ readonly kind: 'mapChanges' } & MapChanges)
  | ({ readonly kind: 'mapWanted' } & MapWanted)
  /** Anti-entropy without a metadata group: the digest of all places known here. Who has another answers with `partDigests`. */
  | { readonly kind: 'placesDigest'; readonly digest: number }
  /** And the digests of parts of them, by the hash of names. */
  | { readonly kind: 'partDigests'; readonly digests: readonly number[] }
  | { readonly kind: 'partsWanted'; readonly parts: readonly number[] }
  /** Places as a map writes them, to be taken over where they are newer. `isLast`: the last of what was wanted. */
  | { readonly kind: 'places'; readonly places: Uint8Array; readonly isLast: boolean }
  | ({ readonly kind: 'mapPiece' } & MapPiece)
  /**
   * The sender, in this life, has lost what its replica of the group had. The leader puts another in its place, and
   * says which once that is committed: it begins anew with that, and with no earlier one.
   */
  | { readonly kind: 'lost'; readonly group: GroupId; readonly boot: number }
  /** The receiver's replica holds something else than most: it is to serve nothing until another is in its place. */
  | { readonly kind: 'outlier'; readonly group: GroupId; readonly replica: ReplicaId }
  | { readonly kind: 'renewed'; readonly group: GroupId; readonly boot: number; readonly replica: ReplicaId }
  /** The sender leads these groups, in these terms. */
  | { readonly kind: 'leads'; readonly groups: readonly { readonly group: GroupId; readonly term: Term }[] }
  /** The receiver took the sender for the leader of the group: it is this node, in this term. */
  | { readonly kind: 'leader'; readonly group: GroupId; readonly node: NodeId; readonly term: Term }
  /** Anti-entropy of the GroupMap: all log indexes in mine add up to this. Where they differ, each tells what it has. */
  | { readonly kind: 'groupsVersion'; readonly version: number }
  | { readonly kind: 'groups'; readonly groups: readonly GroupMembers[] }
  /**
   * What the sender can hold and do, and what groups that it leads hold and do, for whoever plans. Groups that it does not
   * tell of are as it told before.
   */
  | { readonly kind: 'loads'; readonly capacity: NodeCapacity; readonly groups: readonly GroupLoad[] }
  /** To the leader of a group: change its members, if they are those of the entry at `index` still. */
  | { readonly kind: 'order'; readonly group: GroupId; readonly index: LogIndex; readonly change: OrderedChange }
  /** Anti-entropy of the NodeMap: the one ahead answers with `nodes`. */
  | { readonly kind: 'nodesVersion'; readonly version: number }
  | { readonly kind: 'nodes'; readonly map: NodeMapImage };

/** Who belongs to a group, by the entry at `index` of its log. */
export interface GroupMembers {
  readonly group: GroupId;
  readonly index: LogIndex;
  readonly configuration: Configuration;
}

export type OrderedChange =
  /** A replica on that node; in the place of that one, if it is given. */
  | { readonly kind: 'add'; readonly node: NodeId; readonly replaces: ReplicaId | null }
  | { readonly kind: 'remove' | 'prefer'; readonly replica: ReplicaId };

/** A request from the ingress to the node it believes leads `group`. It takes one hop: the receiver never forwards. */
export interface ForwardRequest {
  /** Which life of the ingress asks: a reply to an earlier life is ignored. */
  readonly boot: number;
  /** Chosen by the ingress; the reply returns it. The same on every retry. */
  readonly request: RequestId;
  /** Which sending of it this is; the reply returns it, so that one to an earlier sending is not taken for one to this. */
  readonly attempt: number;
  readonly group: GroupId;
  /** Requests of one lane take effect in the order they are sent; lane 0 keeps no order. */
  readonly lane: LaneId;
  /** True on the first request of a lane after one of its requests was refused: lifts the block. */
  readonly resumes: boolean;
  /** Every request of the lane below this one has its answer and will never be sent again. */
  readonly ackBelow: RequestId;
  /** It was sent before, and what became of that is not known: it may have run. */
  readonly isRetry: boolean;
  readonly operation: Operation;
}

/** A client's command. `args` starts with its name; `protocol` is the RESP version of the reply. */
export interface Execute {
  readonly kind: 'execute';
  readonly tenant: TenantName;
  readonly incarnation: Incarnation;
  readonly access: 'read' | 'write';
  readonly protocol: 2 | 3;
  readonly args: readonly Uint8Array[];
}

export type Operation =
  | Execute
  /** To a tenant's group: own it from now on, as the keeper of its entry decided. Idempotent. */
  | { readonly kind: 'adopt'; readonly tenant: TenantName; readonly incarnation: Incarnation; readonly epoch: Epoch }
  /** To a tenant's group: give it up for good, with its data. Idempotent. */
  | { readonly kind: 'release'; readonly tenant: TenantName; readonly incarnation: Incarnation }
  /**
   * To the keeper of its entry, the metadata group or its home: where is it? Creates it by the placement policy, or in
   * `group`, if `create`.
   */
  | {
      readonly kind: 'resolveTenant';
      readonly tenant: TenantName;
      readonly create: boolean;
      readonly group: GroupId | null;
    }
  /** To the keeper of its entry, after its release: forget this incarnation. Idempotent. */
  | { readonly kind: 'dropTenant'; readonly tenant: TenantName; readonly incarnation: Incarnation }
  /** To the keeper of its entry: begin a move of the tenant, note that one is over, or tell of one. Idempotent. */
  | { readonly kind: 'planMove'; readonly tenant: TenantName; readonly plan: MovePlan }
  /** To the metadata group: a node comes, or is to go. Idempotent. `tenant` is nobody. */
  | { readonly kind: 'planNode'; readonly tenant: TenantName; readonly plan: NodePlan }
  /** To the metadata group: groups are to be made. Idempotent. `tenant` is nobody. */
  | { readonly kind: 'planGroups'; readonly tenant: TenantName; readonly plan: GroupPlan }
  /** To the group that a tenant moves from or to: a step of that move. Idempotent. */
  | { readonly kind: 'move'; readonly tenant: TenantName; readonly move: MoveId; readonly step: MoveStep }
  /** To a tenant's group: what it may use from now on. Idempotent. */
  | {
      readonly kind: 'setQuota';
      readonly tenant: TenantName;
      readonly incarnation: Incarnation;
      readonly change: QuotaChange;
    }
  /** To a tenant's group: what it may use, what it uses, what its leader has counted. */
  | { readonly kind: 'inspectTenant'; readonly tenant: TenantName; readonly incarnation: Incarnation }
  /** To a tenant's group: a piece of the tenant as it was when its export began. */
  | {
      readonly kind: 'exportTenant';
      readonly tenant: TenantName;
      readonly incarnation: Incarnation;
      readonly piece: WantedPiece;
    };

export interface ForwardReply {
  readonly boot: number;
  readonly request: RequestId;
  readonly attempt: number;
  readonly outcome: Outcome;
}

/** `refused` means: not executed by this request. There is no outcome for "unknown": that is what silence means. */
export type Outcome =
  /** Executed; `reply` is RESP in the protocol that was asked for. Empty for operations other than `execute`. */
  | { readonly kind: 'done'; readonly reply: Uint8Array }
  /** The answer to `resolveTenant`: what the keeper's log says, null if there is no such tenant. */
  | { readonly kind: 'resolved'; readonly version: MapVersion; readonly tenant: TenantPlace | null }
  /** The answer to `planMove`: the move of the tenant that is under way, null if there is none; where it is pinned; and why what was asked for was not done. */
  | { readonly kind: 'planned'; readonly move: PlannedMove | null; readonly pin: Pin | null; readonly why: string }
  /** The answer to `planNode`: the NodeMap as it is now, the node that was meant, and why nothing was changed, if so. */
  | { readonly kind: 'nodes'; readonly map: NodeMapImage; readonly node: NodeId; readonly why: string }
  /** The answer to `planGroups`: those that were made, or why none was. */
  | { readonly kind: 'made'; readonly groups: readonly GroupId[]; readonly why: string }
  /** The answer to `move`: how far it is in the group that was asked. */
  | { readonly kind: 'moving'; readonly state: MoveState }
  /** The answer to `inspectTenant`. */
  | { readonly kind: 'inspected'; readonly report: TenantReport }
  /** The answer to `exportTenant`. */
  | { readonly kind: 'exported'; readonly answer: ExportAnswer }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** Whoever was asked lost leadership before it knew: it may run yet, or never. Ask the next leader. */
  | { readonly kind: 'undecided' }
  /** It ran when it was sent before, or, if not `isSure`, it may have; what it answered is not remembered. This time it did not run. */
  | { readonly kind: 'forgotten'; readonly isSure: boolean };

export type Refusal =
  /** `leader` and `term` are a hint, adopted only if the term is newer. */
  | { readonly kind: 'notLeader'; readonly leader: NodeId | null; readonly term: Term }
  /** The group does not own that incarnation. `released` is the highest one it gave up, 0 if none; `owned` the one it has, 0 if none. */
  | { readonly kind: 'notOwner'; readonly owned: Incarnation | 0; readonly released: Incarnation | 0 }
  /** The tenant has moved: it lives, or is about to, in another group. A hint, adopted only if it is newer. */
  | { readonly kind: 'moved'; readonly group: GroupId; readonly epoch: Epoch; readonly incarnation: Incarnation }
  /** The tenant is about to change its group: writes are to come again in a moment. */
  | { readonly kind: 'frozen' }
  /** Of the metadata group: the tenant is being imported. It is to live in that group, and nobody sees it before it is whole. */
  | { readonly kind: 'loading'; readonly group: GroupId; readonly incarnation: Incarnation }
  /** An earlier request of the same lane was refused and has not come back yet. */
  | { readonly kind: 'outOfOrder' }
  /** A bound was reached; `what` names it. */
  | { readonly kind: 'busy'; readonly what: string }
  /**
   * The tenant has used what it may in this second, or who keeps the directory has as many names as there may be; `what`
   * names the quota. Final: later requests of its lane need not wait for it.
   */
  | { readonly kind: 'quota'; readonly what: string };

export interface TenantPlace {
  readonly tenant: TenantName;
  readonly group: GroupId;
  readonly epoch: Epoch;
  readonly incarnation: Incarnation;
}

/**
 * The changes that lead from `since` to `since + changes.length`, where the map's digest is `digest`. The sender has the
 * map up to `latest`. Where it does not know the changes any more that were asked for, `since` is later and there are none.
 */
export interface MapChanges {
  readonly since: MapVersion;
  readonly changes: readonly MapChange[];
  readonly digest: number;
  readonly latest: MapVersion;
}

/**
 * "I have the first places of the map, up to that of the tenant `after`, as of version `since`: what comes next?" A null
 * `after`: none yet.
 */
export interface MapWanted {
  readonly since: MapVersion;
  readonly after: TenantName | null;
}

/**
 * The answer, as of version `since + changes.length`, whose digest is `digest`: what has changed since, and then the
 * places that follow that of `after`. With a null `after` it begins anew, whatever was asked.
 */
export interface MapPiece extends MapWanted {
  readonly changes: readonly MapChange[];
  /** As a map writes them. */
  readonly places: Uint8Array;
  readonly isLast: boolean;
  readonly digest: number;
}

/** One step of the ShardMap: version v is the map after v changes. */
export type MapChange =
  | ({ readonly kind: 'placed' } & TenantPlace)
  | { readonly kind: 'dropped'; readonly tenant: TenantName; readonly incarnation: Incarnation };
