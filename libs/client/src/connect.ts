import { HttpTransport } from './http-transport.js';
import { connectNats } from './nats-address.js';
import { type AcknowledgementLevel, NatsTransport } from './nats-transport.js';
import { MeasurementPublisher, type PublisherOptions } from './publisher.js';

export interface NatsPublisherOptions extends PublisherOptions {
  /** `nats://publisher:<token>@host:4222`; several separated by commas. */
  servers: string;
  /** When a measurement counts as acknowledged; default `broker`. */
  acknowledge?: AcknowledgementLevel;
  /** How long the broker may take, milliseconds; default 5,000. */
  brokerTimeoutMs?: number;
  /** How long a receipt may take before the same is sent again, milliseconds; default 10,000. */
  receiptTimeoutMs?: number;
}

/** Publishes over NATS. Resolves when there is a connection, however long that takes. */
export async function publishOverNats(options: NatsPublisherOptions): Promise<MeasurementPublisher> {
  const {
    servers,
    acknowledge = 'broker',
    brokerTimeoutMs = 5_000,
    receiptTimeoutMs = 10_000,
    ...rest
  } = options;
  const nc = await connectNats(servers, options.source ?? 'bellwether-client');
  return new MeasurementPublisher(
    new NatsTransport(nc, { acknowledge, brokerTimeoutMs, receiptTimeoutMs }),
    rest,
  );
}

export interface HttpPublisherOptions extends PublisherOptions {
  /** Address of ingest: `http://127.0.0.1:8081`. */
  url: string;
  /** A token with the role `publisher`; a function is asked before each attempt, for tokens that are rotated. */
  token: string | (() => string);
  /** How long an answer may take, milliseconds; default 15,000. */
  timeoutMs?: number;
}

/** Publishes over HTTP. */
export function publishOverHttp(options: HttpPublisherOptions): MeasurementPublisher {
  const { url, token, timeoutMs = 15_000, ...rest } = options;
  return new MeasurementPublisher(new HttpTransport({ url, token, timeoutMs }), rest);
}
