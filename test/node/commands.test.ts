/** The node's own commands, and how data commands find their tenant: whole replies. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Epoch, GroupId, Incarnation, type TenantName } from '../../core/base/ids.ts';
import { TenantMap } from '../../core/metadata/tenantMap.ts';
import { TenantMachine } from '../../core/group/tenantMachine.ts';
import { LocalView } from '../../core/node/localView.ts';
import { Raft } from '../../core/raft/raft.ts';
import { Nodes } from './harness.ts';

let nodes: Nodes;

afterEach(() => {
  vi.restoreAllMocks();
});

beforeEach(() => {
  nodes = new Nodes(1, 2);
  nodes.connect(1, 1);
});

const ask = (...words: string[]): string => nodes.ask(1, 1, ...words);

describe('the connection', () => {
  test.each([
    [['PING'], '+PONG\r\n'],
    [['ping', 'hi'], '$2\r\nhi\r\n'],
    [['ECHO', 'hi'], '$2\r\nhi\r\n'],
    [['ECHO'], "-ERR wrong number of arguments for 'echo' command\r\n"],
    [['SELECT', '0'], '+OK\r\n'],
    [['SELECT', '1'], '-ERR DB index is out of range\r\n'],
    [['SELECT', 'x'], '-ERR value is not an integer or out of range\r\n'],
    [['QUIT'], '+OK\r\n(closed)'],
    [['RESET'], '+RESET\r\n'],
    [['HELLO', '4'], '-NOPROTO unsupported protocol version\r\n'],
    [['AUTH', 'default', 'x'], '+OK\r\n'],
    [['AUTH', 'nobody', 'x'], '-WRONGPASS invalid username-password pair or user is disabled.\r\n'],
    [['CLIENT', 'ID'], ':1\r\n'],
    [['CLIENT', 'GETNAME'], '$-1\r\n'],
    [['CLIENT', 'SETNAME', 'a b'], '-ERR Client names cannot contain spaces, newlines or special characters.\r\n'],
    [['CLIENT', 'SETINFO', 'lib-name', 'x'], '+OK\r\n'],
    [['NOSUCH', 'a', 'b'], "-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' \r\n"],
  ])('%j', (words, reply) => {
    expect(ask(...words)).toBe(reply);
  });

  test('HELLO 3 changes the protocol of what follows', () => {
    expect(ask('HELLO', '3', 'SETNAME', 'me')).toMatch(/^%7\r\n\$6\r\nserver\r\n\$5\r\nredis\r\n/);
    expect(ask('GET', 'nothing')).toBe('_\r\n');
    expect(ask('CLIENT', 'GETNAME')).toBe('$2\r\nme\r\n');
  });

  test('CLIENT REPLY silences what it should', () => {
    expect(ask('CLIENT', 'REPLY', 'SKIP')).toBe('');
    expect(ask('PING')).toBe('');
    expect(ask('PING')).toBe('+PONG\r\n');
    expect(ask('CLIENT', 'REPLY', 'OFF')).toBe('');
    expect(ask('SET', 'k', 'v')).toBe('');
    expect(ask('NOSUCH')).toBe('');
    expect(ask('TENANT', 'CREATE', 'quiet')).toBe('');
    expect(ask('CLIENT', 'REPLY', 'ON')).toBe('+OK\r\n');
    expect(ask('GET', 'k')).toBe('$1\r\nv\r\n');
    const quietly = (...words: readonly string[]): string => ask('CLIENT', 'REPLY', 'SKIP') + ask(...words);
    expect(quietly('WATCH', 'k') + quietly('TENANT', 'INFO', 'quiet') + quietly('EXEC') + quietly('MULTI')).toBe('');
    expect([ask('GET', 'k'), ask('EXEC')]).toEqual(['+QUEUED\r\n', '*1\r\n$1\r\nv\r\n']);
    expect(ask('PING')).toBe('+PONG\r\n');
  });

  test('replies come in the order of commands, quick ones too', () => {
    for (const words of [['SET', 'k', 'v'], ['PING'], ['GET', 'k'], ['ECHO', 'x'], ['NOSUCH']])
      nodes.send(1, 1, ...words);
    nodes.pass(300);
    expect(nodes.replies(1)).toBe(
      "+OK\r\n+PONG\r\n$1\r\nv\r\n$1\r\nx\r\n-ERR unknown command 'NOSUCH', with args beginning with: \r\n",
    );
  });

  test('after a protocol error: what is owed, the error, the end', () => {
    nodes.send(1, 1, 'SET', 'k', 'v');
    nodes.input(1, { kind: 'clientMalformed', conn: 1 as never, error: 'ERR Protocol error: x' });
    nodes.send(1, 1, 'PING');
    nodes.pass(300);
    expect(nodes.replies(1)).toBe('+OK\r\n-ERR Protocol error: x\r\n(closed)');
  });
});

describe('tenants', () => {
  test('by braces, by choice, by default', () => {
    ask('SET', '{acme}k', 'braces');
    ask('SET', 'k', 'default');
    expect(ask('TENANT', 'CURRENT')).toBe('$-1\r\n');
    expect(ask('TENANT', 'USE', 'acme')).toBe('+OK\r\n');
    expect(ask('GET', '{acme}k')).toBe('$6\r\nbraces\r\n');
    expect(ask('GET', 'k')).toBe('$-1\r\n');
    expect(ask('SET', '{other}k', 'a key like any other')).toBe('+OK\r\n');
    expect(ask('DBSIZE')).toBe(':2\r\n');
    expect(ask('TENANT', 'USE', 'default')).toBe('+OK\r\n');
    expect(ask('DBSIZE')).toBe(':1\r\n');
    expect(ask('TENANT', 'LIST')).toBe('*2\r\n$4\r\nacme\r\n$7\r\ndefault\r\n');
  });

  test('keys of two tenants, and names that are none', () => {
    expect(ask('MSET', '{a}x', '1', '{b}x', '2')).toBe(
      '-CROSSSLOT not executed: the keys of a command belong to one tenant\r\n',
    );
    expect(ask('MSET', '{a}x', '1', 'x', '2')).toMatch(/^-CROSSSLOT/);
    expect(ask('GET', '{not a name}x')).toMatch(/^-ERR not executed: 'not a name' is no tenant name/);
    expect(ask('GET', '{}x')).toBe('$-1\r\n');
  });

  test('created where told, found, dropped for good, and new after that', () => {
    expect(ask('TENANT', 'CREATE', 'acme', 'IN', '2')).toBe('+OK\r\n');
    expect(ask('TENANT', 'CREATE', 'acme')).toBe('+OK\r\n');
    expect(ask('TENANT', 'CREATE', 'acme', 'IN', '1')).toBe("-ERR tenant 'acme' exists in group 2\r\n");
    expect(ask('TENANT', 'CREATE', 'x', 'IN', '7')).toBe('-ERR no such group for tenants\r\n');
    expect(ask('TENANT', 'INFO', 'acme')).toContain(
      '$5\r\ngroup\r\n:2\r\n$5\r\nepoch\r\n:1\r\n$11\r\nincarnation\r\n:1\r\n',
    );
    ask('SET', '{acme}k', 'v');
    expect(ask('TENANT', 'DROP', 'acme')).toBe('+OK\r\n');
    expect(ask('TENANT', 'DROP', 'acme')).toBe("-ERR unknown tenant 'acme'\r\n");
    expect(ask('GET', '{acme}k')).toBe('$-1\r\n');
    expect(ask('TENANT', 'INFO', 'acme')).toContain('$11\r\nincarnation\r\n:2\r\n');
  });
});

test('without creation and without a default, nothing comes into being by accident', () => {
  nodes = new Nodes(1, 2, { autoCreateTenants: false, defaultTenant: false });
  nodes.connect(1, 1);
  expect(ask('GET', 'k')).toMatch(/^-ERR not executed: no tenant/);
  expect(ask('SET', '{acme}k', 'v')).toBe("-ERR unknown tenant 'acme'\r\n");
  expect(ask('TENANT', 'CREATE', 'acme')).toBe('+OK\r\n');
  expect(ask('SET', '{acme}k', 'v')).toBe('+OK\r\n');
  expect(ask('DBSIZE')).toMatch(/^-ERR not executed: no tenant/);
});

test('keys whose time has come leave by themselves', () => {
  expect(ask('SET', 'k', 'v', 'PX', '1000')).toBe('+OK\r\n');
  expect(ask('DBSIZE')).toBe(':1\r\n');
  nodes.pass(1200);
  expect(ask('GET', 'k')).toBe('$-1\r\n');
  expect(ask('DBSIZE')).toBe(':0\r\n');
});

test('what clients ask for often looks neither at all tenants nor at all replicas', () => {
  for (let i = 0; i < 20; i += 1) ask('SET', `{t${String(i)}}k`, 'v');
  const machines = [GroupId(1), GroupId(2)].map((id) => nodes.nodes[0]?.groups.get(id)?.machine);
  const walks = machines.map((machine) => {
    if (!(machine instanceof TenantMachine)) throw new Error('a group of tenants');
    return vi.spyOn(machine.tenants, 'values');
  });
  const progress = vi.spyOn(Raft.prototype, 'progress');
  expect(ask('INFO', 'keyspace')).toContain('tenants:21\r\nkeys:20\r\n');
  for (const walk of walks) walk.mockClear();
  progress.mockClear();

  ask('SET', '{t1}another', 'v');
  ask('DEL', '{t2}k');
  ask('DEL', '{t3}k');
  expect(ask('INFO', 'keyspace')).toContain('tenants:21\r\nkeys:19\r\n');
  expect(ask('WAIT', '1', '0')).toBe(':0\r\n');
  expect(ask('TENANT', 'USE', 't1')).toBe('+OK\r\n');
  expect(ask('WAIT', '1', '0')).toBe(':0\r\n');
  ask('TENANT', 'WHERE', 't1');
  ask('TENANT', 'CREATE', 't1', 'IN', '1');
  ask('GROUP', 'LIST');
  ask('NODE', 'LIST');
  for (const walk of walks) expect(walk).not.toHaveBeenCalled();
  expect(progress).not.toHaveBeenCalled();
  expect(ask('GROUP', 'INFO', '1')).toContain('$4\r\nmode\r\n');
});

test('WAIT answers how many voters beside the leader the group has, and makes no view of any', () => {
  nodes = new Nodes(3, 2);
  nodes.connect(1, 1);
  const groups = vi.spyOn(LocalView.prototype, 'group');
  expect(ask('WAIT', '1', '0')).toBe(':1\r\n');
  ask('SET', 'k', 'v');
  expect(ask('WAIT', '1', '0')).toBe(':1\r\n');
  expect(groups).not.toHaveBeenCalled();
});

test('TENANT LIST of very many tenants is refused, and says how they are listed', () => {
  const map = new TenantMap();
  const place = { group: GroupId(1), epoch: Epoch(1), incarnation: Incarnation(1) };
  for (let i = 0; i <= 100_000; i += 1) map.apply({ kind: 'placed', tenant: `t${String(i)}` as TenantName, ...place });
  nodes = new Nodes(1, 2, {}, map);
  nodes.connect(1, 1);
  expect(ask('TENANT', 'LIST')).toBe(
    '-ERR not executed: more than 100000 tenants: list them in steps, with TENANT LIST CURSOR\r\n',
  );
  expect(ask('TENANT', 'LIST', 'CURSOR', '99998', 'COUNT', '2')).toBe(
    '*2\r\n$6\r\n100000\r\n*2\r\n$6\r\nt99998\r\n$6\r\nt99999\r\n',
  );
});

test('NODE LIST looks at the groups once, whatever the number of nodes', () => {
  nodes = new Nodes(3, 2);
  nodes.connect(1, 1);
  const groups = vi.spyOn(LocalView.prototype, 'groups');
  expect(ask('NODE', 'LIST')).toContain('$5\r\nleads\r\n');
  expect(groups).toHaveBeenCalledTimes(1);
});
