import type { CallOutcome } from '@bellwether/oncall';
import { Counter, Histogram, type Registry } from 'prom-client';

/** Counts of deliveries, and how long they take from when they are due. */
export class DeliveryMetrics {
  readonly #attempts: Counter<'kind' | 'outcome'>;
  readonly #seconds: Histogram<'kind'>;

  constructor(registry: Registry) {
    this.#attempts = new Counter({
      name: 'page_attempts_total',
      help: 'Calls made to deliver pages.',
      labelNames: ['kind', 'outcome'],
      registers: [registry],
    });
    this.#seconds = new Histogram({
      name: 'page_delivery_seconds',
      help: 'Time from when a delivery was due to the receiver taking it.',
      labelNames: ['kind'],
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers: [registry],
    });
  }

  record(kind: string, outcome: CallOutcome, tookMillis: number): void {
    this.#attempts.labels(kind, outcome.kind).inc();
    if (outcome.kind === 'delivered') this.#seconds.labels(kind).observe(Math.max(tookMillis, 0) / 1000);
  }
}
