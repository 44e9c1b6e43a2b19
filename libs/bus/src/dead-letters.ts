import { Headers, Streams, Subjects } from '@bellwether/contracts';
import type { StoredMsg } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { type Bus, headerText } from './bus.js';
import { BusUnavailable, NoSuchDeadLetter } from './errors.js';
import { MAX_DELIVERIES_ADVISORY } from './topology.js';
import type { WorkMessage, WorkOutcome } from './work-message.js';

/** Where a dead letter came from; written and read here only. */
const Origin = {
  subject: 'Bellwether-Subject',
  stream: 'Bellwether-Stream',
  streamCreated: 'Bellwether-Stream-Created',
  sequence: 'Bellwether-Sequence',
  received: 'Bellwether-Received',
  deliveries: 'Bellwether-Deliveries',
  messageId: 'Bellwether-Message-Id',
  truncated: 'Bellwether-Truncated',
} as const;

/** A message that was put aside, or an event that a subscriber gave up on (`subscriber` is set then). */
export interface DeadLetter {
  /** Its number in the DLQ stream: what `retry` takes. Of what a subscriber gave up on, its number in ABANDONED. */
  sequence: number;
  /** The subject it was published to. */
  subject: string;
  error: string;
  path: string | null;
  /** When it was put aside. */
  at: string;
  /** When the broker first took it. */
  receivedAt: string | null;
  deliveries: number;
  /** The id under which it was published, when it had one. */
  messageId: string | null;
  /** The body as text, its first 4,096 characters. */
  body: string;
  subscriber: string | null;
}

export type RetryOutcome =
  /** It is worked on, and gone from here. */
  | { retried: true }
  /** It is kept: it was refused again, cannot be worked on now, or its body was cut. */
  | { retried: false; reason: string };

/** JetStream stores no more than 64 KiB of headers; the rest is for those that a dead letter adds. */
const MOST_HEADER_BYTES = 65_535 - 4_096;

/** @throws when the dead letter is not stored */
export async function deadLetter(
  bus: Bus,
  message: WorkMessage,
  stream: string,
  reason: { error: string; path?: string },
): Promise<void> {
  if (!bus.connected) throw new BusUnavailable('there is no connection to NATS');
  const payload = bus.nc.info?.max_payload ?? 1_048_576;
  const head = headers();
  // Whole, since they may be what the message is known by: a retry under half an id would be another message.
  const kept = keptHeaders(message, Number.POSITIVE_INFINITY);
  const fits = sizeOf(kept) <= MOST_HEADER_BYTES;
  for (const [name, value] of fits ? kept : keptHeaders(message, 1024)) head.append(name, value);
  head.set(Headers.error, headerText(reason.error));
  if (reason.path !== undefined) head.set(Headers.path, headerText(reason.path));
  head.set(Origin.subject, message.subject);
  head.set(Origin.stream, stream);
  head.set(Origin.streamCreated, message.streamCreated);
  head.set(Origin.sequence, String(message.sequence));
  head.set(Origin.received, message.receivedAt.toISOString());
  head.set(Origin.deliveries, String(message.deliveries));
  let { data } = message;
  const room = payload - 16_384 - (fits ? sizeOf(kept) : 0);
  if (!fits || data.length > room) {
    head.set(Origin.truncated, String(data.length));
    data = data.subarray(0, room);
  }
  await bus.js.publish(Subjects.dead(message.subject), data, {
    // The same message is put aside once, however often this is tried.
    msgID: `dead:${message.streamCreated}:${message.sequence}:${message.receivedAt.getTime()}`,
    headers: head,
    expect: { streamName: Streams.DLQ },
  });
}

/** None of the publisher's own instructions to JetStream: no expectations, no roll-ups, and its id under another name. */
function keptHeaders({ headers: given }: WorkMessage, longest: number): [name: string, value: string][] {
  const kept: [string, string][] = [];
  for (const name of given?.keys() ?? []) {
    if (/^(nats|bellwether)-/i.test(name)) continue;
    for (const value of given?.values(name) ?? []) kept.push([name, headerText(value, longest)]);
  }
  const messageId = given?.get(Headers.messageId);
  if (messageId) kept.push([Origin.messageId, headerText(messageId, longest)]);
  return kept;
}

function sizeOf(kept: readonly [name: string, value: string][]): number {
  return kept.reduce((bytes, [name, value]) => bytes + name.length + Buffer.byteLength(value) + 4, 0);
}

/** The DLQ stream: listing and retries; and the list of what subscribers gave up on. */
export class DeadLetters {
  readonly #bus: Bus;
  readonly #subject: string;

  /** @param subject which of them, default all: `dlq.sli.>` for those of ingest */
  constructor(bus: Bus, subject: string = Subjects.allDead) {
    this.#bus = bus;
    this.#subject = subject;
  }

  /** Oldest first. @returns `next`: what to give as `after` for more; null at the end */
  async list(
    options: { after?: number; limit?: number } = {},
  ): Promise<{ items: DeadLetter[]; next: number | null }> {
    const limit = options.limit ?? 50;
    const items: DeadLetter[] = [];
    let sequence = options.after ?? 0;
    while (items.length < limit) {
      const message = await this.#next(Streams.DLQ, sequence + 1, this.#subject);
      if (!message) return { items, next: null };
      sequence = message.seq;
      items.push(asDeadLetter(message));
    }
    return { items, next: sequence };
  }

  /** How many there are, and how many subscribers gave up on. */
  async count(): Promise<{ letters: number; abandoned: number }> {
    const { streams } = this.#bus.jsm;
    const [dead, abandoned] = await Promise.all([
      streams.info(Streams.DLQ, { subjects_filter: this.#subject }),
      streams.info(Streams.ABANDONED),
    ]);
    const letters = Object.values(dead.state.subjects ?? {}).reduce((sum, messages) => sum + messages, 0);
    return { letters, abandoned: abandoned.state.messages };
  }

  /** What subscribers of EVENTS gave up on after their own MaxDeliver, oldest first. */
  async abandoned(options: { after?: number; limit?: number } = {}): Promise<DeadLetter[]> {
    const items: DeadLetter[] = [];
    let sequence = options.after ?? 0;
    while (items.length < (options.limit ?? 50)) {
      const message = await this.#next(Streams.ABANDONED, sequence + 1, `${MAX_DELIVERIES_ADVISORY}.>`);
      if (!message) break;
      sequence = message.seq;
      items.push(asAbandoned(message));
    }
    return items;
  }

  /**
   * Works on a dead letter as the message that it was: with the time at which the broker first took it, and under its
   * first identity. What was taken under that meanwhile, from its publisher or by another retry, is then recognised.
   * It is not published again: the broker would take it anew, and nothing in a message of `sli.>` could say
   * when it first came, since publishers write all of it.
   * @throws NoSuchDeadLetter
   */
  async retry(sequence: number, work: (message: WorkMessage) => Promise<WorkOutcome>): Promise<RetryOutcome> {
    const letter = await this.#bus.jsm.streams.getMessage(Streams.DLQ, { seq: sequence });
    if (!letter?.header?.get(Origin.subject)) throw new NoSuchDeadLetter(sequence);
    if (letter.header.get(Origin.truncated)) {
      return { retried: false, reason: 'it was too large to be kept whole; publish the original again' };
    }
    const outcome = await work(asWorkMessage(letter));
    if (outcome.kind === 'retry') return { retried: false, reason: 'it cannot be worked on now; try again' };
    if (outcome.kind === 'dead') {
      const { error, path } = outcome;
      return { retried: false, reason: `refused again: ${path ? `${path}: ` : ''}${error}` };
    }
    await this.#remove(sequence);
    return { retried: true };
  }

  /** Removes a letter, which another retry may have done. */
  async #remove(sequence: number): Promise<void> {
    const { streams } = this.#bus.jsm;
    try {
      await streams.deleteMessage(Streams.DLQ, sequence, false);
    } catch (error) {
      if (await streams.getMessage(Streams.DLQ, { seq: sequence })) throw error;
    }
  }

  async #next(stream: string, sequence: number, subject: string): Promise<StoredMsg | null> {
    const query = { seq: sequence, next_by_subj: subject };
    // The client's type of this request knows only half of what the server takes.
    return await this.#bus.jsm.streams.getMessage(stream, query as never);
  }
}

/** The message that a dead letter was, but for the publisher's instructions to JetStream and its wish for a receipt. */
function asWorkMessage({ header, data, time }: StoredMsg): WorkMessage {
  const kept = headers();
  for (const name of header.keys()) {
    if (/^(nats|bellwether)-/i.test(name)) continue;
    for (const value of header.values(name)) kept.append(name, value);
  }
  const messageId = header.get(Origin.messageId);
  if (messageId) kept.set(Headers.messageId, messageId);
  return {
    subject: header.get(Origin.subject),
    data,
    headers: kept,
    streamCreated: header.get(Origin.streamCreated),
    sequence: Number(header.get(Origin.sequence)),
    receivedAt: new Date(header.get(Origin.received) || time),
    deliveries: Number(header.get(Origin.deliveries) || 0) + 1,
    receiptInbox: undefined,
  };
}

function asDeadLetter(message: StoredMsg): DeadLetter {
  const head = message.header;
  return {
    sequence: message.seq,
    subject: head?.get(Origin.subject) || message.subject.replace(/^dlq\./, ''),
    error: head?.get(Headers.error) || 'unknown',
    path: head?.get(Headers.path) || null,
    at: message.time.toISOString(),
    receivedAt: head?.get(Origin.received) || null,
    deliveries: Number(head?.get(Origin.deliveries) || 0),
    messageId: head?.get(Origin.messageId) || null,
    body: Buffer.from(message.data.subarray(0, 16_384)).toString('utf8').slice(0, 4_096),
    subscriber: null,
  };
}

function asAbandoned(message: StoredMsg): DeadLetter {
  const advisory = message.json<{
    stream: string;
    consumer: string;
    stream_seq: number;
    deliveries: number;
  }>();
  const { stream, consumer, stream_seq: sequence, deliveries } = advisory;
  return {
    sequence: message.seq,
    subject: `${stream}/${sequence}`,
    error: `subscriber ${consumer} gave up on message ${sequence} of ${stream} after ${deliveries} deliveries`,
    path: null,
    at: message.time.toISOString(),
    receivedAt: null,
    deliveries,
    messageId: null,
    body: '',
    subscriber: consumer,
  };
}
