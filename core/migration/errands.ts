/** What is asked of groups for the sake of moves, and for which move: one thing at a time for each. */
import type { GroupId } from '../base/ids.ts';
import { type Errand, errand } from '../forward/procedure.ts';
import type { Operation, Outcome } from '../wire/messages.ts';

export class Errands<Move> {
  private readonly ask: (errand: Errand) => void;
  private readonly underWay = new Map<
    Errand,
    { readonly move: Move; readonly then: (answer: Outcome | null) => void }
  >();
  private readonly perMove = new Map<Move, Errand>();

  /** `ask`: has a group asked, wherever it is led; `onAnswered` follows. */
  constructor(ask: (errand: Errand) => void) {
    this.ask = ask;
  }

  isWaiting(move: Move): boolean {
    return this.perMove.has(move);
  }

  /** Whether it waits for that group's answer. */
  isAsking(move: Move, group: GroupId): boolean {
    return this.perMove.get(move)?.group === group;
  }

  /** `then` gets null if there was no answer in time. */
  send(move: Move, group: GroupId, operation: Operation, then: (answer: Outcome | null) => void): void {
    const sent = errand(group, operation);
    this.underWay.set(sent, { move, then });
    this.perMove.set(move, sent);
    this.ask(sent);
  }

  /** The answer is not wanted any more. */
  forget(move: Move): void {
    const sent = this.perMove.get(move);
    if (sent === undefined) return;
    this.perMove.delete(move);
    this.underWay.set(sent, { move, then: () => undefined });
  }

  /** Whether it was one of these. */
  onAnswered(done: Errand): boolean {
    const sent = this.underWay.get(done);
    if (sent === undefined) return false;
    this.underWay.delete(done);
    if (this.perMove.get(sent.move) === done) this.perMove.delete(sent.move);
    sent.then(done.answer);
    return true;
  }
}
