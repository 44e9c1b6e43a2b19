import {
  badPoint,
  type Clock,
  goodPoint,
  histogramPoint,
  type MeasurementPoint,
  resourceName,
  systemClock,
  valuePoint,
} from '@bellwether/contracts';
import { uuidv7 } from 'uuidv7';
import { Batch, type WrittenPoint, writePoint } from './batch.js';
import { MeasurementRefused, NotTakenYet, PublisherClosed } from './errors.js';
import type { Transport } from './transport.js';

export interface PublisherOptions {
  /**
   * Who publishes, as a URI reference: `/shop/checkout`. With the id of each batch it is the identity that a
   * measurement is recorded once under. By default one of this publisher's own.
   */
  source?: string;
  /** Points gathered into one message at most; default 500, at most 10,000. */
  batchPoints?: number;
  /** How long a point waits for others of its SLI, milliseconds; default 100. */
  lingerMs?: number;
  /** Points held at most, waiting or under way; default 50,000. */
  maxPoints?: number;
  /** Bytes of points held at most; default 32 MiB. */
  maxBytes?: number;
  /** Messages under way at once; default 32. */
  maxInFlight?: number;
  /** First and longest pause before the same batch is sent again, milliseconds; default 100 and 10,000. */
  retryMs?: readonly [first: number, longest: number];
  /** Hears of each batch that was refused for good. */
  onRefused?: (refusal: { service: string; sli: string; points: number; error: MeasurementRefused }) => void;
  /** Hears of each failure that is tried again. */
  onRetry?: (failure: { service: string; sli: string; attempt: number; error: Error }) => void;
  clock?: Clock;
}

/** What a publisher did so far, in points. */
export interface PublisherCounts {
  /** Held now: waiting or under way. */
  held: number;
  acknowledged: number;
  refused: number;
  /** Turned away by `record` for want of room. */
  dropped: number;
  /** Attempts that were repeated, in messages. */
  retries: number;
}

/**
 * Publishes measurements: gathers points of an SLI into messages, repeats a message under its identity until it is
 * acknowledged, and never holds more than it may.
 */
export class MeasurementPublisher {
  readonly counts: PublisherCounts = { held: 0, acknowledged: 0, refused: 0, dropped: 0, retries: 0 };
  readonly #transport: Transport;
  readonly #options: Required<Omit<PublisherOptions, 'onRefused' | 'onRetry'>> &
    Pick<PublisherOptions, 'onRefused' | 'onRetry'>;
  readonly #open = new Map<string, { batch: Batch; timer: NodeJS.Timeout }>();
  readonly #ready: Batch[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  readonly #waiting: { point: WrittenPoint; enter: () => void; fail: (error: Error) => void }[] = [];
  readonly #giveUp = new AbortController();
  #heldBytes = 0;
  /** Room given to those who waited for it and have not put their points there yet. */
  readonly #reserved = { points: 0, bytes: 0 };
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(transport: Transport, options: PublisherOptions = {}) {
    this.#transport = transport;
    this.#options = {
      ...options,
      source: options.source ?? `/client/${uuidv7()}`,
      batchPoints: Math.min(options.batchPoints ?? 500, 10_000),
      lingerMs: options.lingerMs ?? 100,
      maxPoints: options.maxPoints ?? 50_000,
      maxBytes: options.maxBytes ?? 32 * 1024 * 1024,
      maxInFlight: options.maxInFlight ?? 32,
      retryMs: options.retryMs ?? [100, 10_000],
      clock: options.clock ?? systemClock,
    };
  }

  /**
   * Publishes a point, or several, of an SLI. Waits while there is no room (this is the back-pressure), and resolves
   * with the acknowledgement.
   *
   * @throws MeasurementRefused at once when a point is not what the contract says; later when Bellwether refuses it
   * @throws PublisherClosed
   */
  async publish(
    service: string,
    sli: string,
    points: MeasurementPoint | readonly MeasurementPoint[],
  ): Promise<void> {
    const written = this.#check(service, sli, 'length' in points ? points : [points as MeasurementPoint]);
    const batches = new Set<Batch>();
    for (const point of written) {
      if (this.#waiting.length > 0 || !this.#fits(point)) {
        await this.#room(point);
        this.#reserved.points -= 1;
        this.#reserved.bytes -= point.bytes;
      }
      if (this.#closed) throw new PublisherClosed();
      batches.add(this.#gather(service, sli, point));
    }
    await Promise.all([...batches].map((batch) => batch.settled));
  }

  /**
   * Takes a point along without ever waiting, for code that must not be slowed down by being measured.
   *
   * @returns false when there was no room: the point is dropped, and counted
   * @throws MeasurementRefused when it is not what the contract says
   */
  record(service: string, sli: string, point: MeasurementPoint): boolean {
    const [written] = this.#check(service, sli, [point]);
    if (this.#closed || written === undefined || !this.#fits(written)) {
      this.counts.dropped += 1;
      return false;
    }
    this.#gather(service, sli, written);
    return true;
  }

  /** Sends what is gathered, and resolves when nothing is held any more. */
  async flush(): Promise<void> {
    for (const key of [...this.#open.keys()]) this.#seal(key);
    if (this.#empty) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /**
   * Takes no more, sends what is held, and closes the way.
   *
   * @param timeoutMs how long that may take; default 10,000
   * @returns how many points were not acknowledged in that time
   */
  async close(timeoutMs = 10_000): Promise<number> {
    if (!this.#closed) {
      this.#closed = true;
      for (const { fail } of this.#waiting.splice(0)) fail(new PublisherClosed());
      const timer = setTimeout(() => this.#giveUp.abort(), timeoutMs);
      await Promise.race([this.flush(), aborted(this.#giveUp.signal)]);
      clearTimeout(timer);
      this.#giveUp.abort();
      await Promise.all(this.#inFlight);
      for (const batch of this.#ready.splice(0)) batch.reject(new PublisherClosed());
      await this.#transport.close();
    }
    return this.counts.held;
  }

  get #empty(): boolean {
    return this.counts.held === 0 && this.#reserved.points === 0 && this.#waiting.length === 0;
  }

  #check(service: string, sli: string, points: readonly MeasurementPoint[]): WrittenPoint[] {
    for (const [path, name] of [
      ['service', service],
      ['sli', sli],
    ] as const) {
      const message = resourceName.safeParse(name).error?.issues[0]?.message;
      if (message !== undefined) throw new MeasurementRefused(`${path} ${message}`, [{ path, message }]);
    }
    const now = this.#options.clock.now();
    return points.map((point, index) => {
      const parsed = schemaOf(point).safeParse(point);
      if (parsed.success) return writePoint(point, now);
      const faults = faultsOfPoint(parsed.error, index);
      throw new MeasurementRefused(`${faults[0]?.path} ${faults[0]?.message}`, faults);
    });
  }

  // A single point may be larger than all the room there is: alone it is let in, or it would wait for ever.
  #fits(point: WrittenPoint): boolean {
    const { maxPoints, maxBytes } = this.#options;
    const points = this.counts.held + this.#reserved.points;
    return (
      points === 0 || (points < maxPoints && this.#heldBytes + this.#reserved.bytes + point.bytes <= maxBytes)
    );
  }

  // First come, first served: a large point is not overtaken for ever by small ones.
  #room(point: WrittenPoint): Promise<void> {
    if (this.#closed) return Promise.reject(new PublisherClosed());
    return new Promise((enter, fail) => {
      this.#waiting.push({ point, enter, fail });
      // Whoever waits for room waits for what is gathered to go out.
      for (const key of [...this.#open.keys()]) this.#seal(key);
    });
  }

  #gather(service: string, sli: string, point: WrittenPoint): Batch {
    const key = `${service}/${sli}`;
    let open = this.#open.get(key);
    if (open !== undefined && !open.batch.hasRoomFor(point, this.#options.batchPoints)) {
      this.#seal(key);
      open = undefined;
    }
    if (open === undefined) {
      const timer = setTimeout(() => this.#seal(key), this.#options.lingerMs);
      open = { batch: new Batch(service, sli, this.#options.source), timer };
      this.#open.set(key, open);
    }
    const { batch } = open;
    batch.add(point);
    this.counts.held += 1;
    this.#heldBytes += point.bytes;
    if (batch.size >= this.#options.batchPoints) this.#seal(key);
    return batch;
  }

  #seal(key: string): void {
    const open = this.#open.get(key);
    if (open === undefined) return;
    clearTimeout(open.timer);
    this.#open.delete(key);
    this.#ready.push(open.batch);
    this.#sendReady();
  }

  #sendReady(): void {
    while (this.#inFlight.size < this.#options.maxInFlight && !this.#giveUp.signal.aborted) {
      const batch = this.#ready.shift();
      if (batch === undefined) return;
      const sending = this.#deliver(batch).finally(() => {
        this.#inFlight.delete(sending);
        this.#sendReady();
      });
      this.#inFlight.add(sending);
    }
  }

  async #deliver(batch: Batch): Promise<void> {
    const { service, sli } = batch;
    const { signal } = this.#giveUp;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#transport.send(batch, signal);
        this.counts.acknowledged += batch.size;
        this.#release(batch);
        batch.resolve();
        return;
      } catch (thrown) {
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        if (error instanceof MeasurementRefused) {
          this.counts.refused += batch.size;
          this.#release(batch);
          batch.reject(error);
          this.#options.onRefused?.({ service, sli, points: batch.size, error });
          return;
        }
        if (!signal.aborted) {
          this.counts.retries += 1;
          this.#options.onRetry?.({ service, sli, attempt, error });
          await pause(this.#pauseMs(attempt, error), signal);
        }
        if (signal.aborted) {
          batch.reject(new PublisherClosed());
          return;
        }
      }
    }
  }

  // Full jitter: publishers that failed together do not come back together.
  #pauseMs(attempt: number, error: Error): number {
    const [first, longest] = this.#options.retryMs;
    if (error instanceof NotTakenYet && error.retryAfterMs !== undefined) return error.retryAfterMs;
    const ceiling = Math.min(longest, first * 2 ** Math.min(attempt - 1, 30));
    return ceiling / 2 + (Math.random() * ceiling) / 2;
  }

  #release(batch: Batch): void {
    this.counts.held -= batch.size;
    this.#heldBytes -= batch.bytes;
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.point); next = this.#waiting[0]) {
      this.#reserved.points += 1;
      this.#reserved.bytes += next.point.bytes;
      this.#waiting.shift();
      next.enter();
    }
    if (this.#empty) for (const idle of this.#idle.splice(0)) idle();
  }
}

// One kind's schema says what is wrong; the union of all says that nothing fits.
function schemaOf(point: MeasurementPoint) {
  if (typeof point !== 'object' || point === null) return goodPoint;
  if ('value' in point) return valuePoint;
  if ('buckets' in point) return histogramPoint;
  return 'bad' in point ? badPoint : goodPoint;
}

function faultsOfPoint(error: { issues: { path: PropertyKey[]; message: string }[] }, index: number) {
  return error.issues.map(({ path, message }) => ({
    path: ['points', index, ...path].map(String).join('.'),
    message,
  }));
}

function pause(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, millis);
    signal.addEventListener('abort', end);
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
