import { toEnvelope } from '@bellwether/contracts';
import type { Projection, RecordedEvent } from '@bellwether/event-log';
import { withoutSecrets } from './secrets.js';

/** The control log as it is shown, found by id, type, key and correlation. */
export const events: Projection = {
  name: 'events',
  version: 1,
  async create(tx, schema) {
    await tx.query(`
      create table ${schema}.events (
        position bigint primary key,
        id uuid not null unique,
        type text collate "C" not null,
        key text collate "C" not null,
        correlation text collate "C" not null,
        envelope json not null
      );
      create index on ${schema}.events (type, position);
      create index on ${schema}.events (key, position);
      create index on ${schema}.events (correlation, position);
    `);
  },
  async apply(tx, event, schema) {
    await events.applyBatch?.(tx, [event], schema);
  },
  async applyBatch(tx, batch: RecordedEvent[], schema) {
    const shown = batch.map((event) => shownEnvelope(event));
    await tx.query({
      name: `${schema}-insert`,
      text: `insert into ${schema}.events (position, id, type, key, correlation, envelope)
             select * from unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::json[])`,
      values: [
        batch.map((event) => event.position),
        batch.map((event) => event.id),
        batch.map((event) => event.type),
        shown.map((envelope) => envelope.subject),
        shown.map((envelope) => envelope.correlationid),
        shown.map((envelope) => JSON.stringify(envelope)),
      ],
    });
  },
};

/** The wire form of an event, without secrets. */
export function shownEnvelope(event: RecordedEvent): ReturnType<typeof toEnvelope> {
  return toEnvelope({ ...event, data: withoutSecrets(event.type, event.data) });
}
