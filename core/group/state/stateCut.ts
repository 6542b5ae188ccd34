/** A machine's state at one instant, read out chunk by chunk while the machine goes on. */
import { ByteWriter } from '../../base/bytes.ts';
import { type Instant, type MachineKind, pieceBytes, record, type Records, writeHeader } from './format.ts';

/** What is read out in a turn that makes up for a wait, and somewhat more. */
const mostWriterBytes = 8 * pieceBytes;

export class StateCut {
  /** Chunks are kept for as long as they are on their way, each by itself. */
  private readonly writer = new ByteWriter(2 * pieceBytes, mostWriterBytes);
  private readonly records: Records;
  private readonly onClosed: () => void;
  private isDone = false;

  /** `records` makes the records with the writer it is given. */
  constructor(kind: MachineKind, instant: Instant, records: (writer: ByteWriter) => Records, onClosed: () => void) {
    writeHeader(this.writer, kind, instant);
    this.records = records(this.writer);
    this.onClosed = onClosed;
  }

  /** The next chunk: whole records, about `bytes` of them; null behind the last. */
  next(bytes: number): Uint8Array | null {
    while (!this.isDone && this.writer.length < bytes) if (this.records.next().done === true) this.end();
    return this.writer.length === 0 ? null : this.writer.take();
  }

  /** Nobody needs the chunks any more that there were: their memory serves for the next. */
  release(): void {
    this.writer.reuse();
  }

  /** Nothing more is wanted. */
  close(): void {
    if (this.isDone) return;
    this.isDone = true;
    this.onClosed();
  }

  private end(): void {
    this.writer.u8(record.end);
    this.close();
  }
}
