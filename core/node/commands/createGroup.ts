/** GROUP CREATE [COUNT n] [REPLICAS n] [NODES id[,id...]]: the cluster gets more groups, on its nodes that are up. */
import { binaryString, bytesOfBinary } from '../../base/bytes.ts';
import { metadataGroup, NodeId } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import { nobody } from '../../base/tenantName.ts';
import { errand } from '../../forward/procedure.ts';
import type { WantedGroups } from '../groupMaker.ts';
import { integerOf, wordOf } from './arguments.ts';
import type { NodeCall } from './spec.ts';

/** Whoever leads the metadata group knows where there is room. The ids follow, once it is in the log. */
export function createGroups(call: NodeCall): void {
  const { args, reply, node, connection } = call;
  const wanted = wantedBy(args.slice(2));
  if (typeof wanted === 'string') {
    reply.error(`ERR ${wanted}`);
    return;
  }
  const plan = node.planGroups(wanted);
  if (typeof plan === 'string') {
    reply.error(`ERR not executed: ${plan}`);
    return;
  }
  const asked = errand(metadataGroup, { kind: 'planGroups', tenant: nobody, plan });
  if (!node.start(connection, asked)) reply.error('BUSY not executed: too much is asked of the metadata group');
}

/** Or what is wrong with the arguments. */
function wantedBy(args: readonly Uint8Array[]): WantedGroups | string {
  let [count, replicas, nodes]: [number | null, number | null, readonly NodeId[] | null] = [null, null, null];
  for (let at = 0; at < args.length; at += 2) {
    const [word, value] = [wordOf(args[at]), args[at + 1]];
    if (value === undefined) return 'syntax error';
    if (word === 'count' && count === null) count = integerOf(value) ?? 0;
    else if (word === 'replicas' && replicas === null) replicas = integerOf(value) ?? 0;
    else if (word === 'nodes' && nodes === null) nodes = nodesIn(value);
    else return 'syntax error';
  }
  const isCountWrong = count !== null && (count < 1 || count > limits.groupsMadeAtATime);
  if (isCountWrong) return `COUNT expects 1 to ${String(limits.groupsMadeAtATime)}`;
  if (replicas !== null && (replicas < 1 || replicas > limits.firstReplicas))
    return `REPLICAS expects 1 to ${String(limits.firstReplicas)}`;
  if (nodes !== null && (nodes.length === 0 || nodes.length > limits.firstReplicas))
    return `NODES expects 1 to ${String(limits.firstReplicas)} ids with commas between them`;
  if (nodes !== null && replicas !== null && replicas !== nodes.length)
    return 'REPLICAS and NODES say different numbers of replicas';
  return { count: count ?? 1, replicas, nodes, alone: null };
}

/** None, if one of them is no id. */
function nodesIn(list: Uint8Array): readonly NodeId[] {
  const ids = binaryString(list)
    .split(',')
    .map((id) => integerOf(bytesOfBinary(id)));
  return ids.every((id) => id !== null && id > 0) ? ids.map((id) => NodeId(id ?? 0)) : [];
}
