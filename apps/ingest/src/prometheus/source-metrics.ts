import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What is counted of the sources that this process asks. */
export class SourceMetrics {
  readonly #requests: Counter<'outcome'>;
  readonly #duration: Histogram;
  readonly #failing: Gauge<'sli'>;
  readonly #behind: Gauge<'sli'>;
  readonly #leader: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#requests = new Counter({
      name: 'prometheus_source_requests_total',
      help: 'Times that sources of SLIs were asked: answered, with data or without, or failed.',
      labelNames: ['outcome'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'prometheus_source_request_seconds',
      help: 'Time that the queries of a source took.',
      buckets: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    });
    this.#failing = new Gauge({
      name: 'prometheus_source_failing',
      help: '1 while the source of an SLI does not answer as it must.',
      labelNames: ['sli'],
      registers,
    });
    this.#behind = new Gauge({
      name: 'prometheus_source_behind_seconds',
      help: 'How long the oldest period of an SLI that is still to be fetched has been due.',
      labelNames: ['sli'],
      registers,
    });
    this.#leader = new Gauge({
      name: 'prometheus_source_leader',
      help: '1 on the process that asks the sources, 0 on a stand-by.',
      registers,
    });
  }

  asked(outcome: 'data' | 'empty' | 'failed', seconds: number): void {
    this.#requests.inc({ outcome });
    this.#duration.observe(seconds);
  }

  state(sli: string, failing: boolean, behindMillis: number): void {
    this.#failing.set({ sli }, failing ? 1 : 0);
    this.#behind.set({ sli }, behindMillis / 1000);
  }

  forget(sli: string): void {
    this.#failing.remove({ sli });
    this.#behind.remove({ sli });
  }

  leading(leads: boolean): void {
    this.#leader.set(leads ? 1 : 0);
    if (leads) return;
    // Another process says it now.
    this.#failing.reset();
    this.#behind.reset();
  }
}
