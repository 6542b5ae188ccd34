/** A replica whose state is not what its log says is found, serves nothing, and is replaced. */
import { expect, test } from 'vitest';
import { binaryString, GroupId, WallTime } from '../../core/index.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import { Nodes } from './harness.ts';

/** The bytes themselves. */
function storedOn(nodes: Nodes, node: number): Uint8Array | null {
  const machine = nodes.nodes[node - 1]?.groups.get(GroupId(1))?.machine;
  if (!(machine instanceof TenantMachine)) return null;
  const owned = [...machine.tenants].find(([tenant]) => tenant === 'acme')?.[1];
  const value = owned?.keyspace.find('{acme}victim', WallTime(0))?.value;
  return value instanceof Uint8Array ? value : null;
}

function valueOn(nodes: Nodes, node: number): string {
  return binaryString(storedOn(nodes, node) ?? new Uint8Array());
}

test.each([
  ['a follower', 1],
  ['the leader', 0],
])('%s', (_, offset) => {
  const nodes = new Nodes(3, 1, { snapshotLogBytes: 1024 });
  for (const node of [1, 2, 3]) nodes.connect(node, node);
  nodes.ask(1, 1, 'SET', '{acme}victim', 'right');
  const leader = Number(/leader\r\n:([0-9]+)/.exec(nodes.ask(1, 1, 'TENANT', 'WHERE', 'acme'))?.[1]);
  const wrong = ((leader - 1 + offset) % 3) + 1;
  nodes.pass(500);
  const stored = storedOn(nodes, wrong);
  if (stored !== null) stored[0] = 'f'.charCodeAt(0);
  expect(valueOn(nodes, wrong)).toBe('fight');

  const replicaOf = (node: number): number => nodes.raftOn(node, GroupId(1))?.id ?? 0;
  for (let i = 0; i < 200 && replicaOf(wrong) <= 3; i += 1) {
    nodes.ask(wrong, wrong, 'SET', `{acme}k${String(i)}`, 'x'.repeat(100));
    nodes.pass(50);
  }
  expect(replicaOf(wrong)).toBeGreaterThan(3);
  expect(nodes.ask(wrong, wrong, 'NODE', 'ALARMS')).toMatch(
    /^\*1\r\n\*8\r\n\$4\r\nkind\r\n\$14\r\nreplicaDiffers\r\n\$5\r\ngroup\r\n:1\r\n/,
  );
  expect(nodes.ask(wrong, wrong, 'INFO', 'replication')).toContain('alarms:1');
  expect(nodes.ask(wrong, wrong, 'NODE', 'ALARMS', 'ACK')).toBe('+OK\r\n');
  expect(nodes.ask(wrong, wrong, 'NODE', 'ALARMS')).toBe('*0\r\n');
  nodes.pass(5000);
  for (const node of [1, 2, 3]) {
    expect(valueOn(nodes, node)).toBe('right');
    expect(nodes.ask(node, node, 'GET', '{acme}victim')).toBe('$5\r\nright\r\n');
  }
});
