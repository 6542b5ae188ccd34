/**
 * TENANT: which one this connection means, which there are, where they live.
 */
import { binaryString, noBytes } from '../../base/bytes.ts';
import { GroupId, metadataGroup, type TenantName } from '../../base/ids.ts';
import { parseTenantName } from '../../base/tenantName.ts';
import { beginMove, cancelMove, type MoveProcedure, showMove } from '../../forward/moveProcedure.ts';
import { dropTenant, ensureTenant, type TenancyProcedure } from '../../forward/tenancy.ts';
import { integerOf, wordOf, wrongSubcommand } from './arguments.ts';
import { type NodeCall, type NodeCommand, nodeCommand } from './spec.ts';

export const tenantCommands: readonly NodeCommand[] = [
  nodeCommand({
    name: 'tenant',
    arity: -2,
    group: 'leasehold',
    since: '0.1.0',
    summary: 'Chooses, lists, creates, drops, locates and moves tenants.',
    run: tenant,
  }),
];

const help: readonly string[] = [
  'TENANT <subcommand> [<arg> ...]. Subcommands are:',
  'USE <tenant>: every command of this connection means this tenant from now on.',
  'CURRENT: the tenant of this connection, nil if it chose none.',
  'LIST: the tenants this node knows of.',
  'INFO <tenant>: its group, epoch and incarnation.',
  'WHERE <tenant>: the route a command for it takes from this node.',
  'CREATE <tenant> [IN <group>]: creates it, in a group of its own choice or the next one. Does nothing if it exists.',
  'DROP <tenant>: deletes it with all its data, for good.',
  'MOVE <tenant> TO <group>: moves it to another group while it is used; the reply comes before that is done.',
  'MOVE <tenant> STATUS: how far that is.',
  'MOVE <tenant> CANCEL: lets it stay where it is, if it has not left yet.',
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
    default:
      reply.error(wrongSubcommand('tenant', subcommand));
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
  reply.array(tenants.length);
  for (const { tenant: name } of tenants) reply.bulkText(name);
}

function info({ reply, node }: NodeCall, name: TenantName): void {
  const found = node.tenant(name);
  if (found === null) {
    reply.error(`ERR unknown tenant '${name}'`);
    return;
  }
  reply.map(4);
  reply.bulkText('tenant');
  reply.bulkText(name);
  reply.bulkText('group');
  reply.integer(found.group);
  reply.bulkText('epoch');
  reply.integer(found.epoch);
  reply.bulkText('incarnation');
  reply.integer(found.incarnation);
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
  const isPlaced = args.length > 3;
  const group = isPlaced ? groupNamed(call, args[4]) : null;
  if (isPlaced && wordOf(args[3]) !== 'in') reply.error('ERR syntax error');
  else if (isPlaced && group === null) reply.error('ERR no such group for tenants');
  else begin(call, ensureTenant(name, true, group));
}

function drop(call: NodeCall, name: TenantName): void {
  begin(call, dropTenant(name));
}

function move(call: NodeCall, name: TenantName): void {
  const { args, reply } = call;
  const word = `${wordOf(args[3])} ${String(args.length)}`;
  const group = groupNamed(call, args[4]);
  if (word === 'status 4') begin(call, showMove(name));
  else if (word === 'cancel 4') begin(call, cancelMove(name));
  else if (word !== 'to 5') reply.error('ERR syntax error');
  else if (group === null) reply.error('ERR no such group for tenants');
  else begin(call, beginMove(name, group));
}

/** Null if there is none of that number, or none for tenants. */
function groupNamed({ node }: NodeCall, arg: Uint8Array | undefined): GroupId | null {
  const id = integerOf(arg ?? noBytes);
  const group = id === null ? null : GroupId(id);
  return group === null || group === metadataGroup || node.group(group) === null ? null : group;
}

function begin({ reply, connection, node }: NodeCall, procedure: TenancyProcedure | MoveProcedure): void {
  if (!node.start(connection, procedure))
    reply.error('BUSY not executed: too many tenants are being created, dropped or moved');
}
