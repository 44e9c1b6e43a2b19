import type { FilterValues } from '@bellwether/contracts';

/** Who, why and on whose behalf; kept beside the data of every event. */
export interface EventMeta {
  /** Id of the first event or request of the story. */
  correlationId: string;
  /** Id of the direct cause; null for a first one. */
  causationId: string | null;
  /** `user:<name>`, `service:<app>` or `key:<id>`. */
  actor: string;
  /** `/bellwether/<app>`. */
  source: string;
  /** W3C trace context of the request that led here. */
  traceparent?: string;
  /** What the event is about, as it is after it, for headers that its data does not give; absent in old events. */
  filters?: FilterValues;
}

/** An event to append. */
export interface NewEvent {
  /** A UUID (version 7); made when absent. */
  id?: string;
  /** The contract's short name, such as `incident.declared`. */
  type: string;
  /** Version of the shape of `data`, from 1 (the default). */
  schema?: number;
  /** Whatever `JSON.stringify` keeps; a `JsonText` is kept as it is. */
  data: unknown;
  meta: EventMeta;
  /** When it happened, as against when the log takes it. */
  occurredAt: Date;
}

/** An event as the log keeps it, `data` and `schema` brought up to the latest version of its type. */
export interface RecordedEvent {
  journal: string;
  /** Dense over the journal, from 1. */
  position: number;
  id: string;
  stream: string;
  /** Dense over the stream, from 1. */
  version: number;
  type: string;
  schema: number;
  data: unknown;
  meta: EventMeta;
  occurredAt: Date;
  /** Never runs backwards over a journal. */
  recordedAt: Date;
}

/** What a stream must look like for an append to go ahead; a number is its version, 0 the same as `no-stream`. */
export type ExpectedVersion = 'any' | 'no-stream' | 'stream-exists' | number;

/** Another stream of the same journal and the version it must be at. */
export interface Requirement {
  stream: string;
  version: number | 'no-stream';
}

/** Events for one stream; they are appended together or not at all. */
export interface AppendRequest {
  journal: string;
  stream: string;
  expectedVersion: ExpectedVersion;
  /** At least one. */
  events: NewEvent[];
  /** Makes the append idempotent: the same id answers the first result. */
  commandId?: string;
  /** Of the request's content: the same id with another hash is a `CommandConflict`. */
  commandHash?: string;
  /** Checked under the same lock as the version. */
  require?: Requirement[];
}

/** Where the events of an append are. */
export interface AppendResult {
  firstPosition: number;
  lastPosition: number;
  /** Of the stream, after. */
  version: number;
  /** The command had been appended before: this is its first answer, and nothing was written now. */
  duplicate: boolean;
  events: AppendedEvent[];
}

export interface AppendedEvent {
  id: string;
  position: number;
  version: number;
}
