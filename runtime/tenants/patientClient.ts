/**
 * Asks a cluster until it answers: through the next of the addresses when one is gone, again after a pause when it is
 * busy. Only for questions that may be asked twice.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type HostPort, hostPort } from '../config/hostPort.ts';
import { ConfigError, exitCodes, FatalError } from '../exitCodes.ts';
import { ConnectionLost, NodeConnection } from './nodeConnection.ts';

const patienceMs = 60_000;
const pauseMs = 300;
/** Errors after which the same question may be answered. */
const passing = /^(BUSY|UNAVAILABLE|UNKNOWN|LOADING|TRYAGAIN) /;
const address = /^(\[[0-9a-fA-F:.]+\]|[^:[\],\s]+):\d{1,5}$/;

export class PatientClient {
  private readonly addresses: readonly HostPort[];
  private at = 0;
  private connection: NodeConnection | null = null;

  /** `flag` and `addresses` as they stand on the command line: `HOST:PORT`, or several with commas between them. */
  constructor(flag: string, addresses: string) {
    const given = addresses.split(',');
    for (const each of given)
      if (!address.test(each)) throw new ConfigError(`${flag}: expects HOST:PORT, got '${each}'`);
    this.addresses = given.map(hostPort);
  }

  /**
   * The reply. An error of the kind `final` is returned too, and so is one that does not pass. Throws when there was no
   * answer for a minute.
   */
  async ask(args: readonly (string | Uint8Array)[], final: RegExp | null = null): Promise<unknown> {
    let why = '';
    for (const deadline = Date.now() + patienceMs; Date.now() < deadline; ) {
      const reply = await this.tryOnce(args);
      if (reply instanceof ConnectionLost) this.at += 1;
      else if (!(reply instanceof Error) || !passing.test(reply.message) || final?.test(reply.message) === true)
        return reply;
      why = reply.message;
      await pause(pauseMs);
    }
    throw new FatalError(`the cluster does not answer: ${why}`, exitCodes.unavailable);
  }

  close(): void {
    this.connection?.close();
    this.connection = null;
  }

  private async tryOnce(args: readonly (string | Uint8Array)[]): Promise<unknown> {
    try {
      this.connection ??= await NodeConnection.open(this.address);
      return await this.connection.ask(args);
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      this.close();
      return error;
    }
  }

  private get address(): HostPort {
    const found = this.addresses[this.at % this.addresses.length];
    if (found === undefined) throw new Error('there is always an address');
    return found;
  }
}
