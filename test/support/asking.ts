/** Questions to a node of a local cluster, and the answers as tests want them. */
import { ask } from '../../runtime/dev/ask.ts';

export async function askPort(port: number, ...args: string[]): Promise<unknown> {
  return ask({ host: '127.0.0.1', port }, args);
}

/** The numbers of one section of INFO; none while the node does not answer. */
export async function infoOf(port: number, section: string): Promise<ReadonlyMap<string, number>> {
  const text = String(await askPort(port, 'INFO', section));
  return new Map([...text.matchAll(/^(\w+):(\d+)\r?$/gm)].map(([, name = '', value]) => [name, Number(value)]));
}

export interface Place {
  readonly group: number;
  /** The node; NaN while there is none. */
  readonly leader: number;
}

/** Where the tenant lives, as the node at the port knows it. */
export async function placeOf(port: number, tenant: string): Promise<Place> {
  const fields = fieldsOf(await askPort(port, 'TENANT', 'WHERE', tenant));
  return { group: Number(fields.get('group')), leader: Number(fields.get('leader') ?? Number.NaN) };
}

export interface Share {
  readonly leads: number;
  readonly replicas: number;
}

/** What a node has of the groups, as the node at the port sees it. */
export async function shareOf(port: number, node: number): Promise<Share> {
  const listed = await askPort(port, 'GROUP', 'LIST');
  const all = (Array.isArray(listed) ? listed : []).map((group) => fieldsOf(group));
  return {
    leads: all.filter((group) => group.get('leader') === node).length,
    replicas: all.filter((group) => (group.get('replicas') as number[]).includes(node)).length,
  };
}

/** The answer of the first node that has one; undefined if none has. */
export async function askAny(ports: readonly number[], ...words: string[]): Promise<unknown> {
  for (const port of ports) {
    const answer = await askPort(port, ...words);
    if (answer !== undefined && !(answer instanceof Error && answer.message.startsWith('UNKNOWN'))) return answer;
  }
  return undefined;
}

/** A map as RESP2 has it: names and values in turns. */
export function fieldsOf(answer: unknown): ReadonlyMap<string, unknown> {
  const flat: readonly unknown[] = Array.isArray(answer) ? answer : [];
  return new Map(flat.flatMap((name, i) => (i % 2 === 0 ? [[String(name), flat[i + 1]] as const] : [])));
}
