import type { IncomingMessage, ServerResponse } from 'node:http';
import { ShopMetrics } from './shop-metrics.js';

/** Where a service hands its measurements to; `libs/client` in the demo. */
export interface Reporter {
  measure(
    service: string,
    sli: string,
    point: { good: number; total: number } | { buckets: [number | '+Inf', number][]; sum: number },
  ): void;
}

const BOUNDS = [25, 50, 100, 250, 500, 1000] as const;

/**
 * Counts requests and their latency and reports both once a second as deltas: `availability` (an answer below 500 is
 * good) and `latency` (a histogram in milliseconds). The same is there for a Prometheus, as {@link ShopMetrics}.
 */
export class Instrument {
  #good = 0;
  #total = 0;
  #counts: number[] = new Array(BOUNDS.length + 1).fill(0);
  #sum = 0;
  readonly metrics: ShopMetrics;
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly service: string,
    private readonly reporter: Reporter,
  ) {
    this.metrics = new ShopMetrics(service);
    this.#timer = setInterval(() => this.flush(), 1000);
    this.#timer.unref();
  }

  /** Wraps a request handler. */
  wrap(
    handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  ): (request: IncomingMessage, response: ServerResponse) => void {
    return (request, response) => {
      const began = performance.now();
      response.on('close', () =>
        this.#observe(response.writableFinished ? response.statusCode : 499, performance.now() - began),
      );
      handler(request, response).catch((error: Error) => {
        if (!response.headersSent) response.writeHead(502, { 'content-type': 'text/plain' });
        response.end(error.message);
      });
    };
  }

  /** Reports what was counted since the last report. */
  flush(): void {
    if (this.#total === 0) return;
    this.reporter.measure(this.service, 'availability', { good: this.#good, total: this.#total });
    const buckets: [number | '+Inf', number][] = this.#counts.map((count, i) => [BOUNDS[i] ?? '+Inf', count]);
    this.reporter.measure(this.service, 'latency', { buckets, sum: this.#sum });
    this.#good = 0;
    this.#total = 0;
    this.#sum = 0;
    this.#counts.fill(0);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.flush();
  }

  #observe(status: number, millis: number): void {
    this.metrics.observe(status, millis / 1000);
    this.#total++;
    if (status < 500) this.#good++;
    this.#sum += millis;
    const slot = BOUNDS.findIndex((bound) => millis <= bound);
    this.#counts[slot === -1 ? BOUNDS.length : slot]! += 1;
  }
}
