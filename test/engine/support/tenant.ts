/** One tenant's engine without anything around it: commands in, RESP out, and a clock that the test moves. */
import { binaryString, bytesOfBinary } from '../../../core/base/bytes.ts';
import { WallTime } from '../../../core/base/time.ts';
import { ClientSessions } from '../../../core/engine/clientSessions.ts';
import { type Execution, isArityRight } from '../../../core/engine/command.ts';
import { dataCommands } from '../../../core/engine/dataCommands.ts';
import { Keyspace } from '../../../core/engine/keyspace.ts';
import { wrongArity } from '../../../core/resp/errors.ts';
import { type Protocol, ReplyWriter } from '../../../core/resp/replyWriter.ts';

export type Word = string | number | Uint8Array;

export class Tenant {
  readonly keyspace = new Keyspace();
  now = 1_000_000;
  private readonly reply = new ReplyWriter();
  private readonly execution: Execution;

  constructor(protocol: Protocol = 2, maxValueBytes: number = 512 * 1024 * 1024) {
    this.reply.protocol = protocol;
    this.execution = {
      clients: new ClientSessions(WallTime(0)),
      keyspace: this.keyspace,
      args: [],
      now: WallTime(0),
      random: () => 0.5,
      reply: this.reply,
      maxValueBytes,
      full: null,
    };
  }

  /** The reply as one character per byte. */
  run(...words: readonly Word[]): string {
    const args = words.map(bytesOfWord);
    const name = binaryString(args[0] ?? new Uint8Array(0)).toLowerCase();
    const command = dataCommands.get(name);
    if (command === undefined) throw new Error(`no command '${name}'`);
    if (!isArityRight(command, args.length)) return `-${wrongArity(name)}\r\n`;
    this.execution.args = args;
    this.execution.now = WallTime(this.now);
    command.run(this.execution);
    return binaryString(this.reply.take());
  }
}

export function bytesOfWord(word: Word): Uint8Array {
  return word instanceof Uint8Array ? word : bytesOfBinary(String(word));
}
