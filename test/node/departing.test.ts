/** A tenant on its way to a group that loses its majority: it stays where it is, and who asked for the move is told so. */
import { beforeEach, expect, test } from 'vitest';
import { GroupId, type TenantName } from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import { Nodes } from './harness.ts';

/** Group g is on the nodes g + 1 to g + 3: the metadata group and the source can do without the nodes of the destination. */
const [source, destination] = [GroupId(1), GroupId(4)];
const losses = [5, 6];
const acme = 'acme' as TenantName;
let nodes: Nodes;

beforeEach(() => {
  nodes = new Nodes(7, 4);
  nodes.connectAll();
  expect(nodes.ask(1, 1, 'TENANT', 'CREATE', acme, 'IN', String(source))).toBe('+OK\r\n');
  expect(nodes.ask(1, 1, 'SET', '{acme}k', 'v')).toBe('+OK\r\n');
});

function isFrozen(): boolean {
  return nodes.nodes.some((node) => {
    const group = node.groups.get(source);
    const tenants = group?.isLeader === true && group.machine instanceof TenantMachine ? group.machine.tenants : null;
    return tenants?.get(acme)?.out?.isFrozen === true;
  });
}

/** Lets time pass until it is so; a minute at most. */
function passUntil(isSo: () => boolean): void {
  for (let ms = 0; ms < 60_000 && !isSo(); ms += 1) nodes.pass(1);
  expect(isSo()).toBe(true);
}

test('a frozen tenant whose destination does not answer is written to again', () => {
  nodes.send(1, 1, 'TENANT', 'MOVE', acme, 'TO', String(destination));
  passUntil(isFrozen);
  nodes.kill(...losses);
  nodes.send(2, 2, 'SET', '{acme}k', 'w');
  nodes.pass(limits.frozenMs - 500);
  expect(nodes.replies(2)).toBe('');
  nodes.pass(1000);
  expect(nodes.replies(2)).toBe('+OK\r\n');
  expect(nodes.ask(3, 3, 'GET', '{acme}k')).toBe('$1\r\nw\r\n');
});
