/**
 * What a tenant must remember of writes that clients have numbered, told a second time: each number runs once, and is
 * answered again as it was, until its client has said that it has the answer. Runs are too short for anything to be
 * forgotten with age.
 */
import type { ModelCommand } from './keyspaceModel.ts';

const forgotten =
  '-UNKNOWN may or may not have been executed: the session does not remember the write of that number\r\n';
/** Of a numbered write: where its own words begin. */
const inner = 5;

/** What is around a numbered write taken away; any other command as it is. */
export function withoutNumber(args: ModelCommand): ModelCommand {
  return args[0] === 'numbered' ? args.slice(inner) : args;
}

interface Numbered {
  last: number;
  readonly replies: Map<number, string>;
}

export class ClientModel {
  /** By token. */
  readonly sessions = new Map<string, Numbered>();

  /** The same, to go on by itself. */
  copy(): ClientModel {
    const copy = new ClientModel();
    for (const [token, { last, replies }] of this.sessions)
      copy.sessions.set(token, { last, replies: new Map(replies) });
    return copy;
  }

  /** `run` runs the write itself, and tells its reply. `isAgain`: it had run before. */
  run(
    args: ModelCommand,
    run: (command: ModelCommand) => string,
  ): { readonly reply: string; readonly isAgain: boolean } {
    const [, token = '', digits, ackBelow] = args;
    const number = Number(digits);
    let session = this.sessions.get(token);
    if (session !== undefined && number <= session.last)
      return { reply: session.replies.get(number) ?? forgotten, isAgain: true };
    const reply = run(withoutNumber(args));
    if (session === undefined) this.sessions.set(token, (session = { last: 0, replies: new Map() }));
    for (const each of [...session.replies.keys()]) if (each < Number(ackBelow)) session.replies.delete(each);
    session.replies.set(number, reply);
    session.last = number;
    return { reply, isAgain: false };
  }
}
