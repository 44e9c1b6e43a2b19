import { Headers, type PublishReceipt, publishReceipt, Subjects } from '@bellwether/contracts';
import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import {
  createInbox,
  headers,
  type Msg,
  type NatsConnection,
  type Subscription,
} from '@nats-io/transport-node';
import { SpanKind } from '@opentelemetry/api';
import type { Batch } from './batch.js';
import { MeasurementRefused, NotTakenYet } from './errors.js';
import { sendInSpan } from './send-span.js';
import type { Acknowledgement, Transport } from './transport.js';

/**
 * When a measurement counts as acknowledged: `broker`, when NATS has it (fast; a refusal shows only in the dead
 * letters), or `log`, when it is committed to Bellwether's log (a receipt says so; what has none is sent again).
 */
export type AcknowledgementLevel = 'broker' | 'log';

export interface NatsTransportOptions {
  acknowledge: AcknowledgementLevel;
  /** How long the broker may take to acknowledge, milliseconds. */
  brokerTimeoutMs: number;
  /** How long a receipt may take before the same is sent again, milliseconds. */
  receiptTimeoutMs: number;
}

/** Over JetStream, subject `sli.<service>.<sli>`. */
export class NatsTransport implements Transport {
  readonly #js: JetStreamClient;
  readonly #awaited = new Map<string, (receipt: PublishReceipt) => void>();
  readonly #inbox = createInbox();
  readonly #receipts: Subscription | undefined;
  #attempts = 0;

  constructor(
    private readonly nc: NatsConnection,
    private readonly options: NatsTransportOptions,
  ) {
    this.#js = jetstream(nc, { timeout: options.brokerTimeoutMs });
    if (options.acknowledge === 'log') {
      this.#receipts = nc.subscribe(`${this.#inbox}.*`, {
        callback: (error, message) => {
          if (error === null) this.#onReceipt(message);
        },
      });
    }
  }

  async send(batch: Batch, signal: AbortSignal): Promise<Acknowledgement> {
    const subject = Subjects.sli(batch.service, batch.sli);
    const attributes = {
      'messaging.system': 'nats',
      'messaging.destination.name': subject,
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
      'messaging.message.id': batch.id,
      'bellwether.points': batch.size,
    };
    return await sendInSpan(batch, `send ${subject}`, { kind: SpanKind.PRODUCER, attributes }, (trace) =>
      this.#publish(batch, subject, trace, signal),
    );
  }

  async #publish(
    batch: Batch,
    subject: string,
    trace: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Acknowledgement> {
    const head = headers();
    for (const name in trace) head.set(name, trace[name] as string);
    head.set(Headers.contentType, 'application/cloudevents+json');
    if (this.options.acknowledge === 'broker') {
      // The broker drops a repeat itself; whatever it lets through, the log recognises by source and id.
      const { duplicate } = await this.#js.publish(subject, batch.body(), { headers: head, msgID: batch.id });
      return duplicate ? 'duplicate' : 'accepted';
    }
    // Without a message id: a repeat that the broker dropped would never get its receipt.
    this.#attempts += 1;
    const token = String(this.#attempts);
    head.set(Headers.receipt, `${this.#inbox}.${token}`);
    const receipt = this.#awaitReceipt(token, signal);
    try {
      await this.#js.publish(subject, batch.body(), { headers: head });
      return outcomeOf(await receipt.promise);
    } finally {
      receipt.forget();
    }
  }

  async close(): Promise<void> {
    this.#receipts?.unsubscribe();
    await this.nc.drain().catch(() => this.nc.close());
  }

  #awaitReceipt(
    token: string,
    signal: AbortSignal,
  ): { promise: Promise<PublishReceipt>; forget: () => void } {
    let forget = () => {};
    const promise = new Promise<PublishReceipt>((resolve, reject) => {
      const late = () => reject(new NotTakenYet('no receipt came in time'));
      const timer = setTimeout(late, this.options.receiptTimeoutMs);
      signal.addEventListener('abort', late);
      this.#awaited.set(token, resolve);
      forget = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', late);
        this.#awaited.delete(token);
      };
    });
    // It may run out while the broker is still being waited for, which then says so itself.
    promise.catch(() => {});
    return { promise, forget };
  }

  #onReceipt(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length + 1);
    const awaited = this.#awaited.get(token);
    if (awaited === undefined) return;
    let body: unknown;
    try {
      body = message.json();
    } catch {
      return;
    }
    const receipt = publishReceipt.safeParse(body);
    if (receipt.success) awaited(receipt.data);
  }
}

function outcomeOf(receipt: PublishReceipt): Acknowledgement {
  if (receipt.status !== 'refused') return receipt.status;
  const { path = '', error: message = 'refused' } = receipt;
  throw new MeasurementRefused(path === '' ? message : `${path} ${message}`, [{ path, message }]);
}
