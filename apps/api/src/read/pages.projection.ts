import { LogStreams } from '@bellwether/contracts';
import type { Projection, RecordedEvent } from '@bellwether/event-log';
import { evolvePage, type PageEvent, type PageState, pageView } from '@bellwether/oncall';

const PREFIX = LogStreams.page('');

/** Every page after each of its events. `number` orders pages as they were first requested. */
export const pages: Projection = {
  name: 'pages',
  version: 1,
  async create(tx, schema) {
    await tx.query(`
      create table ${schema}.states (id text primary key, number bigint not null, state json not null);
      create table ${schema}.history (
        id text not null,
        number bigint not null,
        version int not null,
        position bigint not null,
        recorded_at timestamptz not null,
        incident text not null,
        status text not null,
        service text,
        users text[] not null,
        view json not null,
        primary key (id, version)
      );
      create index on ${schema}.history (number desc, version desc);
      create index on ${schema}.history (incident);
    `);
  },
  async apply(tx, event: RecordedEvent, schema) {
    if (!event.stream.startsWith(PREFIX)) return;
    const id = event.stream.slice(PREFIX.length);
    const { rows } = await tx.query<{ number: string; state: PageState }>({
      name: `${schema}-state`,
      text: `select number, state from ${schema}.states where id = $1`,
      values: [id],
    });
    const number = Number(rows[0]?.number ?? event.position);
    const state = evolvePage(rows[0]?.state ?? null, pageEvent(event));
    await tx.query({
      name: `${schema}-keep`,
      text: `insert into ${schema}.states (id, number, state) values ($1, $2, $3)
             on conflict (id) do update set state = excluded.state`,
      values: [id, number, JSON.stringify(state)],
    });
    const view = pageView(state, event.version);
    await tx.query({
      name: `${schema}-history`,
      text: `insert into ${schema}.history
               (id, number, version, position, recorded_at, incident, status, service, users, view)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      values: [
        id,
        number,
        view.version,
        event.position,
        event.recordedAt,
        view.incident,
        view.status,
        view.service,
        [...new Set(view.deliveries.flatMap(({ user }) => (user === null ? [] : [user])))],
        JSON.stringify(view),
      ],
    });
  },
};

/** An event of a page's stream, from its record in the log. */
function pageEvent(event: RecordedEvent): PageEvent {
  // The log took the data through the schemas of contracts, and upcasts old versions on read.
  return { type: event.type, data: event.data, at: event.occurredAt.getTime() } as PageEvent;
}
