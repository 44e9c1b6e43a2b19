import { setTimeout as timer } from 'node:timers/promises';
import type { EventEnvelope } from '@bellwether/contracts';
import { ConsumerAlarm } from './consumer-alarm.js';
import { JournalGap } from './errors.js';
import type { BusLog, BusMetrics, ConsumerStore, LogReader, ParkedEvent } from './ports.js';
import { Serial } from './serial.js';
import { backoffMs, errorText, isTransient } from './transient.js';

export interface OrderedConsumerOptions<Tx> {
  /** Name under which the checkpoint and the parked events are stored. */
  consumer: string;
  journal: string;
  reader: LogReader;
  store: ConsumerStore<Tx>;
  /**
   * Handles one event in the transaction of the checkpoint. It may run more than once for an event whose earlier
   * transaction was rolled back (`attempt` > 1 or after a crash): effects outside `tx` must be idempotent.
   */
  handle: (tx: Tx, event: EventEnvelope, attempt: number) => Promise<void>;
  /** Whether an event concerns this consumer at all; default: all do. */
  concerns?: (event: EventEnvelope) => boolean;
  /** Events of one key keep their order behind one that failed; null: the consumer cannot go on without this event. */
  keyOf: (event: EventEnvelope) => string | null;
  /** How often an event is tried before it is parked, default 5. Errors of the surroundings do not count. */
  maxAttempts?: number;
  /** Events in one transaction at most, default 100. */
  batch?: number;
  /** Whether an error is of the surroundings, so that waiting helps. */
  isTransient?: (error: unknown) => boolean;
  sleep?: (millis: number, signal: AbortSignal) => Promise<void>;
  onParked?: (event: EventEnvelope, key: string, error: unknown) => void;
  onHalted?: (event: EventEnvelope, error: unknown) => void;
  metrics?: BusMetrics;
  log?: BusLog;
}

export interface ConsumerState {
  consumer: string;
  journal: string;
  position: number;
  /** Number of keys with parked events. */
  parked: number;
  /** The event at which the consumer stands still, and why; it tries again by itself. */
  halted: { position: number; error: string } | null;
}

/**
 * Handles each event of a journal once, in order, whatever the transport does: positions are dense, so a lower one
 * is a redelivery and is dropped, and a higher one means a loss, which is read from the log. The effect in `tx` and
 * the checkpoint commit together.
 */
export class OrderedConsumer<Tx> {
  readonly #options: OrderedConsumerOptions<Tx>;
  readonly #name: string;
  readonly #batch: number;
  readonly #maxAttempts: number;
  readonly #transient: (error: unknown) => boolean;
  readonly #sleep: (millis: number, signal: AbortSignal) => Promise<void>;
  readonly #alarm: ConsumerAlarm;
  readonly #serial = new Serial();
  readonly #stopping = new AbortController();
  #position = 0;
  #parked = new Set<string>();

  constructor(options: OrderedConsumerOptions<Tx>) {
    this.#options = options;
    this.#name = options.consumer;
    this.#batch = options.batch ?? 100;
    this.#maxAttempts = options.maxAttempts ?? 5;
    this.#transient = options.isTransient ?? isTransient;
    this.#sleep =
      options.sleep ??
      (async (millis, signal) => void (await timer(millis, undefined, { signal }).catch(() => {})));
    this.#alarm = new ConsumerAlarm(options.consumer, options.metrics, options.log);
  }

  /** Position of the last event that is handled (or parked). */
  get position(): number {
    return this.#position;
  }

  state(): ConsumerState {
    return {
      consumer: this.#name,
      journal: this.#options.journal,
      position: this.#position,
      parked: this.#parked.size,
      halted: this.#alarm.halted,
    };
  }

  /** Reads the checkpoint. Call it once, before anything else; it waits for a store that is not there yet. */
  async start(): Promise<void> {
    await this.#serial.run(() => this.#untilDone('the checkpoint cannot be read', () => this.#load()));
  }

  /**
   * Takes what a transport delivered, in any order, with anything missing or repeated, and resolves when every event
   * up to the highest is handled or the consumer is stopped.
   */
  offer(events: readonly EventEnvelope[]): Promise<void> {
    return this.#serial.run(async () => {
      let left = [...events].sort((a, b) => a.position - b.position);
      for (;;) {
        left = left.filter((event) => event.position > this.#position);
        const first = left[0];
        if (!first || this.#stopped) return;
        const next =
          first.position === this.#position + 1
            ? contiguous(left).slice(0, this.#batch)
            : await this.#fromLog(first.position - 1);
        if (next.length === 0) return this.#stopped ? undefined : this.#alarm.unknown(first.position);
        await this.#process(next);
      }
    });
  }

  /** Handles what the log holds beyond the checkpoint, until its end. */
  catchUp(): Promise<void> {
    return this.#serial.run(async () => {
      for (;;) {
        if (this.#stopped) return;
        const events = await this.#fromLog(Number.MAX_SAFE_INTEGER);
        if (events.length === 0) return;
        await this.#process(events);
      }
    });
  }

  /** Parked events of this consumer, in order. */
  parkedEvents(): Promise<ParkedEvent[]> {
    return this.#options.store.list(this.#name);
  }

  /**
   * Handles the parked events of `key` (of all keys when absent) in order, each key until its first failure.
   * New events wait meanwhile, so that none overtakes.
   */
  retry(key?: string): Promise<{ key: string; replayed: number; remaining: number; error?: string }[]> {
    return this.#serial.run(async () => {
      const { store, handle } = this.#options;
      const keys = key === undefined ? await store.parkedKeys(this.#name) : [key];
      const outcomes = [];
      for (const each of [...keys].sort()) {
        const outcome = await store.retry(this.#name, each, (tx, event) => handle(tx, event, 2));
        outcomes.push({ key: each, ...outcome });
      }
      this.#parked = await store.parkedKeys(this.#name);
      return outcomes;
    });
  }

  /** Stops after the transaction at hand and resolves when it is over. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#serial.idle();
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #load(): Promise<void> {
    this.#position = await this.#options.store.load(this.#name);
    this.#parked = await this.#options.store.parkedKeys(this.#name);
  }

  /** The next events of the log, up to `until` at most; none when the log ends, or the consumer was stopped. */
  async #fromLog(until: number): Promise<EventEnvelope[]> {
    const { reader, journal } = this.#options;
    const limit = Math.min(this.#batch, until - this.#position);
    const events = await this.#untilDone('the log cannot be read', async () => {
      const read = await reader.readAfter(journal, this.#position, limit);
      for (const [index, event] of read.entries()) {
        const expected = this.#position + 1 + index;
        if (event.position !== expected) throw new JournalGap(journal, expected, event.position);
      }
      return read;
    });
    return events ?? [];
  }

  /** Handles events that follow the checkpoint: together, and when that fails, one by one. */
  async #process(events: readonly EventEnvelope[]): Promise<void> {
    if (events.length > 1 && (await this.#together(events))) return;
    for (const event of events) {
      if (this.#stopped || event.position !== this.#position + 1) return;
      await this.#alone(event);
    }
  }

  async #together(events: readonly EventEnvelope[]): Promise<boolean> {
    try {
      await this.#commit(events, 1);
      return true;
    } catch (error) {
      if (isMoved(error)) return await this.#reload();
      // Which of them it was shows when each is tried for itself.
      return false;
    }
  }

  async #alone(event: EventEnvelope): Promise<void> {
    let failures = 0;
    for (let attempt = 1; !this.#stopped; attempt++) {
      try {
        await this.#commit([event], attempt);
        this.#alarm.resume();
        return;
      } catch (error) {
        if (isMoved(error)) return void (await this.#reload());
        if (this.#transient(error)) {
          this.#alarm.waiting(attempt, 'an event cannot be handled now; trying until it can', error, event);
        } else if (++failures >= this.#maxAttempts) {
          const key = this.#keyOf(event);
          if (key !== null) return await this.#park(event, key, error);
          if (this.#alarm.halt(event, error)) this.#options.onHalted?.(event, error);
        }
        await this.#sleep(backoffMs(attempt), this.#stopping.signal);
      }
    }
  }

  async #commit(events: readonly EventEnvelope[], attempt: number): Promise<void> {
    const { store, concerns, handle } = this.#options;
    const last = events.at(-1) as EventEnvelope;
    await store.commit(this.#name, this.#position, last.position, async (tx) => {
      // Asked anew, and now that the checkpoint is held: a person or another instance may have emptied the queue.
      if (events.some((event) => this.#waits(event))) this.#parked = await store.parkedKeys(this.#name);
      for (const event of events) {
        if (concerns && !concerns(event)) continue;
        if (this.#waits(event)) await store.park(tx, this.#name, this.#keyOf(event) as string, event, null);
        else await handle(tx, event, attempt);
      }
    });
    this.#position = last.position;
  }

  async #park(event: EventEnvelope, key: string, error: unknown): Promise<void> {
    const { store, onParked } = this.#options;
    const parked = await this.#untilDone('an event cannot be parked', async () => {
      try {
        await store.commit(this.#name, event.position - 1, event.position, (tx) =>
          store.park(tx, this.#name, key, event, errorText(error)),
        );
        this.#position = event.position;
        return true;
      } catch (failure) {
        if (!isMoved(failure)) throw failure;
        await this.#reload();
        return false;
      }
    });
    if (!parked) return;
    this.#parked.add(key);
    this.#alarm.parked(event, key, error);
    onParked?.(event, key, error);
    this.#alarm.resume();
  }

  /** Another instance moved the checkpoint: what it handled is handled. */
  async #reload(): Promise<true> {
    await this.#untilDone('the checkpoint cannot be read', () => this.#load());
    return true;
  }

  /** Repeats what must not be given up until it succeeds; undefined when the consumer was stopped. */
  async #untilDone<T>(complaint: string, work: () => Promise<T>): Promise<T | undefined> {
    for (let attempt = 1; !this.#stopped; attempt++) {
      try {
        return await work();
      } catch (error) {
        this.#alarm.waiting(attempt, complaint, error);
        await this.#sleep(backoffMs(attempt), this.#stopping.signal);
      }
    }
    return undefined;
  }

  /** Whether an earlier event of its key is parked. */
  #waits(event: EventEnvelope): boolean {
    if (this.#parked.size === 0) return false;
    const key = this.#keyOf(event);
    return key !== null && this.#parked.has(key);
  }

  /** A key function that fails on an event must not decide to lose it. */
  #keyOf(event: EventEnvelope): string | null {
    try {
      return this.#options.keyOf(event);
    } catch {
      return null;
    }
  }
}

function contiguous(sorted: readonly EventEnvelope[]): EventEnvelope[] {
  const run: EventEnvelope[] = [];
  for (const event of sorted) {
    const last = run.at(-1);
    if (last === undefined || event.position === last.position + 1) run.push(event);
    else if (event.position > last.position + 1) break;
  }
  return run;
}

function isMoved(error: unknown): boolean {
  return error instanceof Error && error.name === 'CheckpointMoved';
}
