import { transaction } from '@bellwether/event-log';
import {
  Cells,
  decodeCells,
  encodeCells,
  HOUR_MINUTES,
  hourOf,
  minuteOf,
  Series,
  type Tip,
} from '@bellwether/slo';
import type pg from 'pg';
import type { Lease } from '../partition/leases.js';
import { fence } from './lease-fence.js';
import { daysOf, type StoredDay } from './stored-days.js';

/** A row of evaluator.series. */
export interface SeriesRow {
  id: number;
  partition: number;
  sli: string;
  indicator: string;
  generation: number;
  first: number | null;
  newest: number | null;
  daysFrom: number;
  /** Version of the SLI's stream that is read in while buckets are being made; null once live. */
  backfilled: number | null;
  backfillOf: number;
  skipTo: number;
  tip: Evidence | null;
  badTip: Evidence | null;
}

/** The measurement to name as evidence, with what its followers inherit. */
export interface Evidence extends Omit<Tip, 'lastPosition'> {
  /** When the log took it, RFC 3339. */
  recordedAt: string;
  correlationId: string;
  traceparent?: string;
}

/** State of all buckets. */
export interface BucketsState {
  /** Partitions whose rebuild was asked for and is not complete. */
  partitionsToRebuild: number;
  series: number;
  /** Of those, how many are being made from the journal, and how many of their messages are read. */
  building: number;
  done: number;
  of: number;
}

/** What changed in a series since it was last stored. */
export interface SeriesChange {
  row: SeriesRow;
  series: Series;
}

/** The checkpoint is not where this instance left it: what is in memory must be thrown away and read again. */
export class CheckpointMoved extends Error {
  override readonly name = 'CheckpointMoved';
  constructor(partition: number, from: number) {
    super(`the checkpoint of partition ${partition} is not at ${from}`);
  }
}

const COLUMNS = `id::float8 as id, partition, sli, indicator, generation, first_at::float8 as first,
  newest_at::float8 as newest, days_from as "daysFrom", backfilled::float8 as backfilled,
  backfill_of::float8 as "backfillOf", skip_to::float8 as "skipTo", tip, bad_tip as "badTip"`;

/** Buckets in Postgres: minutes by the hour, whole-hour sums by the day. */
export class SeriesStore {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async checkpoint(partition: number): Promise<number> {
    const { rows } = await this.#pool.query<{ position: string }>(
      'select position from evaluator.checkpoints where partition = $1',
      [partition],
    );
    return Number(rows[0]?.position ?? 0);
  }

  /** Asks the holders of all partitions to make their buckets anew. */
  async requestRebuild(): Promise<void> {
    await this.#pool.query('update evaluator.checkpoints set rebuild = true');
  }

  /** How far each partition is stored, and whether its buckets are to be made anew. */
  async checkpoints(): Promise<Map<number, { position: number; rebuild: boolean }>> {
    const { rows } = await this.#pool.query<{ partition: number; position: number; rebuild: boolean }>(
      'select partition, position::float8 as position, rebuild from evaluator.checkpoints',
    );
    return new Map(rows.map(({ partition, position, rebuild }) => [partition, { position, rebuild }]));
  }

  /** The buckets of a partition were made anew. @throws LeaseLost */
  async rebuilt(lease: Lease): Promise<void> {
    await transaction(this.#pool, async (tx) => {
      await fence(tx, lease);
      await tx.query('update evaluator.checkpoints set rebuild = false where partition = $1', [
        lease.partition,
      ]);
    });
  }

  /** How far buckets that are being made from the journal are, in messages of measurements. */
  async progress(): Promise<BucketsState> {
    const { rows } = await this.#pool.query<BucketsState>(
      `select (select count(*)::int from evaluator.checkpoints where rebuild) as "partitionsToRebuild",
              count(*)::int as series, count(backfilled)::int as building,
              coalesce(sum(backfilled), 0)::float8 as done,
              coalesce(sum(backfill_of) filter (where backfilled is not null), 0)::float8 as of
         from evaluator.series`,
    );
    return rows[0] as BucketsState;
  }

  async ofPartition(partition: number): Promise<SeriesRow[]> {
    const { rows } = await this.#pool.query<SeriesRow>(
      `select ${COLUMNS} from evaluator.series where partition = $1 order by id`,
      [partition],
    );
    return rows;
  }

  /** The series that answers for an indicator: the newest live one, else one in the making. */
  async find(sli: string, indicator: string): Promise<SeriesRow | null> {
    const { rows } = await this.#pool.query<SeriesRow>(
      `select ${COLUMNS} from evaluator.series where sli = $1 and indicator = $2
        order by backfilled is null desc, generation desc limit 1`,
      [sli, indicator],
    );
    return rows[0] ?? null;
  }

  /** All series there are, by SLI and indicator. */
  async all(): Promise<SeriesRow[]> {
    const { rows } = await this.#pool.query<SeriesRow>(
      `select ${COLUMNS} from evaluator.series order by sli collate "C", indicator collate "C", generation`,
    );
    return rows;
  }

  /** Begins a series that is to be made from the journal. @throws LeaseLost */
  async create(
    lease: Lease,
    series: Pick<SeriesRow, 'sli' | 'indicator' | 'generation' | 'backfillOf'>,
  ): Promise<SeriesRow> {
    return await transaction(this.#pool, async (tx) => {
      await fence(tx, lease);
      const { rows } = await tx.query<SeriesRow>(
        `insert into evaluator.series (partition, sli, indicator, generation, backfilled, backfill_of)
         values ($1, $2, $3, $4, 0, $5) returning ${COLUMNS}`,
        [lease.partition, series.sli, series.indicator, series.generation, series.backfillOf],
      );
      return rows[0] as SeriesRow;
    });
  }

  /** Removes series with all of their buckets. @throws LeaseLost */
  async remove(lease: Lease, ids: readonly number[]): Promise<void> {
    if (ids.length === 0) return;
    await transaction(this.#pool, async (tx) => {
      await fence(tx, lease);
      for (const [table, key] of [
        ['minutes', 'series'],
        ['days', 'series'],
        ['series', 'id'],
      ]) {
        await tx.query(`delete from evaluator.${table} where ${key} = any($1::bigint[])`, [ids]);
      }
    });
  }

  /** A series as it was stored, ready to go on. */
  async open(row: SeriesRow, windows: Iterable<number>): Promise<Series> {
    const series = new Series({ windows, paged: true });
    if (row.first === null || row.newest === null) return series;
    const newestHour = hourOf(minuteOf(row.newest));
    const oldestDay = Math.floor((newestHour - series.hoursKept) / 24);
    const [pages, days, uncovered] = await Promise.all([
      this.hours(row.id, newestHour - series.hoursHot, newestHour),
      this.#days(row.id, Math.max(oldestDay, row.daysFrom)),
      this.hours(row.id, oldestDay * 24, row.daysFrom * 24 - 1),
    ]);
    series.restore({
      first: row.first,
      newest: row.newest,
      days: [...days, ...daysOf(uncovered)],
      pages: [...pages].map(([hour, cells]) => ({ hour, cells })),
    });
    return series;
  }

  /** The stored minutes of the measured hours between two, both inclusive. */
  async hours(id: number, from: number, to: number): Promise<Map<number, Cells>> {
    if (to < from) return new Map();
    const { rows } = await this.#pool.query<{ hour: number; cells: Buffer }>(
      'select hour, cells from evaluator.minutes where series = $1 and hour between $2 and $3 order by hour',
      [id, from, to],
    );
    return new Map(rows.map(({ hour, cells }) => [hour, decodeCells(cells, HOUR_MINUTES)]));
  }

  /** The stored minutes of single hours of several series, in one query. */
  async pages(wanted: readonly { id: number; hour: number }[]): Promise<Map<string, Cells>> {
    if (wanted.length === 0) return new Map();
    const { rows } = await this.#pool.query<{ id: number; hour: number; cells: Buffer }>(
      `select m.series::float8 as id, m.hour, m.cells
         from unnest($1::bigint[], $2::int[]) as w (series, hour) join evaluator.minutes m using (series, hour)`,
      [wanted.map((page) => page.id), wanted.map((page) => page.hour)],
    );
    return new Map(rows.map(({ id, hour, cells }) => [`${id}/${hour}`, decodeCells(cells, HOUR_MINUTES)]));
  }

  /**
   * Stores what changed, and how far the journal was read, in one transaction.
   * @throws LeaseLost, CheckpointMoved nothing was written
   */
  async flush(lease: Lease, from: number, to: number, changes: readonly SeriesChange[]): Promise<void> {
    const minutes = { series: [] as number[], hour: [] as number[], cells: [] as Uint8Array[] };
    const days = {
      series: [] as number[],
      day: [] as number[],
      cells: [] as Uint8Array[],
      first: [] as Uint8Array[],
    };
    for (const { row, series } of changes) {
      const touched = new Set<number>();
      for (const { hour, cells, offset } of series.takeDirty()) {
        minutes.series.push(row.id);
        minutes.hour.push(hour);
        minutes.cells.push(encodeCells(cells, offset, HOUR_MINUTES));
        touched.add(Math.floor(hour / 24));
      }
      for (const day of touched) {
        const sums = series.day(day);
        if (sums === null) {
          // Older than what is kept in memory: its sums are made from the minutes when somebody asks.
          row.daysFrom = Math.max(row.daysFrom, day + 1);
          continue;
        }
        days.series.push(row.id);
        days.day.push(day);
        days.cells.push(encodeCells(sums.cells));
        days.first.push(sums.firstMinutes);
      }
      row.first = series.first;
      row.newest = series.newest;
    }
    await transaction(this.#pool, async (tx) => {
      // A crash of the database that loses the last of these loses their checkpoint with them, which the next one finds.
      // Where the checkpoint does not move it would show nothing: that must be on disk.
      if (to !== from) await tx.query('set local synchronous_commit = off');
      await fence(tx, lease);
      const { rowCount } = await tx.query(
        'update evaluator.checkpoints set position = $3 where partition = $1 and position = $2',
        [lease.partition, from, to],
      );
      if (rowCount !== 1) throw new CheckpointMoved(lease.partition, from);
      if (changes.length === 0) return;
      await tx.query(
        `update evaluator.series s set first_at = c.first_at, newest_at = c.newest_at, days_from = c.days_from,
                backfilled = c.backfilled, backfill_of = c.backfill_of, skip_to = c.skip_to, tip = c.tip, bad_tip = c.bad_tip
           from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[],
                       $8::json[], $9::json[])
             as c (id, first_at, newest_at, days_from, backfilled, backfill_of, skip_to, tip, bad_tip)
          where s.id = c.id`,
        [
          changes.map(({ row }) => row.id),
          changes.map(({ row }) => row.first),
          changes.map(({ row }) => row.newest),
          changes.map(({ row }) => row.daysFrom),
          changes.map(({ row }) => row.backfilled),
          changes.map(({ row }) => row.backfillOf),
          changes.map(({ row }) => row.skipTo),
          changes.map(({ row }) => row.tip && JSON.stringify(row.tip)),
          changes.map(({ row }) => row.badTip && JSON.stringify(row.badTip)),
        ],
      );
      if (minutes.series.length > 0) {
        await tx.query(
          `insert into evaluator.minutes (series, hour, cells)
           select * from unnest($1::bigint[], $2::int[], $3::bytea[])
           on conflict (series, hour) do update set cells = excluded.cells`,
          [minutes.series, minutes.hour, minutes.cells.map((cells) => Buffer.from(cells))],
        );
      }
      if (days.series.length > 0) {
        await tx.query(
          `insert into evaluator.days (series, day, cells, first_minutes)
           select * from unnest($1::bigint[], $2::int[], $3::bytea[], $4::bytea[])
           on conflict (series, day) do update set cells = excluded.cells, first_minutes = excluded.first_minutes`,
          [
            days.series,
            days.day,
            days.cells.map((cells) => Buffer.from(cells)),
            days.first.map((first) => Buffer.from(first)),
          ],
        );
      }
    });
  }

  async #days(id: number, from: number): Promise<StoredDay[]> {
    const { rows } = await this.#pool.query<{ day: number; cells: Buffer; first: Buffer }>(
      'select day, cells, first_minutes as first from evaluator.days where series = $1 and day >= $2',
      [id, from],
    );
    return rows.map(({ day, cells, first }) => ({
      day,
      cells: decodeCells(cells, 24),
      firstMinutes: new Uint8Array(first),
    }));
  }
}
