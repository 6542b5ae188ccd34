/**
 * `leasehold node`: one production node, from its configuration to its end.
 *
 * The first SIGTERM or SIGINT drains it: no new connections, leadership handed over, replies sent, log synced.
 * The second ends it at once, which loses nothing that was acknowledged.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Node, type NodeDescriptor, type NodeId } from '../core/index.ts';
import type { ClusterNode, NodeMapImage } from '../core/wire/nodes.ts';
import { agreementOn } from '../core/metadata/homes.ts';
import { protocolVersion } from '../core/wire/hello.ts';
import { ClientServer } from './clients/clientServer.ts';
import { tuneCompiler } from './compiler.ts';
import type { NodeConfig } from './config/config.ts';
import { type HostPort, hostPort } from './config/hostPort.ts';
import { checkGroups, keepGroups } from './config/keptGroups.ts';
import { lockData } from './disk/dataLock.ts';
import { KeptMap } from './disk/keptMap.ts';
import { keepNodes, readNodes } from './disk/keptNodes.ts';
import type { LogFiles } from './disk/logFiles.ts';
import { DiskSpace } from './disk/diskSpace.ts';
import { openLog } from './disk/openLog.ts';
import { openStore, renewStore } from './disk/store.ts';
import { Driver, readClocks } from './driver.ts';
import { ConfigError, exitCodes } from './exitCodes.ts';
import { type Logger, makeLogger } from './log.ts';
import { KnownStores } from './peers/knownStores.ts';
import { type PeerAddress, PeerLinks } from './peers/peerLinks.ts';
import { systemRandom } from './random.ts';

/** As in Redis. */
const maxArguments = 1024 * 1024;
/** Beside its values, what a command's other arguments may take. */
const commandOverheadBytes = 1024 * 1024;
/** A node that cannot hand over by then stops all the same. */
const drainWithinMs = 5000;
/** Where all stop together there is nobody to hand over to. */
const orphanDrainWithinMs = 500;
/** Clients that do not read their last replies by then are cut off. */
const sayGoodbyeWithinMs = 1000;

interface World {
  readonly clients: ClientServer;
  readonly peers: PeerLinks;
  readonly log: LogFiles;
  readonly map: KeptMap;
  readonly onNodes: (map: NodeMapImage) => void;
}

export async function runNode(config: NodeConfig): Promise<void> {
  tuneCompiler();
  const { node: id, topology, settings } = config;
  const logger = makeLogger(config.logLevel, { node: id, pid: process.pid });
  const unlock = lockData(config.data);
  writeFileSync(join(config.data, 'pid'), `${String(process.pid)}\n`);
  const end = (code: number): never => {
    unlock();
    process.exit(code);
  };
  const fail = (error: unknown, why: string, code: number): void => {
    logger.fatal({ error: error instanceof Error ? error.stack : String(error) }, `${why}: the node stops`);
    end(code);
  };
  const failInside = (error: unknown): void => {
    fail(error, 'a mistake of ours', exitCodes.internal);
  };
  process.on('uncaughtException', failInside);

  const nodes = readNodes(config.data);
  if (nodes !== null && isRemoved(nodes, id))
    throw new ConfigError(
      `node: ${String(id)} was removed from the cluster: its id is not used again, its data may be deleted`,
    );
  let store = openStore(config.data);
  const hasStarted = checkGroups(config.data, topology);
  // Whose disk was lost has run, though nothing here says so.
  const hasRun = hasStarted || store.began === 'lost';
  const identity = { clusterId: topology.clusterId, node: id };
  const onLoss = (): void => {
    if (hasStarted) store = renewStore(config.data);
  };
  const { restored, boot, isTorn, loss, files } = openLog(join(config.data, 'log'), identity, hasRun, onLoss);
  keepGroups(config.data, topology);
  if (loss !== null)
    logger.error({ loss }, 'what was on the disk is lost: the replicas here begin anew, from their leaders');
  if (isTorn) logger.warn('the end of the log was torn, as by a crash: what was never acknowledged was cut');

  const random = systemRandom();
  const kept = new KeptMap(config.data, topology.clusterId, logger);
  // One whose log is gone may be of a cluster that began anew: it asks.
  const map = hasRun && loss === null ? kept.read() : null;
  const known = { ...(map === null ? {} : { map }), ...(nodes === null ? {} : { nodes }) };
  const core = new Node({
    node: id,
    boot,
    store: store.store,
    topology,
    settings,
    restored,
    random,
    now: readClocks(),
    ...known,
  });
  const driver = new Driver(core, logger, failInside);
  files.listen(
    (upTo) => {
      driver.emit({ kind: 'persisted', upTo });
    },
    (error) => {
      fail(error, 'the disk refused a write, and nobody knows what is on it', exitCodes.diskFailed);
    },
    (groups) => {
      driver.emit({ kind: 'reclaim', groups });
    },
  );
  const clients = makeClientServer(config, logger, driver);
  const { electionMs, leaseReads } = settings;
  const metadata = agreementOn(settings.metadata, topology.groups);
  const hello = { ...identity, ...store, boot, version: protocolVersion, electionMs, leaseReads, metadata };
  const others = peersOf(nodes?.nodes ?? topology.nodes, id);
  const { maxQueuedBytes } = config;
  const stores = new KnownStores(config.data);
  const refuseStore = stores.refuse.bind(stores);
  const peerOptions = { hello, ...config.peer, peers: others, refuseStore, maxQueuedBytes, random: random('peers') };
  const peers = new PeerLinks(peerOptions, logger, driver.emit);
  await orRefuse(peers.listen(), 'peer', config.peer);
  await orRefuse(clients.listen(), 'client', config.client);
  const onNodes = (changed: NodeMapImage): void => {
    keepNodes(config.data, changed);
    peers.setPeers(peersOf(changed.nodes, id));
    logger.info({ version: changed.version, nodes: changed.nodes.length }, 'the nodes of the cluster have changed');
    if (isRemoved(changed, id)) stop('this node was removed from the cluster: its data may be deleted');
  };
  const world: World = { clients, peers, log: files, map: kept, onNodes };
  const stop = stopper(driver, world, logger, end);
  driver.start(world);
  const space = new DiskSpace(config.data, config.minFreeBytes, (isShort) => {
    driver.emit({ kind: 'diskSpace', isShort });
  });
  await space.watch();
  const { host, port } = config.client;
  logger.info({ boot, client: `${host}:${String(port)}`, groups: core.groups.size }, 'serving');
  stopOnSignal(stop, logger, end);
}

function isRemoved({ nodes }: NodeMapImage, self: NodeId): boolean {
  return nodes.some(({ node, state }) => node === self && state === 'removed');
}

/** All who belong to the cluster, but this one. */
function peersOf(
  nodes: readonly (Pick<NodeDescriptor, 'node' | 'peerAddress'> & { readonly state?: ClusterNode['state'] })[],
  self: NodeId,
): readonly PeerAddress[] {
  return nodes
    .filter(({ node, state }) => node !== self && state !== 'removed')
    .map(({ node, peerAddress }) => ({ node, ...hostPort(peerAddress) }));
}

function makeClientServer(config: NodeConfig, logger: Logger, driver: Driver): ClientServer {
  const { client, maxClients, maxUnreadBytes, idleMs } = config;
  const { maxValueBytes } = config.settings;
  const maxCommandBytes = 2 * maxValueBytes + commandOverheadBytes;
  const framer = { maxArguments, maxBulkBytes: maxValueBytes, maxCommandBytes };
  return new ClientServer({ ...client, maxClients, maxUnreadBytes, idleMs, framer }, logger, driver.emit);
}

/** Returns whether the node was not stopping already. */
type Stop = (reason: string, withinMs?: number) => boolean;

function stopper(driver: Driver, world: World, logger: Logger, end: (code: number) => never): Stop {
  let isStopping = false;
  return (reason, withinMs = drainWithinMs) => {
    if (isStopping) return false;
    isStopping = true;
    logger.info({ reason }, 'stopping');
    void finish(driver, world, withinMs).then(() => {
      logger.info('stopped');
      end(exitCodes.ok);
    });
    return true;
  };
}

function stopOnSignal(stop: Stop, logger: Logger, end: (code: number) => never): void {
  const stopOrEnd = (reason: string, withinMs?: number): void => {
    if (stop(reason, withinMs)) return;
    logger.warn({ reason }, 'stopping at once');
    end(exitCodes.forced);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stopOrEnd(signal);
    });
  }
  // A local cluster's nodes end with the process that started them.
  if (process.channel !== undefined) {
    process.on('disconnect', () => {
      stopOrEnd('the process that started this one has ended', orphanDrainWithinMs);
    });
  }
}

async function finish(driver: Driver, { clients, peers, log }: World, withinMs: number): Promise<void> {
  clients.stopAccepting();
  await orAfter(withinMs, driver.drain());
  await orAfter(sayGoodbyeWithinMs, clients.close());
  driver.stop();
  peers.close();
  await log.close();
}

async function orAfter(ms: number, done: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, late]);
  clearTimeout(timer);
}

async function orRefuse(listening: Promise<void>, whose: 'client' | 'peer', { host, port }: HostPort): Promise<void> {
  try {
    await listening;
  } catch (error) {
    const reason = (error as Error).message;
    throw new ConfigError(`nodes: cannot listen on ${host}:${String(port)} for ${whose}s: ${reason}`);
  }
}
