import {
  CONTROL_JOURNAL,
  Headers,
  JOURNALS,
  type LoggedEvent,
  Streams,
  Subjects,
  withoutSecrets,
} from '@bellwether/contracts';
import type { StoredMsg, StreamInfo } from '@nats-io/jetstream';
import type { Bus } from './bus.js';
import { NotStored, PublishFailed } from './errors.js';
import { encodeEvent } from './event-message.js';
import { replaceLostStreams, saysStoreIsLost } from './lost-store.js';
import { publishWindow, type Stored } from './publish-window.js';
import { beginCopySpans } from './spans.js';

/** What the copy of a journal looks like: when its stream was created, and which positions it holds (0: none). */
export interface Incarnation {
  created: string;
  firstPosition: number;
  lastPosition: number;
  /** Whether the stream holds other journals, too. */
  isShared: boolean;
  /** Whether positions between the two are missing, as far as can be told at this moment; not looked for where it is shared. */
  hasHoles: boolean;
  /** Whether the stream is at its limits of size, and lets go of the oldest. */
  isFull: boolean;
  /** For how long it keeps a message, milliseconds. */
  maxAgeMs: number;
}

/** Of its limit of size, where a stream counts as full: the server lets go of whole messages, and never reaches it. */
const FULL_SHARE = 0.9;
/** Messages that are asked for at once. */
const ASKED_AT_ONCE = 50;
const NANOS = 1_000_000;

/**
 * The copy of the log in JetStream, for the relay: control events in EVENTS, measurements in MEASURED.
 * (It has the shape of event-log's `RelayTarget`.)
 */
export class JetStreamCopy {
  readonly #bus: Bus;
  readonly #window: number;
  readonly #ackTimeoutMs: number;
  /** Id of the last event of EVENTS that this process knows to be the last; null when it does not know. */
  #lastControlId: string | null = null;
  #storeSuspected = false;

  /**
   * @param options.window how many events are under way at once, default 500
   * @param options.ackTimeoutMs how long the acknowledgements of a window may take, default 10,000 ms
   */
  constructor(bus: Bus, options: { window?: number; ackTimeoutMs?: number } = {}) {
    this.#bus = bus;
    this.#window = options.window ?? 500;
    this.#ackTimeoutMs = options.ackTimeoutMs ?? 10_000;
    // The server may come back with less than it had.
    bus.onBack(() => {
      this.#lastControlId = null;
    });
  }

  /**
   * What each journal's copy holds now. A stream that is missing, or whose files are gone, is made anew first.
   * For the leading relay alone.
   */
  async incarnation(): Promise<Record<string, Incarnation>> {
    return await this.#bus.whileConnected(() => this.#look());
  }

  async #look(): Promise<Record<string, Incarnation>> {
    await this.#bus.ensureStreams();
    const suspected = this.#storeSuspected;
    this.#storeSuspected = false;
    await replaceLostStreams(this.#bus, suspected);
    const [events, measured] = await Promise.all([
      this.#bus.jsm.streams.info(Streams.EVENTS),
      this.#bus.jsm.streams.info(Streams.MEASURED),
    ]);
    const entries = await Promise.all(
      JOURNALS.map(async (journal): Promise<[string, Incarnation]> => {
        const stream = journal === CONTROL_JOURNAL ? events : measured;
        return [journal, await this.#incarnationOf(stream, subjectOf(journal))];
      }),
    );
    return Object.fromEntries(entries);
  }

  /** Removes what the copy holds of a journal. */
  async clear(journal: string): Promise<void> {
    const stream = journal === CONTROL_JOURNAL ? Streams.EVENTS : Streams.MEASURED;
    await this.#bus.whileConnected(() =>
      // Of all messages without a filter: messages that were removed one by one stay marked as such otherwise.
      this.#bus.jsm.streams.purge(
        stream,
        journal === CONTROL_JOURNAL ? undefined : { filter: subjectOf(journal) },
      ),
    );
    if (journal === CONTROL_JOURNAL) this.#lastControlId = null;
  }

  /**
   * Publishes events of one journal, in order, and resolves when all are there. Repeating it is safe: an event that is
   * there already (by its id, within the server's window for repeats) is not stored again. One that was removed since is
   * not stored again either, until the server has forgotten its id: it is not taken for published before.
   *
   * Control events keep the order of the log in the stream whatever fails: each names the one before it as what must
   * be the stream's last message, so that when one is lost under way, the server refuses those behind it.
   *
   * @throws BusUnavailable without a connection; nothing was sent
   * @throws PublishFailed some were not acknowledged, or are not there: publish the same events again
   */
  async publish(events: readonly LoggedEvent[]): Promise<void> {
    for (let from = 0; from < events.length; from += this.#window) {
      await this.#publishWindow(events.slice(from, from + this.#window));
    }
  }

  async #publishWindow(events: readonly LoggedEvent[]): Promise<void> {
    const maxPayload = this.#bus.nc.info?.max_payload ?? 1_048_576;
    const control = events[0]?.journal === CONTROL_JOURNAL;
    let before = control ? this.#lastControlId : null;
    const messages = events.map((event) => {
      // Subscribers are outside: a secret is the log's alone, sealed or hashed as it is. No service reads one from here.
      const message = encodeEvent({ ...event, data: withoutSecrets(event.type, event.data) }, maxPayload);
      message.headers.set(Headers.messageId, event.id);
      if (before !== null) message.headers.set(Headers.lastMessageId, before);
      if (control) before = event.id;
      return message;
    });
    if (control) this.#lastControlId = null;
    const endSpans = beginCopySpans(this.#bus.tracer, events, messages);
    const outcomes = await publishWindow(this.#bus, messages, this.#ackTimeoutMs).catch((error: unknown) => {
      endSpans(events.map(() => error as Error));
      throw error;
    });
    endSpans(outcomes.map((outcome) => (outcome instanceof Error ? outcome : null)));
    for (const [index, outcome] of outcomes.entries()) {
      if (!(outcome instanceof Error)) continue;
      const event = events[index] as LoggedEvent;
      this.#storeSuspected ||= saysStoreIsLost(outcome);
      throw new PublishFailed(event.journal, event.position, outcome);
    }
    await this.#mustBeThere(events, outcomes as Stored[]);
    if (control) this.#lastControlId = before;
  }

  /** The server says of a repeat that it has it; it says so, too, for a while after the message was removed. */
  async #mustBeThere(events: readonly LoggedEvent[], outcomes: readonly Stored[]): Promise<void> {
    const repeats = events.flatMap((event, index) => {
      const { seq, duplicate } = outcomes[index] as Stored;
      return duplicate ? [{ event, seq }] : [];
    });
    for (let from = 0; from < repeats.length; from += ASKED_AT_ONCE) {
      await Promise.all(
        repeats.slice(from, from + ASKED_AT_ONCE).map(async ({ event, seq }) => {
          const stream = event.journal === CONTROL_JOURNAL ? Streams.EVENTS : Streams.MEASURED;
          const found = await this.#bus.jsm.streams.getMessage(stream, { seq });
          if (found?.header.get(Headers.messageId) === event.id) return;
          const why = new NotStored('it was removed, and is taken for stored until its id is forgotten');
          throw new PublishFailed(event.journal, event.position, why);
        }),
      );
    }
  }

  async #incarnationOf(stream: StreamInfo, subject: string): Promise<Incarnation> {
    const { created, config, state } = stream;
    const { streams } = this.#bus.jsm;
    const isShared = subject !== Subjects.allEvents;
    const known = { created, isShared, isFull: isFull(stream), maxAgeMs: ageOf(config.max_age) };
    if (state.messages === 0) return { ...known, firstPosition: 0, lastPosition: 0, hasHoles: false };
    const first = async () =>
      positionIn(
        await streams.getMessage(config.name, { seq: state.first_seq, next_by_subj: subject } as never),
      );
    const [firstPosition, last] = await Promise.all([
      first(),
      streams.getMessage(config.name, { last_by_subj: subject }),
    ]);
    const lastPosition = positionIn(last);
    // Nobody outside reads measurements, and 2.9.10 counts the messages of one subject wrong.
    if (isShared) return { ...known, firstPosition, lastPosition, hasHoles: false };
    // Counted after the newest was looked up, and of the same beginning: nothing but a loss makes it fewer.
    const counted = await streams.info(config.name);
    const isSettled = (await first()) === firstPosition && counted.created === created;
    const { messages, num_deleted: removed = 0 } = counted.state;
    const hasHoles =
      isSettled && (removed > 0 || (lastPosition > 0 && messages < lastPosition - firstPosition + 1));
    return { ...known, firstPosition, lastPosition, hasHoles };
  }
}

const subjectOf = (journal: string): string =>
  journal === CONTROL_JOURNAL ? Subjects.allEvents : Subjects.measured(journal);

const positionIn = (message: StoredMsg | null): number => Number(message?.header.get(Headers.position) || 0);

/** @param nanos 0: for ever */
const ageOf = (nanos: number): number => (nanos === 0 ? Number.MAX_SAFE_INTEGER : nanos / NANOS);

function isFull({ config, state }: StreamInfo): boolean {
  const reaches = (held: number, limit: number): boolean => limit > 0 && held >= FULL_SHARE * limit;
  return reaches(state.messages, config.max_msgs) || reaches(state.bytes, config.max_bytes);
}
