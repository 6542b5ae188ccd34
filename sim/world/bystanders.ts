/**
 * V5: what has a majority of its own does not wait for the metadata group. While clients work and faults happen, a write
 * to every tenant is tried again and again, through nodes that know where it lives; once its group has been well for a
 * while, one must have been acknowledged within that while. A tenant that has left needs the group that it is to come to: it
 * may wait until it has come. One that has not needs no other group but its own: if it is frozen, for so long at most.
 */
import type { ConnId, GroupId, Incarnation } from '../../core/base/ids.ts';
import { metadataGroup } from '../../core/base/ids.ts';
import { limits } from '../../core/base/limits.ts';
import type { Random } from '../../core/base/random.ts';
import { parseTenantName } from '../../core/base/tenantName.ts';
import { invariant } from '../../core/base/invariant.ts';
import { pick } from '../base/random.ts';
import { taggedValue } from '../oracles/rightReply.ts';
import type { Ownership } from '../model/tenancyModel.ts';
import { rule } from '../truth/violation.ts';
import type { Machine } from './machine.ts';
import { type Well, Wellness } from './wellness.ts';
import { dataAsk } from './workload.ts';
import type { World } from './world.ts';

const lookEveryUs = 50_000;
/** Elections that may come to nothing, commands that wait for an answer that was lost, and a pause before another try. */
const patienceElections = 12;
const patienceCommands = 3;
const patienceUs = 1_000_000;

export class Bystanders {
  private readonly world: World;
  private readonly wellness: Wellness;
  private readonly tries: readonly Try[];
  private isOver = false;

  constructor(world: World, tenants: readonly { readonly name: string }[]) {
    this.world = world;
    this.wellness = new Wellness(world);
    this.tries = tenants.map(({ name }) => new Try(name, world, world.random(`bystander/${name}`)));
  }

  start(): void {
    if (this.tries.length === 0) return;
    this.world.schedule.at(this.world.schedule.now + lookEveryUs, () => {
      if (this.isOver) return;
      this.look();
      this.start();
    });
  }

  end(): void {
    this.isOver = true;
  }

  private look(): void {
    this.wellness.look();
    for (const each of this.tries) this.lookAt(each);
  }

  private lookAt(each: Try): void {
    const { electionUs, commandTimeoutUs } = this.world;
    const owner = this.ownerOf(each.tenant);
    const patience = patienceElections * electionUs + patienceCommands * commandTimeoutUs + patienceUs;
    const through = this.require(each, each.served, owner, this.groupsOf(owner), patience);
    if (owner !== null && isStaying(owner)) {
      // Who leads anew does not know since when it has been frozen.
      const term = this.world.witness.groups.get(owner.group)?.currentLeader()?.term ?? null;
      if (term !== each.term) each.kept.since = null;
      each.term = term;
      const atHome = this.require(each, each.kept, owner, [owner.group], patience + limits.frozenMs * 1000);
      each.go(through.length > 0 ? through : atHome);
      return;
    }
    each.kept.since = null;
    each.go(through);
  }

  /** Those groups are to serve the tenant, through the nodes that are returned: within so long, from when they can. */
  private require(
    each: Try,
    claim: Claim,
    owner: Owner | null,
    groups: readonly GroupId[],
    patience: number,
  ): readonly Machine[] {
    const { witness, schedule } = this.world;
    const { now } = schedule;
    /** Also the one in which the node takes the tenant to be: it says where that has gone. */
    const wellsFor = (machine: Machine): readonly Well[] | null => {
      const known = owner === null ? null : knows(machine, each.tenant, owner.incarnation);
      if (known === null) return null;
      const wells = [...new Set([known, ...groups])].map((group) => this.wellness.of(group));
      const nodes = wells.flatMap((well) => well?.nodes ?? []);
      return this.wellness.reaches(machine.id, nodes) ? wells.flatMap((well) => well ?? unwell) : null;
    };
    const through = this.world.machines.filter((machine) => wellsFor(machine)?.includes(unwell) === false);
    if (through.length === 0) {
      claim.since = null;
      return through;
    }
    const wells = through.flatMap((machine) => wellsFor(machine) ?? []);
    claim.since = Math.max(claim.since ?? now, ...wells.map(({ since }) => since));
    rule(
      now - Math.max(claim.since, each.servedAt) <= patience,
      'V5',
      'what has a quorum serves without the metadata',
      {
        tenant: each.tenant,
        groups: groups.join(' and '),
        answer: each.lastAnswer,
        isMetadataOut: String(witness.isMetadataOut),
      },
    );
    return through;
  }

  /** Whose it is, or was before it left for where it has not come yet. */
  private ownerOf(name: string): Owner | null {
    const tenant = parseTenantName(name);
    invariant(tenant !== null, 'a scenario names tenants rightly', { name });
    for (const [group, { tenancy }] of this.world.witness.histories.groups) {
      const present = tenancy.present(tenant) ?? tenancy.leaving(tenant);
      if (present !== null) return { ...present, group };
    }
    return null;
  }

  /** Those that have a part in serving it. */
  private groupsOf(owner: Owner | null): readonly GroupId[] {
    if (owner === null) return [];
    if (owner.out === null) return [owner.group];
    return [...this.world.witness.groups.keys()].filter((group) => group !== metadataGroup);
  }
}

type Owner = Ownership & { readonly group: GroupId };

/** It is on its way, and has not left. */
function isStaying({ out, until }: Owner): boolean {
  return out !== null && until === Number.POSITIVE_INFINITY;
}

/** Since when those who are to serve a tenant can; null if they cannot. */
interface Claim {
  since: number | null;
}

const unwell: Well = { nodes: [], since: 0 };

/** The group in which the node takes that tenant to be. */
function knows({ node }: Machine, name: string, incarnation: Incarnation): GroupId | null {
  const tenant = parseTenantName(name);
  const place = tenant === null ? null : (node?.router.shards.find(tenant) ?? null);
  return place?.incarnation === incarnation ? place.group : null;
}

/** One tenant, written to through one node at a time. */
class Try {
  readonly tenant: string;
  /** By all that have a part in it; and by its own group, as long as it has not left that, under the leader of that term. */
  readonly served: Claim = { since: null };
  readonly kept: Claim = { since: null };
  term: number | null = null;
  servedAt = 0;
  lastAnswer = 'none';
  private readonly world: World;
  private readonly random: Random;
  private conn: ConnId | null = null;
  private sentAt = 0;

  constructor(tenant: string, world: World, random: Random) {
    this.tenant = tenant;
    this.world = world;
    this.random = random;
  }

  go(through: readonly Machine[]): void {
    const { world } = this;
    const { now } = world.schedule;
    if (through.length === 0) return;
    if (this.conn !== null && now - this.sentAt < world.commandTimeoutUs + lookEveryUs) return;
    const machine = pick(this.random, through);
    const conn = world.connect(this);
    this.conn = conn;
    this.sentAt = now;
    machine.receive({ kind: 'clientOpened', conn, address: 'bystander' });
    const value = taggedValue(this.tenant, world.nextOperation());
    const { args } = dataAsk(this.tenant, ['SET', `{${this.tenant}}seen`, value]);
    machine.receive({ kind: 'clientCommand', conn, args });
  }

  onReply(conn: ConnId, text: string): void {
    if (conn !== this.conn) return;
    this.conn = null;
    this.lastAnswer = text.trim();
    if (text === '+OK\r\n') this.servedAt = this.world.schedule.now;
  }
}
