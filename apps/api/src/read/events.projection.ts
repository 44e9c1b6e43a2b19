import { keyOfStream, toEnvelope, withoutSecrets } from '@bellwether/contracts';
import { bigintArray, type Projection, type RecordedEvent, textArray } from '@bellwether/event-log';

/** Where in the control log an event is, found by its id, type, key and correlation. The log itself has the rest. */
export const events: Projection = {
  name: 'events',
  version: 2,
  async create(tx, schema) {
    await tx.query(`
      create table ${schema}.events (
        position bigint not null,
        id uuid not null,
        type text collate "C" not null,
        key text collate "C" not null,
        correlation text collate "C" not null
      );
    `);
  },
  async index(tx, schema) {
    await tx.query(`
      alter table ${schema}.events add primary key (position);
      create unique index on ${schema}.events (id);
      create index on ${schema}.events (type, position);
      create index on ${schema}.events (key, position);
      create index on ${schema}.events (correlation, position);
    `);
  },
  async apply(tx, event, schema) {
    await events.applyBatch?.(tx, [event], schema);
  },
  async applyBatch(tx, batch: RecordedEvent[], schema) {
    await tx.query({
      name: `${schema}-insert`,
      text: `insert into ${schema}.events (position, id, type, key, correlation)
             select position, id::uuid, type, key, correlation
               from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
                 as r(position, id, type, key, correlation)`,
      values: [
        bigintArray(batch.map(({ position }) => position)),
        textArray(batch.map(({ id }) => id)),
        textArray(batch.map(({ type }) => type)),
        textArray(batch.map(({ stream }) => keyOfStream(stream))),
        textArray(batch.map(({ meta }) => meta.correlationId)),
      ],
    });
  },
};

/** The wire form of an event, without secrets. */
export function shownEnvelope(event: RecordedEvent): ReturnType<typeof toEnvelope> {
  return toEnvelope({ ...event, data: withoutSecrets(event.type, event.data) });
}
