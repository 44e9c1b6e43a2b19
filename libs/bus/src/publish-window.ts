import { createInbox, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import type { Bus } from './bus.js';
import { BusUnavailable, ConnectionLost, NoResponders, NotStored, RequestTimeout } from './errors.js';

/** A message for a stream. */
export interface StreamMessage {
  subject: string;
  headers: MsgHdrs;
  body: Uint8Array;
}

/** What a stream says of a message that it has. */
export interface Stored {
  /** Its sequence number in the stream. */
  seq: number;
  /** The stream takes it for one that it was given before, and did not store it again. */
  duplicate: boolean;
}

/**
 * Publishes messages into JetStream in order, all under way at once, and resolves when there is an outcome for each:
 * where the stream has it, or the error. When the connection is lost, those without an answer have failed.
 *
 * One subscription and one timer for the window. A request of the client library for each message costs, with its
 * timer, promises and errors made beforehand, more than encoding the message does.
 *
 * @throws BusUnavailable without a connection: the client would keep what it cannot send, and send it when nobody
 *   counts on it any more
 */
export function publishWindow(
  bus: Bus,
  messages: readonly StreamMessage[],
  timeoutMs: number,
): Promise<(Error | Stored)[]> {
  return new Promise((resolve, reject) => {
    if (!bus.connected) {
      reject(new BusUnavailable('there is no connection to NATS'));
      return;
    }
    const outcomes: (Error | Stored | undefined)[] = messages.map(() => undefined);
    let open = messages.length;
    const settle = (index: number, outcome: Error | Stored) => {
      if (index < 0 || index >= outcomes.length || outcomes[index] !== undefined) return;
      outcomes[index] = outcome;
      open -= 1;
      if (open === 0) end();
    };
    const settleAll = (why: (subject: string) => Error) => {
      for (const [index, { subject }] of messages.entries()) settle(index, why(subject));
    };
    const end = () => {
      clearTimeout(timer);
      stopListening();
      if (!bus.nc.isClosed()) subscription.unsubscribe();
      resolve(outcomes as (Error | Stored)[]);
    };
    const inbox = createInbox(bus.inboxPrefix);
    const subscription = bus.nc.subscribe(`${inbox}.*`, {
      callback: (error, message) => {
        if (error) return settleAll(() => error);
        const index = Number(message.subject.slice(inbox.length + 1));
        settle(index, outcomeOf(message, messages[index]?.subject ?? ''));
      },
    });
    const stopListening = bus.onLost(() =>
      settleAll(() => new ConnectionLost('the connection to NATS was lost')),
    );
    const timer = setTimeout(() => settleAll((subject) => new RequestTimeout(subject, timeoutMs)), timeoutMs);
    if (messages.length === 0) return end();
    for (const [index, { subject, headers, body }] of messages.entries()) {
      bus.nc.publish(subject, body, { headers, reply: `${inbox}.${index}` });
    }
  });
}

function outcomeOf(answer: Msg, subject: string): Error | Stored {
  if (answer.headers?.code === 503) return new NoResponders(subject);
  const { error, seq, duplicate } = answer.json<{
    error?: { description: string; err_code?: number };
    seq: number;
    duplicate?: boolean;
  }>();
  return error ? new NotStored(error.description, error.err_code) : { seq, duplicate: duplicate === true };
}
