import { LogStreams } from '@bellwether/contracts';
import type { Projection, RecordedEvent } from '@bellwether/event-log';
import {
  evolve,
  type IncidentState,
  incidentEvent,
  incidentNumber,
  incidentView,
  initial,
} from '@bellwether/incident';

const PREFIX = LogStreams.incident('');

/** Every incident after each of its events: the last row of each is how it is now. */
export const incidents: Projection = {
  name: 'incidents',
  version: 1,
  async create(tx, schema) {
    await tx.query(`
      create table ${schema}.states (number int primary key, state json not null);
      create table ${schema}.history (
        number int not null,
        version int not null,
        position bigint not null,
        recorded_at timestamptz not null,
        status text not null,
        severity text not null,
        services text[] not null,
        declared_at timestamptz not null,
        view json not null,
        primary key (number, version)
      );
      create index on ${schema}.history (number desc, version desc);
    `);
  },
  async apply(tx, event: RecordedEvent, schema) {
    if (!event.stream.startsWith(PREFIX)) return;
    const number = incidentNumber(event.stream.slice(PREFIX.length));
    const { rows } = await tx.query<{ state: IncidentState }>({
      name: `${schema}-state`,
      text: `select state from ${schema}.states where number = $1`,
      values: [number],
    });
    const state = evolve(rows[0]?.state ?? initial, incidentEvent(event));
    if (state === null) return;
    await tx.query({
      name: `${schema}-keep`,
      text: `insert into ${schema}.states (number, state) values ($1, $2)
             on conflict (number) do update set state = excluded.state`,
      values: [number, JSON.stringify(state)],
    });
    const view = incidentView(state);
    await tx.query({
      name: `${schema}-history`,
      text: `insert into ${schema}.history
               (number, version, position, recorded_at, status, severity, services, declared_at, view)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      values: [
        number,
        view.version,
        event.position,
        event.recordedAt,
        view.status,
        view.severity,
        view.services,
        view.declaredAt,
        JSON.stringify(view),
      ],
    });
  },
};
