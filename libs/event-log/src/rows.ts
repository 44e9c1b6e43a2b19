import { JsonText } from '@bellwether/contracts';
import type pg from 'pg';
import type { EventMeta, RecordedEvent } from './event.js';
import type { Upcast } from './upcast.js';

/** Columns of an event in the order that `EventRow` has them. */
export const EVENT_COLUMNS =
  'position, event_id, stream, version, type, schema, data, meta, occurred_at, recorded_at';

/** All text, as the server sends it: what `pg` would make of each value costs more than reading it. */
export type EventRow = [
  position: string,
  id: string,
  stream: string,
  version: string,
  type: string,
  schema: string,
  data: string,
  meta: string,
  occurredAt: string,
  recordedAt: string,
];

/** Leaves every value as text. */
export const asText: pg.CustomTypesConfig = { getTypeParser: () => (text: string | Buffer) => text };

/** @param dataAs `text`: data that needs no upcasting is a `JsonText` */
export function toRecordedEvent(
  journal: string,
  row: EventRow,
  upcast: Upcast,
  dataAs: 'value' | 'text' = 'value',
): RecordedEvent {
  const type = row[4];
  const stored = dataAs === 'text' ? new JsonText(row[6]) : JSON.parse(row[6]);
  const { schema, data } = upcast(type, Number(row[5]), stored);
  return {
    journal,
    position: Number(row[0]),
    id: row[1],
    stream: row[2],
    version: Number(row[3]),
    type,
    schema,
    data,
    meta: JSON.parse(row[7]) as EventMeta,
    occurredAt: utcDate(row[8]),
    recordedAt: utcDate(row[9]),
  };
}

/** `2026-01-31 09:30:00.25+00`, as a session in UTC writes it, to the millisecond. */
export function utcDate(text: string): Date {
  if (text.length < 22 || !text.endsWith('+00') || text[4] !== '-') {
    throw new RangeError(`not a time in UTC: ${text}`);
  }
  const millis = text.length === 22 ? 0 : Number(`0${text.slice(19, -3)}`) * 1000;
  return new Date(
    Date.UTC(
      Number(text.slice(0, 4)),
      Number(text.slice(5, 7)) - 1,
      Number(text.slice(8, 10)),
      Number(text.slice(11, 13)),
      Number(text.slice(14, 16)),
      Number(text.slice(17, 19)),
      Math.round(millis),
    ),
  );
}
