import { keyOfStream, withoutSecrets } from '@bellwether/contracts';
import type { Projection, RecordedEvent } from '@bellwether/event-log';
import { resourceEvent } from './resource-kinds.js';

/**
 * Every version of every resource. A version counts the definitions of the resource only, not what else happens in
 * its stream: a firing alert must not make an `If-Match` fail.
 */
export const resources: Projection = {
  name: 'resources',
  version: 1,
  keyOf: ({ stream }) => stream,
  takes: ({ type }) => resourceEvent(type) !== undefined,
  async create(tx, schema) {
    await tx.query(`
      create table ${schema}.versions (
        kind text collate "C" not null,
        key text collate "C" not null,
        version int not null,
        position bigint not null,
        recorded_at timestamptz not null,
        retired boolean not null,
        data json not null,
        primary key (kind, key, version)
      );
      create index on ${schema}.versions (kind, key, version desc);
    `);
  },
  async apply(tx, event: RecordedEvent, schema) {
    const said = resourceEvent(event.type);
    if (!said) return;
    // What was defined last stays readable after it is retired.
    await tx.query({
      name: `${schema}-version`,
      text: `insert into ${schema}.versions (kind, key, version, position, recorded_at, retired, data)
             select $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5,
                    case when $5 then (array_agg(data order by version desc))[1] else $6::json end
               from ${schema}.versions where kind = $1 and key = $2`,
      values: [
        said.kind,
        keyOfStream(event.stream),
        event.position,
        event.recordedAt,
        said.retired,
        JSON.stringify(withoutSecrets(event.type, event.data)),
      ],
    });
  },
};
