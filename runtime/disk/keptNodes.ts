/**
 * The NodeMap of the last life: nodes that came since the configuration was written, those that have left, and groups that
 * were made. Unlike the map of tenants a node cannot do without it: nobody else would know where it is to be asked for.
 */
import { join } from 'node:path';
import * as v from 'valibot';
import { GroupId, NodeId } from '../../core/index.ts';
import type { NodeMapImage } from '../../core/wire/nodes.ts';
import { readJson, writeWhole } from './wholeFile.ts';

const fileName = 'nodes.json';

const nodeId = v.pipe(v.number(), v.integer(), v.transform(NodeId));

const schema = v.strictObject({
  version: v.pipe(v.number(), v.integer(), v.minValue(0)),
  nodes: v.array(
    v.strictObject({
      node: nodeId,
      clientAddress: v.string(),
      peerAddress: v.string(),
      zone: v.string(),
      store: v.optional(v.string(), ''),
      state: v.picklist(['member', 'draining', 'removed']),
      heir: v.optional(v.nullable(nodeId), null),
    }),
  ),
  groups: v.optional(
    v.array(
      v.strictObject({
        group: v.pipe(v.number(), v.integer(), v.transform(GroupId)),
        members: v.array(v.strictObject({ node: nodeId, store: v.string() })),
        request: v.string(),
      }),
    ),
    [],
  ),
});

/** Null if the nodes are still those of the configuration. */
export function readNodes(directory: string): NodeMapImage | null {
  return readJson(join(directory, fileName), schema);
}

export function keepNodes(directory: string, map: NodeMapImage): void {
  writeWhole(join(directory, fileName), `${JSON.stringify(map, null, 2)}\n`);
}
