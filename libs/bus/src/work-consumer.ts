import { setTimeout as timer } from 'node:timers/promises';
import { Headers, Streams, Subjects } from '@bellwether/contracts';
import type { Bus } from './bus.js';
import { CommandServer } from './command-server.js';
import { deadLetterCommands } from './dead-letter-commands.js';
import { deadLetter } from './dead-letters.js';
import type { Delivery } from './delivery.js';
import { PullLoop } from './pull-loop.js';
import { type DeclaredConsumer, workConsumer } from './topology.js';
import { backoffMs, errorText, isTransient } from './transient.js';
import type { WorkMessage, WorkOutcome } from './work-message.js';

export interface WorkConsumerOptions {
  bus: Bus;
  /** Durable name, shared by all instances: `ingest`. */
  durable: string;
  /** Default SLI. */
  stream?: string;
  /** Default `sli.>`. */
  filterSubject?: string;
  /**
   * Works on a batch and returns one outcome for each message, after the commit. When it throws, an error of the
   * surroundings is waited out with the messages in hand; after any other the messages are tried one by one, and one
   * that fails by itself is handed out again later, `maxDeliveries` times in all, and then put aside.
   */
  handle: (messages: readonly WorkMessage[]) => Promise<readonly WorkOutcome[]>;
  /** Messages in one batch at most, default 256. */
  batch?: number;
  /** Bytes of a batch at most, and of what waits to be worked on, default 16 MiB. */
  maxBytes?: number;
  /** Batches worked on at once, default 2. */
  concurrency?: number;
  /** Default 10. Deliveries that ended with a crash of the process count too. */
  maxDeliveries?: number;
  /** How long the server waits before it hands a message to someone else, default 30,000 ms. */
  ackWaitMs?: number;
  /** Messages under way over all instances, default 10,000. */
  maxAckPending?: number;
  /** How often it is looked whether the stream is filling up with done messages, default 5,000 ms. */
  trimMs?: number;
  isTransient?: (error: unknown) => boolean;
}

/** A message that took this many deliveries is worked on alone, so that one that kills the process takes no other with it. */
const ALONE_FROM = 4;

/**
 * Works off an inbound stream, shared with other instances: explicit acknowledgement after the commit, a sign of life
 * for slow work, bounded memory, dead letters. At least once: a message may come again after its commit, and must
 * then be recognised by its identity.
 */
export class WorkConsumer {
  readonly #options: WorkConsumerOptions;
  readonly #bus: Bus;
  readonly #declared: DeclaredConsumer;
  readonly #loop: PullLoop;
  readonly #commands: CommandServer;
  readonly #deadSubject: string;
  readonly #maxDeliveries: number;
  readonly #transient: (error: unknown) => boolean;
  readonly #stopping = new AbortController();
  #streamCreated = '';
  #trimming: NodeJS.Timeout | undefined;

  constructor(options: WorkConsumerOptions) {
    this.#options = options;
    this.#bus = options.bus;
    this.#maxDeliveries = options.maxDeliveries ?? 10;
    this.#transient = options.isTransient ?? isTransient;
    const ackWaitMs = options.ackWaitMs ?? 30_000;
    const filterSubject = options.filterSubject ?? Subjects.allSli;
    this.#commands = new CommandServer({ bus: options.bus, service: options.durable });
    this.#deadSubject = Subjects.dead(filterSubject);
    this.#declared = workConsumer({
      stream: options.stream ?? Streams.SLI,
      durable: options.durable,
      filterSubject,
      ackWaitMs,
      ...(options.maxAckPending === undefined ? {} : { maxAckPending: options.maxAckPending }),
    });
    this.#loop = new PullLoop(options.bus, this.#declared, {
      ...(options.batch === undefined ? {} : { batch: options.batch }),
      ...(options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes }),
      concurrency: options.concurrency ?? 2,
      keepAliveMs: ackWaitMs / 3,
      prepare: async () => {
        this.#streamCreated = (await this.#bus.jsm.streams.info(this.#declared.stream)).created;
      },
      onBatch: (batch) => this.#onBatch(batch),
    });
  }

  /** Begins, and answers `cmd.<durable>.dlq-list` and `cmd.<durable>.dlq-retry` for what was put aside. */
  start(): void {
    this.#loop.start();
    const { durable, handle } = this.#options;
    const { list, retry } = deadLetterCommands(this.#bus, durable, this.#deadSubject, async (message) => {
      const [outcome] = await handle([message]);
      if (outcome === undefined) throw new TypeError('no outcome for a message');
      return outcome;
    });
    this.#commands.serve('dlq-list', list);
    this.#commands.serve('dlq-retry', retry);
    this.#trimming ??= setInterval(() => void this.trim(), this.#options.trimMs ?? 5_000).unref();
  }

  /** Messages in hand. */
  get held(): number {
    return this.#loop.held;
  }

  /** Finishes the batches at hand, gives back the rest. */
  async stop(): Promise<void> {
    clearInterval(this.#trimming);
    this.#stopping.abort();
    await Promise.all([this.#commands.stop(), this.#loop.stop()]);
    // The acknowledgements.
    if (this.#bus.connected) await this.#bus.nc.flush().catch(() => {});
  }

  /**
   * Removes what is done from a stream that is more than a quarter full. The stream refuses new messages when it is
   * full, rather than drop old ones that nobody has worked on, so somebody has to make room.
   */
  async trim(): Promise<void> {
    const { stream, config } = this.#declared;
    try {
      const { streams, consumers } = this.#bus.jsm;
      const [info, consumer] = await Promise.all([
        streams.info(stream),
        consumers.info(stream, config.durable_name as string),
      ]);
      this.#bus.metrics.lag(this.#options.durable, consumer.num_pending + consumer.num_ack_pending);
      if (info.config.max_bytes <= 0 || info.state.bytes * 4 < info.config.max_bytes) return;
      await streams.purge(stream, { seq: consumer.ack_floor.stream_seq + 1 });
    } catch (error) {
      if (!this.#stopping.signal.aborted && this.#bus.connected) {
        this.#bus.log.warn({ stream, error: errorText(error) }, 'the stream could not be trimmed');
      }
    }
  }

  async #onBatch(batch: Delivery[]): Promise<void> {
    const again = batch.filter((delivery) => delivery.deliveries > 1).length;
    if (again > 0) this.#bus.metrics.redelivered(this.#options.durable, again);
    this.#bus.metrics.lag(this.#options.durable, (batch.at(-1)?.pending ?? 0) + this.held);
    const together = batch.filter((delivery) => delivery.deliveries < ALONE_FROM);
    const alone = batch.filter((delivery) => delivery.deliveries >= ALONE_FROM);
    if (together.length > 0) await this.#together(together);
    for (const delivery of alone) {
      if (delivery.deliveries <= this.#maxDeliveries) await this.#alone(delivery);
      else
        await this.#bury(
          delivery,
          `given up after ${this.#maxDeliveries} deliveries, none of which was finished`,
        );
    }
  }

  async #together(batch: Delivery[]): Promise<void> {
    try {
      await this.#settle(batch, await this.#handle(batch));
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      if (batch.length > 1)
        this.#bus.log.warn({ error: errorText(error) }, 'a batch failed; trying its messages one by one');
      for (const delivery of batch) await this.#alone(delivery);
    }
  }

  async #alone(delivery: Delivery): Promise<void> {
    try {
      await this.#settle([delivery], await this.#handle([delivery]));
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      if (delivery.deliveries >= this.#maxDeliveries) return await this.#bury(delivery, errorText(error));
      const { subject, sequence, deliveries } = delivery;
      this.#bus.log.warn(
        { subject, sequence, deliveries, error: errorText(error) },
        'a message failed; it comes again',
      );
      delivery.nak(backoffMs(deliveries, 30_000));
    }
  }

  /** Waits out what the surroundings do; throws what the messages do. */
  async #handle(batch: Delivery[]): Promise<readonly WorkOutcome[]> {
    const messages = batch.map((delivery) => this.#message(delivery));
    const complaint = 'messages cannot be worked on now; trying until they can';
    return await this.#waitingOut(complaint, this.#transient, async () => {
      const outcomes = await this.#options.handle(messages);
      if (outcomes.length !== messages.length) {
        throw new TypeError(`${outcomes.length} outcomes for ${messages.length} messages`);
      }
      return outcomes;
    });
  }

  async #settle(batch: Delivery[], outcomes: readonly WorkOutcome[]): Promise<void> {
    const burials: Promise<void>[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const delivery = batch[index] as Delivery;
      if (outcome.kind === 'done') delivery.ack();
      else if (outcome.kind === 'retry') delivery.nak(outcome.delayMs);
      else burials.push(this.#bury(delivery, outcome.error, outcome.path));
    }
    await Promise.all(burials);
  }

  /** Acknowledged only when the dead letter is stored: nothing disappears between the two. */
  async #bury(delivery: Delivery, error: string, path?: string): Promise<void> {
    const { subject, sequence } = delivery;
    const reason = path === undefined ? { error } : { error, path };
    try {
      await this.#waitingOut('a dead letter cannot be stored; trying until it can', isTransient, () =>
        deadLetter(this.#bus, this.#message(delivery), this.#declared.stream, reason),
      );
    } catch (failure) {
      if (this.#stopping.signal.aborted) return;
      this.#bus.log.error(
        { subject, sequence, error: errorText(failure) },
        'a dead letter could not be stored',
      );
      delivery.nak(30_000);
      return;
    }
    delivery.ack();
    this.#bus.metrics.deadLettered(this.#options.durable, 1);
    this.#bus.log.warn({ subject, sequence, ...reason }, 'a message was put aside');
  }

  async #waitingOut<T>(
    complaint: string,
    passes: (error: unknown) => boolean,
    work: () => Promise<T>,
  ): Promise<T> {
    const { signal } = this.#stopping;
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (signal.aborted || !passes(error)) throw error;
        if (attempt % 20 === 1) this.#bus.log.warn({ attempt, error: errorText(error) }, complaint);
        await timer(backoffMs(attempt), undefined, { signal }).catch(() => {});
        if (signal.aborted) throw error;
      }
    }
  }

  #message(delivery: Delivery): WorkMessage {
    const { subject, data, headers, sequence, deliveries, time } = delivery;
    const streamCreated = this.#streamCreated;
    const receiptInbox = headers?.get(Headers.receipt) || undefined;
    return { subject, data, headers, streamCreated, sequence, receivedAt: time, deliveries, receiptInbox };
  }
}
