/**
 * TENANT: which one this connection means, which there are, where they live.
 */
import { binaryString, noBytes } from '../../base/bytes.ts';
import { GroupId, metadataGroup, type TenantName } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import { parseTenantName } from '../../base/tenantName.ts';
import { beginMove, cancelMove, pinTenant, showMove, showPin } from '../../forward/moveProcedure.ts';
import { matchesText } from '../../engine/glob.ts';
import { dropTenant, ensureTenant } from '../../forward/tenancy.ts';
import { integerOf, wordOf, wrongSubcommand } from './arguments.ts';
import { begin, isOfFixedTenants, isWithoutMetadataGroup } from './begin.ts';
import { type NodeCall, type NodeCommand, nodeCommand } from './spec.ts';
import { quota, reportFigures, statistics, writeReport } from './tenantAccounts.ts';
import { exportOf, importOf, importTo, listImports } from './tenantTransfers.ts';

export const tenantCommands: readonly NodeCommand[] = [
  nodeCommand({
    name: 'tenant',
    arity: -2,
    group: 'leasehold',
    since: '0.1.0',
    summary: 'Chooses, lists, creates, drops, locates, measures, bounds, moves, pins, exports and imports tenants.',
    run: tenant,
  }),
];

const help: readonly string[] = [
  'TENANT <subcommand> [<arg> ...]. Subcommands are:',
  'USE <tenant>: every command of this connection means this tenant from now on.',
  'CURRENT: the tenant of this connection, nil if it chose none.',
  'LIST: the tenants this node knows of, if they are not too many.',
  'LIST [CURSOR <cursor>] [COUNT <count>] [MATCH <pattern>]: the same in steps, as SCAN walks along keys.',
  'INFO <tenant>: its group, epoch and incarnation; on the node that leads its group, its quota and what it uses.',
  'QUOTA <tenant>: what it may use, 0 for what is not bounded.',
  'QUOTA <tenant> SET [BYTES <n>] [KEYS <n>] [OPS <n>] [BANDWIDTH <n>]: bytes of memory, keys, commands per second,',
  '  bytes per second of commands and replies. 0 or NONE lifts a bound; what is not named stays.',
  'STATS <tenant>: what it uses, and what the leader of its group has counted.',
  'WHERE <tenant>: the route a command for it takes from this node.',
  'CREATE <tenant> [IN <group>]: creates it, in a group of its own choice or the next one. Does nothing if it exists.',
  'DROP <tenant>: deletes it with all its data, for good.',
  'EXPORT <tenant>: begins to read it out as it is now. The reply: an id, the number of the next piece, the first piece.',
  'EXPORT <tenant> <id> <number>: that piece, in the same way. The next number is 0 when this is the last one; a reply',
  '  without bytes asks for patience. The pieces one behind the other are a file.',
  'IMPORT <tenant> <first piece> [IN <group>]: makes a tenant of a file, or goes on with that. The reply: a number of the',
  '  import, and that of the next piece.',
  'IMPORT <tenant> <import> <piece>: takes that piece. The next number is 0 when the tenant is whole, and is seen from',
  '  then on. DROP gives it up before that.',
  'IMPORTS: those under way, with their numbers and groups. The node that leads the metadata group knows.',
  'MOVE <tenant> TO <group>: moves it to another group while it is used; the reply comes before that is done.',
  'MOVE <tenant> STATUS: how far that is.',
  'MOVE <tenant> CANCEL: lets it stay where it is, if it has not left yet.',
  'PIN <tenant> TO <group>: it has to live there, and is moved there. PIN <tenant> ALONE: in a group of its own.',
  'PIN <tenant>: where it is pinned, nil if it is not. UNPIN <tenant>: it may live anywhere.',
];

function tenant(call: NodeCall): void {
  const { args, reply } = call;
  const [, subcommand, name] = args;
  switch (`${wordOf(subcommand)} ${String(args.length)}`) {
    case 'current 2':
      if (call.connection.tenant === null) reply.nil();
      else reply.bulkText(call.connection.tenant);
      return;
    case 'list 2':
      list(call);
      return;
    case 'imports 2':
      listImports(call);
      return;
    case 'help 2':
      reply.array(help.length);
      for (const line of help) reply.simple(line);
      return;
    case 'use 3':
      withName(call, name, use);
      return;
    case 'info 3':
      withName(call, name, info);
      return;
    case 'where 3':
      withName(call, name, where);
      return;
    case 'create 3':
    case 'create 5':
      withName(call, name, create);
      return;
    case 'drop 3':
      withName(call, name, drop);
      return;
    case 'move 4':
    case 'move 5':
      withName(call, name, move);
      return;
    case 'pin 3':
    case 'pin 4':
    case 'pin 5':
      withName(call, name, pin);
      return;
    case 'unpin 3':
      withName(call, name, unpin);
      return;
    case 'export 3':
    case 'export 5':
      withName(call, name, exportOf);
      return;
    case 'import 4':
    case 'import 5':
      withName(call, name, importOf);
      return;
    case 'import 6':
      withName(call, name, importInto);
      return;
    case 'stats 3':
      withName(call, name, statistics);
      return;
    default:
      if (wordOf(subcommand) === 'quota' && args.length > 2) withName(call, name, quota);
      else if (wordOf(subcommand) === 'list') listStep(call);
      else reply.error(wrongSubcommand('tenant', subcommand));
  }
}

function withName(call: NodeCall, arg: Uint8Array | undefined, run: (call: NodeCall, name: TenantName) => void): void {
  const name = parseTenantName(binaryString(arg ?? noBytes));
  if (name === null) call.reply.error('ERR invalid tenant name: 1 to 128 characters of A-Z a-z 0-9 . _ : @ -');
  else run(call, name);
}

function use({ connection, reply }: NodeCall, name: TenantName): void {
  connection.tenant = name;
  reply.ok();
}

function list({ reply, node }: NodeCall): void {
  const tenants = node.tenants();
  if (tenants === null) {
    reply.error(
      `ERR not executed: more than ${String(limits.tenantsListed)} tenants: list them in steps, with TENANT LIST CURSOR`,
    );
    return;
  }
  reply.array(tenants.length);
  for (const { tenant: name } of tenants) reply.bulkText(name);
}

/** Changes of the map looked at by a step that does not say how many. */
const defaultCount = 10;

function listStep({ args, reply, node }: NodeCall): void {
  let cursor = 0;
  let count = defaultCount;
  let pattern = '*';
  for (let at = 2; at < args.length; at += 2) {
    const word = wordOf(args[at]);
    const value = args[at + 1];
    if (value === undefined || (word !== 'cursor' && word !== 'count' && word !== 'match')) {
      reply.error('ERR syntax error');
      return;
    }
    if (word === 'match') {
      pattern = binaryString(value);
      continue;
    }
    const number = integerOf(value);
    if (number === null || number < (word === 'count' ? 1 : 0)) {
      reply.error(word === 'count' ? 'ERR value is not an integer or out of range' : 'ERR invalid cursor');
      return;
    }
    if (word === 'cursor') cursor = number;
    else count = number;
  }
  const { next, tenants } = node.tenantsFrom(cursor, count);
  const matching = tenants.filter((name) => matchesText(pattern, name, false));
  reply.array(2);
  reply.bulkText(String(next));
  reply.array(matching.length);
  for (const name of matching) reply.bulkText(name);
}

function info({ reply, node }: NodeCall, name: TenantName): void {
  const report = node.tenantReport(name);
  const found = node.tenant(name);
  if (found === null) {
    reply.error(`ERR unknown tenant '${name}'`);
    return;
  }
  reply.map(4 + (report === null ? 0 : reportFigures));
  reply.bulkText('tenant');
  reply.bulkText(name);
  reply.bulkText('group');
  reply.integer(found.group);
  reply.bulkText('epoch');
  reply.integer(found.epoch);
  reply.bulkText('incarnation');
  reply.integer(found.incarnation);
  if (report !== null) writeReport(reply, report);
}

/** What a command sent to this node for this tenant would do, as of what this node knows. */
function where({ reply, node }: NodeCall, name: TenantName): void {
  const found = node.tenant(name);
  if (found === null) {
    reply.error(`ERR unknown tenant '${name}'`);
    return;
  }
  const group = node.group(found.group);
  const leader = group?.leader ?? null;
  const address = node.nodes.find((other) => other.node === leader)?.clientAddress;
  reply.map(9);
  reply.bulkText('tenant');
  reply.bulkText(name);
  reply.bulkText('group');
  reply.integer(found.group);
  reply.bulkText('epoch');
  reply.integer(found.epoch);
  reply.bulkText('leader');
  if (leader === null) reply.nil();
  else reply.integer(leader);
  reply.bulkText('leader-address');
  if (address === undefined) reply.nil();
  else reply.bulkText(address);
  reply.bulkText('term');
  reply.integer(group?.term ?? 0);
  reply.bulkText('map-version');
  reply.integer(node.mapVersion);
  reply.bulkText('asked-node');
  reply.integer(node.self);
  reply.bulkText('hops');
  if (leader === null) reply.nil();
  else reply.integer(leader === node.self ? 0 : 1);
}

function create(call: NodeCall, name: TenantName): void {
  const { args, reply } = call;
  if (isOfFixedTenants(call)) return;
  const isPlaced = args.length > 3;
  const group = isPlaced ? groupNamed(call, args[4]) : null;
  if (isPlaced && wordOf(args[3]) !== 'in') reply.error('ERR syntax error');
  else if (isPlaced && group === null) reply.error('ERR no such group for tenants');
  else begin(call, ensureTenant(name, true, group));
}

function drop(call: NodeCall, name: TenantName): void {
  if (!isOfFixedTenants(call)) begin(call, dropTenant(name));
}

function move(call: NodeCall, name: TenantName): void {
  const { args, reply } = call;
  if (isOfFixedTenants(call)) return;
  const word = `${wordOf(args[3])} ${String(args.length)}`;
  const group = groupNamed(call, args[4]);
  if (word === 'status 4') begin(call, showMove(name));
  else if (word === 'cancel 4') begin(call, cancelMove(name));
  else if (word !== 'to 5') reply.error('ERR syntax error');
  else if (group === null) reply.error('ERR no such group for tenants');
  else begin(call, beginMove(name, group));
}

function pin(call: NodeCall, name: TenantName): void {
  if (isWithoutMetadataGroup(call)) return;
  const { args, reply } = call;
  const word = `${wordOf(args[3])} ${String(args.length)}`;
  const group = groupNamed(call, args[4]);
  if (args.length === 3) begin(call, showPin(name));
  else if (word === 'alone 4') begin(call, pinTenant(name, 'own'));
  else if (word !== 'to 5') reply.error('ERR syntax error');
  else if (group === null) reply.error('ERR no such group for tenants');
  else begin(call, pinTenant(name, group));
}

function unpin(call: NodeCall, name: TenantName): void {
  if (isWithoutMetadataGroup(call)) return;
  begin(call, pinTenant(name, null));
}

function importInto(call: NodeCall, name: TenantName): void {
  const { args, reply } = call;
  const group = groupNamed(call, args[5]);
  if (wordOf(args[4]) !== 'in') reply.error('ERR syntax error');
  else if (group === null) reply.error('ERR no such group for tenants');
  else importTo(call, name, group);
}

/** Null if there is none of that number, or none for tenants. */
function groupNamed({ node }: NodeCall, arg: Uint8Array | undefined): GroupId | null {
  const id = integerOf(arg ?? noBytes);
  const group = id === null ? null : GroupId(id);
  return group === null || group === metadataGroup || node.group(group) === null ? null : group;
}
