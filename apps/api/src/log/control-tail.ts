import { setTimeout as sleep } from 'node:timers/promises';
import { CONTROL_JOURNAL, type EventEnvelope } from '@bellwether/contracts';
import type { EventLog, RecordedEvent } from '@bellwether/event-log';
import { shownEnvelope } from '../read/events.projection.js';

/** Events that are kept for readers who are nearly up to date. */
const KEPT = 4_096;
const PAGE = 500;

export interface ControlTailOptions {
  log: Pick<EventLog, 'follow' | 'readJournal'>;
  /** Called with each event as it comes, before any reader sees it. */
  onEvent?: (event: RecordedEvent) => void;
  onError?: (error: unknown) => void;
  /** How many events are kept in memory. */
  kept?: number;
}

/**
 * The control log as it grows, read once for all readers of this process. A reader is a position and nothing else:
 * it takes what comes after it, from memory when it is near the end and from the log when it is far behind, so there
 * is no switch between history and live at which an event could be lost or come twice.
 */
export class ControlTail {
  /** Contiguous, the last one at `#position`. */
  readonly #recent: EventEnvelope[] = [];
  readonly #stopping = new AbortController();
  #position = 0;
  #grown = Promise.withResolvers<void>();
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly options: ControlTailOptions) {}

  /** Position of the last event seen. */
  get position(): number {
    return this.#position;
  }

  /** Follows the log from after a position. */
  start(after: number): void {
    this.#position = after;
    this.#running = this.run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#grown.resolve();
    await this.#running;
  }

  /**
   * The events after a position, in order and without gaps: at least one, `PAGE` at most. Waits until there is one.
   * Undefined when the signal aborts or the tail stops.
   */
  async after(position: number, signal: AbortSignal): Promise<EventEnvelope[] | undefined> {
    while (!signal.aborted && !this.#stopping.signal.aborted) {
      const behind = this.#position - position;
      if (behind > 0 && behind <= this.#recent.length) {
        const start = this.#recent.length - behind;
        return this.#recent.slice(start, start + PAGE);
      }
      if (behind > 0) {
        const events = await this.options.log.readJournal(CONTROL_JOURNAL, { after: position, limit: PAGE });
        if (events.length > 0) return events.map(shownEnvelope);
      }
      await this.growth(signal);
    }
    return undefined;
  }

  private async growth(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    const abort = () => aborted.resolve();
    signal.addEventListener('abort', abort, { once: true });
    await Promise.race([this.#grown.promise, aborted.promise]);
    signal.removeEventListener('abort', abort);
  }

  private async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const pages = this.options.log.follow(CONTROL_JOURNAL, { after: this.#position, signal });
        for await (const events of pages) this.take(events);
      } catch (error) {
        if (signal.aborted) return;
        // The database is away: its readers wait, and go on where they were.
        this.options.onError?.(error);
        await sleep(500, undefined, { signal }).catch(() => {});
      }
    }
  }

  private take(events: RecordedEvent[]): void {
    for (const event of events) {
      this.options.onEvent?.(event);
      this.#recent.push(shownEnvelope(event));
      this.#position = event.position;
    }
    const surplus = this.#recent.length - (this.options.kept ?? KEPT);
    if (surplus > 0) this.#recent.splice(0, surplus);
    this.#grown.resolve();
    this.#grown = Promise.withResolvers<void>();
  }
}
