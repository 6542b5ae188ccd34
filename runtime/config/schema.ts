/**
 * The keys of a configuration file: which there are, what each expects and what it is if it is not given. What
 * keys mean to one another is checked elsewhere.
 */
import * as v from 'valibot';
import { defaultSettings, metadataModes, placementKinds, settingBounds } from '../../core/index.ts';
import { logLevels } from '../log.ts';
import { check, oneOf, text, wholeNumber, yesOrNo } from './keys.ts';

const largestNode = 65_535;
const largestGroup = 65_535;
const mib = 1024 * 1024;
const longestIdleMs = 24 * 60 * 60 * 1000;

const address = text(/^(\[[0-9a-fA-F:]+\]|[^:\s]+):([0-9]{1,5})$/, 'expects HOST:PORT');
const nodeId = wholeNumber(1, largestNode);
const groupId = wholeNumber(0, largestGroup);
const zoneName = text(/^[A-Za-z0-9._-]{0,64}$/, 'expects up to 64 characters of A-Z a-z 0-9 . _ -');
const token = text(/^[!-~]{8,256}$/, 'expects 8 to 256 characters without spaces');

function setting(name: keyof typeof settingBounds) {
  const { least, most } = settingBounds[name];
  return v.optional(wholeNumber(least, most), defaultSettings[name]);
}

const schema = v.strictObject({
  cluster: text(/^[A-Za-z0-9._-]{1,64}$/, 'expects 1 to 64 characters of A-Z a-z 0-9 . _ -'),
  node: nodeId,
  metadata: v.optional(oneOf(metadataModes), defaultSettings.metadata),
  data: v.pipe(v.string('expects a directory'), v.nonEmpty('expects a directory')),
  nodes: v.pipe(
    v.array(
      v.strictObject({
        id: nodeId,
        client: address,
        peer: address,
        zone: v.optional(zoneName, ''),
        joined: v.optional(v.boolean('expects true or false'), false),
      }),
      'expects a list of { id, client, peer }',
    ),
    v.nonEmpty('expects at least one node'),
  ),
  groups: v.array(
    v.strictObject({ id: groupId, nodes: v.array(nodeId, 'expects a list of node ids') }),
    'expects a list of { id, nodes }',
  ),
  tenants: v.optional(v.record(v.string(), groupId, 'expects { TENANT: GROUP }'), {}),
  settings: v.optional(
    v.strictObject({
      electionMs: setting('electionMs'),
      heartbeatMs: setting('heartbeatMs'),
      commandTimeoutMs: setting('commandTimeoutMs'),
      gossipMs: setting('gossipMs'),
      nodeBytes: setting('nodeBytes'),
      nodeOperations: setting('nodeOperations'),
      lostAfterMs: setting('lostAfterMs'),
      rebalance: v.optional(oneOf(['on', 'dry-run', 'off', 'manual']), defaultSettings.rebalance),
      placement: v.optional(oneOf(placementKinds), defaultSettings.placement),
      isolationPercent: setting('isolationPercent'),
      maxTenantNames: setting('maxTenantNames'),
      maxValueBytes: setting('maxValueBytes'),
      snapshotLogBytes: setting('snapshotLogBytes'),
      snapshotBytesPerSecond: setting('snapshotBytesPerSecond'),
      leaseReads: v.optional(yesOrNo, defaultSettings.leaseReads),
      autoCreateTenants: v.optional(yesOrNo, defaultSettings.autoCreateTenants),
      defaultTenant: v.optional(yesOrNo, defaultSettings.defaultTenant),
    }),
    {},
  ),
  clients: v.optional(
    v.strictObject({
      max: v.optional(wholeNumber(1, 100_000), 10_000),
      maxUnreadBytes: v.optional(wholeNumber(mib, 4096 * mib)),
      idleMs: v.optional(wholeNumber(0, longestIdleMs), 0),
    }),
    {},
  ),
  join: v.optional(v.strictObject({ token: v.optional(token) }), {}),
  disk: v.optional(v.strictObject({ minFreeBytes: v.optional(wholeNumber(0, 2 ** 50), 256 * mib) }), {}),
  peers: v.optional(v.strictObject({ maxQueuedBytes: v.optional(wholeNumber(mib, 4096 * mib)) }), {}),
  log: v.optional(oneOf(logLevels), 'info'),
});

/** A configuration file whose every key is there and of the right kind. */
export type ConfigFile = v.InferOutput<typeof schema>;

/** Throws a `ConfigError` with a line for every key that is wrong. */
export function checkKeys(value: unknown): ConfigFile {
  return check(schema, value, missing);
}

/** What a key expects whose value is not there at all. */
const missing: Readonly<Record<string, string>> = {
  cluster: 'the name of the cluster, the same on every node',
  node: 'the id of this node',
  data: 'the directory of this node',
  nodes: 'a list of { id, client, peer }',
  groups: 'a list of { id, nodes }',
  id: 'a number',
  client: 'HOST:PORT',
  peer: 'HOST:PORT',
};
