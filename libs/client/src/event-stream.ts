import { type EventEnvelope, eventEnvelope, Headers, Streams } from '@bellwether/contracts';
import {
  AckPolicy,
  type Consumer,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  type JsMsg,
  jetstreamManager,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';

/** An event as the stream gave it. */
export interface StreamedEvent {
  event: { position: number } & ({ complete: true; envelope: EventEnvelope } | { complete: false });
  /** Deliveries before this one may have been lost on the way. */
  doubtful: boolean;
  /** Tells the server that it is done. */
  settle: () => void;
}

/** A stream of events that a subscription reads. */
export interface EventStream {
  /** Makes sure of the durable. @returns whether it had to be made anew: then it knows nothing of what was before */
  open(): Promise<boolean>;
  /** Whether it may have lost deliveries since the last event that it gave. */
  readonly doubtful: boolean;
  /** Gives events for a while, and ends; throws when the durable is gone or the server is not there. */
  events(signal: AbortSignal): AsyncIterable<StreamedEvent>;
  close(): Promise<void>;
}

const nanosPerMilli = 1_000_000;
const ackWaitMs = 30_000;
const fetchSize = 128;
const fetchMs = 5_000;
/** A new durable begins this much in the past: what was published while it was being made is not missed. */
const overlapMs = 60_000;

type Start = Pick<ConsumerConfig, 'deliver_policy' | 'opt_start_time' | 'opt_start_seq'>;

/** A durable pull consumer on EVENTS. */
export class DurableStream implements EventStream {
  #jsm: JetStreamManager | undefined;
  #consumer: Consumer | undefined;
  /** Number of the last delivery; deliveries of a consumer are dense, so that a jump is a loss. */
  #delivery: number | undefined;
  #doubtful = false;
  #opened = false;
  #fetching: { stop(): void } | undefined;

  constructor(
    private readonly nc: NatsConnection,
    private readonly options: { durable: string; subject: string },
  ) {
    void this.#watch();
  }

  get doubtful(): boolean {
    return this.#doubtful;
  }

  async open(): Promise<boolean> {
    const { durable } = this.options;
    this.#jsm ??= await jetstreamManager(this.nc, { checkAPI: false });
    const jsm = this.#jsm;
    const found = await this.#find(jsm);
    if (found === null) {
      const start = new Date(Date.now() - overlapMs).toISOString();
      await this.#make(jsm, { deliver_policy: DeliverPolicy.StartTime, opt_start_time: start });
    } else if (!this.#opened && found.num_ack_pending > 0) {
      // An earlier run left events unacknowledged. The server would give younger ones first, and those only after the
      // ack wait: begin again behind what was acknowledged, so that the order holds.
      await jsm.consumers.delete(Streams.EVENTS, durable);
      await this.#make(jsm, afterFloor(found));
    } else if (found.config.filter_subject !== this.options.subject) {
      await jsm.consumers.update(Streams.EVENTS, durable, { filter_subject: this.options.subject });
    }
    this.#opened = true;
    this.#consumer = await jsm.jetstream().consumers.get(Streams.EVENTS, durable);
    return found === null;
  }

  async #find(jsm: JetStreamManager): Promise<ConsumerInfo | null> {
    try {
      return await jsm.consumers.info(Streams.EVENTS, this.options.durable);
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound)
        return null;
      throw error;
    }
  }

  async #make(jsm: JetStreamManager, start: Start): Promise<void> {
    await jsm.consumers.add(Streams.EVENTS, {
      durable_name: this.options.durable,
      filter_subject: this.options.subject,
      ack_policy: AckPolicy.Explicit,
      ack_wait: ackWaitMs * nanosPerMilli,
      max_ack_pending: 4 * fetchSize,
      max_deliver: -1,
      ...start,
    });
    this.#delivery = undefined;
  }

  async *events(signal: AbortSignal): AsyncGenerator<StreamedEvent> {
    if (this.#consumer === undefined) throw new Error('the durable is not open');
    this.#doubtful = false;
    const messages = await this.#consumer.fetch({ max_messages: fetchSize, expires: fetchMs });
    this.#fetching = messages;
    const stop = () => messages.stop();
    signal.addEventListener('abort', stop);
    try {
      for await (const message of messages) yield this.#streamed(message);
    } finally {
      signal.removeEventListener('abort', stop);
      messages.stop();
    }
  }

  async close(): Promise<void> {
    await this.nc.drain().catch(() => this.nc.close());
  }

  #streamed(message: JsMsg): StreamedEvent {
    const { deliverySequence } = message.info;
    const doubtful = this.#delivery !== undefined && deliverySequence !== this.#delivery + 1;
    this.#delivery = deliverySequence;
    return { event: decoded(message), doubtful, settle: () => message.ack() };
  }

  // What was on its way when a connection ended comes again, but only after the ack wait, and after younger events.
  async #watch(): Promise<void> {
    for await (const { type } of this.nc.status()) {
      if (type !== 'reconnect') continue;
      this.#doubtful = true;
      // The server may have come back without the durable: look now, not when the request has run out.
      this.#fetching?.stop();
    }
  }
}

function afterFloor({ ack_floor, config }: ConsumerInfo): Start {
  if (ack_floor.stream_seq > 0) {
    return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: ack_floor.stream_seq + 1 };
  }
  const { deliver_policy, opt_start_seq, opt_start_time } = config;
  return {
    deliver_policy,
    ...(opt_start_seq ? { opt_start_seq } : {}),
    ...(opt_start_time ? { opt_start_time } : {}),
  };
}

/** An event too large for a message goes without its data (`dataref`): it has to be read from the log. */
function decoded(message: JsMsg): StreamedEvent['event'] {
  const body: unknown = message.json();
  const isReference = body !== null && typeof body === 'object' && 'dataref' in body;
  if (!isReference) {
    const envelope = eventEnvelope.parse(body) as EventEnvelope;
    return { position: envelope.position, complete: true, envelope };
  }
  return { position: Number(message.headers?.get(Headers.position)), complete: false };
}
