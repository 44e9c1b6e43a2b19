import { Streams, Subjects } from '@bellwether/contracts';
import type { Msg, Subscription } from '@nats-io/transport-node';
import type { Bus } from './bus.js';
import { isInbox } from './inbox.js';
import { SERVICE_NAMES } from './subscriber-account.js';

/**
 * What a subscriber may say about a consumer of its own: every setting of nats-server up to 2.12 but `direct`, which is
 * for mirrors. What is not listed is refused, lest a later server be told by it to send something somewhere.
 */
const SETTINGS = new Set([
  ...['name', 'durable_name', 'description', 'metadata', 'filter_subject', 'filter_subjects'],
  ...['deliver_policy', 'opt_start_seq', 'opt_start_time', 'replay_policy', 'headers_only', 'rate_limit_bps'],
  ...['ack_policy', 'ack_wait', 'max_deliver', 'backoff', 'max_ack_pending', 'sample_freq', 'pause_until'],
  ...['max_waiting', 'max_batch', 'max_expires', 'max_bytes', 'inactive_threshold', 'num_replicas'],
  ...['mem_storage', 'priority_groups', 'priority_policy', 'priority_timeout'],
  ...['deliver_subject', 'deliver_group', 'flow_control', 'idle_heartbeat'],
]);
const REQUEST = new Set(['stream_name', 'config', 'action', 'pedantic']);
const TIMEOUT_MS = 5_000;

class Refused extends Error {}

export interface SubscriberApiOptions {
  bus: Bus;
  /** Queue group: of all instances, one answers each request. */
  service: string;
  /** Consumers that are not theirs. Default: every service of Bellwether. */
  protectedConsumers?: readonly string[];
}

/**
 * JetStream's API for consumers on EVENTS as subscribers have it: they make and remove consumers of their own here, and
 * pull from them directly (`subscriberPermissions`). JetStream itself lets whoever may create a consumer name any
 * subject to deliver to, its own API's included, where an empty message is enough to delete a stream.
 *
 * Requests and answers are JetStream's own; a refusal is one of its errors.
 */
export class SubscriberApi {
  readonly #bus: Bus;
  readonly #protected: readonly string[];
  readonly #subscription: Subscription;
  readonly #answering = new Set<Promise<void>>();

  constructor({ bus, service, protectedConsumers = SERVICE_NAMES }: SubscriberApiOptions) {
    this.#bus = bus;
    this.#protected = protectedConsumers;
    this.#subscription = bus.nc.subscribe(Subjects.allSubscriberRequests, {
      queue: service,
      callback: (error, message) => {
        if (error) {
          bus.log.error({ error }, 'requests of subscribers cannot be received');
          return;
        }
        const answering: Promise<void> = this.#answer(message).finally(() =>
          this.#answering.delete(answering),
        );
        this.#answering.add(answering);
      },
    });
  }

  /** Takes no more requests, and answers those at hand. */
  async stop(): Promise<void> {
    if (!this.#subscription.isClosed()) await this.#subscription.drain().catch(() => {});
    await Promise.all(this.#answering);
  }

  async #answer(message: Msg): Promise<void> {
    const operation = operationOf(message);
    if (operation === null) return;
    try {
      const body = operation.startsWith('CONSUMER.DELETE.')
        ? this.#removal(operation)
        : this.#creation(operation, message.string());
      const answer = await this.#bus.nc.request(`$JS.API.${operation}`, body, { timeout: TIMEOUT_MS });
      message.respond(withInbox(answer.string()));
    } catch (error) {
      // What JetStream does not answer is left to the client's own time-out, as JetStream itself would.
      if (error instanceof Refused) message.respond(refusal(operation, error.message));
      else this.#bus.log.warn({ operation, error }, 'a request of a subscriber was not answered');
    }
  }

  #removal(operation: string): string {
    this.#refuseServices(operation.split('.')[3]);
    return '';
  }

  #creation(operation: string, text: string): string {
    const request = object(parsed(text), 'the request');
    refuseUnknown(request, REQUEST, 'the request');
    const config = object(request.config, 'config');
    refuseUnknown(config, SETTINGS, 'config');
    if (request.stream_name !== Streams.EVENTS) throw new Refused(`stream_name must be ${Streams.EVENTS}`);
    const named = operation.startsWith('CONSUMER.DURABLE.')
      ? operation.split('.')[4]
      : operation.split('.')[3];
    for (const name of [named, config.name, config.durable_name]) this.#refuseServices(name);
    const inbox = config.deliver_subject;
    if (inbox === undefined || inbox === '') return JSON.stringify(request);
    if (typeof inbox !== 'string' || !isInbox(inbox)) {
      throw new Refused('deliver_subject must be an inbox (_INBOX.<token>); or pull, without one');
    }
    // The inbox of the next run would be another, and JetStream refuses to change it while the old one is listened to.
    if (config.durable_name)
      throw new Refused('a durable consumer is pulled from: leave deliver_subject out');
    return JSON.stringify({ ...request, config: { ...config, deliver_subject: Subjects.delivery(inbox) } });
  }

  #refuseServices(name: unknown): void {
    if (typeof name === 'string' && this.#protected.includes(name))
      throw new Refused(`${name} is a consumer of Bellwether itself; take another name`);
  }
}

/** `CONSUMER.CREATE.EVENTS[.<name>[.<filter>]]`, `CONSUMER.DURABLE.CREATE.EVENTS.<name>`, `CONSUMER.DELETE.EVENTS.<name>` */
const OPERATION = new RegExp(
  `^CONSUMER\\.(CREATE\\.${Streams.EVENTS}(\\..+)?|(DURABLE\\.CREATE|DELETE)\\.${Streams.EVENTS}\\.[^.]+)$`,
);

/** Null for what is no request: an answer that a subscriber had sent here, which has another subject or no reply. */
function operationOf({ subject, reply }: Msg): string | null {
  const prefix = Subjects.subscriberRequest('');
  if (!reply || !subject.startsWith(prefix)) return null;
  const operation = subject.slice(prefix.length);
  return OPERATION.test(operation) ? operation : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refused('the request is not JSON');
  }
}

function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refused(`${what} must be an object`);
  return value as Record<string, unknown>;
}

/** nats-server takes names in any case, so that only exact ones are safe to pass on. */
function refuseUnknown(value: Record<string, unknown>, known: ReadonlySet<string>, what: string): void {
  const other = Object.keys(value).find((key) => !known.has(key));
  if (other !== undefined) throw new Refused(`${what} must not have "${other.slice(0, 100)}"`);
}

/** The answer as if it had come from the subscriber's own account. */
function withInbox(answer: string): string {
  const body = JSON.parse(answer) as { config?: { deliver_subject?: string } };
  const subject = body.config?.deliver_subject;
  if (subject === undefined) return answer;
  const inbox = subject.slice(Subjects.delivery('').length);
  return JSON.stringify({ ...body, config: { ...body.config, deliver_subject: inbox } });
}

function refusal(operation: string, description: string): string {
  const kind = operation.startsWith('CONSUMER.DELETE.') ? 'delete' : 'create';
  return JSON.stringify({
    type: `io.nats.jetstream.api.v1.consumer_${kind}_response`,
    // 10003: "bad request" of JetStream's own list.
    error: { code: 400, err_code: 10003, description },
  });
}
