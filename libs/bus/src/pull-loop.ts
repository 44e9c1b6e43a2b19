import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from './bus.js';
import type { Delivery } from './delivery.js';
import { pull } from './pull.js';
import type { DeclaredConsumer } from './topology.js';

export interface PullLoopOptions {
  /** Most messages handed over at once. */
  batch?: number;
  /** Most bytes handed over at once, and most bytes waiting to be. */
  maxBytes?: number;
  /** How many batches are worked on at once. */
  concurrency?: number;
  expiresMs?: number;
  /** How often the server is told that messages held are still being worked on; well below the ack wait. */
  keepAliveMs?: number;
  /** Called before the first pull and again after each trouble, when the consumer is there. */
  prepare?: () => Promise<void>;
  /** Works on a batch and settles its messages. Must not throw; what it throws is logged, and its messages come again. */
  onBatch: (batch: Delivery[]) => Promise<void>;
}

/**
 * Pulls from a durable consumer until it is stopped: makes sure of the consumer, pulls, hands over whatever has
 * arrived as soon as there is a free hand, and pulls again when there is room. Survives restarts and losses of the
 * server, and a consumer or stream that was removed.
 */
export class PullLoop {
  readonly #bus: Bus;
  readonly #consumer: DeclaredConsumer;
  readonly #batch: number;
  readonly #maxBytes: number;
  readonly #concurrency: number;
  readonly #expiresMs: number;
  readonly #onBatch: (batch: Delivery[]) => Promise<void>;
  readonly #prepare: () => Promise<void>;
  readonly #keepAliveMs: number;
  readonly #held = new Set<Delivery>();
  readonly #stopping = new AbortController();
  readonly #working = new Set<Promise<void>>();
  #queue: Delivery[] = [];
  #queuedBytes = 0;
  #loop: Promise<void> | null = null;
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(bus: Bus, consumer: DeclaredConsumer, options: PullLoopOptions) {
    this.#bus = bus;
    this.#consumer = consumer;
    this.#batch = options.batch ?? 256;
    this.#maxBytes = options.maxBytes ?? 16 * 1024 * 1024;
    this.#concurrency = options.concurrency ?? 1;
    this.#expiresMs = options.expiresMs ?? 15_000;
    this.#onBatch = options.onBatch;
    this.#prepare = options.prepare ?? (async () => {});
    this.#keepAliveMs = options.keepAliveMs ?? 10_000;
  }

  start(): void {
    if (this.#loop) return;
    this.#loop = this.#run();
    this.#keepAlive = setInterval(() => {
      for (const delivery of this.#held) delivery.working();
    }, this.#keepAliveMs);
    void this.#bus.nc.closed().then(() => {
      this.#stopping.abort();
      clearInterval(this.#keepAlive);
    });
  }

  /** Messages held now: waiting and being worked on. */
  get held(): number {
    return this.#held.size;
  }

  /**
   * Stops pulling and resolves when the batches being worked on are done. What was not handed over, or left
   * unfinished, is given back for other instances.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#bus.forget(this.#consumer);
    await this.#loop;
    this.#queue = [];
    await Promise.all(this.#working);
    clearInterval(this.#keepAlive);
    for (const delivery of this.#held) delivery.nak(0);
    this.#held.clear();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#bus.whenConnected(60_000, signal);
        await this.#bus.ensureConsumer(this.#consumer);
        await this.#bus.whileConnected(this.#prepare);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (failures++ % 20 === 0) {
          const fields = {
            stream: this.#consumer.stream,
            consumer: this.#consumer.config.durable_name,
            error,
          };
          this.#bus.log.warn(fields, 'the consumer is not available; trying until it is');
        }
        await pause(Math.min(1_000, 50 * 2 ** failures), signal);
        continue;
      }
      while ((await this.#pull(signal)) === 'done') await this.#room();
      await pause(200, signal);
    }
  }

  #pull(signal: AbortSignal) {
    // A message that does not fit ends the request, so one that exceeded the limit alone would never come.
    const largest = 2 * (this.#bus.nc.info?.max_payload ?? 1_048_576);
    const size = {
      batch: this.#batch,
      maxBytes: Math.max(this.#maxBytes, largest),
      expiresMs: this.#expiresMs,
    };
    return pull(this.#bus, this.#consumer, size, signal, (delivery) => {
      this.#queue.push(delivery);
      this.#held.add(delivery);
      this.#queuedBytes += delivery.size;
      // Not at once: the messages of one network packet make one batch.
      if (this.#queue.length === 1) setImmediate(() => this.#handOver());
    });
  }

  #handOver(): void {
    while (
      this.#queue.length > 0 &&
      this.#working.size < this.#concurrency &&
      !this.#stopping.signal.aborted
    ) {
      const batch = this.#nextBatch();
      const work = this.#work(batch).finally(() => {
        this.#working.delete(work);
        this.#handOver();
      });
      this.#working.add(work);
    }
  }

  /** From the head of the queue, up to the limits; a message above the limit of bytes goes alone. */
  #nextBatch(): Delivery[] {
    let taken = 0;
    let bytes = 0;
    for (const { size } of this.#queue) {
      if (taken === this.#batch || (taken > 0 && bytes + size > this.#maxBytes)) break;
      taken += 1;
      bytes += size;
    }
    this.#queuedBytes -= bytes;
    return this.#queue.splice(0, taken);
  }

  async #work(batch: Delivery[]): Promise<void> {
    try {
      await this.#onBatch(batch);
    } catch (error) {
      const fields = { stream: this.#consumer.stream, consumer: this.#consumer.config.durable_name, error };
      this.#bus.log.error(fields, 'a batch was left unfinished');
    }
    if (this.#stopping.signal.aborted) return;
    // Settled or not: what was left unsettled on purpose comes again after the ack wait.
    for (const delivery of batch) this.#held.delete(delivery);
  }

  /** Waits until less than a batch is waiting. */
  async #room(): Promise<void> {
    while (this.#queue.length >= this.#batch || this.#queuedBytes > this.#maxBytes) {
      if (this.#stopping.signal.aborted || this.#working.size === 0) return;
      await Promise.race(this.#working);
    }
  }
}

async function pause(millis: number, signal: AbortSignal): Promise<void> {
  await sleep(millis, undefined, { signal }).catch(() => {});
}
