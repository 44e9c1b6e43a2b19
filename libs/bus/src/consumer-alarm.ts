import type { EventEnvelope } from '@bellwether/contracts';
import { type BusLog, type BusMetrics, noMetrics, stderrLog } from './ports.js';
import { errorText } from './transient.js';

/** Says what is wrong with a consumer: to the log, to the metrics, and to whoever asks for its state. */
export class ConsumerAlarm {
  /** The event at which the consumer stands still. */
  halted: { position: number; error: string } | null = null;
  readonly #consumer: string;
  readonly #metrics: BusMetrics;
  readonly #log: BusLog;

  constructor(consumer: string, metrics: BusMetrics = noMetrics, log: BusLog = stderrLog) {
    this.#consumer = consumer;
    this.#metrics = metrics;
    this.#log = log;
  }

  /** The surroundings fail: said at first and then now and again, not at each attempt. */
  waiting(attempt: number, complaint: string, error: unknown, event?: EventEnvelope): void {
    if (attempt !== 1 && attempt % 20 !== 0) return;
    this.#log.warn({ ...this.#where(event), attempt, error: errorText(error) }, complaint);
  }

  parked(event: EventEnvelope, key: string, error: unknown): void {
    this.#metrics.deadLettered(this.#consumer, 1);
    this.#log.error(
      { ...this.#where(event), key, ...describe(error) },
      'an event was parked; later events of its key wait behind it. See the dead letters of this consumer',
    );
  }

  /** @returns whether this is news */
  halt(event: EventEnvelope, error: unknown): boolean {
    if (this.halted?.position === event.position) return false;
    this.halted = { position: event.position, error: errorText(error) };
    this.#metrics.halted(this.#consumer, true);
    this.#log.error(
      { ...this.#where(event), ...describe(error) },
      'the consumer stands still at an event that it cannot handle and cannot put aside; it goes on trying',
    );
    return true;
  }

  resume(): void {
    if (this.halted === null) return;
    this.halted = null;
    this.#metrics.halted(this.#consumer, false);
    this.#log.info({ consumer: this.#consumer }, 'the consumer goes on');
  }

  /** The bus announced what the log does not have: a copy that is ahead of a log restored from a backup. */
  unknown(position: number): void {
    this.#log.warn(
      { consumer: this.#consumer, position },
      'the bus delivered an event beyond the end of the log; it is ignored, the log is the truth',
    );
  }

  #where(event?: EventEnvelope): object {
    const consumer = this.#consumer;
    if (!event) return { consumer };
    const { id, type, position, correlationid } = event;
    return { consumer, eventId: id, type, position, correlationId: correlationid };
  }
}

function describe(error: unknown): object {
  return { error: errorText(error), ...(error instanceof Error ? { stack: error.stack } : {}) };
}
