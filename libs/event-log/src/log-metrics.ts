import { Counter, Histogram, type Registry } from 'prom-client';

/** What the log measures of itself. */
export interface LogMetrics {
  /** An append of so many events was committed, so many seconds after it was asked for. */
  appended(journal: string, events: number, seconds: number): void;
}

export const noLogMetrics: LogMetrics = { appended: () => {} };

/** Registers the log's metrics, once in a registry. */
export function logMetrics(registry: Registry): LogMetrics {
  const seconds = new Histogram({
    name: 'event_append_seconds',
    help: 'Time from asking for an append to the answer that it is committed.',
    labelNames: ['journal'],
    buckets: storageBuckets,
    registers: [registry],
  });
  const events = new Counter({
    name: 'event_appended_total',
    help: 'Events that the log has taken; not those it refused or had already.',
    labelNames: ['journal'],
    registers: [registry],
  });
  return {
    appended(journal, count, took) {
      seconds.observe({ journal }, took);
      events.inc({ journal }, count);
    },
  };
}

/** Seconds: from a commit on a fast disk to a database that is being waited for. */
export const storageBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
