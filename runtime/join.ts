/**
 * `leasehold node --join`: asks a node of the cluster for an id, and writes down the configuration that it gives. Asked
 * again, after an answer that was lost, it gives the same; a directory that has a configuration is not asked for.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { hostPort } from './config/hostPort.ts';
import { ask } from './dev/ask.ts';
import { beginStore, readStore } from './disk/store.ts';
import { ConfigError, exitCodes, FatalError } from './exitCodes.ts';

export interface JoinOptions {
  /** A node of the cluster, where clients connect. */
  readonly through: string;
  readonly token: string;
  readonly data: string;
  readonly client: string;
  readonly peer: string;
  readonly zone: string;
}

const fileName = 'config.json';
const attempts = 20;
const pauseMs = 500;

/** Returns the path of the configuration file. */
export async function joinCluster(options: JoinOptions): Promise<string> {
  const directory = resolve(options.data);
  const path = join(directory, fileName);
  if (existsSync(path)) return path;
  const { store } = readStore(directory) ?? beginStore(directory, 'joined');
  const configuration = await askToJoin(options, store);
  // It holds the token.
  writeFileSync(path, `${JSON.stringify(JSON.parse(configuration), null, 2)}\n`, { mode: 0o600 });
  return path;
}

async function askToJoin({ through, token, client, peer, zone }: JoinOptions, store: string): Promise<string> {
  const question = ['NODE', 'JOIN', client, peer, 'ZONE', zone, 'TOKEN', token, 'STORE', store];
  let said = 'there was no answer';
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const answer = await ask(hostPort(through), question);
    if (typeof answer === 'string') return answer;
    if (answer instanceof Error) {
      said = answer.message;
      if (/^(ERR|NOPERM|WRONGPASS) /.test(said)) throw new ConfigError(`--join ${through}: ${said}`);
    }
    await new Promise((resume) => setTimeout(resume, pauseMs));
  }
  throw new FatalError(`--join ${through}: ${said}`, exitCodes.unavailable);
}
