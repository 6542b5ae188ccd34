/**
 * Which data directory each peer came with. One that comes with another is not who it was: it may have forgotten what it
 * promised. Only one that says so, and begins as a learner of its leaders, is welcome.
 */
import { join } from 'node:path';
import * as v from 'valibot';
import { NodeId } from '../../core/index.ts';
import type { StoreIdentity } from '../../core/wire/hello.ts';
import { readJson, writeWhole } from '../disk/wholeFile.ts';

const fileName = 'peers.json';

/** Of each node its directories, the present one last. */
const schema = v.array(
  v.strictObject({ node: v.pipe(v.number(), v.integer(), v.transform(NodeId)), stores: v.array(v.string()) }),
);

export class KnownStores {
  private readonly path: string;
  private readonly stores: Map<NodeId, readonly string[]>;

  constructor(directory: string) {
    this.path = join(directory, fileName);
    this.stores = new Map(readJson(this.path, schema)?.map(({ node, stores }) => [node, stores]));
  }

  /** Why the node is not welcome with it; null if it is, and known from now on, on disk too. */
  refuse(node: NodeId, { store, began }: StoreIdentity): string | null {
    const known = this.stores.get(node) ?? [];
    if (store === known.at(-1)) return null;
    if (known.includes(store)) return `node ${String(node)} comes with a data directory that was given up`;
    if (known.length > 0 && began !== 'lost')
      return `node ${String(node)} comes with another data directory than before: if its disk is lost, leasehold init --lost begins one`;
    this.stores.set(node, [...known, store]);
    const all = [...this.stores].map(([id, stores]) => ({ node: id, stores }));
    writeWhole(this.path, `${JSON.stringify(all)}\n`);
    return null;
  }
}
