import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { storageBuckets } from './log-metrics.js';

/** What a relay measures of itself. */
export interface RelayMetrics {
  leader(leading: boolean): void;
  published(journal: string, events: number): void;
  /** The time from an event's recording to its acknowledgement. */
  delay(journal: string, seconds: number): void;
  recovering(journal: string): void;
  failed(): void;
}

export const noRelayMetrics: RelayMetrics = {
  leader: () => {},
  published: () => {},
  delay: () => {},
  recovering: () => {},
  failed: () => {},
};

export function relayMetrics(registry: Registry): RelayMetrics {
  const registers = [registry];
  const leader = new Gauge({
    name: 'relay_leader',
    help: '1 on the process that copies the log to the bus, 0 on a stand-by.',
    registers,
  });
  const events = new Counter({
    name: 'relay_published_events_total',
    help: 'Events that the bus acknowledged.',
    labelNames: ['journal'],
    registers,
  });
  const seconds = new Histogram({
    name: 'event_relay_seconds',
    help: 'Time from the commit of an event to its acknowledgement by the bus.',
    labelNames: ['journal'],
    buckets: storageBuckets,
    registers,
  });
  const recoveries = new Counter({
    name: 'relay_recoveries_total',
    help: 'How often the copy of a journal was found wiped, foreign, shortened or with holes, and published again.',
    labelNames: ['journal'],
    registers,
  });
  const failures = new Counter({
    name: 'relay_failures_total',
    help: 'Failed attempts of the relay to do something; it tries again.',
    registers,
  });
  leader.set(0);
  return {
    leader: (leading) => leader.set(leading ? 1 : 0),
    published: (journal, count) => events.inc({ journal }, count),
    delay: (journal, took) => seconds.observe({ journal }, took),
    recovering: (journal) => recoveries.inc({ journal }),
    failed: () => failures.inc(),
  };
}
