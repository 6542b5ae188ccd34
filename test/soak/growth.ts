/** An operator who has a cluster grow by two nodes, and one of the first leave it, while all goes on. */
import { setTimeout as pause } from 'node:timers/promises';
import { askAny, shareOf } from '../support/asking.ts';
import { type Cluster, until } from '../support/cluster.ts';

const joining = 2;
const withinMs = 300_000;
const pollMs = 500;

/** `leaving`: a node of the first ones. Its process is gone at the end. */
export async function growAndShrink(cluster: Cluster, leaving: number, say: (what: string) => void): Promise<void> {
  const others = (): readonly number[] => cluster.ports.filter((_, at) => at + 1 !== leaving);
  const eventually = async (what: string, condition: () => Promise<boolean>): Promise<void> => {
    const polled = async (): Promise<boolean> => {
      await pause(pollMs);
      return condition();
    };
    await until(polled, what, withinMs);
    say(what);
  };
  /** As the nodes see it that answer: none of them, if nobody does. */
  const sharesOf = async (node: number): Promise<readonly number[]> => {
    const seen = await Promise.all(others().map(async (port) => shareOf(port, node)));
    return seen.map(({ replicas }) => replicas);
  };
  for (let n = 0; n < joining; n += 1) {
    const node = String(await cluster.join());
    say(`node ${node} has joined`);
    await eventually(`node ${node} has replicas`, async () =>
      (await sharesOf(Number(node))).some((share) => share > 1),
    );
  }
  const node = String(leaving);
  await eventually(`node ${node} drains`, async () => (await askAny(others(), 'NODE', 'DRAIN', node)) === 'OK');
  const isGone = async (): Promise<boolean> => (await askAny(others(), 'NODE', 'REMOVE', node)) === 'OK';
  await eventually(`node ${node} has nothing any more and is removed`, isGone);
  await cluster.kill(leaving);
}
