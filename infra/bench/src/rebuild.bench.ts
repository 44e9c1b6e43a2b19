import { EventLog, migrate, type Projection, Projector } from '@bellwether/event-log';
import pg from 'pg';
import { dataOf, durablePostgres, eventOf } from './log.js';
import { compare, perSecond, type Result } from './measure.js';

const EVENTS = 100_000;

/** A read model with a row per incident: how many notes it has, the last one, and when. */
const notes: Projection = {
  name: 'notes',
  version: 1,
  create: async (tx, schema) => {
    await tx.query(
      `create table ${schema}.notes (incident text primary key, notes int not null, last text not null, at timestamptz not null)`,
    );
  },
  apply: (tx, event, schema) => notes.applyBatch?.(tx, [event], schema) ?? Promise.resolve(),
  applyBatch: async (tx, events, schema) => {
    const rows = new Map<string, { notes: number; last: string; at: Date }>();
    for (const event of events) {
      const { incident, text } = event.data as ReturnType<typeof dataOf>;
      rows.set(incident, { notes: (rows.get(incident)?.notes ?? 0) + 1, last: text, at: event.occurredAt });
    }
    await tx.query(
      `insert into ${schema}.notes select * from unnest($1::text[], $2::int[], $3::text[], $4::timestamptz[])
       on conflict (incident) do update set notes = notes.notes + excluded.notes, last = excluded.last, at = excluded.at`,
      [
        [...rows.keys()],
        [...rows.values()].map((r) => r.notes),
        [...rows.values()].map((r) => r.last),
        [...rows.values()].map((r) => r.at),
      ],
    );
  },
};

/** Rebuilding a projection against reading the same rows with `pg` alone. */
export async function rebuildBench(): Promise<Result[]> {
  const postgres = await durablePostgres();
  const log = EventLog.open({ connectionString: postgres.url() });
  const client = new pg.Client(postgres.url());
  const opened: Projector[] = [];
  try {
    await migrate(postgres.url());
    await client.connect();
    for (let i = 0; i < EVENTS; i += 1000) {
      await log.append({
        journal: 'control',
        stream: `bench:${i % 64}`,
        expectedVersion: 'any',
        events: Array.from({ length: 1000 }, (_, k) => eventOf(i + k)),
      });
    }
    const projector = new Projector(log, { owner: 'bench', projections: [notes] });
    opened.push(projector);
    await projector.start();
    const ours = async () => {
      await projector.rebuild('notes');
    };
    const reference = async () => {
      for (let after = 0; after < EVENTS; ) {
        const { rows } = await client.query(
          'select * from log.events where journal = $1 and position > $2 order by position limit 5000',
          ['control', after],
        );
        after = Number(rows.at(-1).position);
      }
    };
    const { ours: o, reference: r, ratio } = await compare(3, EVENTS, ours, reference);
    return [
      {
        what: 'projection rebuild',
        ours: perSecond(o),
        reference: `reading ${perSecond(r)}`,
        ratio,
        goal: '≥ 0.5',
        met: ratio >= 0.5,
      },
    ];
  } finally {
    for (const projector of opened) await projector.stop();
    await client.end();
    await log.close();
    await postgres.stop();
  }
}
