/** Decides when the ShardMap is worth keeping on disk: when it has changed, and not so often that it costs much. */
import type { MapVersion } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { elapsedMs, type MonoTime } from '../base/time.ts';
import type { MapCut, TenantMap } from '../metadata/tenantMap.ts';

/** A place with a name of usual length. */
const usualPlaceBytes = 32;

export class MapKeeper {
  private kept: MapVersion;
  private keptAt: MonoTime;

  /** `kept`: the version that is on disk. */
  constructor(kept: MapVersion, now: MonoTime) {
    this.kept = kept;
    this.keptAt = now;
  }

  maybeKeep(map: TenantMap, now: MonoTime): MapCut | null {
    const costsMs = (map.size * usualPlaceBytes * 1000) / limits.mapKeptBytesPerSecond;
    const isDue = elapsedMs(this.keptAt, now) >= Math.max(limits.mapKeptEveryMs, costsMs);
    if (!isDue || map.version === this.kept) return null;
    this.kept = map.version;
    this.keptAt = now;
    return map.cut();
  }
}
