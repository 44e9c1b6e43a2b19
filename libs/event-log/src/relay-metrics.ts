import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What a relay measures of itself. */
export interface RelayMetrics {
  leader(leading: boolean): void;
  published(journal: string, events: number): void;
  /** The time from an event's recording to its acknowledgement. */
  delay(journal: string, seconds: number): void;
  recovering(journal: string): void;
  lag(journal: string, events: number): void;
  failed(): void;
}

export const noRelayMetrics: RelayMetrics = {
  leader: () => {},
  published: () => {},
  delay: () => {},
  recovering: () => {},
  lag: () => {},
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
  const seconds =
    (registry.getSingleMetric('event_relay_seconds') as Histogram<'journal'> | undefined) ??
    new Histogram({
      name: 'event_relay_seconds',
      help: 'Time from the commit of an event to its acknowledgement by the bus.',
      labelNames: ['journal'],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    });
  const lag = new Gauge({
    name: 'relay_lag_events',
    help: 'Events of the log that the bus has yet to get.',
    labelNames: ['journal'],
    registers,
  });
  const recoveries = new Counter({
    name: 'relay_recoveries_total',
    help: 'How often the copy of a journal was found wiped, foreign or shortened, and published again.',
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
    lag: (journal, count) => lag.set({ journal }, count),
    failed: () => failures.inc(),
  };
}
