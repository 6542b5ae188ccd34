/** Planted bugs: the disk, snapshots and what is kept of them. */
import { type Bug, edit, hunt } from '../bug.ts';

const raft = 'core/raft/raft.ts';
const keyspace = 'core/engine/keyspace.ts';
const listValue = 'core/engine/listValue.ts';
const tenantRecords = 'core/group/state/tenantRecords.ts';
const snapshots = 'core/group/snapshots.ts';

export const storage: readonly Bug[] = [
  {
    name: 'a torn write is taken for whole',
    edits: [
      edit(
        'core/log/format.ts',
        "if (reader.failed || crc(payload, 0) !== expected) return 'invalid';",
        "if (reader.failed) return 'invalid';",
      ),
    ],
    oracles: ['disk'],
    ...hunt('crashes', 50),
  },
  {
    name: 'a segment of which nothing is left is passed over where the log begins',
    edits: [edit('core/log/recovery.ts', '      if (this.end.sequence === 0) this.firstRead = segment;\n', '')],
    oracles: ['disk'],
    ...hunt('mixed', 0),
  },
  {
    name: 'a new segment is written to where the last one ended',
    edits: [edit('core/log/appender.ts', '      this.offset = 0;\n', '')],
    oracles: ['disk', 'R4', 'D1'],
    ...hunt('crashes', 10),
  },
  {
    name: 'a cut does not keep what is changed under it',
    edits: [edit(keyspace, '?.keep(item);', ';')],
    oracles: ['R13', 'R5', 'L1', 'X2'],
    ...hunt('mixed', 40),
  },
  {
    name: 'a list that a cut holds is changed in place',
    edits: [edit(listValue, 'this.owner = {};\n    return frozen;', 'return frozen;')],
    oracles: ['R13', 'R5', 'L1', 'X2'],
    ...hunt('mixed', 40),
  },
  {
    name: 'sessions are not in a snapshot',
    edits: [edit(tenantRecords, 'if (image !== null) yield* sessionRecords(writer, image);', '')],
    oracles: ['D1', 'D2', 'R5', 'X2', 'L1'],
    ...hunt('crashes', 60),
  },
  {
    name: 'a snapshot begins anew without what it does not stand for',
    edits: [edit(snapshots, 'if (saving.chunks === 0) this.raft.rewriteAfter(saving.base.index);', '')],
    oracles: ['disk'],
    ...hunt('crashes', 60),
  },
  {
    name: 'segments go when a snapshot is begun, not when it is complete',
    edits: [edit('core/log/retention.ts', 'span.beginsAt = segment;', 'span.beginsAt = span.needs = segment;')],
    oracles: ['disk'],
    ...hunt('crashes', 60),
  },
  {
    name: 'a snapshot is acknowledged before it is on disk',
    edits: [
      edit(
        raft,
        'const { term, round } = message;\n    this.out.sendAfterLog(from, {',
        'const { term, round } = message;\n    this.out.send(from, {',
      ),
    ],
    oracles: ['R6', 'R7'],
    ...hunt('crashes', 60),
  },
  {
    name: 'versions are not in a snapshot',
    edits: [edit(keyspace, 'this.versions.restore(versions);', '')],
    oracles: ['R13', 'R5', 'L1'],
    ...hunt('crashes', 30),
  },
  {
    name: 'pieces of two snapshots are put together',
    edits: [
      edit(
        snapshots,
        'receiving?.base.index === base.index && receiving.base.term === base.term',
        'receiving !== null',
      ),
    ],
    oracles: ['R13', 'R5'],
    ...hunt('crashes', 200),
  },
  {
    name: 'memory of writes serves for the next before the disk has them',
    edits: [
      edit(
        'core/log/appender.ts',
        'if (this.synced === this.sequence) this.writer.reuse();\n    else if (this.synced >= this.spareSequence) this.takeTurns();',
        'this.writer.reuse();',
      ),
    ],
    oracles: ['disk'],
    ...hunt('crashes', 60),
  },
  {
    name: 'memory of writes before last serves again although one of them is not on disk',
    edits: [edit('core/log/appender.ts', 'else if (this.synced >= this.spareSequence) this', 'else this')],
    oracles: ['disk'],
    ...hunt('disks', 150),
  },
];
