import { setMaxListeners } from 'node:events';
import { type Clock, type Labels, type MeasurementPoint, systemClock } from '@bellwether/contracts';
import { uuidv7 } from 'uuidv7';
import { Batch } from './batch.js';
import { MeasurementRefused, NotTakenYet, PublisherClosed, TokenRefused } from './errors.js';
import { pause } from './pause.js';
import { Room } from './room.js';
import type { Transport } from './transport.js';
import { type WrittenPoint, writePoints } from './written-points.js';

export interface PublisherOptions {
  /**
   * Who publishes, as a URI reference: `/shop/checkout`. With the id of each batch it is the identity that a
   * measurement is recorded once under. By default one of this publisher's own.
   */
  source?: string;
  /** Labels of all points that do not have them themselves, such as the region that a program runs in. */
  labels?: Labels;
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
  /**
   * Hears of each failure that is tried again; `error` is a `TokenRefused` while the token is not known or may not
   * publish. Without it the first such failure is a warning of the process.
   */
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
  readonly #counts = { acknowledged: 0, refused: 0, dropped: 0, retries: 0 };
  readonly #transport: Transport;
  readonly #options: Required<Omit<PublisherOptions, 'onRefused' | 'onRetry'>> &
    Pick<PublisherOptions, 'onRefused' | 'onRetry'>;
  readonly #open = new Map<string, { batch: Batch; timer: NodeJS.Timeout }>();
  readonly #ready: Batch[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  readonly #room: Room;
  readonly #giveUp = new AbortController();
  #closed = false;
  #warned = false;
  #idle: (() => void)[] = [];

  constructor(transport: Transport, options: PublisherOptions = {}) {
    this.#transport = transport;
    this.#options = {
      ...options,
      source: options.source ?? `/client/${uuidv7()}`,
      labels: options.labels ?? {},
      batchPoints: Math.min(options.batchPoints ?? 500, 10_000),
      lingerMs: options.lingerMs ?? 100,
      maxPoints: options.maxPoints ?? 50_000,
      maxBytes: options.maxBytes ?? 32 * 1024 * 1024,
      maxInFlight: options.maxInFlight ?? 32,
      retryMs: options.retryMs ?? [100, 10_000],
      clock: options.clock ?? systemClock,
    };
    // Each message under way may listen to it, and there may be more of them than Node takes for a leak.
    setMaxListeners(0, this.#giveUp.signal);
    this.#room = new Room({ points: this.#options.maxPoints, bytes: this.#options.maxBytes });
  }

  get counts(): PublisherCounts {
    return { held: this.#room.points, ...this.#counts };
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
    const all = 'length' in points ? points : [points as MeasurementPoint];
    const batches = new Set<Batch>();
    for (const point of this.#write(service, sli, all)) {
      if (!this.#room.tryEnter(point.bytes)) {
        // Whoever waits for room waits for what is gathered to go out.
        this.#sealAll();
        await this.#room.enter(point.bytes);
      }
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
    const [written] = this.#write(service, sli, [point]);
    if (written !== undefined && this.#room.tryEnter(written.bytes)) {
      this.#gather(service, sli, written);
      return true;
    }
    this.#counts.dropped += 1;
    return false;
  }

  /** Sends what is gathered, and resolves when nothing is held any more. */
  async flush(): Promise<void> {
    this.#sealAll();
    if (this.#room.isEmpty) return;
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
      this.#room.close();
      const timer = setTimeout(() => this.#giveUp.abort(), timeoutMs);
      await Promise.race([this.flush(), aborted(this.#giveUp.signal)]);
      clearTimeout(timer);
      this.#giveUp.abort();
      await Promise.all(this.#inFlight);
      for (const batch of this.#ready.splice(0)) batch.reject(new PublisherClosed());
      await this.#transport.close();
    }
    return this.#room.points;
  }

  #write(service: string, sli: string, points: readonly MeasurementPoint[]): WrittenPoint[] {
    const { clock, labels } = this.#options;
    return writePoints(service, sli, points, clock.now(), labels);
  }

  #gather(service: string, sli: string, point: WrittenPoint): Batch {
    if (point.alone) {
      const batch = new Batch(service, sli, this.#options.source);
      batch.add(point);
      this.#send(batch);
      return batch;
    }
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
    if (batch.size >= this.#options.batchPoints) this.#seal(key);
    return batch;
  }

  #sealAll(): void {
    for (const key of [...this.#open.keys()]) this.#seal(key);
  }

  #seal(key: string): void {
    const open = this.#open.get(key);
    if (open === undefined) return;
    clearTimeout(open.timer);
    this.#open.delete(key);
    this.#send(open.batch);
  }

  #send(batch: Batch): void {
    this.#ready.push(batch);
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
    let why: Error | undefined;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#transport.send(batch, signal);
        this.#counts.acknowledged += batch.size;
        this.#release(batch);
        batch.resolve();
        return;
      } catch (thrown) {
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        if (error instanceof MeasurementRefused) {
          this.#counts.refused += batch.size;
          this.#release(batch);
          batch.reject(error);
          this.#options.onRefused?.({ service, sli, points: batch.size, error });
          return;
        }
        if (!signal.aborted) {
          why = error;
          this.#counts.retries += 1;
          if (this.#options.onRetry) this.#options.onRetry({ service, sli, attempt, error });
          else if (error instanceof TokenRefused) this.#warn(error);
          await pause(this.#pauseMs(attempt, error), signal);
        }
        if (signal.aborted) {
          batch.reject(new PublisherClosed(why));
          return;
        }
      }
    }
  }

  // Nothing arrives, and who does not listen would never know why.
  #warn(error: TokenRefused): void {
    if (this.#warned) return;
    this.#warned = true;
    process.emitWarning(`measurements are kept and tried again: ${error.message}`, {
      type: 'BellwetherWarning',
    });
  }

  // Full jitter: publishers that failed together do not come back together.
  #pauseMs(attempt: number, error: Error): number {
    const [first, longest] = this.#options.retryMs;
    if (error instanceof NotTakenYet && error.retryAfterMs !== undefined) return error.retryAfterMs;
    const ceiling = Math.min(longest, first * 2 ** Math.min(attempt - 1, 30));
    return ceiling / 2 + (Math.random() * ceiling) / 2;
  }

  #release(batch: Batch): void {
    this.#room.leave(batch.size, batch.bytes);
    if (this.#room.isEmpty) for (const idle of this.#idle.splice(0)) idle();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
