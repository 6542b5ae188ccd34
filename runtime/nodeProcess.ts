/**
 * `leasehold node`: one production node, from its configuration to its end.
 */
import { join } from 'node:path';
import { Node } from '../core/index.ts';
import { protocolVersion } from '../core/wire/hello.ts';
import { ClientServer } from './clients/clientServer.ts';
import { type HostPort, hostPort, type NodeConfig } from './config/config.ts';
import { lockData } from './disk/dataLock.ts';
import { openLog } from './disk/logFiles.ts';
import { Driver, readClocks } from './driver.ts';
import { ConfigError, exitCodes } from './exitCodes.ts';
import { makeLogger } from './log.ts';
import { PeerLinks } from './peers/peerLinks.ts';
import { systemRandom } from './random.ts';

const maxArguments = 1024 * 1024;
/** Beside its values, what a command's other arguments may take. */
const commandOverheadBytes = 1024 * 1024;
/** A node that cannot hand over in time stops all the same. */
const stopMs = 5000;

export async function runNode(config: NodeConfig): Promise<void> {
  const { node: id, topology, settings } = config;
  const logger = makeLogger(config.logLevel, { node: id, pid: process.pid });
  const unlock = lockData(config.data);
  const { restored, boot, isTorn, files } = openLog(join(config.data, 'log'), {
    clusterId: topology.clusterId,
    node: id,
  });
  if (isTorn) logger.warn('the end of the log was torn, as by a crash: what was never acknowledged was cut');

  const end = (code: number): void => {
    unlock();
    process.exit(code);
  };
  const fail = (error: unknown, code: number): void => {
    logger.fatal({ error: error instanceof Error ? error.stack : String(error) }, 'the node stops');
    end(code);
  };
  const core = new Node({ node: id, boot, topology, settings, restored, random: systemRandom(), now: readClocks() });
  let onDrained = (): void => undefined;
  const driver = new Driver(
    core,
    logger,
    (error) => {
      fail(error, exitCodes.internal);
    },
    () => {
      onDrained();
    },
  );
  files.listen(
    (upTo) => {
      driver.emit({ kind: 'persisted', upTo });
    },
    (error) => {
      fail(error, exitCodes.diskFailed);
    },
  );
  const { maxClients, maxUnreadBytes, maxQueuedBytes } = config;
  const framer = {
    maxArguments,
    maxBulkBytes: settings.maxValueBytes,
    maxCommandBytes: 2 * settings.maxValueBytes + commandOverheadBytes,
  };
  const clients = new ClientServer({ ...config.client, maxClients, maxUnreadBytes, framer }, logger, driver.emit);
  const hello = { clusterId: topology.clusterId, node: id, boot, version: protocolVersion };
  const others = topology.nodes
    .filter(({ node }) => node !== id)
    .map(({ node, peerAddress }) => ({ node, ...hostPort(peerAddress) }));
  const peers = new PeerLinks({ hello, ...config.peer, peers: others, maxQueuedBytes }, logger, driver.emit);
  await listenOn(async () => peers.listen(), 'peer', config.peer);
  await listenOn(async () => clients.listen(), 'client', config.client);
  driver.start({ clients, peers, log: files });
  const { host, port } = config.client;
  logger.info({ boot, client: `${host}:${String(port)}`, groups: core.groups.size }, 'serving');

  let isStopping = false;
  const stop = (reason: string): void => {
    if (isStopping) {
      logger.warn({ reason }, 'stopping at once');
      end(exitCodes.ok);
      return;
    }
    isStopping = true;
    logger.info({ reason }, 'stopping');
    clients.stopAccepting();
    const finish = (): void => {
      clients.closeAll();
      driver.stop();
      peers.close();
      void files.close().then(() => {
        logger.info('stopped');
        end(exitCodes.ok);
      });
    };
    const force = setTimeout(finish, stopMs);
    onDrained = (): void => {
      clearTimeout(force);
      finish();
    };
    driver.emit({ kind: 'drain' });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // A local cluster's nodes end with the process that started them.
  if (process.channel !== undefined) {
    process.on('disconnect', () => {
      stop('disconnect');
    });
  }
}

async function listenOn(listen: () => Promise<void>, what: 'client' | 'peer', { host, port }: HostPort): Promise<void> {
  try {
    await listen();
  } catch (error) {
    throw new ConfigError(`nodes: cannot listen on ${host}:${String(port)} for ${what}s: ${(error as Error).message}`);
  }
}
