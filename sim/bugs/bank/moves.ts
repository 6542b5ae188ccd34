/** Planted bugs: tenants that move, and that are taken out and put back. */
import { type Bug, edit, hunt } from '../bug.ts';

const machine = 'core/group/tenantMachine.ts';
const keyspace = 'core/engine/keyspace.ts';
const tenantRecords = 'core/group/state/tenantRecords.ts';
const tenantMoves = 'core/group/tenantMoves.ts';
const nextAction = 'core/migration/nextAction.ts';

export const moves: readonly Bug[] = [
  {
    name: 'remembered replies stay behind when a tenant moves',
    edits: [
      edit(
        tenantRecords,
        '  yield* sessionRecords(writer, image);\n  yield* clientRecords(writer, clients.image());',
        '  yield* clientRecords(writer, clients.image());',
      ),
    ],
    oracles: ['D2', 'D3'],
    ...hunt('moves', 10),
  },
  {
    name: 'a tenant is active at its destination before it has departed from its source',
    edits: [
      edit(
        nextAction,
        "return { at: 'source', step: destination.isSealed ? 'depart' : 'copy' };",
        "return destination.isSealed ? { at: 'destination', step: 'activate' } : { at: 'source', step: 'copy' };",
      ),
    ],
    oracles: ['X2', 'X3'],
    ...hunt('moves', 10),
  },
  {
    name: 'a frozen tenant goes on writing',
    edits: [edit(machine, 'return out?.isFrozen === true;', 'return false;')],
    oracles: ['X2', 'X3'],
    ...hunt('moves', 30),
  },
  {
    name: 'what changes while a tenant is copied is not copied again',
    edits: [edit(keyspace, 'this.changes?.note(key);', ''), edit(tenantMoves, 'whole.keyspace.mark !== mark || ', '')],
    oracles: ['L1', 'L3', 'R5', 'D1'],
    ...hunt('moves', 30),
  },
  {
    name: 'a piece of a copy is taken wherever the copy is',
    edits: [
      edit(
        tenantMoves,
        '!sameCursor(coming.cursor, after)) return;\n    if (takeCopy',
        'coming.cursor === after) return;\n    if (takeCopy',
      ),
      edit(tenantMoves, 'whole.keyspace.mark !== mark || ', ''),
    ],
    oracles: ['R13', 'R5', 'L1', 'D1'],
    ...hunt('moves', 100),
  },
  {
    name: 'a group serves a tenant that has departed',
    edits: [edit(tenantMoves, '    owned.delete(tenant);\n    const left', '    const left')],
    oracles: ['X2', 'X3'],
    ...hunt('moves', 10),
  },
  {
    name: 'a copy is abandoned although its tenant has departed',
    edits: [
      edit(
        nextAction,
        "destination.isSealed) return { at: 'destination', step: 'activate' };",
        "destination.isSealed) return { at: 'destination', step: 'abandon' };",
      ),
    ],
    oracles: ['V1', 'V2', 'V3'],
    ...hunt('moves', 10),
  },
  {
    name: 'a frozen tenant stays although nobody has seen it frozen',
    edits: [edit(tenantMoves, 'here !== null && here.out?.isFrozen !== wasFrozen', 'here === null && wasFrozen')],
    oracles: ['X3', 'L2'],
    ...hunt('moves', 60, 5500),
  },
  {
    name: 'a move is over before its destination knows',
    edits: [edit(nextAction, " || destination.kind === 'none') return", ') return')],
    oracles: ['V2'],
    ...hunt('moves', 0),
  },
  {
    name: 'a frozen tenant waits for its destination as long as that takes',
    edits: [
      edit(
        'core/migration/departures.ts',
        'return frozenAt === null || mayHaveLeft ? null : after(frozenAt, limits.frozenMs);',
        'return frozenAt === null || !mayHaveLeft ? null : after(frozenAt, limits.frozenMs);',
      ),
    ],
    oracles: ['V5'],
    ...hunt('metadata-down', 0),
  },
  {
    name: 'an import is visible before it is whole',
    edits: [
      edit(
        'core/group/directoryMachine.ts',
        "return { kind: 'refused', refusal: { kind: 'loading', group: coming.to, incarnation: coming.incarnation } };",
        "return { kind: 'resolved', version: this.directory.version, tenant: { tenant, group: coming.to, epoch: 1 as never, incarnation: coming.incarnation } };",
      ),
      edit(machine, '    if (!isSealed) return this.notOwner(tenant);\n', ''),
      edit(tenantMoves, 'if (coming?.move !== move || !coming.isSealed) return;', 'if (coming?.move !== move) return;'),
    ],
    oracles: ['X2', 'X3'],
    ...hunt('transfers', 20),
  },
  {
    name: 'an export does not keep what is changed under it',
    edits: [edit(keyspace, 'for (const image of this.images) image.keep(item);', ';')],
    oracles: ['E1'],
    ...hunt('transfers', 60),
  },
];
