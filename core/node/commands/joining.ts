/** NODE JOIN: what a node that wants to belong to the cluster says, and the configuration that it is given. */
import { binaryString } from '../../base/bytes.ts';
import { metadataGroup, type NodeId } from '../../base/ids.ts';
import { nobody } from '../../base/tenantName.ts';
import { errand } from '../../forward/procedure.ts';
import type { NodeMapImage } from '../../wire/nodes.ts';
import type { NodePlan } from '../../wire/nodes.ts';
import { settingBounds } from '../defaults.ts';
import type { NodeView } from '../view.ts';
import { isWithoutMetadataGroup } from './begin.ts';
import type { NodeCall } from './spec.ts';

const address = /^(\[[0-9a-fA-F:]+\]|[^:\s]{1,255}):[0-9]{1,5}$/;
const zone = /^[A-Za-z0-9._-]{0,64}$/;
const store = /^[0-9a-f]{16}$/;
const largestNode = 65_535;

/** NODE JOIN client-address peer-address ZONE zone TOKEN token STORE store */
export function join(call: NodeCall): void {
  const { args, reply, node } = call;
  if (isWithoutMetadataGroup(call)) return;
  const [client = '', peer = '', zoneWord, inZone = '', tokenWord, token = '', storeWord, itsStore = ''] = args
    .slice(2)
    .map((arg) => binaryString(arg));
  const { joinToken } = node.settings;
  const isWellFormed =
    args.length === 10 && isWord(zoneWord, 'zone') && isWord(tokenWord, 'token') && isWord(storeWord, 'store');
  if (!isWellFormed) reply.error('ERR syntax error');
  else if (joinToken === '') reply.error('NOPERM no node may join: this cluster has no join.token');
  else if (token !== joinToken) reply.error('WRONGPASS the token is not that of this cluster');
  else if (!address.test(client) || !address.test(peer)) reply.error('ERR invalid address: expects HOST:PORT');
  else if (!zone.test(inZone)) reply.error('ERR invalid zone: expects up to 64 characters of A-Z a-z 0-9 . _ -');
  else if (!store.test(itsStore)) reply.error('ERR invalid store: expects 16 hexadecimal digits');
  else if (node.nodes.length >= largestNode) reply.error('ERR there are no node ids left');
  else plan(call, { kind: 'join', clientAddress: client, peerAddress: peer, zone: inZone, store: itsStore });
}

function isWord(given: string | undefined, word: string): boolean {
  return given?.toLowerCase() === word;
}

/** Asks the metadata group; the reply follows. */
export function plan(call: NodeCall, wanted: NodePlan): void {
  const { connection, reply, node } = call;
  if (isWithoutMetadataGroup(call)) return;
  const asked = errand(metadataGroup, { kind: 'planNode', tenant: nobody, plan: wanted });
  if (!node.start(connection, asked)) reply.error('BUSY not executed: too much is asked of the metadata group');
}

/** A configuration file for the node that has joined, as JSON: see docs/configuration.md. */
export function configurationFor(view: NodeView, joined: NodeId, { nodes }: NodeMapImage): string {
  const { settings } = view;
  const numbers = Object.keys(settingBounds) as (keyof typeof settingBounds)[];
  return JSON.stringify({
    cluster: view.clusterId,
    node: joined,
    data: '.',
    // With those that were there from the beginning and have left: the metadata group's log begins with them.
    nodes: nodes
      .filter(({ state, store: its }) => state !== 'removed' || its === '')
      .map(({ node, clientAddress, peerAddress, zone: inZone, store: its }) => ({
        id: node,
        client: clientAddress,
        peer: peerAddress,
        zone: inZone,
        joined: its !== '',
      })),
    groups: view.groupsAtFirst.map(({ group, replicas }) => ({ id: group, nodes: replicas.map(({ node }) => node) })),
    settings: {
      ...Object.fromEntries(numbers.map((name) => [name, settings[name]])),
      rebalance: settings.rebalance,
      placement: settings.placement,
      leaseReads: settings.leaseReads,
      autoCreateTenants: settings.autoCreateTenants,
      defaultTenant: settings.defaultTenant,
    },
    join: { token: settings.joinToken },
  });
}
