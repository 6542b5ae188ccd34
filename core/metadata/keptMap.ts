/**
 * A map as a file: magic u32 · format u8 · cluster · version · digest u64 · { length, places }* · 0 · crc u32 of all that
 * is before it. A hint outlives its node this way: a file that cannot be read is none.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Crc32 } from '../base/crc32.ts';
import { MapVersion } from '../base/ids.ts';
import { type MapCut, MapBuilder, type TenantMap } from './tenantMap.ts';

/** "LHMP": Leasehold map. */
const magic = 0x4c484d50;
const format = 1;
const crcBytes = 4;
/** About a millisecond of work. */
const placesPerChunk = 1_000;

/** Reads a map out, chunk by chunk. */
export class MapWriter {
  private readonly map: MapCut;
  private readonly crc: Crc32;
  private readonly places = new ByteWriter();
  private checksum = 0;
  private isHeadDone = false;
  private isDone = false;
  private readonly clusterId: string;

  constructor(map: MapCut, clusterId: string, crc: Crc32) {
    this.map = map;
    this.clusterId = clusterId;
    this.crc = crc;
  }

  /** The next chunk of the file; null behind the last. */
  next(): Uint8Array | null {
    if (this.isDone) return null;
    const writer = new ByteWriter();
    if (!this.isHeadDone) this.writeHead(writer);
    const { places } = this.map;
    places.write(this.places, placesPerChunk);
    writer.bytes(this.places.take());
    this.isDone = places.isDone;
    if (this.isDone && this.map.size > 0) writer.varint(0);
    this.checksum = this.crc(writer.peek(0), this.checksum);
    if (this.isDone) writer.u32(this.checksum);
    return writer.take();
  }

  close(): void {
    this.isDone = true;
    this.map.places.close();
  }

  private writeHead(writer: ByteWriter): void {
    this.isHeadDone = true;
    writer.u32(magic);
    writer.u8(format);
    writer.text(this.clusterId);
    writer.varint(this.map.version);
    writer.u64(this.map.digest);
  }
}

/** The map in a file; null if it is damaged, or of another cluster. */
export function readMap(file: Uint8Array, clusterId: string, crc: Crc32): TenantMap | null {
  const body = file.subarray(0, Math.max(0, file.length - crcBytes));
  if (new ByteReader(file, body.length).u32() !== crc(body, 0)) return null;
  const reader = new ByteReader(body);
  const isOurs = reader.u32() === magic && reader.u8() === format && reader.text() === clusterId;
  const version = MapVersion(reader.varint());
  const digest = reader.u64();
  if (!isOurs || reader.failed) return null;
  const builder = new MapBuilder();
  for (let length = reader.varint(); length > 0; length = reader.varint()) {
    const outer = reader.enter(length);
    if (!builder.add(reader)) return null;
    reader.leave(outer);
  }
  return reader.complete ? builder.finish(version, digest) : null;
}
