/**
 * The ShardMap of the last life, so that a node knows where tenants live although nobody can tell it. It is a hint: one
 * that cannot be read is passed over, one that cannot be written is written the next time.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { MapWriter, readMap } from '../../core/metadata/keptMap.ts';
import type { MapCut, TenantMap } from '../../core/metadata/tenantMap.ts';
import type { Logger } from '../log.ts';
import { plainBytes } from '../plainBytes.ts';
import { readIfThere, writeWholeInChunks } from './wholeFile.ts';

const fileName = 'map';

export class KeptMap {
  private readonly path: string;
  private readonly clusterId: string;
  private readonly log: Logger;
  private isBusy = false;

  constructor(directory: string, clusterId: string, log: Logger) {
    this.path = join(directory, fileName);
    this.clusterId = clusterId;
    this.log = log;
  }

  /** Null if there is none that can be read. */
  read(): TenantMap | null {
    const file = readIfThere(this.path);
    if (file === null) return null;
    const map = readMap(plainBytes(file), this.clusterId, crc32);
    if (map === null)
      this.log.warn({ path: this.path }, 'the map of tenants that was kept cannot be used: it is passed over');
    return map;
  }

  /** Replaces what there is, while the node goes on. One that is still being written is left to end. */
  keep(map: MapCut): void {
    if (this.isBusy) map.places.close();
    else void this.write(new MapWriter(map, this.clusterId, crc32));
  }

  private async write(writer: MapWriter): Promise<void> {
    this.isBusy = true;
    try {
      await writeWholeInChunks(this.path, () => writer.next());
    } catch (error) {
      this.log.warn({ error: String(error) }, 'the map of tenants could not be kept');
    } finally {
      writer.close();
      this.isBusy = false;
    }
  }
}
