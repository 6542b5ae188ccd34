/**
 * Every command that an ingress took on, from the client that sent it to the place in a log where it ran.
 */
import { binaryString, equalBytes, noBytes } from '../../core/base/bytes.ts';
import type { ConnId, GroupId, LogIndex, NodeId, TenantName } from '../../core/base/ids.ts';
import type { Origin } from '../../core/node/probe.ts';

export interface Command {
  readonly node: NodeId;
  readonly boot: number;
  readonly request: number;
  readonly conn: ConnId;
  readonly tenant: TenantName;
  readonly access: 'read' | 'write';
  readonly protocol: 2 | 3;
  readonly args: readonly Uint8Array[];
  /** In true time, at the ingress; null while it waits. */
  readonly startedAt: number;
  finishedAt: number | null;
  /** What the client was told; null while it waits. */
  outcome: 'executed' | 'notExecuted' | 'unknown' | null;
  /** The reply as its client was sent it, one character a byte; null until then. */
  reply: string | null;
  /** Where it ran through a log; null if it did not. */
  ranAt: { readonly group: GroupId; readonly index: LogIndex } | null;
  /** What executions of it had to answer, one character a byte. Reads may run more than once. */
  readonly executions: string[];
  /** Reads beside the log: each time it reached a leader, the earliest first. One that is served is taken out. */
  readonly arrivals: Arrival[];
}

export interface Arrival {
  readonly at: number;
  readonly group: GroupId;
  readonly node: NodeId;
  /** What was committed in the group when it arrived. */
  readonly committed: number;
}

/** Takes out the earliest arrival of a command at a replica; null if it never arrived there. */
export function takeArrival({ arrivals }: Command, node: NodeId, group: GroupId): Arrival | null {
  const at = arrivals.findIndex((arrival) => arrival.node === node && arrival.group === group);
  return at < 0 ? null : (arrivals.splice(at, 1)[0] ?? null);
}

/** What the nodes say to one another for a command of a client. */
const internalNames: ReadonlyMap<string, string> = new Map([
  ['versions', 'WATCH'],
  ['exec', 'EXEC'],
  ['execread', 'EXEC'],
]);

/** Of a write that its client has numbered: where its own arguments begin. */
const inNumbered = 5;

/** The command's own name, whatever is around it. */
export function nameOf(args: readonly Uint8Array[]): string {
  const name = binaryString(args[0] ?? noBytes);
  return name === 'numbered' ? binaryString(args[inNumbered] ?? noBytes) : name;
}

/** Whether these arguments are what the client asked for: of an EXEC, only that it is one. */
export function isAsked(asked: readonly Uint8Array[], given: readonly Uint8Array[]): boolean {
  if (asked === given) return true;
  const args = binaryString(given[0] ?? noBytes) === 'numbered' ? given.slice(inNumbered) : given;
  const name = binaryString(args[0] ?? noBytes);
  const outer = internalNames.get(name) ?? name;
  if (binaryString(asked[0] ?? noBytes) !== outer) return false;
  if (outer === 'EXEC') return true;
  return asked.length === args.length && asked.every((arg, i) => i === 0 || equalBytes(arg, args[i] ?? noBytes));
}

/** The client of a WATCH is not told what was found out. */
export function isWatch({ args }: Command): boolean {
  return binaryString(args[0] ?? noBytes) === 'WATCH';
}

const bootSpan = 0x1_0000;

export class Commands {
  /** By life (node and boot), then by request. */
  private readonly lives = new Map<number, (Command | undefined)[]>();
  private started = 0;

  get count(): number {
    return this.started;
  }

  start(command: Command): void {
    this.started += 1;
    const life = command.node * bootSpan + command.boot;
    let commands = this.lives.get(life);
    if (commands === undefined) {
      commands = [];
      this.lives.set(life, commands);
    }
    while (commands.length < command.request) commands.push(undefined);
    commands[command.request] = command;
  }

  /** Undefined for steps of procedures, which no client asked for. */
  find(node: NodeId, boot: number, request: number): Command | undefined {
    return this.lives.get(node * bootSpan + boot)?.[request];
  }

  of(origin: Origin): Command | undefined {
    return this.find(origin.node, origin.boot, origin.request);
  }

  *all(): IterableIterator<Command> {
    for (const commands of this.lives.values())
      for (const command of commands) if (command !== undefined) yield command;
  }
}
