/** An operator who moves tenants of a real cluster between groups. */
import { setTimeout as pause } from 'node:timers/promises';
import { askAny, placeOf } from './asking.ts';
import { until } from './cluster.ts';

const pollMs = 20;

/** Moves a tenant, through any node that answers, and waits until that is over. Returns whether it is there then. */
export async function moveTenant(
  ports: () => readonly number[],
  tenant: string,
  to: number,
  withinMs = 60_000,
): Promise<boolean> {
  const ask = async (...words: string[]): Promise<unknown> => askAny(ports(), 'TENANT', 'MOVE', tenant, ...words);
  await until(
    async () => {
      const answer = await ask('TO', String(to));
      return answer === 'OK' || (answer instanceof Error && answer.message.includes('lives in group'));
    },
    `a move of ${tenant} begins`,
    withinMs,
  );
  await until(
    async () => {
      await pause(pollMs);
      const answer = await ask('STATUS');
      return answer instanceof Error && answer.message.includes('no move of tenant');
    },
    `the move of ${tenant} is over`,
    withinMs,
  );
  const places = await Promise.all(ports().map(async (port) => placeOf(port, tenant)));
  return places.some(({ group }) => group === to);
}
