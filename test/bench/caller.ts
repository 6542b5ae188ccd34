/**
 * A client that calls again and again on a connection of its own, one command or transaction at a time, and writes down
 * how long each answer took: so that what happened before something and during it can be told apart afterwards.
 */
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import Parser from 'redis-parser';
import { type Latency, latencyOf } from './figures.ts';
import { encode, open } from './load.ts';

interface Answer {
  readonly sentAt: number;
  readonly tookMs: number;
  readonly isError: boolean;
}

export interface Heard extends Latency {
  readonly errors: number;
}

export class Caller {
  private readonly socket: Socket;
  private readonly next: () => readonly (readonly string[])[];
  private readonly pauseMs: number;
  private readonly answers: Answer[] = [];
  private isStopped = false;

  private constructor(socket: Socket, next: () => readonly (readonly string[])[], pauseMs: number) {
    this.socket = socket;
    this.next = next;
    this.pauseMs = pauseMs;
  }

  /** `next`: what to say; `pauseMs`: between an answer and the next command. */
  static async start(port: number, pauseMs: number, next: () => readonly string[]): Promise<Caller> {
    return Caller.startTogether(port, pauseMs, () => [next()]);
  }

  /** `next`: commands that are sent together; their last answer counts. */
  static async startTogether(
    port: number,
    pauseMs: number,
    next: () => readonly (readonly string[])[],
  ): Promise<Caller> {
    const caller = new Caller(await open(port), next, pauseMs);
    caller.run();
    return caller;
  }

  stop(): void {
    this.isStopped = true;
    this.socket.destroy();
  }

  private run(): void {
    let sentAt = 0;
    let missing = 0;
    let hasFailed = false;
    const send = (): void => {
      if (this.isStopped) return;
      sentAt = performance.now();
      const commands = this.next();
      missing = commands.length;
      hasFailed = false;
      this.socket.write(encode(commands));
    };
    const hear = (isError: boolean): void => {
      missing -= 1;
      hasFailed ||= isError;
      if (missing > 0) return;
      this.answers.push({ sentAt, tookMs: performance.now() - sentAt, isError: hasFailed });
      if (this.pauseMs > 0) void pause(this.pauseMs).then(send);
      else send();
    };
    const parser = new Parser({
      returnReply: () => hear(false),
      returnError: () => hear(true),
      returnFatalError: () => this.socket.destroy(),
    });
    this.socket.on('data', (chunk: Buffer) => parser.execute(chunk));
    send();
  }

  /** Of the commands that were sent in a time, what was answered until now. */
  static heard(callers: readonly Caller[], from: number, to: number): Heard {
    return Caller.of(callers, ({ sentAt }) => sentAt >= from && sentAt < to);
  }

  /** Of those that were under way in it. */
  static underWay(callers: readonly Caller[], from: number, to: number): Heard {
    return Caller.of(callers, ({ sentAt, tookMs }) => sentAt < to && sentAt + tookMs > from);
  }

  private static of(callers: readonly Caller[], isMeant: (answer: Answer) => boolean): Heard {
    const answers = callers.flatMap(({ answers: own }) => own.filter(isMeant));
    const errors = answers.filter(({ isError }) => isError).length;
    return { ...latencyOf(answers.map(({ tookMs }) => tookMs)), errors };
  }
}
