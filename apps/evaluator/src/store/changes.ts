import { encodeCells, encodeSketchHour, HOUR_MINUTES } from '@bellwether/slo';
import type pg from 'pg';
import { withChanged } from './recent-hours.js';
import type { Removals, SeriesChange, SeriesRow } from './series-row.js';

/** What is to be written of series that changed, in the form in which it is stored. */
export interface Changes {
  rows: SeriesRow[];
  minutes: { series: number; hour: number; cells: Uint8Array }[];
  days: { series: number; day: number; cells: Uint8Array; first: Uint8Array }[];
  sketches: { series: number; hour: number; minutes: Uint8Array }[];
}

/** Takes what changed out of series: whoever cannot store it must discard them and restore them. */
export function takeChanges(changes: readonly SeriesChange[]): Changes {
  const taken: Changes = { rows: [], minutes: [], days: [], sketches: [] };
  for (const { row, series, sketches } of changes) {
    const touched = new Set<number>();
    const dirty = series.takeDirty();
    row.revision += 1;
    row.recent = withChanged(
      row.recent,
      dirty.map(({ hour }) => hour),
      row.revision,
    );
    for (const { hour, cells, offset } of dirty) {
      taken.minutes.push({ series: row.id, hour, cells: encodeCells(cells, offset, HOUR_MINUTES) });
      touched.add(Math.floor(hour / 24));
    }
    for (const day of touched) {
      const sums = series.day(day);
      if (sums === null) {
        // Older than what is kept in memory: its sums are made from the minutes when somebody asks.
        row.daysFrom = Math.max(row.daysFrom, day + 1);
        continue;
      }
      taken.days.push({ series: row.id, day, cells: encodeCells(sums.cells), first: sums.firstMinutes });
    }
    for (const { hour, minutes } of sketches?.takeDirty() ?? []) {
      taken.sketches.push({ series: row.id, hour, minutes: encodeSketchHour(minutes) });
    }
    row.first = series.first;
    row.newest = series.newest;
    taken.rows.push(row);
  }
  return taken;
}

/** Writes what {@link takeChanges} took. */
export async function writeChanges(
  tx: pg.PoolClient,
  { rows, minutes, days, sketches }: Changes,
): Promise<void> {
  await tx.query(
    `update evaluator.series s set first_at = c.first_at, newest_at = c.newest_at, days_from = c.days_from,
            backfilled = c.backfilled, backfill_of = c.backfill_of, skip_to = c.skip_to, tip = c.tip,
            bad_tip = c.bad_tip, revision = c.revision, recent = c.recent
       from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[],
                   $8::json[], $9::json[], $10::bigint[], $11::json[])
         as c (id, first_at, newest_at, days_from, backfilled, backfill_of, skip_to, tip, bad_tip, revision, recent)
      where s.id = c.id`,
    [
      rows.map((row) => row.id),
      rows.map((row) => row.first),
      rows.map((row) => row.newest),
      rows.map((row) => row.daysFrom),
      rows.map((row) => row.backfilled),
      rows.map((row) => row.backfillOf),
      rows.map((row) => row.skipTo),
      rows.map((row) => row.tip && JSON.stringify(row.tip)),
      rows.map((row) => row.badTip && JSON.stringify(row.badTip)),
      rows.map((row) => row.revision),
      rows.map((row) => JSON.stringify(row.recent)),
    ],
  );
  if (minutes.length > 0) {
    await tx.query(
      `insert into evaluator.minutes (series, hour, cells)
       select * from unnest($1::bigint[], $2::int[], $3::bytea[])
       on conflict (series, hour) do update set cells = excluded.cells`,
      [
        minutes.map(({ series }) => series),
        minutes.map(({ hour }) => hour),
        minutes.map(({ cells }) => Buffer.from(cells)),
      ],
    );
  }
  if (days.length > 0) {
    await tx.query(
      `insert into evaluator.days (series, day, cells, first_minutes)
       select * from unnest($1::bigint[], $2::int[], $3::bytea[], $4::bytea[])
       on conflict (series, day) do update set cells = excluded.cells, first_minutes = excluded.first_minutes`,
      [
        days.map(({ series }) => series),
        days.map(({ day }) => day),
        days.map(({ cells }) => Buffer.from(cells)),
        days.map(({ first }) => Buffer.from(first)),
      ],
    );
  }
  if (sketches.length > 0) {
    await tx.query(
      `insert into evaluator.sketches (series, hour, minutes)
       select * from unnest($1::bigint[], $2::int[], $3::bytea[])
       on conflict (series, hour) do update set minutes = excluded.minutes`,
      [
        sketches.map(({ series }) => series),
        sketches.map(({ hour }) => hour),
        sketches.map(({ minutes: hour }) => Buffer.from(hour)),
      ],
    );
  }
}

/** Removes series, and what is stored in those that are to be empty. */
export async function removeSeries(tx: pg.PoolClient, { removed, emptied }: Removals): Promise<void> {
  const ids = [...removed, ...emptied];
  if (ids.length === 0) return;
  for (const table of ['minutes', 'sketches', 'days']) {
    await tx.query(`delete from evaluator.${table} where series = any($1::bigint[])`, [ids]);
  }
  if (removed.length > 0) {
    await tx.query('delete from evaluator.series where id = any($1::bigint[])', [removed]);
  }
}
