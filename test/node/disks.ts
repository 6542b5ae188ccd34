/** The disks of nodes that a test drives by hand: what was written, in the format of the log, and what was not yet. */
import { crc32 } from 'node:zlib';
import type { NodeId, WriteId } from '../../core/base/ids.ts';
import { emptyLog, LogAppender } from '../../core/log/appender.ts';
import type { LogRecord, RestoredLog } from '../../core/log/records.ts';
import { LogRecovery } from '../../core/log/recovery.ts';
import type { NodeMapImage } from '../../core/wire/nodes.ts';

interface Write {
  readonly write: WriteId;
  readonly records: readonly LogRecord[];
}

export class Disk {
  private readonly node: NodeId;
  private readonly writes: (readonly LogRecord[])[] = [[{ kind: 'boot', boot: 1 }]];
  private pending: Write[] = [];
  /** What is written waits until the disk is quick again. */
  isSlow = false;
  boots = 1;
  /** The NodeMap that its node was told to keep. */
  nodes: NodeMapImage | null = null;
  private losses = 0;

  constructor(node: NodeId) {
    this.node = node;
  }

  /** The data directory: another one when it has lost everything. */
  get store(): string {
    return `${String(this.node)}.${String(this.losses)}`;
  }

  write(write: Write): void {
    this.pending.push(write);
  }

  /** The disk gets what waits for it. Returns the last of it. */
  sync(): WriteId | null {
    for (const { records } of this.pending) this.writes.push(records);
    const last = this.pending.at(-1)?.write ?? null;
    this.pending = [];
    return last;
  }

  crash(): void {
    this.pending = [];
    this.isSlow = false;
  }

  lose(): void {
    this.losses += 1;
    this.nodes = null;
    this.writes.length = 0;
    this.writes.push([{ kind: 'lost' }]);
  }

  /** What recovery finds, at the beginning of another life. */
  begin(): RestoredLog {
    const identity = { clusterId: 'test', node: this.node };
    this.boots += 1;
    this.writes.push([{ kind: 'boot', boot: this.boots }]);
    const appender = new LogAppender(identity, { ...emptyLog, retention: null }, crc32);
    const chunks = this.writes.map((records) => appender.append(records).bytes.slice());
    const recovery = new LogRecovery(identity, crc32);
    recovery.add(1, Buffer.concat(chunks));
    const found = recovery.finish();
    if (found.kind !== 'recovered') throw new Error(`the log cannot be read: ${found.reason}`);
    return found.log;
  }
}
