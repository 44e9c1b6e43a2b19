import { type Cells, decodeCells, decodeSketchHour, HOUR_MINUTES } from '@bellwether/slo';
import type pg from 'pg';

/** An hour of a series. */
export interface HourOf {
  id: number;
  hour: number;
}

/** Stored hours of several series, in one query: from wherever they are looked at, also within a snapshot. */
export class StoredPages {
  constructor(private readonly db: Pick<pg.Pool | pg.PoolClient, 'query'>) {}

  /** The minutes of hours, by `<id>/<hour>`. */
  async cells(wanted: readonly HourOf[]): Promise<Map<string, Cells>> {
    if (wanted.length === 0) return new Map();
    const { rows } = await this.db.query<HourOf & { cells: Buffer }>(
      `select m.series::float8 as id, m.hour, m.cells
         from unnest($1::bigint[], $2::int[]) as w (series, hour) join evaluator.minutes m using (series, hour)`,
      [wanted.map((page) => page.id), wanted.map((page) => page.hour)],
    );
    return new Map(rows.map(({ id, hour, cells }) => [`${id}/${hour}`, decodeCells(cells, HOUR_MINUTES)]));
  }

  /** The sketches of hours, by `<id>/<hour>`. */
  async sketches(wanted: readonly HourOf[]): Promise<Map<string, Map<number, Uint8Array>>> {
    if (wanted.length === 0) return new Map();
    const { rows } = await this.db.query<HourOf & { minutes: Buffer }>(
      `select s.series::float8 as id, s.hour, s.minutes
         from unnest($1::bigint[], $2::int[]) as w (series, hour) join evaluator.sketches s using (series, hour)`,
      [wanted.map((page) => page.id), wanted.map((page) => page.hour)],
    );
    return new Map(rows.map(({ id, hour, minutes }) => [`${id}/${hour}`, decodeSketchHour(minutes)]));
  }
}
