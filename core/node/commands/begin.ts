/** Commands whose replies come at the end of a procedure. */
import type { Procedure } from '../../forward/procedure.ts';
import type { NodeCall } from './spec.ts';

export function begin({ reply, connection, node }: NodeCall, procedure: Procedure): void {
  if (!node.start(connection, procedure))
    reply.error('BUSY not executed: too many questions about tenants are under way');
}
