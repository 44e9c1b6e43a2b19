/** Where projections and the relay report how they get on; libs/service exposes it to Prometheus. */
export interface ConsumerMetrics {
  /** How many events the consumer has yet to handle. */
  lag(consumer: string, events: number): void;
  /** Whether the consumer stands still at an event that it cannot handle. */
  halted(consumer: string, halted: boolean): void;
  /** How many keys of a projection stand still, while the others go on. */
  parked(consumer: string, keys: number): void;
}

export const noConsumerMetrics: ConsumerMetrics = { lag: () => {}, halted: () => {}, parked: () => {} };
