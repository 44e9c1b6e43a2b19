import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const httpBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The metrics every service has, in Prometheus' names and base units (seconds, totals). */
export class Metrics {
  /** What `/metrics` shows; libraries and services add their own to it. */
  readonly registry = new Registry();

  /** HTTP requests by method, route (the pattern, never the path) and status code. */
  readonly httpRequests: Counter<'method' | 'route' | 'status'>;
  /** Duration of HTTP requests in seconds, with the same labels. */
  readonly httpDuration: Histogram<'method' | 'route' | 'status'>;
  /** Open connections of the public HTTP server. */
  readonly activeConnections: Gauge;
  /** Messages and events put aside with an error, by consumer. */
  readonly deadLetters: Counter<'consumer'>;
  /** Deliveries of what had been delivered before, by consumer. */
  readonly redeliveries: Counter<'consumer'>;
  readonly #lag: Gauge<'consumer'>;
  readonly #halted: Gauge<'consumer'>;
  readonly #parked: Gauge<'consumer'>;

  /**
   * What consumers report of themselves, whatever they follow: of the bus, of the log, projections and the relay. Each
   * has a name of its own: that of its service, then what it is for (`incident`, `api-pages`, `relay-control`).
   */
  readonly consumers = {
    lag: (consumer: string, events: number): void => this.#lag.set({ consumer }, events),
    redelivered: (consumer: string, count: number): void => this.redeliveries.inc({ consumer }, count),
    deadLettered: (consumer: string, count: number): void => this.deadLetters.inc({ consumer }, count),
    halted: (consumer: string, halted: boolean): void => this.#halted.set({ consumer }, halted ? 1 : 0),
    parked: (consumer: string, keys: number): void => this.#parked.set({ consumer }, keys),
  };

  constructor(service: string, options: { processMetrics?: boolean } = {}) {
    const { registry } = this;
    const registers = [registry];
    registry.setDefaultLabels({ service });
    if (options.processMetrics ?? true) collectDefaultMetrics({ register: registry });
    this.httpRequests = new Counter({
      name: 'http_requests_total',
      help: 'HTTP requests answered.',
      labelNames: ['method', 'route', 'status'],
      registers,
    });
    this.httpDuration = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from the first byte of a request to the last byte of its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: httpBuckets,
      registers,
    });
    this.activeConnections = new Gauge({
      name: 'http_active_connections',
      help: 'Open connections of the public HTTP server.',
      registers,
    });
    this.deadLetters = new Counter({
      name: 'dead_letters_total',
      help: 'Messages and events put aside with an error.',
      labelNames: ['consumer'],
      registers,
    });
    this.redeliveries = new Counter({
      name: 'redeliveries_total',
      help: 'Deliveries of messages and events that had been delivered before.',
      labelNames: ['consumer'],
      registers,
    });
    this.#lag = new Gauge({
      name: 'event_consumer_lag_events',
      help: 'Events or messages that the consumer has not handled yet.',
      labelNames: ['consumer'],
      registers,
    });
    this.#halted = new Gauge({
      name: 'event_consumer_halted',
      help: '1 while the consumer stands still at an event that it cannot handle.',
      labelNames: ['consumer'],
      registers,
    });
    this.#parked = new Gauge({
      name: 'read_model_parked_keys',
      help: 'Keys of the read model that stand still at an event that it cannot take, while the others go on.',
      labelNames: ['consumer'],
      registers,
    });
  }
}
