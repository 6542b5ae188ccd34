/**
 * Proves that a tenant is served: it writes through a random node of the core, and if that is refused, again
 * through another, until one write is acknowledged.
 */
import type { ConnId } from '../../core/base/ids.ts';
import type { Random } from '../../core/base/random.ts';
import { pick } from '../base/random.ts';
import { taggedValue } from '../oracles/rightReply.ts';
import type { Machine } from './machine.ts';
import { dataAsk } from './workload.ts';
import type { World } from './world.ts';

const retryUs = 200_000;

export class Auditor {
  readonly tenant: string;
  isDone = false;
  lastAnswer = 'none';
  private readonly world: World;
  private readonly core: readonly Machine[];
  private readonly random: Random;
  private conn: ConnId | null = null;

  constructor(tenant: string, world: World, core: readonly Machine[], random: Random) {
    this.tenant = tenant;
    this.world = world;
    this.core = core;
    this.random = random;
  }

  start(): void {
    const { world } = this;
    if (this.isDone) return;
    const machine = pick(this.random, this.core);
    const conn = world.connect(this);
    this.conn = conn;
    machine.receive({ kind: 'clientOpened', conn, address: 'auditor' });
    const value = taggedValue(this.tenant, world.nextOperation());
    machine.receive({
      kind: 'clientCommand',
      conn,
      args: dataAsk(this.tenant, ['SET', `{${this.tenant}}audit`, value]).args,
    });
    world.schedule.at(world.schedule.now + this.patienceUs(machine), () => {
      if (this.conn === conn) this.start();
    });
  }

  onReply(conn: ConnId, text: string): void {
    if (conn !== this.conn) return;
    this.conn = null;
    this.lastAnswer = text.trim();
    if (text === '+OK\r\n') {
      this.isDone = true;
      return;
    }
    this.world.schedule.at(this.world.schedule.now + retryUs, () => {
      this.start();
    });
  }

  /** A node that is down answers nothing; one that runs answers within the command's deadline. */
  private patienceUs(machine: Machine): number {
    return machine.isRunning ? this.world.commandTimeoutUs + retryUs : retryUs;
  }
}
