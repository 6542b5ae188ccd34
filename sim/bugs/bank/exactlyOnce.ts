/** Planted bugs: what clients are told: sessions, lanes, transactions, expiry. */
import { type Bug, edit, hunt } from '../bug.ts';

const group = 'core/group/group.ts';
const machine = 'core/group/tenantMachine.ts';
const forwarder = 'core/forward/forwarder.ts';
const keyspace = 'core/engine/keyspace.ts';
const tenantRecords = 'core/group/state/tenantRecords.ts';

export const exactlyOnce: readonly Bug[] = [
  {
    name: 'ownership is not checked when a command is applied',
    edits: [
      edit(
        machine,
        'const owned = this.find(operation);\n        if (owned === null) return this.notHere(operation);\n        if (isFrozen(owned)) return frozen;\n        if (operation.access',
        'const owned = this.tenants.get(operation.tenant);\n        if (owned === undefined) return done;\n        if (operation.access',
      ),
    ],
    oracles: ['X2', 'X3'],
    ...hunt('stale-map', 50),
  },
  {
    name: "a command runs on another tenant's data",
    edits: [
      edit(
        machine,
        'execution.keyspace = owned.keyspace;',
        'execution.keyspace = this.tenants.values().next().value?.keyspace ?? owned.keyspace;',
      ),
    ],
    oracles: ['X7', 'L1', 'R5', 'L4'],
    ...hunt('mixed', 5),
  },
  {
    name: 'expiry goes by the local clock',
    edits: [
      edit(
        group,
        'if (this.hasBacklog && !this.putsOff()) this.applyCommitted(now.mono);',
        'if (this.hasBacklog && !this.putsOff()) { this.stamp = now.wall; this.applyCommitted(now.mono); }',
      ),
    ],
    oracles: ['L1', 'R13', 'R5', 'L4'],
    ...hunt('mixed', 10),
  },
  {
    name: 'a write that is sent again runs again',
    edits: [edit(machine, 'const memory = sessions.recall(item);', "const memory = 'new' as Memory;")],
    oracles: ['D2', 'R5', 'X3'],
    ...hunt('partitions', 30),
  },
  {
    name: 'a write that its client has numbered runs again',
    edits: [
      edit(
        'core/engine/numbered.ts',
        'const memory = clients.recall(token, number, isResumed);',
        "const memory = 'new' as 'new' | 'forgotten' | { reply: null };",
      ),
    ],
    oracles: ['L1', 'L3', 'R5', 'D3'],
    ...hunt('mixed', 60),
  },
  {
    name: 'what clients have numbered is not in a snapshot',
    edits: [edit(tenantRecords, 'if (numbered !== null) yield* clientRecords(writer, numbered);', '')],
    oracles: ['D3', 'L1', 'L3', 'R5', 'R13'],
    ...hunt('crashes', 60),
  },
  {
    name: 'a session outlives its ingress',
    edits: [
      edit(
        'core/group/sessions.ts',
        "if (ingress === undefined || origin.boot > ingress.boot) return 'new';",
        "if (ingress === undefined) return 'new';",
      ),
      edit('core/group/sessions.ts', 'ingress === undefined || ingress.boot < boot', 'ingress === undefined'),
    ],
    oracles: ['D1', 'L1', 'R5', 'X2'],
    ...hunt('crashes', 30),
  },
  {
    name: 'a write past its deadline is reported as not executed',
    edits: [
      edit(
        forwarder,
        "const mayHaveRun = call.mayHaveRun || (wasSent && call.access === 'write');",
        'const mayHaveRun = false;',
      ),
    ],
    oracles: ['D2'],
    ...hunt('partitions', 50),
  },
  {
    name: 'a lane goes on behind a refused command',
    edits: [edit(group, "if (lane.blocked && !submission.resumes) return { kind: 'outOfOrder' };", '')],
    oracles: ['L2'],
    ...hunt('partitions', 150),
  },
  {
    name: 'a read is asked again behind a write that may have run',
    edits: [edit(forwarder, 'else if (call.request < call.lane.lastWrite) {', 'else if (call.attempts < 0) {')],
    oracles: ['L2'],
    ...hunt('partitions', 30),
  },
  {
    name: 'an answer to an earlier sending is taken for one to the last',
    edits: [edit(forwarder, 'call?.sentTo !== from || call.attempts !== attempt', 'call?.sentTo !== from')],
    oracles: ['D2', 'L2', 'core', 'X6'],
    ...hunt('partitions', 0),
  },
  {
    name: 'a transaction does not look at what was watched',
    edits: [
      edit('core/engine/transaction.ts', 'keyspace.versionOf(binaryString(key), now) !== version', 'version < 0'),
    ],
    oracles: ['L1', 'L3'],
    ...hunt('mixed', 20),
  },
  {
    name: 'a transaction that must not run has run its first command',
    edits: [
      edit(
        'core/engine/transaction.ts',
        'reply.nilArray();\n    return;',
        'e.args = commands[0] ?? [];\n    find(e.args[0] ?? new Uint8Array())?.run(e);\n    reply.rewind();\n    reply.nilArray();\n    return;',
      ),
    ],
    oracles: ['L1'],
    ...hunt('mixed', 60),
  },
  {
    name: 'what a transaction touches has the version of the write before',
    edits: [edit(keyspace, 'this.versions.begin();', 'if (this.size % 2 === 0) this.versions.begin();')],
    oracles: ['L1'],
    ...hunt('mixed', 20),
  },
];
