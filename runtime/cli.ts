#!/usr/bin/env node
/**
 * The command line: `leasehold init` begins a node's data directory, `leasehold node` runs one node, `leasehold dev` a
 * local cluster, `leasehold plan` tells what the planner would do with a cluster that a file describes, and
 * `leasehold tenant` takes a tenant out of one or into one.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { ConfigFlags } from './config/config.ts';
import { ConfigError, exitCodes, FatalError } from './exitCodes.ts';

const usage = `usage:
  leasehold init --config FILE [--node N] [--data DIR] [--lost]
      begins the data directory of a node, once, before its first start. --lost: the node has run before and its disk is lost;
      it gets what it had from the others.
  leasehold node --config FILE [--node N] [--data DIR] [--log LEVEL]
      runs one node. FILE is JSON or YAML, see docs/configuration.md; the flags replace what it says.
  leasehold node --join HOST:PORT --token TOKEN --data DIR --client HOST:PORT --peer HOST:PORT [--zone ZONE]
      runs a node that joins a running cluster through the node whose clients connect there. It writes its
      configuration to DIR/config.json; from then on --config DIR/config.json starts it.
  leasehold dev [--nodes N] [--groups N] [--port P] [--data DIR] [--rebalance MODE] [--metadata raft|gossip] [--fresh]
      runs a local cluster: N nodes (3), N groups for tenants (4), client ports from P on (7001),
      peer ports 10000 above them, data in DIR (./data). --fresh deletes what is there first.
  leasehold plan --snapshot FILE [--policy round-robin|least-loaded|rendezvous] [--rebalance off|dry-run|on]
                 [--max-steps N] [--drain N]... [--lose N]... [--json]
      what the planner would do with the cluster that FILE describes, and what would come of it. --drain and
      --lose take a node for draining, or for lost. Nothing is done. See docs/placement.md.
  leasehold tenant export NAME --from HOST:PORT[,HOST:PORT]... > FILE
      writes a tenant to stdout, as it is now, while it is used.
  leasehold tenant import NAME --to HOST:PORT[,HOST:PORT]... [--in GROUP] < FILE
      makes a tenant of what comes from stdin; nobody sees it before it is whole. Given again, it goes on where it
      stopped. Both tell on stderr how far they are, and take any node. See docs/operations.md.
  leasehold help | version
`;

async function main(args: readonly string[]): Promise<void> {
  const [command, ...rest] = args;
  switch (command) {
    case 'init': {
      const { values } = parse(rest, {
        config: { type: 'string' },
        node: { type: 'string' },
        data: { type: 'string' },
        lost: { type: 'boolean', default: false },
      });
      const { config, lost } = values;
      if (typeof config !== 'string') throw new UsageError('init: --config FILE is missing');
      const { readConfig } = await import('./config/config.ts');
      const { beginStore } = await import('./disk/store.ts');
      const { data, node } = await readConfig(config, flagsOf(values));
      const { store } = beginStore(data, lost === true ? 'lost' : 'new');
      process.stdout.write(`node ${String(node)} may start: ${data} is store ${store}\n`);
      return;
    }
    case 'node': {
      const { values } = parse(rest, {
        config: { type: 'string' },
        node: { type: 'string' },
        data: { type: 'string' },
        log: { type: 'string' },
        join: { type: 'string' },
        token: { type: 'string' },
        client: { type: 'string' },
        peer: { type: 'string' },
        zone: { type: 'string', default: '' },
      });
      const config = values['join'] === undefined ? values['config'] : await joined(values);
      if (typeof config !== 'string') throw new UsageError('node: --config FILE or --join HOST:PORT is missing');
      const { readConfig } = await import('./config/config.ts');
      const { runNode } = await import('./nodeProcess.ts');
      await runNode(await readConfig(config, flagsOf(values)));
      return;
    }
    case 'dev': {
      const { values } = parse(rest, {
        nodes: { type: 'string', default: '3' },
        groups: { type: 'string', default: '4' },
        port: { type: 'string', default: '7001' },
        data: { type: 'string', default: 'data' },
        rebalance: { type: 'string', default: 'on' },
        metadata: { type: 'string', default: 'raft' },
        fresh: { type: 'boolean', default: false },
      });
      const { runCluster } = await import('./dev/localCluster.ts');
      await runCluster({
        nodes: integer('--nodes', values['nodes'], 1, 9),
        groups: integer('--groups', values['groups'], 1, 20_000),
        port: integer('--port', values['port'], 1024, 55_000),
        data: String(values['data']),
        rebalance: String(values['rebalance']),
        metadata: word('--metadata', String(values['metadata']), ['raft', 'gossip'] as const),
        fresh: values['fresh'] === true,
      });
      return;
    }
    case 'plan': {
      const { values } = parse(rest, {
        snapshot: { type: 'string' },
        policy: { type: 'string' },
        rebalance: { type: 'string' },
        'max-steps': { type: 'string' },
        drain: { type: 'string', multiple: true, default: [] },
        lose: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
      });
      const { snapshot, policy, rebalance, drain, lose, json, 'max-steps': maxSteps } = values;
      if (typeof snapshot !== 'string') throw new UsageError('plan: --snapshot FILE is missing');
      const { placementKinds, rebalancings } = await import('../core/index.ts');
      const { whatIf } = await import('./plan/whatIf.ts');
      const replaced = {
        ...(policy === undefined ? {} : { placement: word('--policy', policy, placementKinds) }),
        ...(rebalance === undefined ? {} : { rebalance: word('--rebalance', rebalance, rebalancings) }),
        ...(maxSteps === undefined ? {} : { maxSteps: integer('--max-steps', maxSteps, 1, 1_000_000) }),
      };
      const flags = { policy: replaced, drain: nodes('--drain', drain), lose: nodes('--lose', lose) };
      process.stdout.write(whatIf(snapshot, { ...flags, isJson: json === true }));
      return;
    }
    case 'tenant': {
      const [what, name, ...flags] = rest;
      if ((what !== 'export' && what !== 'import') || name === undefined || name.startsWith('-'))
        throw new UsageError('tenant: expects export NAME or import NAME');
      if (what === 'export') await exportTo(name, flags);
      else await importFrom(name, flags);
      return;
    }
    case 'version':
      process.stdout.write(`${ownVersion()}\n`);
      return;
    case undefined:
    case 'help':
    case '--help':
    case '-h':
      process.stdout.write(usage);
      return;
    default:
      throw new UsageError(`there is no command '${command}'`);
  }
}

/** What stands in the place of what the configuration says. */
function flagsOf({ node, data, log }: Readonly<Record<string, unknown>>): ConfigFlags {
  return {
    ...(node === undefined ? {} : { node: Number(node) }),
    ...(typeof data === 'string' ? { data } : {}),
    ...(typeof log === 'string' ? { log } : {}),
  };
}

async function exportTo(tenant: string, flags: string[]): Promise<void> {
  const { from } = parse(flags, { from: { type: 'string' } }).values;
  if (typeof from !== 'string') throw new UsageError('tenant export: --from HOST:PORT is missing');
  const { exportTenant } = await import('./tenants/exportTenant.ts');
  await exportTenant(tenant, from, process.stdout);
}

async function importFrom(tenant: string, flags: string[]): Promise<void> {
  const { values } = parse(flags, { to: { type: 'string' }, in: { type: 'string' } });
  const { to } = values;
  if (typeof to !== 'string') throw new UsageError('tenant import: --to HOST:PORT is missing');
  const group = values['in'] === undefined ? null : integer('--in', values['in'], 1, 1_000_000);
  const { importTenant } = await import('./tenants/importTenant.ts');
  await importTenant({ tenant, to, group }, process.stdin);
}

async function joined(values: Readonly<Record<string, unknown>>): Promise<string> {
  const given = (flag: string): string => {
    const value = values[flag];
    if (typeof value === 'string') return value;
    throw new UsageError(`node: --join also expects --${flag}`);
  };
  const { joinCluster } = await import('./join.ts');
  return joinCluster({
    through: given('join'),
    token: given('token'),
    data: given('data'),
    client: given('client'),
    peer: given('peer'),
    zone: given('zone'),
  });
}

function ownVersion(): string {
  const isSource = import.meta.url.endsWith('.ts');
  const manifest = new URL(isSource ? '../package.json' : '../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string }).version;
}

class UsageError extends Error {}

type Options = NonNullable<Parameters<typeof parseArgs>[0]>['options'];

function parse(args: string[], options: NonNullable<Options>) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function integer(flag: string, value: unknown, least: number, most: number): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new UsageError(
    `${flag}: expects a whole number from ${String(least)} to ${String(most)}, got '${String(value)}'`,
  );
}

function word<Word extends string>(flag: string, value: unknown, words: readonly Word[]): Word {
  const found = words.find((one) => one === value);
  if (found !== undefined) return found;
  throw new UsageError(`${flag}: expects one of ${words.join(', ')}, got '${String(value)}'`);
}

function nodes(flag: string, values: unknown): readonly number[] {
  return Array.isArray(values) ? values.map((value) => integer(flag, value, 1, 65_535)) : [];
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof UsageError) {
    process.stderr.write(`leasehold: ${error.message}\n\n${usage}`);
    process.exit(exitCodes.usage);
  }
  const isOurs = error instanceof ConfigError || error instanceof FatalError;
  const text = error instanceof Error ? (isOurs ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`leasehold: ${text}\n`);
  if (error instanceof ConfigError) process.exit(exitCodes.configuration);
  process.exit(error instanceof FatalError ? error.exitCode : exitCodes.internal);
});
