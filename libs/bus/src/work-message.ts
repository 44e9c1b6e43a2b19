import type { MsgHdrs } from '@nats-io/transport-node';

/** An inbound message: independent of all others. */
export interface WorkMessage {
  subject: string;
  data: Uint8Array;
  headers: MsgHdrs | undefined;
  /** Creation time of the stream, as the server writes it: with `sequence` it names the message for ever. */
  streamCreated: string;
  sequence: number;
  /** When the broker took it. */
  receivedAt: Date;
  /** How often it was handed out, this time included. */
  deliveries: number;
  /** Inbox for a receipt, when the publisher wants one; answer with `bus.receipt`. */
  receiptInbox: string | undefined;
}

/**
 * What became of a message. `done`: acknowledge it, its effect is committed (or was before). `dead`: it can never be
 * worked on, put it aside with the reason (and where in it, if known). `retry`: not now, hand it out again later;
 * that counts as a delivery.
 */
export type WorkOutcome =
  | { kind: 'done' }
  | { kind: 'dead'; error: string; path?: string }
  | { kind: 'retry'; delayMs: number };
