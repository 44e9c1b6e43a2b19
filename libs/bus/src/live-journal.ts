import type { Bus } from './bus.js';
import type { Delivery } from './delivery.js';
import { decodeEvent } from './event-message.js';
import type { OrderedConsumer } from './ordered-consumer.js';
import type { LogReader } from './ports.js';
import { PullLoop } from './pull-loop.js';
import { eventsConsumer } from './topology.js';
import { errorText } from './transient.js';

export interface LiveJournalOptions {
  bus: Bus;
  service: string;
  journal: string;
  reader: LogReader;
  consumer: Pick<OrderedConsumer<unknown>, 'start' | 'offer' | 'catchUp' | 'position' | 'stop'>;
  pollMs?: number;
  graceMs?: number;
}

/**
 * Feeds an ordered consumer: first from the log, then from JetStream as it comes, and from the log again whenever
 * JetStream does not deliver what is known to be there. So a consumer advances while JetStream, the relay or all of
 * NATS is away, only later by up to `graceMs` or `pollMs`.
 */
export class LiveJournal {
  readonly #options: LiveJournalOptions;
  readonly #loop: PullLoop;
  readonly #pollMs: number;
  readonly #graceMs: number;
  /** The highest position heard of. */
  #announced = 0;
  #stopped = false;
  #late: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;
  #polling: Promise<void> = Promise.resolve();
  #stopNudges = () => {};

  constructor(options: LiveJournalOptions) {
    this.#options = options;
    this.#pollMs = options.pollMs ?? 1_000;
    this.#graceMs = options.graceMs ?? 100;
    this.#loop = new PullLoop(options.bus, eventsConsumer(options.service), {
      batch: 500,
      onBatch: (batch) => this.#onBatch(batch),
    });
  }

  /** Resolves when what the log held at the start is handled. JetStream need not be there for it. */
  async start(): Promise<void> {
    const { consumer, bus, journal } = this.#options;
    await consumer.start();
    if (this.#stopped) return;
    // Before the log is read: what comes after the last read is then delivered live, and what overlaps is dropped.
    this.#stopNudges = bus.onNudge((of, position) => {
      if (of === journal) this.#hear(position);
    });
    this.#loop.start();
    await consumer.catchUp();
    this.#report();
    this.#schedulePoll();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopNudges();
    clearTimeout(this.#late);
    clearTimeout(this.#poll);
    await Promise.all([this.#options.consumer.stop(), this.#loop.stop(), this.#polling]);
  }

  async #onBatch(batch: Delivery[]): Promise<void> {
    const { bus, consumer, service, journal } = this.#options;
    const again = batch.filter((delivery) => delivery.deliveries > 1).length;
    if (again > 0) bus.metrics.redelivered(service, again);
    const events = [];
    let unreadable = false;
    for (const delivery of batch) {
      try {
        const event = decodeEvent(delivery.data);
        if (event) events.push(event);
        else unreadable = true;
      } catch (error) {
        // Not ours to judge: the log has the event, if it is one.
        unreadable = true;
        const fields = { service, journal, sequence: delivery.sequence, error: errorText(error) };
        bus.log.warn(fields, 'a message that is no event');
      }
    }
    await consumer.offer(events);
    if (unreadable) await consumer.catchUp();
    if (this.#stopped) return;
    // Acknowledges those before it too (AckPolicy.All).
    batch.at(-1)?.ack();
    this.#report(batch.at(-1)?.pending);
  }

  #hear(position: number): void {
    this.#announced = Math.max(this.#announced, position);
    this.#report();
    if (this.#late !== undefined || this.#stopped) return;
    this.#late = setTimeout(() => {
      this.#late = undefined;
      if (this.#behind > 0) void this.#catchUp();
    }, this.#graceMs);
  }

  get #behind(): number {
    return Math.max(0, this.#announced - this.#options.consumer.position);
  }

  #schedulePoll(): void {
    if (this.#stopped) return;
    this.#poll = setTimeout(() => {
      this.#polling = this.#askForHead().finally(() => this.#schedulePoll());
    }, this.#pollMs);
  }

  async #askForHead(): Promise<void> {
    const { reader, journal, service, bus } = this.#options;
    try {
      this.#announced = Math.max(this.#announced, await reader.head(journal));
    } catch (error) {
      bus.log.warn({ service, journal, error: errorText(error) }, 'the head of the log cannot be read');
      return;
    }
    this.#report();
    if (this.#behind > 0) await this.#catchUp();
  }

  async #catchUp(): Promise<void> {
    await this.#options.consumer.catchUp();
    this.#report();
  }

  #report(pending = 0): void {
    this.#options.bus.metrics.lag(this.#options.service, Math.max(this.#behind, pending));
  }
}
