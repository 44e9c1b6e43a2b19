import type { EventEnvelope } from '@bellwether/contracts';

/** Reads journals of the log: the truth that the bus copies. */
export interface LogReader {
  /** The events above `position`, in order, without gaps, at most `limit`. */
  readAfter(journal: string, position: number, limit: number): Promise<EventEnvelope[]>;
  /** Position of the last event; 0 when there is none. */
  head(journal: string): Promise<number>;
}

/** An event that its consumer could not handle, or that waits behind such an event of the same key. */
export interface ParkedEvent {
  consumer: string;
  key: string;
  position: number;
  event: EventEnvelope;
  /** Why it failed; null when it only waits. */
  error: string | null;
  parkedAt: Date;
  attempts: number;
}

/** Where a consumer keeps its checkpoint and its parked events. `Tx` is the store's transaction handle. */
export interface ConsumerStore<Tx> {
  /** Position of the last event handled; 0 when the consumer is new. */
  load(consumer: string): Promise<number>;
  /**
   * Runs `work` and moves the checkpoint in one transaction.
   * @throws an error named `CheckpointMoved` when the checkpoint is not at `from` any more; nothing is written
   */
  commit(consumer: string, from: number, to: number, work: (tx: Tx) => Promise<void>): Promise<void>;
  /** Puts an event at the end of its key's queue. */
  park(tx: Tx, consumer: string, key: string, event: EventEnvelope, error: string | null): Promise<void>;
  /** Keys that have a queue. */
  parkedKeys(consumer: string): Promise<Set<string>>;
  /** Parked events, by consumer and position. */
  list(consumer?: string): Promise<ParkedEvent[]>;
  /** Handles a key's queue in order and stops at the first failure, whose error it records. */
  retry(
    consumer: string,
    key: string,
    work: (tx: Tx, event: EventEnvelope) => Promise<void>,
  ): Promise<{ replayed: number; remaining: number; error?: string }>;
}

/** Where the bus reports numbers; libs/service exposes them to Prometheus. */
export interface BusMetrics {
  /** How many events the consumer has yet to handle. */
  lag(consumer: string, events: number): void;
  /** Deliveries of what had been delivered before. */
  redelivered(consumer: string, count: number): void;
  /** Messages and events put aside with an error. */
  deadLettered(consumer: string, count: number): void;
  /** Whether the consumer stands still at an event that it cannot handle. */
  halted(consumer: string, halted: boolean): void;
}

export const noMetrics: BusMetrics = {
  lag() {},
  redelivered() {},
  deadLettered() {},
  halted() {},
};

/** The part of a pino logger that the bus uses. */
export interface BusLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Warnings and errors to stderr, one JSON line each: what is used when no logger is given. */
export const stderrLog: BusLog = {
  info() {},
  warn: (fields, message) => process.stderr.write(`${line('warn', fields, message)}\n`),
  error: (fields, message) => process.stderr.write(`${line('error', fields, message)}\n`),
};

function line(level: string, fields: object, message: string): string {
  return JSON.stringify({ level, message, ...fields }, (_, value) =>
    value instanceof Error ? { name: value.name, message: value.message } : value,
  );
}
