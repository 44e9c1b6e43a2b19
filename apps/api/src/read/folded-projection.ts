import { bigintArray, type Projection, type RecordedEvent, textArray } from '@bellwether/event-log';
import type pg from 'pg';

/** An aggregate whose state follows from its stream, and what of it is kept to be found by. */
export interface Folding<State, View extends { version: number }> {
  name: string;
  version: number;
  /** Of the names of its streams; what follows is the key. */
  prefix: string;
  /** Orders aggregates: a later one has a higher number. Taken from the first event. */
  numberOf: (key: string, first: RecordedEvent) => number;
  /** Null as long as there is nothing to show. */
  evolve: (state: State | null, event: RecordedEvent) => State | null;
  /** What is shown of a state. @param version of the stream */
  view: (state: State, version: number) => View;
  /** SQL types and values of the columns that lists filter by. */
  columns: Readonly<Record<string, { type: string; of: (view: View) => string | readonly string[] | null }>>;
}

/** What an event made of its aggregate. */
interface Row<State, View> {
  key: string;
  number: number;
  event: RecordedEvent;
  state: State;
  view: View;
  /** Values of the columns, in the order of their names, as Postgres reads them. */
  found: (string | null)[];
}

interface Held<State> {
  number: number;
  state: State | null;
  /** What lists find it by; null as long as there is nothing to show. */
  found: (string | null)[] | null;
}

/**
 * A projection of aggregates. `current` holds each as it is, with its view; `history` has what lists filter by whenever that
 * changed, so that those that fitted at a time are found, and their views folded again from the log. Both have `key`,
 * `number`, `version` and the columns of the folding.
 */
export function foldedProjection<State, View extends { version: number }>(
  folding: Folding<State, View>,
): Projection {
  const { prefix, columns } = folding;
  const names = Object.keys(columns);
  const typed = names.map((name) => `${name} ${columns[name]?.type}`).join(', ');
  const listed = names.join(', ');
  const cast = names.map((name) => `${name}::${columns[name]?.type}`).join(', ');
  const parameters = (first: number) => names.map((_, index) => `$${first + index}::text[]`).join(', ');

  async function applyBatch(tx: pg.PoolClient, events: RecordedEvent[], schema: string): Promise<void> {
    const held = await load(tx, schema, [
      ...new Set(events.map(({ stream }) => stream.slice(prefix.length))),
    ]);
    const history: Row<State, View>[] = [];
    const latest = new Map<string, Row<State, View>>();
    for (const event of events) {
      const key = event.stream.slice(prefix.length);
      const known = held.get(key) ?? { number: folding.numberOf(key, event), state: null, found: null };
      const state = folding.evolve(known.state, event);
      const view = state === null ? null : folding.view(state, event.version);
      const found = view === null ? null : foundBy(view);
      held.set(key, { ...known, state, found });
      if (state === null || view === null || found === null) continue;
      const row = { key, number: known.number, event, state, view, found };
      latest.set(key, row);
      if (known.found === null || found.some((text, index) => text !== known.found?.[index]))
        history.push(row);
    }
    await addHistory(tx, history, schema);
    await putCurrent(tx, [...latest.values()], schema);
  }

  const foundBy = (view: View) => names.map((name) => asText(columns[name]?.of(view) ?? null));
  // Columns of texts, each cast as it is put in: a JSON of rows would be taken apart again in the database.
  const texts = (rows: readonly Row<State, View>[]) =>
    names.map((_, index) => textArray(rows.map(({ found }) => found[index] ?? null)));
  const shared = (rows: readonly Row<State, View>[]) => [
    textArray(rows.map(({ key }) => key)),
    bigintArray(rows.map(({ number }) => number)),
    bigintArray(rows.map(({ event }) => event.version)),
  ];

  async function addHistory(
    tx: pg.PoolClient,
    rows: readonly Row<State, View>[],
    schema: string,
  ): Promise<void> {
    if (rows.length === 0) return;
    await tx.query({
      name: `${schema}-history`,
      text: `insert into ${schema}.history (key, number, version, recorded_at, ${listed})
             select key, number, version, recorded_at::timestamptz, ${cast}
               from unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], ${parameters(5)})
                 as r(key, number, version, recorded_at, ${listed})`,
      values: [
        ...shared(rows),
        textArray(rows.map(({ event }) => event.recordedAt.toISOString())),
        ...texts(rows),
      ],
    });
  }

  async function putCurrent(
    tx: pg.PoolClient,
    rows: readonly Row<State, View>[],
    schema: string,
  ): Promise<void> {
    if (rows.length === 0) return;
    await tx.query({
      name: `${schema}-current`,
      text: `insert into ${schema}.current (key, number, version, view, state, ${listed})
             select key, number, version, view::json, state::json, ${cast}
               from unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], ${parameters(6)})
                 as r(key, number, version, view, state, ${listed})
             on conflict (key) do update set version = excluded.version, state = excluded.state,
               view = excluded.view, ${names.map((name) => `${name} = excluded.${name}`).join(', ')}`,
      values: [
        ...shared(rows),
        textArray(rows.map(({ view }) => JSON.stringify(view))),
        textArray(rows.map(({ state }) => JSON.stringify(state))),
        ...texts(rows),
      ],
    });
  }

  async function load(tx: pg.PoolClient, schema: string, keys: string[]): Promise<Map<string, Held<State>>> {
    const { rows } = await tx.query<{
      key: string;
      number: string;
      version: number;
      state: State;
    }>({
      name: `${schema}-load`,
      text: `select key, number, version, state from ${schema}.current where key = any($1)`,
      values: [keys],
    });
    return new Map(
      rows.map(({ key, number, version, state }) => [
        key,
        { number: Number(number), state, found: foundBy(folding.view(state, version)) },
      ]),
    );
  }

  return {
    name: folding.name,
    version: folding.version,
    async create(tx, schema) {
      await tx.query(`
        create table ${schema}.current (
          key text collate "C" primary key,
          number bigint not null unique,
          version int not null,
          state json not null,
          view json not null,
          ${typed}
        ) with (fillfactor = 70);
        create table ${schema}.history (
          key text collate "C" not null,
          number bigint not null,
          version int not null,
          recorded_at timestamptz not null,
          ${typed}
        );
      `);
    },
    async index(tx, schema) {
      await tx.query(`
        alter table ${schema}.history add primary key (key, version);
        create index on ${schema}.history (number desc, version desc);
      `);
    },
    takes: ({ stream }) => stream.startsWith(prefix),
    keyOf: ({ stream }) => (stream.startsWith(prefix) ? stream.slice(prefix.length) : null),
    apply: (tx, event, schema) => applyBatch(tx, [event], schema),
    applyBatch,
  };
}

/**
 * SQL that has each aggregate once, as it is or as it was known at a time, without its view then: a source for lists.
 * @param asOf the parameter that holds the time, such as `$3`; undefined for now
 */
export function folded(schema: string, asOf: string | undefined): string {
  if (asOf === undefined) return `${schema}.current`;
  return `(select distinct on (number) *, null::json as view from ${schema}.history
            where recorded_at <= ${asOf}::timestamptz order by number desc, version desc)`;
}

/** A text or a list of texts as Postgres reads it. */
function asText(value: string | readonly string[] | null): string | null {
  if (value === null || typeof value === 'string') return value;
  return `{${value.map((item) => `"${item.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
