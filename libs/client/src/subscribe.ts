import { EventFilter } from './event-filter.js';
import { DurableStream } from './event-stream.js';
import { EventsApi, type EventsApiOptions } from './events-api.js';
import { connectNats } from './nats-address.js';
import { EventSubscription, type SubscriptionOptions } from './subscription.js';

export interface SubscribeOptions extends SubscriptionOptions {
  /** `nats://subscriber:<token>@host:4222`; several separated by commas. */
  servers: string;
  /** Name of the durable consumer, which remembers for this subscriber; letters, digits, `-` and `_`. */
  durable: string;
  /** The api, from which whatever the stream lost is read. */
  api: EventsApiOptions;
  /** Events wanted: names (`incident.declared`) and families (`incident.*`); all when absent. */
  types?: readonly string[];
}

/**
 * Subscribes to events: each at least once, in log order, through restarts of anything. Resolves when there is a
 * connection to NATS, however long that takes.
 *
 * @throws TypeError for a durable or types that are no names
 */
export async function subscribe(options: SubscribeOptions): Promise<EventSubscription> {
  const { servers, durable, api, types, ...rest } = options;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(durable))
    throw new TypeError('a durable is named with letters, digits, "-" and "_"');
  const filter = new EventFilter(types ?? []);
  const nc = await connectNats(servers, durable);
  const stream = new DurableStream(nc, { durable, subject: filter.subject });
  const subscription = new EventSubscription(stream, new EventsApi(api), filter, rest);
  subscription.start();
  return subscription;
}
