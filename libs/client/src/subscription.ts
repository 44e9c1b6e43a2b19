import type { EventEnvelope } from '@bellwether/contracts';
import type { EventFilter } from './event-filter.js';
import type { EventStream, StreamedEvent } from './event-stream.js';
import type { EventsApi } from './events-api.js';
import { pause } from './pause.js';
import type { PositionStore } from './position-store.js';

export interface SubscriptionOptions {
  /** Handles one event. The next comes after it; what it throws is told to `onError`, and the event comes again. */
  onEvent: (event: EventEnvelope) => Promise<void> | void;
  /** Where a subscriber that has never run begins: with what comes now (default), or with the whole history. */
  from?: 'now' | 'beginning';
  /** Where the position is kept; default in memory. */
  position?: PositionStore;
  /** Attempts at one event before it is passed over; default: without end. */
  maxAttempts?: number;
  /** Hears of an event that was passed over. */
  onGivenUp?: (event: EventEnvelope, error: Error) => void;
  /** Hears of every failure: of the handler, of NATS, of the api. All are tried again. */
  onError?: (error: Error) => void;
  /** First and longest pause before something is tried again, milliseconds; default 100 and 10,000. */
  retryMs?: readonly [first: number, longest: number];
}

/**
 * A subscription that misses nothing: every event at least once, in log order. It reads a durable consumer, and
 * whenever there is doubt (the durable is new or gone, deliveries were lost, a position is missing) it reads the
 * log itself up to where it can be sure again.
 */
export class EventSubscription {
  readonly #stopping = new AbortController();
  #position: number | null = null;
  #saved: number | null = null;
  #running: Promise<void> | undefined;

  constructor(
    private readonly stream: EventStream,
    private readonly api: EventsApi,
    private readonly filter: EventFilter,
    private readonly options: SubscriptionOptions,
  ) {}

  /** Position of the last event handled; null before the first. */
  get position(): number | null {
    return this.#position;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Finishes the event at hand, keeps the position, and leaves. The durable stays, for the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#save();
    await this.stream.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    await this.#untilDone(async () => {
      this.#position = this.#saved = (await this.options.position?.load()) ?? null;
    });
    while (!signal.aborted) {
      await this.#untilDone(async () => {
        const isNew = await this.stream.open();
        if (this.#position === null && isNew) await this.#begin();
        if (this.#position !== null && (isNew || this.stream.doubtful)) await this.#catchUp();
        for await (const streamed of this.stream.events(signal)) {
          await this.#take(streamed);
          if (signal.aborted) return;
        }
        await this.#save();
      });
    }
  }

  /** Nothing was ever handled: the history is read from its beginning, or passed over. */
  async #begin(): Promise<void> {
    if (this.options.from === 'beginning') {
      this.#position = 0;
      return;
    }
    this.#position = await this.#head();
  }

  // There is no question "where is the head" to ask; the end is found by doubling and halving steps.
  async #head(): Promise<number> {
    const { signal } = this.#stopping;
    const exists = async (position: number) =>
      (await this.api.after(position - 1, signal, { limit: 1 })).length > 0;
    let below = 0;
    let above = 1;
    while (await exists(above)) {
      below = above;
      above *= 2;
    }
    while (above - below > 1) {
      const middle = Math.floor((below + above) / 2);
      if (await exists(middle)) below = middle;
      else above = middle;
    }
    return below;
  }

  async #take({ event, settle, doubtful }: StreamedEvent): Promise<void> {
    const { position } = event;
    // The first event of a durable that was there before: what came before it was acknowledged.
    this.#position ??= position - 1;
    const missing = this.filter.isWholeLog && position > this.#position + 1;
    if (doubtful || missing || !event.complete)
      await this.#catchUpTo(event.complete ? position - 1 : position);
    if (position > (this.#position ?? 0) && event.complete) await this.#handle(event.envelope);
    settle();
  }

  /** Reads the log until it has no more: after a new durable was made, which knows nothing of what was before. */
  async #catchUp(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      const events = await this.api.after(this.#position ?? 0, signal, { types: this.filter.query });
      for (const event of events) await this.#handle(event);
      if (signal.aborted || this.api.isLast(events)) break;
    }
    await this.#save();
  }

  /**
   * Reads the log up to a position, unfiltered: positions are dense, so having seen it proves that nothing below is
   * missing. The api may be a moment behind the stream; then it is asked again.
   */
  async #catchUpTo(target: number): Promise<void> {
    const { signal } = this.#stopping;
    let seen = this.#position ?? 0;
    for (let attempt = 1; seen < target && !signal.aborted; ) {
      const events = await this.api.after(seen, signal);
      for (const event of events) {
        if (event.position > target) return;
        seen = event.position;
        if (this.filter.matches(event)) await this.#handle(event);
        else this.#position = Math.max(this.#position ?? 0, seen);
        if (signal.aborted) return;
      }
      if (events.length > 0) attempt = 1;
      else await this.#pause(attempt++);
    }
  }

  async #handle(event: EventEnvelope): Promise<void> {
    const { signal } = this.#stopping;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        await this.options.onEvent(event);
        this.#position = event.position;
        return;
      } catch (thrown) {
        const error = asError(thrown);
        if (attempt >= (this.options.maxAttempts ?? Number.POSITIVE_INFINITY)) {
          this.options.onGivenUp?.(event, error);
          this.#position = event.position;
          return;
        }
        this.options.onError?.(error);
        await this.#pause(attempt);
      }
    }
    throw new Stopped();
  }

  async #save(): Promise<void> {
    const position = this.#position;
    if (position === null || position === this.#saved) return;
    await this.options.position?.save(position);
    this.#saved = position;
  }

  async #untilDone(work: () => Promise<void>): Promise<void> {
    const { signal } = this.#stopping;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        return await work();
      } catch (thrown) {
        if (signal.aborted || thrown instanceof Stopped) return;
        this.options.onError?.(asError(thrown));
        await this.#pause(attempt);
      }
    }
  }

  async #pause(attempt: number): Promise<void> {
    const [first, longest] = this.options.retryMs ?? [100, 10_000];
    await pause(Math.min(longest, first * 2 ** Math.min(attempt - 1, 20)), this.#stopping.signal);
  }
}

/** The subscription was stopped while an event was not handled yet: it is not acknowledged, and comes again. */
class Stopped extends Error {}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
