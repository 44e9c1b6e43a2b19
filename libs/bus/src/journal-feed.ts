import { setTimeout as timer } from 'node:timers/promises';
import type { EventEnvelope } from '@bellwether/contracts';
import type { Bus } from './bus.js';
import { JournalGap } from './errors.js';
import { type BusLog, type BusMetrics, type LogReader, noMetrics, stderrLog } from './ports.js';
import { backoffMs, errorText } from './transient.js';

export interface JournalFeedOptions {
  /** Name for metrics and logs. */
  consumer: string;
  journal: string;
  reader: LogReader;
  /** Where nudges come from; without it the feed only polls. */
  bus?: Pick<Bus, 'onNudge'>;
  /**
   * Takes events in order, without gaps; the next batch comes when it resolves. When it rejects, they are delivered
   * again after a pause. Keeping the position, with whatever was made of the events, is its business.
   */
  deliver: (events: readonly EventEnvelope[], signal: AbortSignal) => Promise<void>;
  /**
   * Where the taker stands, asked before each batch: one that lost what it had taken last, with a crash of its
   * database, is delivered it again. Without it the feed counts on what was taken once to stay taken.
   */
  standing?: () => Promise<number>;
  /** Events in one batch at most, default 500. */
  batch?: number;
  /** How often the log is asked without a nudge, in milliseconds, default 1,000. */
  pollMs?: number;
  onHalted?: (error: unknown) => void;
  metrics?: BusMetrics;
  log?: BusLog;
}

/**
 * The events of one journal, in order and without gaps, from a given position on, read from the log as soon as a
 * nudge says that there is more (docs/decisions/0004 says why not from JetStream). Can be started and stopped again
 * and again, as partitions come and go.
 */
export class JournalFeed {
  readonly #options: JournalFeedOptions;
  readonly #batch: number;
  readonly #pollMs: number;
  readonly #metrics: BusMetrics;
  readonly #log: BusLog;
  #run: { stopping: AbortController; done: Promise<void> } | null = null;
  #position = 0;
  #announced = 0;
  #nudged = false;
  #wake = () => {};

  constructor(options: JournalFeedOptions) {
    this.#options = options;
    this.#batch = options.batch ?? 500;
    this.#pollMs = options.pollMs ?? 1_000;
    this.#metrics = options.metrics ?? noMetrics;
    this.#log = options.log ?? stderrLog;
  }

  /** Position of the last event delivered. */
  get position(): number {
    return this.#position;
  }

  get running(): boolean {
    return this.#run !== null;
  }

  /**
   * Begins with the event after `after`.
   * @throws Error when it runs already
   */
  start(after: number): void {
    if (this.#run) throw new Error(`the feed of ${this.#options.journal} runs already`);
    const stopping = new AbortController();
    this.#position = after;
    this.#announced = after;
    const stopNudges = this.#options.bus?.onNudge((journal, position) => {
      if (journal !== this.#options.journal) return;
      this.#announced = Math.max(this.#announced, position);
      // Most are about what was read already.
      if (position <= this.#position) return;
      this.#nudged = true;
      this.#wake();
    });
    const done = this.#follow(stopping.signal).finally(() => stopNudges?.());
    this.#run = { stopping, done };
  }

  /** Stops, and resolves when `deliver` is not at work any more: then the partition may be given away. */
  async stop(): Promise<void> {
    const run = this.#run;
    if (!run) return;
    run.stopping.abort();
    this.#wake();
    await run.done;
    this.#run = null;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { consumer, deliver } = this.#options;
    let ahead: Batch | null = null;
    let complaint = '';
    for (let failures = 0; !signal.aborted; ) {
      try {
        complaint = 'the journal cannot be read; trying until it can';
        const after = await this.#standing();
        const events: EventEnvelope[] = await (ahead?.after === after ? ahead.events : this.#read(after));
        ahead = null;
        const full = events.length === this.#batch;
        const last = events.at(-1)?.position ?? after;
        if (full) {
          // The next batch is read while this one is worked on.
          ahead = { after: last, events: this.#read(last) };
          ahead.events.catch(() => {});
        }
        complaint = 'events cannot be taken; delivering them until they are';
        if (events.length > 0) await deliver(events, signal);
        this.#position = last;
        if (failures > 0) this.#metrics.halted(consumer, false);
        failures = 0;
        this.#metrics.lag(consumer, Math.max(0, this.#announced - last));
        if (!full) await this.#nudge(signal);
      } catch (error) {
        ahead = null;
        if (signal.aborted) return;
        this.#complain(failures++, error, complaint);
        await pause(backoffMs(failures), signal);
      }
    }
  }

  async #standing(): Promise<number> {
    const { standing } = this.#options;
    if (standing) this.#position = await standing();
    return this.#position;
  }

  /** Said at first and then now and again, not at each attempt. */
  #complain(failures: number, error: unknown, complaint: string): void {
    if (failures % 20 !== 0) return;
    const { consumer, journal, onHalted } = this.#options;
    const fields = { consumer, journal, after: this.#position, error: errorText(error) };
    this.#log.error(fields, complaint);
    this.#metrics.halted(consumer, true);
    onHalted?.(error);
  }

  async #read(after: number): Promise<EventEnvelope[]> {
    const { reader, journal } = this.#options;
    // A nudge from here on may be about something this read does not see.
    this.#nudged = false;
    const events = await reader.readAfter(journal, after, this.#batch);
    for (const [index, event] of events.entries()) {
      const expected = after + 1 + index;
      if (event.position !== expected) throw new JournalGap(journal, expected, event.position);
    }
    return events;
  }

  /** Resolves when there was a nudge since the last read, or when it is time to ask anyway. */
  async #nudge(signal: AbortSignal): Promise<void> {
    // What was announced during the read before may have been in it.
    if (signal.aborted || (this.#nudged && this.#announced > this.#position)) return;
    const waiting = new AbortController();
    this.#wake = () => waiting.abort();
    await pause(this.#pollMs, waiting.signal);
    this.#wake = () => {};
  }
}

/** Events after a position, on their way. */
interface Batch {
  after: number;
  events: Promise<EventEnvelope[]>;
}

async function pause(millis: number, signal: AbortSignal): Promise<void> {
  await timer(millis, undefined, { signal }).catch(() => {});
}
