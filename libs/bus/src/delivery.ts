import type { Msg, MsgHdrs, NatsConnection } from '@nats-io/transport-node';

const ACK = new TextEncoder().encode('+ACK');

/** A message that JetStream handed out and waits to hear about. */
export class Delivery {
  readonly stream: string;
  readonly consumer: string;
  /** How many times it was handed out, this time included. */
  readonly deliveries: number;
  /** Its number in the stream. */
  readonly sequence: number;
  /** When the stream took it. */
  readonly time: Date;
  /** How many more the consumer has yet to hand out. */
  readonly pending: number;
  readonly #nc: NatsConnection;
  readonly #message: Msg;
  #settled = false;

  /** @throws TypeError for a message that no pull consumer sent */
  constructor(nc: NatsConnection, message: Msg) {
    this.#nc = nc;
    this.#message = message;
    const parts = message.reply?.split('.') ?? [];
    // $JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<nanoseconds>.<pending>; newer
    // servers may put <domain>.<account> before <stream> and a token at the end.
    const at = parts.length >= 11 ? 4 : 2;
    if (parts[0] !== '$JS' || parts[1] !== 'ACK' || parts.length < 9) {
      throw new TypeError(
        `not a message of a JetStream consumer: its reply subject is ${message.reply ?? 'missing'}`,
      );
    }
    this.stream = parts[at] as string;
    this.consumer = parts[at + 1] as string;
    this.deliveries = Number(parts[at + 2]);
    this.sequence = Number(parts[at + 3]);
    this.time = new Date(Number(BigInt(parts[at + 5] as string) / 1_000_000n));
    this.pending = Number(parts[at + 6]);
  }

  get subject(): string {
    return this.#message.subject;
  }

  get data(): Uint8Array {
    return this.#message.data;
  }

  get headers(): MsgHdrs | undefined {
    return this.#message.headers;
  }

  /** Size in memory, in bytes. */
  get size(): number {
    return this.#message.data.length + 512;
  }

  /** Whether `ack`, `nak` or nothing was said yet. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Done. When the connection is down this is lost and the message comes again. */
  ack(): void {
    this.#settle(ACK);
  }

  /** Not done: hand it out again after `delayMs`. */
  nak(delayMs: number): void {
    this.#settle(`-NAK ${JSON.stringify({ delay: Math.round(delayMs) * 1_000_000 })}`);
  }

  /** Still being worked on: starts the ack wait anew. */
  working(): void {
    if (!this.#settled) this.#respond('+WPI');
  }

  #settle(answer: string | Uint8Array): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#respond(answer);
  }

  #respond(answer: string | Uint8Array): void {
    if (!this.#nc.isClosed()) this.#nc.publish(this.#message.reply as string, answer);
  }
}
