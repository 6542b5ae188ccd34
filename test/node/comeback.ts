/**
 * A group loses two of its three replicas, goes on from the third, and the two come back: what must not happen then,
 * told by name. Run as a program it prints what did happen, so that a planted bug can be looked for
 * (`comeback.test.ts`).
 */
import { fileURLToPath } from 'node:url';
import { GroupId } from '../../core/base/ids.ts';
import { Nodes } from './harness.ts';

const group = GroupId(1);
const quietMs = 4_000;
const electionMs = 600;

/** What went wrong; nothing, if all is as it should be. */
export function comeback(): readonly string[] {
  return [...cutOff(), ...heardOf()];
}

/** The old majority comes back where nobody tells it of anything, and then one of it hears. */
function cutOff(): readonly string[] {
  const wrong: string[] = [];
  const nodes = begin();
  recover(nodes);
  for (const other of [1, 4, 5]) for (const dead of [2, 3]) nodes.cut(dead, other);
  nodes.start(2);
  nodes.start(3);
  nodes.pass(quietMs);
  const [leader, follower] = leads(nodes, 2) ? [2, 3] : [3, 2];
  ask(nodes, leader, 'SET', '{acme}key', 'zombie');
  // Of its members it knows more than ever, as it thinks.
  ask(nodes, leader, 'GROUP', 'REMOVE-REPLICA', '1', '4');
  nodes.heal(1, follower);
  nodes.pass(electionMs);
  if (ask(nodes, leader, 'GET', '{acme}key').includes('zombie')) wrong.push('it serves when its majority has heard');
  if (isHere(nodes, leader) && isHere(nodes, follower)) nodes.heal(1, leader);
  else wrong.push('it deletes what it has on hearsay');
  nodes.pass(2_000);
  if (ask(nodes, 1, 'GET', '{acme}key').includes('zombie')) wrong.push('others are led to it');
  for (const dead of [2, 3]) nodes.heal(4, dead);
  nodes.pass(2_000);
  if (isHere(nodes, 2) || isHere(nodes, 3)) wrong.push('it keeps what it has');
  if (!ask(nodes, 4, 'GET', '{acme}key').includes('after')) wrong.push('it undoes what came after');
  return wrong;
}

/** It comes back where everybody knows. */
function heardOf(): readonly string[] {
  const wrong: string[] = [];
  const nodes = begin();
  recover(nodes);
  nodes.start(2);
  nodes.start(3);
  for (let i = 0; i < quietMs; i += 1) {
    nodes.pass(1);
    if (leads(nodes, 2) || leads(nodes, 3)) wrong.push('it leads though everybody knows');
  }
  if (isHere(nodes, 2) || isHere(nodes, 3)) wrong.push('it keeps what it has');
  return [...new Set(wrong)];
}

function begin(): Nodes {
  // What is heard is heard over a link that comes back.
  const nodes = new Nodes(5, 1, { gossipMs: 60_000 });
  ask(nodes, 1, 'SET', '{acme}key', 'before');
  return nodes;
}

function recover(nodes: Nodes): void {
  nodes.kill(2, 3);
  nodes.pass(quietMs);
  ask(nodes, 4, 'GROUP', 'RECOVER', '1', 'UNSAFE');
  nodes.pass(2_000);
  ask(nodes, 1, 'SET', '{acme}key', 'after');
}

function ask(nodes: Nodes, node: number, ...words: string[]): string {
  const conn = 1000 * node + (nodes.disks[node - 1]?.boots ?? 0);
  nodes.connect(node, conn);
  return nodes.ask(node, conn, ...words);
}

function leads(nodes: Nodes, node: number): boolean {
  return nodes.nodes[node - 1]?.groups.get(group)?.isLeader === true;
}

function isHere(nodes: Nodes, node: number): boolean {
  return nodes.nodes[node - 1]?.groups.has(group) === true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(JSON.stringify(comeback()));
