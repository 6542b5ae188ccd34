/**
 * The one door of the core. A driver (the `net` runtime or the simulator) collects what happened into a
 * turn, calls `Node.step(turn, now)` and performs the effects it returns, in order.
 *
 * The contract: performing an effect never calls back into the core; what comes of it arrives later as an
 * input. Every effect that is in the list may be performed at once: what must wait for the disk is not in
 * the list yet. A turn yields at most one `persist`, one `sendToPeer` per peer and one `sendToClient` per
 * connection.
 */
import type { ConnId, GroupId, NodeId, WriteId } from '../base/ids.ts';
import type { LogRecord } from '../log/records.ts';
import type { NodeMapImage } from '../wire/nodes.ts';
import type { MapCut } from '../metadata/tenantMap.ts';
import type { PeerMessage } from '../wire/messages.ts';

export type Input =
  /** A client connected from `address` (for `CLIENT LIST` only). */
  | { readonly kind: 'clientOpened'; readonly conn: ConnId; readonly address: string }
  /** One complete command, its name first; never empty. The core keeps the bytes while the command is under way: the driver must not reuse them. */
  | { readonly kind: 'clientCommand'; readonly conn: ConnId; readonly args: readonly Uint8Array[] }
  /** The client broke the protocol: answer in turn with this error, then close. */
  | { readonly kind: 'clientMalformed'; readonly conn: ConnId; readonly error: string }
  | { readonly kind: 'clientClosed'; readonly conn: ConnId }
  /** Messages from one peer, in the order it sent them. The core keeps their bytes: the driver must not reuse them. */
  | { readonly kind: 'peerMessages'; readonly from: NodeId; readonly messages: readonly PeerMessage[] }
  /** A link to the peer came up; what was sent on an earlier one and not answered may have been lost. `store`: the data directory that it has. */
  | { readonly kind: 'peerUp'; readonly peer: NodeId; readonly store: string }
  | { readonly kind: 'peerDown'; readonly peer: NodeId }
  /** Every write up to this one is on disk. */
  | { readonly kind: 'persisted'; readonly upTo: WriteId }
  /** The instant in `node.wakeAt` has come. */
  | { readonly kind: 'timer' }
  /** These groups keep the log long: each should save its state anew. */
  | { readonly kind: 'reclaim'; readonly groups: readonly GroupId[] }
  /** The disk is nearly full, or is not any more: what clients want written is refused then, so that the rest still fits. */
  | { readonly kind: 'diskSpace'; readonly isShort: boolean }
  /** The operator wants the node to stop: hand over leadership, take no new work. */
  | { readonly kind: 'drain' };

export type Effect =
  /** `bytes`: complete replies, in order, to be written with one call. */
  | { readonly kind: 'sendToClient'; readonly conn: ConnId; readonly bytes: Uint8Array }
  /** Close after everything sent so far was flushed. No `clientClosed` follows. */
  | { readonly kind: 'closeClient'; readonly conn: ConnId }
  /** Stop (resume) reading from this client: it has too many commands under way. */
  | { readonly kind: 'pauseClient' | 'resumeClient'; readonly conn: ConnId }
  /** One frame. If there is no link, or its queue is full, it is dropped whole; a drop is reported as `peerDown`. */
  | { readonly kind: 'sendToPeer'; readonly to: NodeId; readonly messages: readonly PeerMessage[] }
  /** One atomic, ordered, synced write, answered by `persisted`. Later writes may share its sync. */
  | { readonly kind: 'persist'; readonly write: WriteId; readonly records: readonly LogRecord[] }
  /**
   * Keep the ShardMap where the next life finds it (`NodeOptions.map`), in place of any from before. It is read out with
   * a `MapWriter`, whenever there is time, and closed; that is not calling back. Nothing depends on it.
   */
  | { readonly kind: 'keepMap'; readonly map: MapCut }
  /**
   * These are the nodes now: links to those that are new are to be made, those to removed ones ended behind what this turn
   * says to them, and the map kept where the next life finds it (`NodeOptions.nodes`), before what is to be persisted behind
   * it: groups that were made begin as it says.
   */
  | { readonly kind: 'nodes'; readonly map: NodeMapImage }
  /** `drain` is complete: nothing is led here any more, or nobody could take it over in time. */
  | { readonly kind: 'drained' }
  /** Something an operator should read. `facts` are printed beside it. */
  | {
      readonly kind: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
      readonly facts: Readonly<Record<string, string | number>>;
    };
