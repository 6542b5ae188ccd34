/** When a node saves the state of a group, and when it does not. */
import { expect, test } from 'vitest';
import { GroupId } from '../../core/index.ts';
import { Nodes } from './harness.ts';

const mib = 1024 * 1024;

test('room is asked for while a state is saved: it is not saved a second time', () => {
  const nodes = new Nodes(1, 1, { snapshotBytesPerSecond: mib });
  const snapshots = nodes.nodes[0]?.groups.get(GroupId(1))?.snapshots;
  nodes.connect(1, 1);
  for (let i = 0; i < 3; i += 1) nodes.ask(1, 1, 'SET', `{acme}${String(i)}`, 'x'.repeat(100_000));
  nodes.input(1, { kind: 'reclaim', groups: [GroupId(1)] });
  nodes.pass(100);
  expect(snapshots?.activity).toBe('saving');
  nodes.input(1, { kind: 'reclaim', groups: [GroupId(1)] });
  nodes.pass(400);
  expect(snapshots?.activity).toBe('none');
  expect(snapshots?.isWanted).toBe(false);
});
