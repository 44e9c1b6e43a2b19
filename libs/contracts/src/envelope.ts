import { z } from 'zod';
import { keyOfStream } from './subjects.js';
import { timestamp } from './time.js';

export const CLOUDEVENTS_JSON = 'application/cloudevents+json';
export const CLOUDEVENTS_BATCH_JSON = 'application/cloudevents-batch+json';
export const PROBLEM_JSON = 'application/problem+json';

/** `user:<name>`, `service:<app>` or `key:<id>`. */
export const actor = z
  .string()
  .regex(/^(user|service|key):[^\s]{1,128}$/, 'must be user:<name>, service:<app> or key:<id>')
  .meta({ id: 'Actor' });

/**
 * An event as everyone outside sees it: CloudEvents 1.0, structured JSON.
 * `position` is dense over a journal: a reader of the whole journal that sees a jump missed something.
 * `streamversion` is dense per aggregate, for readers of a part.
 */
export const eventEnvelope = z
  .object({
    specversion: z.literal('1.0'),
    id: z.uuid(),
    source: z.string(),
    type: z.string().regex(/^bellwether\.[a-z.-]+\.v[1-9][0-9]*$/),
    subject: z.string(),
    time: timestamp,
    datacontenttype: z.literal('application/json').default('application/json'),
    data: z.unknown(),
    position: z.int().positive(),
    streamversion: z.int().positive(),
    /** When the log took it, as against `time`, when it happened. */
    recordedtime: timestamp,
    correlationid: z.string(),
    causationid: z.string().optional(),
    actor,
    traceparent: z
      .string()
      .optional()
      .describe(
        'W3C Trace Context of what caused the event; there when that had one: the request or message came with a `traceparent`, or traces are collected',
      ),
  })
  .meta({ id: 'EventEnvelope' });
export type EventEnvelope<T = unknown> = Omit<z.infer<typeof eventEnvelope>, 'data'> & { data: T };

/**
 * What headers repeat of an event for those who filter. Its writer says it where the data does not: most events of an
 * incident name neither the services affected nor its severity.
 */
export interface FilterValues {
  services?: readonly string[];
  /** Of an incident (`sev1` to `sev4`) or of an alert (`page`, `ticket`). */
  severity?: string;
}

/** What the log gives of an event; the event-log library's `RecordedEvent` has this shape. */
export interface LoggedEvent {
  journal: string;
  position: number;
  id: string;
  stream: string;
  version: number;
  type: string;
  schema: number;
  /** `JsonText` where who reads the log wants it so. */
  data: unknown;
  meta: {
    correlationId: string;
    causationId: string | null;
    actor: string;
    source: string;
    traceparent?: string;
    filters?: FilterValues;
  };
  occurredAt: Date;
  recordedAt: Date;
}

/** The wire form of a logged event. */
export function toEnvelope(event: LoggedEvent): EventEnvelope {
  return {
    specversion: '1.0',
    id: event.id,
    source: event.meta.source,
    type: wireType(event.type, event.schema),
    subject: keyOfStream(event.stream),
    time: event.occurredAt.toISOString(),
    datacontenttype: 'application/json',
    data: event.data,
    position: event.position,
    streamversion: event.version,
    recordedtime: event.recordedAt.toISOString(),
    correlationid: event.meta.correlationId,
    ...(event.meta.causationId ? { causationid: event.meta.causationId } : {}),
    actor: event.meta.actor,
    ...(event.meta.traceparent ? { traceparent: event.meta.traceparent } : {}),
  };
}

/** `incident.declared`, 1 → `bellwether.incident.declared.v1`. */
export function wireType(type: string, schema: number): string {
  return `bellwether.${type}.v${schema}`;
}

/** `bellwether.incident.declared.v1` → `{ type: 'incident.declared', schema: 1 }`. @throws RangeError for other text */
export function fromWireType(wire: string): { type: string; schema: number } {
  const match = /^bellwether\.(.+)\.v([1-9][0-9]*)$/.exec(wire);
  if (!match) throw new RangeError(`not an event type of Bellwether: ${wire}`);
  return { type: match[1] as string, schema: Number(match[2]) };
}
