#!/usr/bin/env node
/**
 * The command line: `leasehold node` runs one node, `leasehold dev` a local cluster.
 */
import { parseArgs } from 'node:util';
import { readConfig } from './config/config.ts';
import { ConfigError, exitCodes, FatalError } from './exitCodes.ts';

const usage = `usage:
  leasehold node --config FILE
      runs one node. FILE is JSON or YAML, see docs/configuration.md.
  leasehold dev [--nodes N] [--groups N] [--port P] [--data DIR] [--fresh]
      runs a local cluster: N nodes (3), N groups for tenants (4), client ports from P on (7001),
      peer ports 10000 above them, data in DIR (./data). --fresh deletes what is there first.
  leasehold help | version
`;

async function main(args: readonly string[]): Promise<void> {
  const [command, ...rest] = args;
  switch (command) {
    case 'node': {
      const { values } = parse(rest, { config: { type: 'string' } });
      if (typeof values['config'] !== 'string') throw new UsageError('node: --config FILE is missing');
      const { runNode } = await import('./nodeProcess.ts');
      await runNode(readConfig(values['config']));
      return;
    }
    case 'dev': {
      const { values } = parse(rest, {
        nodes: { type: 'string', default: '3' },
        groups: { type: 'string', default: '4' },
        port: { type: 'string', default: '7001' },
        data: { type: 'string', default: 'data' },
        fresh: { type: 'boolean', default: false },
      });
      const { runCluster } = await import('./dev/localCluster.ts');
      await runCluster({
        nodes: integer('--nodes', values['nodes'], 1, 9),
        groups: integer('--groups', values['groups'], 1, 1000),
        port: integer('--port', values['port'], 1024, 55_000),
        data: String(values['data']),
        fresh: values['fresh'] === true,
      });
      return;
    }
    case 'version':
      process.stdout.write('0.1.0\n');
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

main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof UsageError) {
    process.stderr.write(`leasehold: ${error.message}\n\n${usage}`);
    process.exit(exitCodes.usage);
  }
  if (error instanceof ConfigError) {
    process.stderr.write(`leasehold: ${error.message}\n`);
    process.exit(exitCodes.configuration);
  }
  process.stderr.write(`leasehold: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(error instanceof FatalError ? error.exitCode : exitCodes.internal);
});
