/** Clients that come again at once end up in one entry, however they began. */
import { expect, test } from 'vitest';
import { GroupId } from '../../core/base/ids.ts';
import { Nodes } from './harness.ts';

test('clients of whom half are answered when the others wait come together', () => {
  const group = GroupId(1);
  const nodes = new Nodes(3, 1);
  const leader = 1 + nodes.nodes.findIndex((node) => node.groups.get(group)?.isLeader === true);
  const clients = Array.from({ length: 32 }, (_, i) => 100 + i);
  for (const conn of clients) nodes.connect(leader, conn);
  const write = (conn: number): void => nodes.send(leader, conn, 'SET', '{acme}k', 'v');
  nodes.connect(leader, 99);
  nodes.ask(leader, 99, 'SET', '{acme}k', 'v');
  const entries = (): number => nodes.raftOn(leader, group)?.state.log.lastIndex ?? 0;
  /** Every client says the next as soon as it is answered. Returns how many commands an entry had. */
  const perEntry = (ms: number): number => {
    const before = entries();
    let answered = 0;
    for (let i = 0; i < ms; i += 1) {
      nodes.pass(1);
      for (const conn of clients) {
        if (nodes.replies(conn) === '') continue;
        answered += 1;
        write(conn);
      }
    }
    return answered / (entries() - before);
  };
  clients.slice(0, 16).forEach(write);
  nodes.pass(2);
  clients.slice(16).forEach(write);
  perEntry(100);
  expect(perEntry(300)).toBeGreaterThan(30);
});
