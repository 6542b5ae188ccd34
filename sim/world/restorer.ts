/**
 * An operator who takes a tenant out as a file, drops it, and puts it back, through whatever node answers, however often
 * that takes. Clients go on meanwhile: one may create the tenant again before it is back, and then it stays that way.
 */
import type { ConnId, GroupId } from '../../core/base/ids.ts';
import { bytesOfBinary } from '../../core/base/bytes.ts';
import type { Random } from '../../core/base/random.ts';
import { chance, pick } from '../base/random.ts';
import { type Reply, RespParser } from '../base/respParser.ts';
import { rule } from '../truth/violation.ts';
import type { Machine } from './machine.ts';
import type { World } from './world.ts';

const retryUs = 100_000;
const thinkUs = 1_000;
/** A client that is quicker than the operator has the tenant for good after so many. */
const mostDrops = 5;
/** Imports that are given up behind a piece, and begun again. */
const givenUpPermille = 100;

export class Restorer {
  isDone = false;
  private readonly world: World;
  private readonly tenant: string;
  private readonly group: string;
  private readonly random: Random;
  /** Whom it asks. */
  private askable: readonly Machine[];
  private conn: ConnId | null = null;
  private stage: 'export' | 'drop' | 'import' = 'export';
  /** What was committed in each group when the export was asked for. */
  private committedThen: ReadonlyMap<GroupId, number> = new Map();
  private committedAtFirst = this.committedThen;
  private pieces: string[] = [];
  private drops = 0;
  /** The export that is read out, or the import under way, and the piece that is next. */
  private under: { readonly id: string; readonly next: number } | null = null;

  constructor(world: World, tenant: string, group: string, random: Random) {
    this.world = world;
    this.tenant = tenant;
    this.group = group;
    this.random = random;
    this.askable = world.machines;
  }

  /** From now on it asks these only: the others do not come back. */
  keepTo(machines: readonly Machine[]): void {
    this.askable = machines;
  }

  start(): void {
    if (this.isDone) return;
    const { world } = this;
    const machine = pick(this.random, this.askable);
    const conn = world.connect(this);
    this.conn = conn;
    this.committedThen = world.witness.committedLengths();
    machine.receive({ kind: 'clientOpened', conn, address: 'operator' });
    machine.receive({ kind: 'clientCommand', conn, args: ['TENANT', ...this.words()].map(bytesOfBinary) });
    world.schedule.at(world.schedule.now + this.patienceUs(machine), () => {
      if (this.conn === conn) this.start();
    });
  }

  onReply(conn: ConnId, text: string): void {
    if (conn !== this.conn) return;
    this.conn = null;
    const parser = new RespParser();
    parser.feed(text);
    const parsed = parser.next();
    rule(parsed !== null && parsed !== 'malformed', 'X6', 'a reply is whole and well-formed', { text });
    const { reply } = parsed;
    const isGood = reply.kind === 'error' ? this.onError(reply.text) : this.onAnswer(reply);
    this.world.schedule.at(this.world.schedule.now + (isGood ? thinkUs : retryUs), () => {
      this.start();
    });
  }

  private words(): readonly string[] {
    const { tenant, under, pieces } = this;
    switch (this.stage) {
      case 'export':
        return ['EXPORT', tenant, ...(under === null ? [] : [under.id, String(under.next)])];
      case 'drop':
        return ['DROP', tenant];
      case 'import':
        return under === null
          ? ['IMPORT', tenant, pieces[0] ?? '', 'IN', this.group]
          : ['IMPORT', tenant, under.id, pieces[under.next] ?? ''];
    }
  }

  private onAnswer(reply: Reply): boolean {
    if (this.stage === 'drop') {
      this.become('import');
      return true;
    }
    const [id, next, bytes] = reply.kind === 'array' ? reply.items : [];
    const number = next?.kind === 'integer' ? next.value : 0;
    if (this.stage === 'export') {
      if (this.under === null) this.committedAtFirst = this.committedThen;
      if (bytes?.kind === 'bulk' && bytes.text !== '') this.pieces.push(bytes.text);
      this.under = { id: id?.kind === 'bulk' ? id.text : '', next: number };
      if (number === 0) this.exported();
      return true;
    }
    this.under = { id: id?.kind === 'integer' ? String(id.value) : '', next: number };
    if (number === 0) this.isDone = true;
    else if (chance(this.random, givenUpPermille)) this.become('drop');
    return true;
  }

  private exported(): void {
    this.world.witness.exported(this.tenant, this.pieces, this.committedAtFirst);
    this.become('drop');
  }

  /** Whether to go on at once. */
  private onError(text: string): boolean {
    rule(!text.startsWith('ERR failed'), 'E2', 'what was exported can be imported', { tenant: this.tenant, text });
    if (/^(BUSY|UNKNOWN|UNAVAILABLE) /.test(text)) return false;
    switch (this.stage) {
      case 'export':
        // Another leader, or nobody asked in time; or the tenant is not there.
        if (text.startsWith('TRYAGAIN ')) this.become('export');
        else this.isDone = true;
        return true;
      case 'drop':
        this.become('import');
        return true;
      case 'import':
        // It goes on elsewhere in the file; or somebody has dropped it, made it anew, or puts back another file.
        if (text.includes(' exists') && this.drops < mostDrops) {
          this.become('drop');
          return true;
        }
        if (text.includes(' is wanted')) this.under = null;
        else if (!text.startsWith('TRYAGAIN ')) this.isDone = true;
        return false;
    }
  }

  private become(stage: Restorer['stage']): void {
    if (stage === 'drop') this.drops += 1;
    this.stage = stage;
    this.under = null;
    if (stage === 'export') this.pieces = [];
  }

  /** A node that is down answers nothing; one that runs answers within the command's deadline. */
  private patienceUs(machine: Machine): number {
    return machine.isRunning ? this.world.commandTimeoutUs + retryUs : retryUs;
  }
}
