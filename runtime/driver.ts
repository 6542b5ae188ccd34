/**
 * Drives a node of the core in the real world: gathers what happens in one iteration of the event loop into a
 * turn, reads both clocks once, steps, and performs the effects.
 */
import { type Effect, type Input, InvariantError, MonoTime, type Node, type Now, WallTime } from '../core/index.ts';
import { unreachable } from '../core/base/invariant.ts';
import type { NodeMapImage } from '../core/wire/nodes.ts';
import type { ClientServer } from './clients/clientServer.ts';
import type { KeptMap } from './disk/keptMap.ts';
import type { LogFiles } from './disk/logFiles.ts';
import type { Logger } from './log.ts';
import type { PeerLinks } from './peers/peerLinks.ts';

/** Beyond it `setTimeout` wraps around. */
const longestTimerMs = 2 ** 31 - 1;

/** What a driver needs of a node. */
export type Stepped = Pick<Node, 'step' | 'wakeAt'>;

/** What it needs of the world. */
export interface World {
  readonly clients: Pick<ClientServer, 'send' | 'closeClient' | 'setPaused'>;
  readonly peers: Pick<PeerLinks, 'send'>;
  readonly log: Pick<LogFiles, 'persist'>;
  readonly map: Pick<KeptMap, 'keep'>;
  /** The nodes are others now. */
  readonly onNodes: (map: NodeMapImage) => void;
}

export class Driver {
  private readonly node: Stepped;
  private readonly logger: Logger;
  private readonly onFatal: (error: unknown) => void;
  private onDrained: () => void = () => undefined;
  private world: World | null = null;
  private turn: Input[] = [];
  private isScheduled = false;
  private timer: NodeJS.Timeout | null = null;
  private timerAt: MonoTime | null = null;
  private isStopped = false;

  /** `onFatal`: the core, or what performs its effects, is broken. Nothing is done after it. */
  constructor(node: Stepped, logger: Logger, onFatal: (error: unknown) => void) {
    this.node = node;
    this.logger = logger;
    this.onFatal = onFatal;
  }

  start(world: World): void {
    this.world = world;
    this.wake();
  }

  /** Something happened. It is looked at when everything else that happened with it is here too. */
  readonly emit = (input: Input): void => {
    if (this.isStopped) return;
    this.turn.push(input);
    this.wake();
  };

  /** Resolves when the node leads nothing any more, or nobody could take it over in time. */
  async drain(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.onDrained = resolve;
      this.emit({ kind: 'drain' });
    });
  }

  stop(): void {
    this.isStopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private wake(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(this.run);
  }

  private readonly run = (): void => {
    this.isScheduled = false;
    if (this.isStopped || this.world === null) return;
    const { turn } = this;
    this.turn = [];
    try {
      const now = readClocks();
      for (const effect of this.node.step(turn, now)) this.perform(effect, this.world);
      this.armTimer(now);
    } catch (error) {
      this.stop();
      if (error instanceof InvariantError)
        this.logger.fatal({ law: error.law, facts: error.facts }, 'a law of the core is broken');
      this.onFatal(error);
    }
  };

  private perform(effect: Effect, world: World): void {
    switch (effect.kind) {
      case 'sendToClient':
        world.clients.send(effect.conn, effect.bytes);
        return;
      case 'closeClient':
        world.clients.closeClient(effect.conn);
        return;
      case 'pauseClient':
        world.clients.setPaused(effect.conn, true);
        return;
      case 'resumeClient':
        world.clients.setPaused(effect.conn, false);
        return;
      case 'sendToPeer':
        world.peers.send(effect.to, effect.messages);
        return;
      case 'persist':
        world.log.persist(effect.write, effect.records);
        return;
      case 'keepMap':
        world.map.keep(effect.map);
        return;
      case 'nodes':
        world.onNodes(effect.map);
        return;
      case 'drained':
        this.onDrained();
        return;
      case 'log':
        this.logger[effect.level](effect.facts, effect.message);
        return;
      default:
        unreachable(effect);
    }
  }

  /** One timer for the whole node. One that fires early finds nothing due and is set again. */
  private armTimer(now: Now): void {
    const { wakeAt } = this.node;
    if (wakeAt !== null && wakeAt <= now.mono) {
      // There is more to do, after what has happened meanwhile: a timer would wait for a millisecond.
      this.emit({ kind: 'timer' });
      return;
    }
    if (wakeAt === null || (this.timerAt !== null && this.timerAt <= wakeAt)) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timerAt = wakeAt;
    const delayMs = Math.max(0, (wakeAt - now.mono) / 1000);
    this.timer = setTimeout(this.onTimer, Math.min(Math.ceil(delayMs), longestTimerMs));
  }

  private readonly onTimer = (): void => {
    this.timer = null;
    this.timerAt = null;
    this.emit({ kind: 'timer' });
  };
}

export function readClocks(): Now {
  return { mono: MonoTime(Math.floor(performance.now() * 1000)), wall: WallTime(Date.now()) };
}
