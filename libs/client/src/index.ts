export {
  type HttpPublisherOptions,
  type NatsPublisherOptions,
  publishOverHttp,
  publishOverNats,
} from './connect.js';
export { MeasurementRefused, NotTakenYet, PublisherClosed, TokenRefused } from './errors.js';
export type { EventsApiOptions } from './events-api.js';
export type { AcknowledgementLevel } from './nats-transport.js';
export { type PositionStore, positionInFile, positionInMemory } from './position-store.js';
export { MeasurementPublisher, type PublisherCounts, type PublisherOptions } from './publisher.js';
export { type SubscribeOptions, subscribe } from './subscribe.js';
export { EventSubscription, type SubscriptionOptions } from './subscription.js';
export type { Acknowledgement, Transport } from './transport.js';
