/** What a node does unless told otherwise, and what it may be told. */
import type { Settings } from './options.ts';

const mib = 1024 * 1024;
const gib = 1024 * mib;

export const defaultSettings: Settings = {
  electionMs: 600,
  heartbeatMs: 100,
  leaseReads: true,
  commandTimeoutMs: 5000,
  gossipMs: 500,
  rebalance: 'on',
  placement: 'round-robin',
  isolationPercent: 50,
  nodeBytes: 1024 * gib,
  nodeOperations: 1_000_000,
  lostAfterMs: 600_000,
  metadata: 'raft',
  joinToken: '',
  autoCreateTenants: true,
  maxTenantNames: 2_000_000,
  defaultTenant: true,
  maxValueBytes: 64 * mib,
  snapshotLogBytes: 16 * mib,
  snapshotBytesPerSecond: 32 * mib,
};

interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** The numbers among the settings, with what they may be. */
export const settingBounds: Readonly<
  Record<
    | 'electionMs'
    | 'heartbeatMs'
    | 'commandTimeoutMs'
    | 'gossipMs'
    | 'isolationPercent'
    | 'nodeBytes'
    | 'nodeOperations'
    | 'lostAfterMs'
    | 'maxTenantNames'
    | 'maxValueBytes'
    | 'snapshotLogBytes'
    | 'snapshotBytesPerSecond',
    Bounds
  >
> = {
  electionMs: { least: 50, most: 60_000 },
  heartbeatMs: { least: 5, most: 10_000 },
  commandTimeoutMs: { least: 100, most: 600_000 },
  gossipMs: { least: 20, most: 60_000 },
  isolationPercent: { least: 1, most: 100 },
  nodeBytes: { least: mib, most: 1024 * 1024 * gib },
  nodeOperations: { least: 1, most: 1_000_000_000 },
  lostAfterMs: { least: 1_000, most: 86_400_000 },
  maxTenantNames: { least: 1, most: 20_000_000 },
  maxValueBytes: { least: 1024, most: 512 * mib },
  snapshotLogBytes: { least: 1024, most: 4096 * mib },
  snapshotBytesPerSecond: { least: mib, most: 4096 * mib },
};
