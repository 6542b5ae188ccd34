/** A tenant on its way to a group that loses its majority: it stays where it is, and who asked for the move is told so. */
import { beforeEach, expect, test } from 'vitest';
import { GroupId, type TenantName } from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import { DirectoryMachine } from '../../core/group/directoryMachine.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import { defaultSettings } from '../../core/node/defaults.ts';
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

/** As node 1 has it. */
function placeOf(tenant: TenantName): GroupId | undefined {
  return nodes.nodes[0]?.router.shards.find(tenant)?.group;
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

/** The destination has not heard of the move yet, and cannot. */
function moveWithoutDestination(): void {
  nodes.kill(...losses);
  nodes.pass(1000);
  expect(nodes.ask(1, 1, 'TENANT', 'MOVE', acme, 'TO', String(destination))).toBe('+OK\r\n');
}

function status(): string {
  nodes.send(2, 2, 'TENANT', 'MOVE', acme, 'STATUS');
  nodes.pass(defaultSettings.commandTimeoutMs + 100);
  return nodes.replies(2);
}

/** Copies of the tenant that nobody sees, and moves of which somebody still thinks, as far as the nodes that run know. */
function leftOver(): number {
  let count = 0;
  for (const [at, { groups }] of nodes.nodes.entries()) {
    for (const { isLeader, machine } of nodes.isDown(at + 1) ? [] : groups.values()) {
      if (isLeader && machine instanceof TenantMachine) count += machine.moves.stagedCount;
      if (isLeader && machine instanceof DirectoryMachine) count += machine.directory.moves.size;
    }
  }
  return count;
}

test('what was asked of a destination that does not answer can be cancelled, and the tenant moved elsewhere', () => {
  moveWithoutDestination();
  expect(nodes.ask(1, 1, 'TENANT', 'MOVE', acme, 'TO', '2')).toBe(
    `-ERR tenant 'acme' is on its way to group ${String(destination)}\r\n`,
  );
  expect(nodes.ask(1, 1, 'TENANT', 'MOVE', acme, 'CANCEL')).toBe('+OK\r\n');
  expect(nodes.ask(1, 1, 'TENANT', 'MOVE', acme, 'CANCEL')).toMatch(/^-ERR no move of tenant/);
  expect(nodes.ask(1, 1, 'TENANT', 'MOVE', acme, 'TO', '2')).toBe('+OK\r\n');
  nodes.pass(3000);
  expect(nodes.ask(1, 1, 'TENANT', 'MOVE', acme, 'STATUS')).toMatch(/^-ERR no move of tenant/);
  expect(nodes.ask(3, 3, 'GET', '{acme}k')).toBe('$1\r\nv\r\n');
  expect(nodes.ask(1, 1, 'TENANT', 'MOVE', acme, 'TO', String(destination))).toBe('+OK\r\n');
  for (const node of losses) nodes.start(node);
  nodes.pass(20_000);
  expect(nodes.ask(3, 3, 'GET', '{acme}k')).toBe('$1\r\nv\r\n');
  expect(placeOf(acme)).toBe(destination);
  expect(leftOver()).toBe(0);
});

test('how far the source is can be asked while the destination does not answer', () => {
  moveWithoutDestination();
  nodes.pass(1000);
  expect(status()).toMatch(/source\r\n\$7\r\ncopying\r\n\$11\r\ndestination\r\n\$7\r\nunknown/);
});

test('a copy waits a minute for a destination that does not answer', () => {
  moveWithoutDestination();
  nodes.pass(limits.moveSilentMs - 5000);
  expect(status()).toContain('copying');
  nodes.pass(15_000);
  expect(status()).toMatch(/^-ERR no move of tenant/);
  expect(leftOver()).toBe(1);
  for (const node of losses) nodes.start(node);
  nodes.pass(20_000);
  expect(leftOver()).toBe(0);
  expect(placeOf(acme)).toBe(source);
});
