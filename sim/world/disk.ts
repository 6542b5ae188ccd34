/**
 * A node's disk: the bytes of its log that are durable, and writes on their way. One sync runs at a time and
 * covers everything written before it began; the next batch fills meanwhile. A crash keeps what is durable and,
 * of the rest, what the scenario says. What a later life finds is what the real recovery makes of the bytes.
 */
import { crc32 } from 'node:zlib';
import type { Crc32 } from '../../core/base/crc32.ts';
import type { GroupId, WriteId } from '../../core/base/ids.ts';
import { invariant } from '../../core/base/invariant.ts';
import type { Random } from '../../core/base/random.ts';
import { LogAppender, type LogChunk } from '../../core/log/appender.ts';
import type { LogIdentity, LogRecord, RestoredLog } from '../../core/log/records.ts';
import { LogRecovery, type Recovery } from '../../core/log/recovery.ts';
import type { CrashKeeps, DiskKnobs } from '../scenario/scenario.ts';
import { MapWriter, readMap } from '../../core/metadata/keptMap.ts';
import type { MapCut, TenantMap } from '../../core/metadata/tenantMap.ts';
import { rule } from '../truth/violation.ts';
import { type DamageKind, damaged, declaredBy, sectorBytes, segmentsOf } from './damage.ts';
import type { Schedule } from './schedule.ts';

const checksum: Crc32 = (bytes, seed) => crc32(bytes, seed);

interface Write {
  readonly write: WriteId;
  readonly sequence: number;
  readonly chunk: LogChunk;
}

export class Disk {
  /** Faults in force: what a sync takes longer, and until when none ends. */
  extraUs = 0;
  hangsUntil = 0;
  /** It refuses what it is to sync: called instead of telling of the sync. Part of that may be on it all the same. */
  onRefused: (() => void) | null = null;
  /** It is nearly full. */
  isShort = false;
  /** Its log is gone, and nothing on it says so yet. */
  isLost = false;
  /** Syncs begun, over all lives. */
  syncs = 0;
  private readonly schedule: Schedule;
  private knobs: DiskKnobs;
  private readonly identity: LogIdentity;
  private readonly random: Random;
  private readonly onSyncStarted: (count: number) => void;
  private chunks: LogChunk[] = [];
  private appender: LogAppender | null = null;
  private syncing: readonly Write[] = [];
  private waiting: Write[] = [];
  private life = 0;
  private keptMap: Uint8Array | null = null;
  private onSynced: ((upTo: WriteId) => void) | null = null;
  private onLaggards: ((groups: readonly GroupId[]) => void) | null = null;

  constructor(
    schedule: Schedule,
    knobs: DiskKnobs,
    identity: LogIdentity,
    random: Random,
    onSyncStarted: (count: number) => void,
  ) {
    this.schedule = schedule;
    this.knobs = knobs;
    this.identity = identity;
    this.random = random;
    this.onSyncStarted = onSyncStarted;
  }

  /** The segments of the log on it, in order. */
  get segmentNumbers(): readonly number[] {
    return [...this.segments().keys()].sort((a, b) => a - b);
  }

  /** A process begins to use the disk: what is on it, and who is told of syncs, and of groups that keep the log long. */
  open(
    onSynced: (upTo: WriteId) => void,
    onLaggards: (groups: readonly GroupId[]) => void = () => undefined,
  ): RestoredLog {
    const segments = this.segments();
    const found = this.recover(segments);
    rule(found.kind === 'recovered', 'disk', 'a crash leaves a log that can be recovered', {
      node: this.identity.node,
      found:
        found.kind === 'damaged' ? `${found.reason} at ${String(found.segment)}:${String(found.offset)}` : found.kind,
    });
    const { log, end } = found;
    this.chunks = [];
    for (const [segment, bytes] of segments) {
      if (segment < end.segment) this.chunks.push({ segment, offset: 0, bytes });
      else if (segment === end.segment) this.chunks.push({ segment, offset: 0, bytes: bytes.slice(0, end.offset) });
    }
    this.appender = new LogAppender(this.identity, end, checksum, this.knobs.segmentBytes);
    this.onSynced = onSynced;
    this.onLaggards = onLaggards;
    return log;
  }

  /** The ShardMap beside the log: at once and whole, since what a crash leaves of it is at worst the one before. */
  keepMap(map: MapCut): void {
    const writer = new MapWriter(map, this.identity.clusterId, checksum);
    const chunks: Uint8Array[] = [];
    for (let chunk = writer.next(); chunk !== null; chunk = writer.next()) chunks.push(chunk);
    writer.close();
    this.keptMap = Buffer.concat(chunks);
  }

  readMap(): TenantMap | null {
    return this.keptMap === null ? null : readMap(this.keptMap, this.identity.clusterId, checksum);
  }

  /** Every sync takes about as long as is expected from now on. */
  calm(): void {
    this.knobs = { ...this.knobs, tailPermille: 0 };
  }

  /** Nothing of the log is left. */
  wipe(): boolean {
    this.chunks = [];
    this.isLost = true;
    return true;
  }

  /**
   * Something becomes of what was durable. Returns whether recovery notices: the log is set aside then, as if there
   * were none. As long as anything that can be read says that it was durable, it must not be passed over. Where
   * nothing does, it looks the same as if it had never been acknowledged, and stays as it was.
   */
  damage(kind: DamageKind, random: Random): boolean {
    const before = this.chunks;
    const whole = this.recover(this.segments());
    const after = damaged(kind, before, random);
    if (after === null || whole.kind !== 'recovered') return false;
    this.chunks = [...after];
    const found = this.recover(this.segments());
    if (found.kind !== 'recovered') return this.wipe();
    const { sequence } = found.end;
    const declared = declaredBy(this.chunks);
    const facts = { node: this.identity.node, kind, found: sequence, declared };
    rule(sequence >= declared, 'disk', 'damage to what was durable is noticed', facts);
    if (sequence < whole.end.sequence) this.chunks = before;
    return false;
  }

  append(write: WriteId, records: readonly LogRecord[]): void {
    invariant(this.appender !== null, 'an open disk is written to', { node: this.identity.node });
    const chunk = this.appender.append(records);
    this.waiting.push({ write, sequence: this.appender.lastSequence, chunk });
    const laggards = this.appender.takeLaggards();
    if (laggards.length > 0) this.onLaggards?.(laggards);
    if (this.syncing.length === 0) this.startSync();
  }

  /** The process dies, and the machine with it: of what was not synced remains what the scenario says. */
  crash(keeps: CrashKeeps): void {
    const lost = this.syncing.map(({ chunk }) => chunk);
    const draw = this.random();
    switch (keeps) {
      case 'none':
        break;
      case 'all':
        this.chunks.push(...lost);
        break;
      case 'prefix':
        this.chunks.push(...lost.slice(0, Math.floor(draw * (lost.length + 1))));
        break;
      case 'torn':
        this.chunks.push(...torn(lost, draw));
        break;
      case 'sectors':
        this.chunks.push(...lost.map((chunk) => this.withHoles(chunk)));
        break;
    }
    this.life += 1;
    this.appender = null;
    this.onSynced = null;
    this.onLaggards = null;
    this.syncing = [];
    this.waiting = [];
  }

  /** A sync covers one file: a segment is begun only when the one before it is on disk. */
  private startSync(): void {
    const segment = this.waiting[0]?.chunk.segment;
    const next = this.waiting.findIndex(({ chunk }) => chunk.segment !== segment);
    this.syncing = this.waiting.splice(0, next < 0 ? this.waiting.length : next);
    this.syncs += 1;
    const { life } = this;
    const tail = this.random();
    const jitter = this.random();
    let takesUs = this.knobs.syncUs * (0.5 + jitter) + this.extraUs;
    if (tail * 1000 < this.knobs.tailPermille) takesUs += this.knobs.tailUs * jitter;
    this.schedule.at(this.schedule.now + Math.round(takesUs), () => {
      if (life === this.life) this.endSync();
    });
    this.onSyncStarted(this.syncs);
  }

  private endSync(): void {
    if (this.hangsUntil > this.schedule.now) {
      const { life } = this;
      this.schedule.at(this.hangsUntil, () => {
        if (life === this.life) this.endSync();
      });
      return;
    }
    if (this.onRefused !== null) {
      this.onRefused();
      return;
    }
    const last = this.syncing.at(-1);
    invariant(last !== undefined, 'a sync covers a write');
    for (const { chunk } of this.syncing) this.chunks.push({ ...chunk, bytes: chunk.bytes.slice() });
    this.syncing = [];
    this.appender?.onSynced(last.sequence);
    this.delete(this.appender?.takeDeletable() ?? []);
    if (this.waiting.length > 0) this.startSync();
    this.onSynced?.(last.write);
  }

  private delete(segments: readonly number[]): void {
    if (segments.length > 0) this.chunks = this.chunks.filter(({ segment }) => !segments.includes(segment));
  }

  private recover(segments: ReadonlyMap<number, Uint8Array>): Recovery {
    const recovery = new LogRecovery(this.identity, checksum);
    for (const [segment, bytes] of segments) recovery.add(segment, bytes);
    return recovery.finish();
  }

  /** The bytes of each segment, with zeros behind the last. */
  private segments(): ReadonlyMap<number, Uint8Array> {
    const { zerosAhead } = this.knobs;
    const last = this.chunks.reduce((latest, { segment }) => Math.max(latest, segment), 0);
    const end = this.chunks.reduce(
      (furthest, { segment, offset, bytes }) =>
        segment === last ? Math.max(furthest, offset + bytes.length) : furthest,
      0,
    );
    if (last === 0) return segmentsOf(this.chunks);
    return segmentsOf([...this.chunks, { segment: last, offset: end, bytes: new Uint8Array(zerosAhead) }]);
  }

  private withHoles({ segment, offset, bytes }: LogChunk): LogChunk {
    const holed = bytes.slice();
    for (
      let at = sectorBytes - (offset % sectorBytes), start = 0;
      start < holed.length;
      start = at, at += sectorBytes
    ) {
      if (this.random() < 0.5) holed.fill(0, start, at);
    }
    return { segment, offset, bytes: holed };
  }
}

/** The first part of what was written, cut at any byte. */
function torn(chunks: readonly LogChunk[], draw: number): readonly LogChunk[] {
  let length = 0;
  for (const { bytes } of chunks) length += bytes.length;
  let left = Math.floor(draw * (length + 1));
  const kept: LogChunk[] = [];
  for (const { segment, offset, bytes } of chunks) {
    if (left <= 0) break;
    kept.push({ segment, offset, bytes: bytes.slice(0, left) });
    left -= bytes.length;
  }
  return kept;
}
