import type pg from 'pg';
import { type BucketsState, COLUMNS, type SeriesRow } from './series-row.js';

/** The rows of series: which ones there are, and how far they are. */
export class SeriesRows {
  constructor(protected readonly pool: pg.Pool) {}

  async ofPartition(partition: number): Promise<SeriesRow[]> {
    const { rows } = await this.pool.query<SeriesRow>(
      `select ${COLUMNS} from evaluator.series where partition = $1 order by id`,
      [partition],
    );
    return rows;
  }

  /** Series by their numbers; those that are not there any more are left out. */
  async rows(ids: readonly number[]): Promise<Map<number, SeriesRow>> {
    if (ids.length === 0) return new Map();
    const { rows } = await this.pool.query<SeriesRow>(
      `select ${COLUMNS} from evaluator.series where id = any($1::bigint[])`,
      [ids],
    );
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** The series that answers for an indicator: the newest live one, else one in the making. */
  async find(sli: string, indicator: string): Promise<SeriesRow | null> {
    const { rows } = await this.pool.query<SeriesRow>(
      `select ${COLUMNS} from evaluator.series where sli = $1 and indicator = $2 and slices_of is null and group_of is null
        order by backfilled is null desc, generation desc limit 1`,
      [sli, indicator],
    );
    return rows[0] ?? null;
  }

  /** The slices that are judged of a series, by indicator. */
  async slicesOf(id: number): Promise<Map<string, SeriesRow>> {
    const { rows } = await this.pool.query<SeriesRow>(
      `select ${COLUMNS} from evaluator.series where slices_of = $1`,
      [id],
    );
    return new Map(rows.map((row) => [row.indicator, row]));
  }

  /** The groups that hang on a series, by value of the label; ones that were begun and never stored do not count. */
  async groupsOf(id: number): Promise<Map<string, SeriesRow>> {
    const { rows } = await this.pool.query<SeriesRow>(
      `select ${COLUMNS} from evaluator.series where group_of = $1 and first_at is not null
        order by group_value collate "C"`,
      [id],
    );
    return new Map(rows.map((row) => [row.groupValue as string, row]));
  }

  /** All series there are, by SLI and indicator. */
  async all(): Promise<SeriesRow[]> {
    const { rows } = await this.pool.query<SeriesRow>(
      `select ${COLUMNS} from evaluator.series order by sli collate "C", indicator collate "C", generation`,
    );
    return rows;
  }

  /** How far buckets that are being made from the journal are, in messages of measurements. */
  async progress(): Promise<BucketsState> {
    const { rows } = await this.pool.query<BucketsState>(
      `select (select count(*)::int from evaluator.checkpoints where rebuild) as "partitionsToRebuild",
              count(*)::int as series, count(backfilled)::int as building,
              coalesce(sum(backfilled), 0)::float8 as done,
              coalesce(sum(backfill_of) filter (where backfilled is not null), 0)::float8 as of
         from evaluator.series where slices_of is null and group_of is null`,
    );
    return rows[0] as BucketsState;
  }

  /** How far the buckets over some SLIs are, in messages of measurements. */
  async backfillOf(slis: readonly string[]): Promise<{ done: number; of: number }> {
    const { rows } = await this.pool.query<{ done: number; of: number }>(
      `select coalesce(sum(backfilled), 0)::float8 as done, coalesce(sum(backfill_of), 0)::float8 as of
         from evaluator.series where sli = any($1) and backfilled is not null`,
      [slis],
    );
    return rows[0] as { done: number; of: number };
  }
}
