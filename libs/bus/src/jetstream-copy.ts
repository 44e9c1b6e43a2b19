import {
  CONTROL_JOURNAL,
  Headers,
  JOURNALS,
  type LoggedEvent,
  Streams,
  Subjects,
  withoutSecrets,
} from '@bellwether/contracts';
import type { StreamInfo } from '@nats-io/jetstream';
import type { Bus } from './bus.js';
import { PublishFailed } from './errors.js';
import { encodeEvent } from './event-message.js';
import { replaceLostStreams, saysStoreIsLost } from './lost-store.js';
import { publishWindow } from './publish-window.js';
import { beginCopySpans } from './spans.js';

/** What the copy of a journal looks like: when its stream was created, and which positions it holds (0: none). */
export interface Incarnation {
  created: string;
  firstPosition: number;
  lastPosition: number;
}

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
        const control = journal === CONTROL_JOURNAL;
        const stream = control ? events : measured;
        const subject = control ? Subjects.allEvents : Subjects.measured(journal);
        return [journal, await this.#incarnationOf(stream, subject)];
      }),
    );
    return Object.fromEntries(entries);
  }

  /**
   * Publishes events of one journal, in order, and resolves when all are acknowledged. Repeating it is safe: an
   * event that is there already (by its id, within the server's window of 2 minutes) is not stored again.
   *
   * Control events keep the order of the log in the stream whatever fails: each names the one before it as what must
   * be the stream's last message, so that when one is lost under way, the server refuses those behind it.
   *
   * @throws BusUnavailable without a connection; nothing was sent
   * @throws PublishFailed some were not acknowledged: publish the same events again
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
    endSpans(outcomes);
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome === null) continue;
      const event = events[index] as LoggedEvent;
      this.#storeSuspected ||= saysStoreIsLost(outcome);
      throw new PublishFailed(event.journal, event.position, outcome);
    }
    if (control) this.#lastControlId = before;
  }

  async #incarnationOf(stream: StreamInfo, subject: string): Promise<Incarnation> {
    const { created, config, state } = stream;
    if (state.messages === 0) return { created, firstPosition: 0, lastPosition: 0 };
    const { streams } = this.#bus.jsm;
    const [first, last] = await Promise.all([
      streams.getMessage(config.name, { seq: state.first_seq, next_by_subj: subject } as never),
      streams.getMessage(config.name, { last_by_subj: subject }),
    ]);
    return {
      created,
      firstPosition: Number(first?.header.get(Headers.position) || 0),
      lastPosition: Number(last?.header.get(Headers.position) || 0),
    };
  }
}
