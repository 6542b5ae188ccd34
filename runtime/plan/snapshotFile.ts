/**
 * A cluster snapshot as a file of JSON, for what-if: which keys there are, what each expects and what it is if it is not
 * given. docs/placement.md describes them.
 */
import * as v from 'valibot';
import {
  type ClusterSnapshot,
  defaultPolicy,
  Epoch,
  GroupId,
  Incarnation,
  LogIndex,
  NodeId,
  nodeStates,
  parseTenantName,
  placementKinds,
  type Policy,
  rebalancings,
  ReplicaId,
  type TenantName,
  WallTime,
} from '../../core/index.ts';
import { check, oneOf, wholeNumber, yesOrNo } from '../config/keys.ts';
import { ConfigError } from '../exitCodes.ts';

const safe = Number.MAX_SAFE_INTEGER;
/** What a cluster can have at most of: sums over it stay exact. */
const most = 2 ** 50;
const nodeId = v.pipe(wholeNumber(1, 65_535), v.transform(NodeId));
const groupId = v.pipe(wholeNumber(0, 65_535), v.transform(GroupId));
const replicaId = v.pipe(wholeNumber(1, safe), v.transform(ReplicaId));
const instant = v.pipe(wholeNumber(0, safe), v.transform(WallTime));
const longAgo = WallTime(0);
const amount = v.optional(wholeNumber(0, most), 0);
const share = (usual: number) => v.optional(wholeNumber(0, 1000), usual);
const factor = (usual: number) => v.optional(wholeNumber(0, 16), usual);

const tenantExpected = 'expects a tenant: 1 to 128 characters of A-Z a-z 0-9 . _ : @ -';
const tenantName = v.pipe(
  v.string(tenantExpected),
  v.check((text) => parseTenantName(text) !== null, tenantExpected),
  v.transform((text) => text as TenantName),
);

const member = v.strictObject({ node: nodeId, replica: replicaId });
const learner = v.strictObject({
  node: nodeId,
  replica: replicaId,
  joins: v.optional(yesOrNo, false),
  replaces: v.optional(v.nullable(replicaId), null),
});

const schema = v.strictObject({
  takenAt: instant,
  placed: v.optional(wholeNumber(0, safe), 0),
  isBalancing: v.optional(yesOrNo, false),
  nodes: v.pipe(
    v.array(
      v.strictObject({
        node: nodeId,
        zone: v.optional(v.string('expects a name'), ''),
        state: v.optional(oneOf(nodeStates), 'up'),
        capacityBytes: wholeNumber(1, most),
        capacityOperations: wholeNumber(1, most),
        maxReplicas: v.optional(wholeNumber(0, 1_000_000), 1_000_000),
        heir: v.optional(v.nullable(nodeId), null),
      }),
      'expects a list of nodes',
    ),
    v.nonEmpty('expects at least one node'),
  ),
  groups: v.array(
    v.strictObject({
      group: groupId,
      confIndex: v.optional(v.pipe(wholeNumber(0, safe), v.transform(LogIndex)), 0),
      configuration: v.strictObject({
        voters: v.pipe(
          v.array(member, 'expects a list of { node, replica }'),
          v.nonEmpty('expects at least one voter'),
        ),
        outgoing: v.optional(v.array(member, 'expects a list of { node, replica }'), []),
        learners: v.optional(v.array(learner, 'expects a list of { node, replica }'), []),
        highest: v.optional(v.pipe(wholeNumber(0, safe), v.transform(ReplicaId)), 0),
      }),
      leader: v.optional(v.nullable(nodeId), null),
      bytes: amount,
      operations: amount,
      replicas: wholeNumber(1, 9),
      others: v.optional(wholeNumber(0, safe), 0),
      dedicatedTo: v.optional(v.nullable(tenantName), null),
      movedAt: v.optional(instant, longAgo),
      leaderMovedAt: v.optional(instant, longAgo),
    }),
    'expects a list of groups',
  ),
  tenants: v.optional(
    v.array(
      v.strictObject({
        tenant: tenantName,
        group: groupId,
        epoch: v.optional(v.pipe(wholeNumber(1, safe), v.transform(Epoch)), 1),
        incarnation: v.optional(v.pipe(wholeNumber(1, safe), v.transform(Incarnation)), 1),
        bytes: amount,
        operations: amount,
        pin: v.optional(v.nullable(v.union([v.literal('own'), groupId], "expects a group, 'own' or null")), null),
        exclusions: v.optional(v.array(nodeId, 'expects a list of nodes'), []),
        movedAt: v.optional(instant, longAgo),
        isMoving: v.optional(yesOrNo, false),
      }),
      'expects a list of tenants',
    ),
    [],
  ),
  policy: v.optional(
    v.strictObject({
      placement: v.optional(oneOf(placementKinds), defaultPolicy.placement),
      boundPpt: v.optional(wholeNumber(0, 1_000_000), defaultPolicy.boundPpt),
      rebalance: v.optional(oneOf(rebalancings), defaultPolicy.rebalance),
      startPpt: share(defaultPolicy.startPpt),
      stopPpt: share(defaultPolicy.stopPpt),
      weights: v.optional(
        v.strictObject({
          leaders: factor(defaultPolicy.weights.leaders),
          replicas: factor(defaultPolicy.weights.replicas),
          bytes: factor(defaultPolicy.weights.bytes),
          operations: factor(defaultPolicy.weights.operations),
        }),
        {},
      ),
      makesGroups: v.optional(yesOrNo, defaultPolicy.makesGroups),
      effortPpt: share(defaultPolicy.effortPpt),
      tollPpt: v.optional(
        v.strictObject({
          leader: share(defaultPolicy.tollPpt.leader),
          tenant: share(defaultPolicy.tollPpt.tenant),
          replica: share(defaultPolicy.tollPpt.replica),
        }),
        {},
      ),
      idlePpt: share(defaultPolicy.idlePpt),
      highWaterPpt: share(defaultPolicy.highWaterPpt),
      isolationPpt: share(defaultPolicy.isolationPpt),
      isolationFloorPpt: share(defaultPolicy.isolationFloorPpt),
      coolDownMs: v.optional(wholeNumber(0, safe), defaultPolicy.coolDownMs),
      maxSteps: v.optional(wholeNumber(1, 1_000_000), defaultPolicy.maxSteps),
      copyBytesPerSecond: v.optional(wholeNumber(1, most), defaultPolicy.copyBytesPerSecond),
    }),
    {},
  ),
});

/** What a key expects whose value is not there at all. */
const missing: Readonly<Record<string, string>> = {
  takenAt: 'milliseconds since 1970',
  nodes: 'a list of nodes',
  groups: 'a list of groups',
  node: 'the id of a node',
  replica: 'the id of a replica',
  capacityBytes: 'bytes',
  capacityOperations: 'operations a second',
  group: 'the id of a group',
  configuration: '{ voters: a list of { node, replica } }',
  voters: 'a list of { node, replica }',
  replicas: 'how many voters the group is to have',
  tenant: 'the name of a tenant',
};

export interface WhatIf {
  readonly snapshot: ClusterSnapshot;
  readonly policy: Policy;
}

/** Throws a `ConfigError` that names the key and what it expects. */
export function checkSnapshot(value: unknown): WhatIf {
  const { policy, groups, ...others } = check(schema, value, missing);
  if (policy.startPpt < policy.stopPpt) fail('policy.stopPpt', 'expects at most policy.startPpt');
  const snapshot: ClusterSnapshot = {
    ...others,
    groups: groups.map(({ configuration, confIndex, ...group }) => {
      const { voters, outgoing, learners } = configuration;
      const ids = [...voters, ...outgoing, ...learners].map(({ replica }) => replica);
      const highest = ReplicaId(Math.max(configuration.highest, ...ids));
      return { ...group, confIndex: LogIndex(confIndex), configuration: { ...configuration, highest } };
    }),
    tenants: others.tenants.map((t) => ({ ...t, epoch: Epoch(t.epoch), incarnation: Incarnation(t.incarnation) })),
  };
  checkTogether(snapshot);
  return { snapshot, policy };
}

/** What keys mean to one another. */
function checkTogether({ nodes, groups, tenants }: ClusterSnapshot): void {
  const nodeIds = idsOf(
    'nodes',
    nodes.map(({ node }) => node),
  );
  const groupIds = idsOf(
    'groups',
    groups.map(({ group }) => group),
  );
  for (const [i, { configuration, leader }] of groups.entries()) {
    const key = `groups.${String(i)}.configuration`;
    const { voters, outgoing, learners } = configuration;
    for (const [list, members] of Object.entries({ voters, outgoing, learners })) {
      const on = members.map(({ node }) => node);
      idsOf(`${key}.${list}`, on);
      for (const node of on) if (!nodeIds.has(node)) fail(`${key}.${list}`, `there is no node ${String(node)}`);
    }
    const isVoter = leader === null || [...voters, ...outgoing].some(({ node }) => node === leader);
    if (!isVoter) fail(`groups.${String(i)}.leader`, `expects the node of a voter, got ${String(leader)}`);
  }
  idsOf(
    'tenants',
    tenants.map(({ tenant }) => tenant),
  );
  for (const [i, { group, exclusions }] of tenants.entries()) {
    if (!groupIds.has(group)) fail(`tenants.${String(i)}.group`, `there is no group ${String(group)}`);
    for (const node of exclusions)
      if (!nodeIds.has(node)) fail(`tenants.${String(i)}.exclusions`, `there is no node ${String(node)}`);
  }
}

function idsOf<Id extends string | number>(key: string, list: readonly Id[]): ReadonlySet<Id> {
  const ids = new Set<Id>();
  for (const id of list) {
    if (ids.has(id)) fail(key, `${String(id)} is there more than once`);
    ids.add(id);
  }
  return ids;
}

function fail(key: string, expects: string): never {
  throw new ConfigError(`${key}: ${expects}`);
}
