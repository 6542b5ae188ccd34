/**
 * The start of a connection between two nodes: the one that dialled says hello, the other judges it and only then
 * answers, so that neither takes a link for up that the other refuses.
 */
import type { Socket } from 'node:net';
import { crc32 } from 'node:zlib';
import type { NodeId } from '../../core/index.ts';
import { decodeHello, encodeHello, type Hello, refuseHello, type StoreIdentity } from '../../core/wire/hello.ts';

export interface HandshakeTerms {
  readonly own: Hello;
  /** Who was dialled; null on the side that was. */
  readonly expected: NodeId | null;
  /** All nodes of the cluster but this one. */
  readonly members: { has(node: NodeId): boolean };
  /** Why a member is not welcome with the data directory that it has; null if it is. */
  readonly refuseStore: (node: NodeId, store: StoreIdentity) => string | null;
  readonly withinMs: number;
}

export interface HandshakeEvents {
  /** Both sides agree. `rest` came behind the hello. The socket has no listeners for data. */
  agreed(peer: Hello, rest: Uint8Array): void;
  /** They do not; the socket is being closed. */
  refused(reason: string): void;
}

export function shakeHands(socket: Socket, terms: HandshakeTerms, events: HandshakeEvents): void {
  const { own, expected, members, refuseStore, withinMs } = terms;
  let received: Buffer = Buffer.alloc(0);
  const end = (): void => {
    clearTimeout(deadline);
    socket.off('data', onData);
    socket.off('close', end);
  };
  const refuse = (reason: string): void => {
    end();
    socket.destroy();
    events.refused(reason);
  };
  const deadline = setTimeout(() => {
    refuse('it does not say hello in time');
  }, withinMs);
  const onData = (chunk: Buffer): void => {
    received = Buffer.concat([received, chunk]);
    const decoded = decodeHello(received, crc32);
    if (decoded === null) return;
    if (decoded === 'malformed') {
      refuse('it does not speak the peer protocol');
      return;
    }
    const { hello, rest } = decoded;
    const reason =
      refuseHello(own, hello, (node) => members.has(node)) ??
      refuseOrder(own, hello, expected) ??
      refuseStore(hello.node, hello);
    if (reason !== null) {
      refuse(reason);
      return;
    }
    end();
    if (expected === null) socket.write(encodeHello(own, crc32));
    events.agreed(hello, rest);
  };
  socket.on('data', onData);
  socket.on('close', end);
  if (expected !== null) socket.write(encodeHello(own, crc32));
}

/** One connection per pair: the node with the higher id dials. */
function refuseOrder(own: Hello, theirs: Hello, expected: NodeId | null): string | null {
  if (expected !== null && theirs.node !== expected) {
    return `node ${String(expected)} was expected there, node ${String(theirs.node)} answered`;
  }
  if (expected === null && theirs.node < own.node) {
    return `node ${String(theirs.node)} dialled node ${String(own.node)}: the higher dials the lower`;
  }
  return null;
}
