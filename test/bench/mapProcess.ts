/**
 * `node --expose-gc --import tsx test/bench/mapProcess.ts TENANTS`: measures a map of so many tenants and prints what it
 * found as JSON. Nodes are in this process, and what they tell one another goes through the real codec: what is measured
 * is their work, without a network's way.
 */
import { crc32 } from 'node:zlib';
import { Epoch, GroupId, Incarnation, MapVersion, NodeId, type TenantName } from '../../core/base/ids.ts';
import { MonoTime, WallTime } from '../../core/base/time.ts';
import { DirectoryMachine } from '../../core/group/directoryMachine.ts';
import { Directory } from '../../core/metadata/directory.ts';
import { MapWriter, readMap } from '../../core/metadata/keptMap.ts';
import { TenantMap } from '../../core/metadata/tenantMap.ts';
import { MapExchange } from '../../core/routing/mapExchange.ts';
import { ShardMap } from '../../core/routing/shardMap.ts';
import { encodeFrames, FrameReader } from '../../core/wire/frames.ts';
import type { PeerMessage } from '../../core/wire/messages.ts';
import { CoreCluster } from './coreCluster.ts';
import { median } from './figures.ts';
import type { MapFigures } from './maps.ts';

const groups = 100;
/** Few enough that the names are where a name is that a client has just sent: near. */
const looksPerRound = 1_000;
const rounds = 500;
const roundsToWarmUp = 200;
const changes = 20;

/** Nineteen letters. */
function nameOf(number: number): TenantName {
  return `tenant-${String(number).padStart(9, '0')}.eu` as TenantName;
}

/** As a client's bytes make it: nothing of it was worked out before. */
function fresh(name: TenantName): TenantName {
  return Buffer.from(name, 'latin1').toString('latin1') as TenantName;
}

function heldBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function fill(map: TenantMap, tenants: number): void {
  for (let i = 0; i < tenants; i += 1) {
    const place = { group: GroupId(1 + (i % groups)), epoch: Epoch(1), incarnation: Incarnation(1) };
    map.apply({ kind: 'placed', tenant: fresh(nameOf(i)), ...place });
  }
}

/** In CPU time: on a machine that others use as well, a wait is none of a look-up's. */
function timeLooks(map: ShardMap, names: readonly TenantName[]): number {
  let found = 0;
  const from = process.cpuUsage().user;
  for (const name of names) if (map.find(name) !== null) found += 1;
  const ns = ((process.cpuUsage().user - from) * 1000) / names.length;
  if (found !== 0 && found !== names.length) throw new Error('either all are there or none');
  return ns;
}

/** Of fresh names at random; the first rounds warm up. */
function lookUpNs(map: ShardMap, tenants: number, offset: number): number {
  const took: number[] = [];
  let drawn = 12_345;
  for (let round = 0; round < rounds; round += 1) {
    const names = Array.from({ length: looksPerRound }, () => {
      drawn = (Math.imul(drawn, 1_103_515_245) + 12_345) >>> 0;
      return fresh(nameOf(((drawn >>> 3) % tenants) + offset));
    });
    took.push(timeLooks(map, names));
  }
  return median(took.slice(roundsToWarmUp));
}

/** One node has the map, another nothing; each message is encoded, read and taken in turn. */
function fetchAll(map: TenantMap): { readonly coldMs: number; readonly longestTurnMs: number } {
  const sent: { readonly to: number; readonly message: PeerMessage }[] = [];
  const maps = [new ShardMap(map), new ShardMap()];
  const exchanges = maps.map((shards, at) => {
    const post = (to: NodeId, message: PeerMessage): void => {
      sent.push({ to: to - 1, message });
    };
    const differs = (): void => {
      throw new Error(`node ${String(at + 1)} has another map`);
    };
    return new MapExchange(shards, { post, differs, peers: () => [], sources: () => [] });
  });
  const readers = maps.map(() => new FrameReader(crc32));
  const started = performance.now();
  let longestTurnMs = 0;
  exchanges[0]?.greet(NodeId(2));
  for (let next = sent.shift(); next !== undefined; next = sent.shift()) {
    const { to, message } = next;
    const [exchange, from] = [exchanges[to], NodeId(2 - to)];
    const encodedAt = performance.now();
    const frames = encodeFrames([message], crc32);
    const decodedAt = performance.now();
    for (const frame of frames) {
      const heard = readers[to]?.read(frame);
      if (heard === undefined || heard === 'malformed') throw new Error('a frame is read');
      for (const each of heard) {
        if (each.kind === 'mapVersion') exchange?.onVersion(from, each.version, each.digest);
        else if (each.kind === 'mapChanges') exchange?.onChanges(from, each);
        else if (each.kind === 'mapWanted') exchange?.onWanted(from, each, MonoTime(0));
        else if (each.kind === 'mapPiece') exchange?.onPiece(from, each);
      }
    }
    longestTurnMs = Math.max(longestTurnMs, decodedAt - encodedAt, performance.now() - decodedAt);
  }
  if (maps[1]?.digest !== map.digest) throw new Error('the node has the map');
  return { coldMs: performance.now() - started, longestTurnMs };
}

function keep(map: TenantMap): Pick<MapFigures, 'writeMs' | 'longestChunkMs' | 'readMs' | 'fileBytes'> {
  const writer = new MapWriter(map.cut(), 'bench', crc32);
  const chunks: Uint8Array[] = [];
  let [writeMs, longestChunkMs] = [0, 0];
  for (let isDone = false; !isDone; ) {
    const from = performance.now();
    const chunk = writer.next();
    const tookMs = performance.now() - from;
    writeMs += tookMs;
    longestChunkMs = Math.max(longestChunkMs, tookMs);
    if (chunk === null) isDone = true;
    else chunks.push(chunk);
  }
  writer.close();
  const file = new Uint8Array(Buffer.concat(chunks));
  const from = performance.now();
  if (readMap(file, 'bench', crc32)?.digest !== map.digest) throw new Error('the file is read');
  return { writeMs, longestChunkMs, readMs: performance.now() - from, fileBytes: file.length };
}

/** Nine nodes that all have the map; three replicate the metadata group. */
function changeMs(map: TenantMap): number {
  const machine = new DirectoryMachine([GroupId(1)]);
  machine.directory = new Directory([GroupId(1)], map.copy());
  const configuration = CoreCluster.configuration;
  const cut = machine.cut({ stamp: WallTime(Date.now()), configuration });
  const chunks: Uint8Array[] = [];
  for (let chunk = cut.next(65_536); chunk !== null; chunk = cut.next(65_536)) chunks.push(chunk);
  const cluster = new CoreCluster(chunks, () => map.copy());
  cluster.runUntil(() => cluster.isServing);
  const took: number[] = [];
  for (let i = 0; i < changes; i += 1) {
    const from = performance.now();
    const version = MapVersion(map.version + i);
    cluster.create(`new-${String(i)}`);
    cluster.runUntil(() => cluster.nodes.every(({ router }) => router.shards.version > version));
    took.push(performance.now() - from);
    cluster.runUntil(() => cluster.isServing);
  }
  return median(took);
}

const tenants = Number(process.argv[2]);
const before = heldBytes();
const map = new TenantMap();
const shards = new ShardMap(map);
fill(map, tenants);
const bytesPerTenant = (heldBytes() - before) / tenants;
const looked = { lookUpNs: lookUpNs(shards, tenants, 0), missNs: lookUpNs(shards, tenants, tenants) };
const kept = keep(map);
const fetched = fetchAll(map.copy());
const figures: MapFigures = { tenants, bytesPerTenant, ...looked, ...fetched, changeMs: changeMs(map), ...kept };
process.stdout.write(`${JSON.stringify(figures)}\n`);
process.exit(0);
