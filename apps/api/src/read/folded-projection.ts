import type { Projection, RecordedEvent } from '@bellwether/event-log';
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
  columns: Readonly<Record<string, { type: string; of: (view: View) => unknown }>>;
}

interface Held<State> {
  number: number;
  state: State | null;
}

/**
 * A projection of aggregates: `current` holds each as it is, `history` each after every one of its events, so that
 * what was known at a time is looked up and not folded again. Both have `key`, `number`, `version`, `view` and the
 * columns of the folding.
 */
export function foldedProjection<State, View extends { version: number }>(
  folding: Folding<State, View>,
): Projection {
  const { prefix, columns } = folding;
  const names = Object.keys(columns);
  const typed = names.map((name) => `${name} ${columns[name]?.type}`).join(', ');
  const listed = names.join(', ');

  async function applyBatch(tx: pg.PoolClient, batch: RecordedEvent[], schema: string): Promise<void> {
    const events = batch.filter(({ stream }) => stream.startsWith(prefix));
    if (events.length === 0) return;
    const held = await load(tx, schema, [
      ...new Set(events.map(({ stream }) => stream.slice(prefix.length))),
    ]);
    const history: object[] = [];
    const current = new Map<string, object>();
    for (const event of events) {
      const key = event.stream.slice(prefix.length);
      const known = held.get(key) ?? { number: folding.numberOf(key, event), state: null };
      const state = folding.evolve(known.state, event);
      held.set(key, { ...known, state });
      if (state === null) continue;
      const view = folding.view(state, event.version);
      const found = Object.fromEntries(names.map((name) => [name, columns[name]?.of(view)]));
      const row = { key, number: known.number, version: event.version, view, ...found };
      history.push({ ...row, position: event.position, recorded_at: event.recordedAt.toISOString() });
      current.set(key, { ...row, state });
    }
    await tx.query({
      name: `${schema}-history`,
      text: `insert into ${schema}.history (key, number, version, position, recorded_at, view, ${listed})
             select key, number, version, position, recorded_at, view, ${listed}
               from json_to_recordset($1) as r(key text, number bigint, version int, position bigint,
                                               recorded_at timestamptz, view json, ${typed})`,
      values: [JSON.stringify(history)],
    });
    await tx.query({
      name: `${schema}-current`,
      text: `insert into ${schema}.current (key, number, version, state, view, ${listed})
             select key, number, version, state, view, ${listed}
               from json_to_recordset($1) as r(key text, number bigint, version int, state json, view json, ${typed})
             on conflict (key) do update set version = excluded.version, state = excluded.state,
               view = excluded.view, ${names.map((name) => `${name} = excluded.${name}`).join(', ')}`,
      values: [JSON.stringify([...current.values()])],
    });
  }

  async function load(tx: pg.PoolClient, schema: string, keys: string[]): Promise<Map<string, Held<State>>> {
    const { rows } = await tx.query<{ key: string; number: string; state: State }>({
      name: `${schema}-load`,
      text: `select key, number, state from ${schema}.current where key = any($1)`,
      values: [keys],
    });
    return new Map(rows.map(({ key, number, state }) => [key, { number: Number(number), state }]));
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
          position bigint not null,
          recorded_at timestamptz not null,
          view json not null,
          ${typed},
          primary key (key, version)
        );
        create index on ${schema}.history (number desc, version desc);
      `);
    },
    apply: (tx, event, schema) => applyBatch(tx, [event], schema),
    applyBatch,
  };
}

/**
 * SQL that has each aggregate once, as it is or as it was known at a time: a source for lists.
 * @param asOf the parameter that holds the time, such as `$3`; undefined for now
 */
export function folded(schema: string, asOf: string | undefined): string {
  if (asOf === undefined) return `${schema}.current`;
  return `(select distinct on (number) * from ${schema}.history
            where recorded_at <= ${asOf}::timestamptz order by number desc, version desc)`;
}

/** SQL of the view of the one aggregate whose key is `$1`, as it is or as it was known at `$2`. */
export function foldedOne(schema: string): string {
  return `select view from ${schema}.history
           where key = $1 and recorded_at <= coalesce($2::timestamptz, 'infinity')
           order by version desc limit 1`;
}
