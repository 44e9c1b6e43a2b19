import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What a relay measures of itself. */
export interface RelayMetrics {
  leader(leading: boolean): void;
  published(journal: string, events: number, seconds: number): void;
  recovering(journal: string): void;
  lag(journal: string, events: number): void;
  failed(): void;
}

export const noRelayMetrics: RelayMetrics = {
  leader: () => {},
  published: () => {},
  recovering: () => {},
  lag: () => {},
  failed: () => {},
};

export function relayMetrics(registry: Registry): RelayMetrics {
  const registers = [registry];
  const leader = new Gauge({
    name: 'bellwether_relay_leader',
    help: '1 on the process that copies the log to the bus, 0 on a stand-by.',
    registers,
  });
  const events = new Counter({
    name: 'bellwether_relay_published_events_total',
    help: 'Events that the bus acknowledged.',
    labelNames: ['journal'],
    registers,
  });
  const seconds = new Histogram({
    name: 'bellwether_relay_publish_seconds',
    help: 'From publishing a window of events to its last acknowledgement.',
    labelNames: ['journal'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers,
  });
  const lag = new Gauge({
    name: 'bellwether_relay_lag_events',
    help: 'Events of the log that the bus has yet to get.',
    labelNames: ['journal'],
    registers,
  });
  const recoveries = new Counter({
    name: 'bellwether_relay_recoveries_total',
    help: 'How often the copy of a journal was found wiped, foreign or shortened, and published again.',
    labelNames: ['journal'],
    registers,
  });
  const failures = new Counter({
    name: 'bellwether_relay_failures_total',
    help: 'Failed attempts of the relay to do something; it tries again.',
    registers,
  });
  leader.set(0);
  return {
    leader: (leading) => leader.set(leading ? 1 : 0),
    published(journal, count, took) {
      events.inc({ journal }, count);
      seconds.observe({ journal }, took);
    },
    recovering: (journal) => recoveries.inc({ journal }),
    lag: (journal, count) => lag.set({ journal }, count),
    failed: () => failures.inc(),
  };
}
