import { setTimeout as sleep } from 'node:timers/promises';
import { type MeasurementPublisher, publishOverHttp, publishOverNats } from '@bellwether/client';
import type { Observation } from './reckoning.fixture.js';
import type { WholeSystem } from './system.fixture.js';

/** A generator of the same numbers for the same seed, so that a run can be repeated. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Distance of two measurements, milliseconds. */
const GAP = 20;
/**
 * Three of ten events fail from this measurement on, the fifth second: of every measurement, so that a burn rate which
 * has passed a threshold does not come back below it with the next one, however few are evaluated at once.
 */
const FAULT = 250;

/** A service that measures itself, one message a point and each point at a millisecond of its own, until stopped. */
export class Load {
  /** What the system said it has accepted. */
  readonly acknowledged: Observation[] = [];
  readonly #stopping = new AbortController();
  readonly #running: Promise<number>;

  private constructor(
    readonly publisher: MeasurementPublisher,
    readonly service: string,
    readonly sli: string,
  ) {
    this.#running = this.#run();
  }

  /** Over NATS, acknowledged by the log. */
  static async overNats(system: WholeSystem, service: string, sli: string): Promise<Load> {
    const publisher = await publishOverNats({
      servers: system.local.natsUrl(),
      acknowledge: 'log',
      batchPoints: 1,
      lingerMs: 0,
      receiptTimeoutMs: 3_000,
      retryMs: [50, 500],
    });
    return new Load(publisher, service, sli);
  }

  /**
   * Over HTTP, as a publisher whose token the log alone knows: an ingest that was killed has to read it again.
   * @param url of an ingest; the system's own when absent
   */
  static async overHttp(
    system: WholeSystem,
    service: string,
    sli: string,
    url: string = system.local.ingestUrl,
  ): Promise<Load> {
    const { token } = await system.post<{ token: string }>('/v1/tokens', { name: sli, role: 'publisher' });
    const publisher = publishOverHttp({
      url,
      token,
      batchPoints: 1,
      lingerMs: 0,
      timeoutMs: 5_000,
      retryMs: [50, 500],
    });
    return new Load(publisher, service, sli);
  }

  /** Sums of what was acknowledged. */
  get sums(): { good: number; total: number } {
    return this.acknowledged.reduce(
      (sum, { good, total }) => ({ good: sum.good + good, total: sum.total + total }),
      { good: 0, total: 0 },
    );
  }

  /** Publishes nothing more. @returns how many points were published, once all of them are acknowledged */
  async stop(): Promise<number> {
    this.#stopping.abort();
    const published = await this.#running;
    await this.publisher.close();
    return published;
  }

  async #run(): Promise<number> {
    const pending = new Set<Promise<void>>();
    let at = 0;
    let published = 0;
    for (; !this.#stopping.signal.aborted; published++) {
      at = Math.max(at + 1, Date.now());
      const point = { at, good: published > FAULT ? 7 : 10, total: 10 };
      const one = this.publisher
        .publish(this.service, this.sli, { ...point, at: new Date(at).toISOString() })
        .then(() => void this.acknowledged.push(point));
      pending.add(one);
      void one.finally(() => pending.delete(one)).catch(() => {});
      await sleep(GAP);
    }
    await Promise.all(pending);
    return published;
  }
}
