import { Counter, Histogram, Registry } from 'prom-client';

/** What a service of the shop tells a Prometheus that scrapes it: requests by status code, and how long they took. */
export class ShopMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'code'>;
  readonly #duration: Histogram;

  constructor(service: string) {
    this.#registry.setDefaultLabels({ service });
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: 'http_requests_total',
      help: 'Requests that were answered, by status code.',
      labelNames: ['code'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from a request to its answer.',
      buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1],
      registers,
    });
    // A counter that appears with its first failure has no rise that a rate could see: they are there from the start.
    for (const code of [200, 201, 502, 503]) this.#requests.inc({ code }, 0);
  }

  observe(status: number, seconds: number): void {
    this.#requests.inc({ code: status });
    this.#duration.observe(seconds);
  }

  /** The body of `/metrics`, and its media type. */
  async exposition(): Promise<{ text: string; contentType: string }> {
    return { text: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }
}
