/** A cluster in a file, and what the planner would do with it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { defaultPolicy } from '../../core/placement/policy.ts';
import { plan } from '../../core/placement/plan.ts';
import { ConfigError } from '../../runtime/exitCodes.ts';
import { checkSnapshot } from '../../runtime/plan/snapshotFile.ts';
import { whatIf } from '../../runtime/plan/whatIf.ts';
import { grownCluster } from './clusters.ts';

const directory = mkdtempSync(join(tmpdir(), 'what-if-'));
afterAll(() => rmSync(directory, { recursive: true }));

function written(value: unknown): string {
  const path = join(directory, 'cluster.json');
  writeFileSync(path, JSON.stringify(value));
  return path;
}

const node = (id: number) => ({
  node: id,
  zone: `z${String(id)}`,
  capacityBytes: 1_000_000,
  capacityOperations: 1_000,
});
const member = (id: number) => ({ node: id, replica: id });
const group = { group: 1, configuration: { voters: [1, 2, 3].map(member) }, leader: 1, bytes: 400_000, replicas: 3 };
const least = { takenAt: 1_000_000, nodes: [1, 2, 3, 4].map(node), groups: [group] };
const flags = { policy: {}, drain: [], lose: [], isJson: false };

test('what the planner is told in a program can be told in a file', () => {
  const snapshot = grownCluster({ nodes: 5, zones: 5, groups: 12, tenants: 40 }, 3);
  const whole = checkSnapshot(JSON.parse(JSON.stringify({ ...snapshot, policy: defaultPolicy })));
  expect(whole).toEqual({ snapshot, policy: defaultPolicy });
  expect(checkSnapshot(least).policy).toEqual(defaultPolicy);
});

test('the plan as text: steps with their reasons, and nodes before and after', () => {
  expect(whatIf(written(least), { ...flags, lose: [2] })).toBe(
    `    1  repair       group 1: a replica on node 4 for the one on node 2
                    node 2 is lost; group 1 has 3 of 3 voters and can lose 0; node 4 has 0 % of its share of bytes

node  zone  state  leaders  replicas  bytes           operations
1     z1    up     1        1         40.0 %          0.0 %
2     z2    lost   0        1 > 0     40.0 % > 0.0 %  0.0 %
3     z3    up     0        1         40.0 %          0.0 %
4     z4    up     0        0 > 1     0.0 % > 40.0 %  0.0 %

Φ 900120009 before, 600120009 after
`,
  );
});

test('nothing to do, the brake, and what is not possible are told', () => {
  const three = { ...least, nodes: [1, 2, 3].map(node) };
  expect(whatIf(written(three), flags)).toContain('nothing to do\n');
  expect(whatIf(written(three), { ...flags, lose: [1, 2] })).toContain('the brake is on: 2 of 3 nodes look lost');
  expect(whatIf(written(three), { ...flags, drain: [2] })).toContain(
    'wanted, and not possible now\n  group 1 stays on node 2, which drains: no other node may have it\n',
  );
});

test('the plan as JSON is the plan', () => {
  const { snapshot, policy } = checkSnapshot(least);
  const told = JSON.parse(whatIf(written(least), { ...flags, isJson: true })) as object;
  expect(told).toMatchObject(plan(snapshot, policy));
  expect(Object.keys(told).slice(-2)).toEqual(['before', 'after']);
});

describe('a file that is wrong', () => {
  test.each([
    [[], '(whole file): expects keys and values, got a list'],
    [{ nodes: least.nodes, groups: least.groups }, 'takenAt: is missing, expects milliseconds since 1970'],
    [{ ...least, colour: 1 }, 'colour: there is no such key'],
    [{ ...least, nodes: [] }, 'nodes: expects at least one node, got 0'],
    [
      { ...least, nodes: [{ ...node(1), state: 'ill' }] },
      'nodes.0.state: expects one of up, suspect, down, lost, draining',
    ],
    [{ ...least, nodes: [node(1), node(1)] }, 'nodes: 1 is there more than once'],
    [{ ...least, nodes: [node(1), node(2)] }, 'groups.0.configuration.voters: there is no node 3'],
    [{ ...least, groups: [{ ...group, leader: 4 }] }, 'groups.0.leader: expects the node of a voter, got 4'],
    [{ ...least, groups: [{ ...group, bytes: -1 }] }, 'groups.0.bytes: expects a whole number from 0 to'],
    [{ ...least, groups: [group, group] }, 'groups: 1 is there more than once'],
    [{ ...least, tenants: [{ tenant: 'a b', group: 1 }] }, 'tenants.0.tenant: expects a tenant'],
    [{ ...least, tenants: [{ tenant: 'a', group: 2 }] }, 'tenants.0.group: there is no group 2'],
    [{ ...least, tenants: [{ tenant: 'a', group: 1, pin: 'x' }] }, "tenants.0.pin: expects a group, 'own' or null"],
    [{ ...least, tenants: [{ tenant: 'a', group: 1, exclusions: [9] }] }, 'tenants.0.exclusions: there is no node 9'],
    [{ ...least, policy: { startPpt: 1 } }, 'policy.stopPpt: expects at most policy.startPpt'],
  ])('is refused, and the key is named: %#', (value, message) => {
    expect(() => checkSnapshot(value)).toThrow(ConfigError);
    expect(() => checkSnapshot(value)).toThrow(message);
  });
});

test('the command line', () => {
  const run = ['--import', 'tsx', 'runtime/cli.ts', 'plan'];
  const path = written(least);
  const told = execFileSync(process.execPath, [...run, '--snapshot', path, '--policy', 'rendezvous', '--lose', '2']);
  expect(String(told)).toBe(whatIf(path, { ...flags, lose: [2] }));
  const wrong = spawnSync(process.execPath, [...run, '--snapshot', path, '--policy', 'any'], { encoding: 'utf8' });
  expect(wrong.status).toBe(64);
  expect(wrong.stderr).toContain("--policy: expects one of round-robin, least-loaded, rendezvous, got 'any'");
  expect(spawnSync(process.execPath, [...run, '--snapshot', written({})], { encoding: 'utf8' }).status).toBe(78);
});
