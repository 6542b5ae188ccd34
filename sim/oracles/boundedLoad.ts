/**
 * B2: no storms. A simulated second takes a bounded number of events, and messages of Raft and of forwarding are bounded
 * by what there is to do: some for each command, and what groups say to one another anyway. The bounds are several
 * times what the busiest runs need, and finite: whoever answers every answer breaks them.
 */
import { checkpointEvents } from '../base/hash.ts';
import { rule } from '../truth/violation.ts';
import type { Oracle, Truth } from './oracle.ts';

const secondUs = 1_000_000;
const eventsPerSecond = 100_000;
/** Sent on, refused, sent again; appended and acknowledged by four others; and a round for a read. */
const messagesPerCommand = 15;
/** Heartbeats come this often in an election timeout, at most. */
const heartbeatsPerElection = 8;
/** Elections, what is lost and sent again, snapshots: so many times what heartbeats and their answers are. */
const restlessness = 3;
/** To begin with. */
const startMessages = 2_000;

export function boundedLoad(truth: Truth): Oracle {
  const heartbeatsPerUs = heartbeatsPerElection / (truth.electionMs * 1000);
  const messagesPerUs = (): number => restlessness * 2 * truth.groups.size * (truth.nodes.length - 1) * heartbeatsPerUs;
  const checkpointsPerSecond = Math.ceil(eventsPerSecond / checkpointEvents);
  /** When the last checkpoints were, the earliest first. */
  const times: number[] = [];
  let messages = 0;
  const count = (): void => {
    messages += 1;
  };
  const judge = (): void => {
    const { now, commands } = truth;
    const budget = startMessages + messagesPerUs() * now + messagesPerCommand * commands.count;
    rule(messages <= budget, 'B2', 'messages are bounded by what there is to do', {
      messages,
      budget: Math.round(budget),
      commands: commands.count,
    });
  };
  return {
    rule: 'B2',
    raftSent: count,
    requestSent: count,
    checkpoint(): void {
      judge();
      const { now } = truth;
      times.push(now);
      const before = times.length > checkpointsPerSecond ? times.shift() : undefined;
      const isBounded = before === undefined || now - before >= secondUs;
      rule(isBounded, 'B2', 'a simulated second takes a bounded number of events', { before: before ?? 0, now });
    },
    ended: judge,
  };
}
