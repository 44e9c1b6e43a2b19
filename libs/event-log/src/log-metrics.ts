import { Counter, Histogram, type Registry } from 'prom-client';

/** What the log measures of itself. */
export interface LogMetrics {
  batch(journal: string, events: number, seconds: number): void;
}

export const noLogMetrics: LogMetrics = { batch: () => {} };

/** Registers the log's metrics; a registry that has them already keeps its own. */
export function logMetrics(registry: Registry): LogMetrics {
  const seconds =
    (registry.getSingleMetric('bellwether_log_append_seconds') as Histogram | undefined) ??
    new Histogram({
      name: 'bellwether_log_append_seconds',
      help: 'From sending a batch to the answer that it is committed.',
      labelNames: ['journal'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers: [registry],
    });
  const events =
    (registry.getSingleMetric('bellwether_log_appended_events_total') as Counter | undefined) ??
    new Counter({
      name: 'bellwether_log_appended_events_total',
      help: 'Events sent to the log in batches that it answered.',
      labelNames: ['journal'],
      registers: [registry],
    });
  return {
    batch(journal, count, took) {
      seconds.observe({ journal }, took);
      events.inc({ journal }, count);
    },
  };
}
