import type { SloGroup } from '@bellwether/contracts';
import { transaction } from '@bellwether/event-log';
import {
  type BucketNeeds,
  type Cells,
  decodeCells,
  decodeSketchHour,
  HOUR_MINUTES,
  hourOf,
  IndicatorBuckets,
  minuteOf,
  Series,
  type Window,
} from '@bellwether/slo';
import type pg from 'pg';
import type { Lease } from '../partition/leases.js';
import { removeSeries, takeChanges, writeChanges } from './changes.js';
import { fence } from './lease-fence.js';
import {
  type BucketsState,
  COLUMNS,
  type Removals,
  type SeriesChange,
  type SeriesRow,
} from './series-row.js';
import { daysOf, type StoredDay } from './stored-days.js';

/** The checkpoint is not where this instance left it: what is in memory must be thrown away and read again. */
export class CheckpointMoved extends Error {
  override readonly name = 'CheckpointMoved';
  constructor(partition: number, from: number) {
    super(`the checkpoint of partition ${partition} is not at ${from}`);
  }
}

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
         from evaluator.series where slices_of is null and group_of is null`,
    );
    return rows[0] as BucketsState;
  }

  /** How far the buckets over some SLIs are, in messages of measurements. */
  async backfillOf(slis: readonly string[]): Promise<{ done: number; of: number }> {
    const { rows } = await this.#pool.query<{ done: number; of: number }>(
      `select coalesce(sum(backfilled), 0)::float8 as done, coalesce(sum(backfill_of), 0)::float8 as of
         from evaluator.series where sli = any($1) and backfilled is not null`,
      [slis],
    );
    return rows[0] as { done: number; of: number };
  }

  async ofPartition(partition: number): Promise<SeriesRow[]> {
    const { rows } = await this.#pool.query<SeriesRow>(
      `select ${COLUMNS} from evaluator.series where partition = $1 order by id`,
      [partition],
    );
    return rows;
  }

  /** Series by their numbers; those that are not there any more are left out. */
  async rows(ids: readonly number[]): Promise<Map<number, SeriesRow>> {
    if (ids.length === 0) return new Map();
    const { rows } = await this.#pool.query<SeriesRow>(
      `select ${COLUMNS} from evaluator.series where id = any($1::bigint[])`,
      [ids],
    );
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** The series that answers for an indicator: the newest live one, else one in the making. */
  async find(sli: string, indicator: string): Promise<SeriesRow | null> {
    const { rows } = await this.#pool.query<SeriesRow>(
      `select ${COLUMNS} from evaluator.series where sli = $1 and indicator = $2 and slices_of is null and group_of is null
        order by backfilled is null desc, generation desc limit 1`,
      [sli, indicator],
    );
    return rows[0] ?? null;
  }

  /** The slices that are judged of a series, by indicator. */
  async slicesOf(id: number): Promise<Map<string, SeriesRow>> {
    const { rows } = await this.#pool.query<SeriesRow>(
      `select ${COLUMNS} from evaluator.series where slices_of = $1`,
      [id],
    );
    return new Map(rows.map((row) => [row.indicator, row]));
  }

  /** The groups that hang on a series, by value of the label; ones that were begun and never stored do not count. */
  async groupsOf(id: number): Promise<Map<string, SeriesRow>> {
    const { rows } = await this.#pool.query<SeriesRow>(
      `select ${COLUMNS} from evaluator.series where group_of = $1 and first_at is not null
        order by group_value collate "C"`,
      [id],
    );
    return new Map(rows.map((row) => [row.groupValue as string, row]));
  }

  /** Removes groups that were begun and never stored: a crash came in between. @throws LeaseLost */
  async removeUnstoredGroups(lease: Lease, id: number): Promise<void> {
    const { rows } = await this.#pool.query<{ id: number }>(
      'select id::float8 as id from evaluator.series where group_of = $1 and first_at is null',
      [id],
    );
    await this.remove(
      lease,
      rows.map((row) => row.id),
    );
  }

  /** All series there are, by SLI and indicator. */
  async all(): Promise<SeriesRow[]> {
    const { rows } = await this.#pool.query<SeriesRow>(
      `select ${COLUMNS} from evaluator.series order by sli collate "C", indicator collate "C", generation`,
    );
    return rows;
  }

  /** Begins a series of events, to be made from the journal, or of slices, to be made from events. @throws LeaseLost */
  async create(
    lease: Lease,
    series: Pick<SeriesRow, 'sli' | 'indicator' | 'generation'> &
      Partial<Pick<SeriesRow, 'slicesOf' | 'groupOf' | 'groupValue' | 'backfilled' | 'backfillOf'>>,
  ): Promise<SeriesRow> {
    return await transaction(this.#pool, async (tx) => {
      await fence(tx, lease);
      const { rows } = await tx.query<SeriesRow>(
        `insert into evaluator.series
           (partition, sli, indicator, generation, slices_of, group_of, group_value, backfilled, backfill_of)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning ${COLUMNS}`,
        [
          lease.partition,
          series.sli,
          series.indicator,
          series.generation,
          series.slicesOf ?? null,
          series.groupOf ?? null,
          series.groupValue ?? null,
          series.backfilled ?? null,
          series.backfillOf ?? 0,
        ],
      );
      return rows[0] as SeriesRow;
    });
  }

  /** Removes series with all of their buckets, their groups, and the slices judged of them. @throws LeaseLost */
  async remove(lease: Lease, series: readonly number[]): Promise<void> {
    if (series.length === 0) return;
    await transaction(this.#pool, async (tx) => {
      await fence(tx, lease);
      const { rows } = await tx.query<{ id: number }>(
        `with events as (
           select id from evaluator.series where id = any($1::bigint[]) or group_of = any($1::bigint[])
         )
         select id::float8 as id from evaluator.series
          where id in (select id from events) or slices_of in (select id from events)`,
        [series],
      );
      await removeSeries(tx, { removed: rows.map(({ id }) => id), emptied: [] });
    });
  }

  /**
   * The buckets of an indicator as they were stored.
   * @param slices rows of the slices, by rule
   */
  async openBuckets(
    row: SeriesRow,
    slices: ReadonlyMap<string, SeriesRow>,
    needs: BucketNeeds,
    cadence: number | undefined,
    group?: SloGroup,
  ): Promise<IndicatorBuckets> {
    const events = await this.open(row, needs.windows.values());
    const judged = new Map<string, Series>();
    for (const [rule, { windows }] of needs.rules) {
      const stored = slices.get(rule);
      if (stored !== undefined) judged.set(rule, await this.open(stored, windows.values()));
    }
    return new IndicatorBuckets({ needs, cadence, paged: true, stored: { events, slices: judged }, group });
  }

  /** A series as it was stored, ready to go on. */
  async open(row: SeriesRow, windows: Iterable<Window | number>): Promise<Series> {
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
   * Stores what changed, removes what is to go, and says how far the journal was read, in one transaction.
   * @throws LeaseLost, CheckpointMoved nothing was written
   */
  async flush(
    lease: Lease,
    from: number,
    to: number,
    changes: readonly SeriesChange[],
    removals: Removals = { removed: [], emptied: [] },
  ): Promise<void> {
    const written = takeChanges(changes);
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
      await removeSeries(tx, removals);
      if (changes.length > 0) await writeChanges(tx, written);
    });
  }

  /** The stored sketches of the hours between two, both inclusive. */
  async sketches(id: number, from: number, to: number): Promise<Map<number, Map<number, Uint8Array>>> {
    const { rows } = await this.#pool.query<{ hour: number; minutes: Buffer }>(
      'select hour, minutes from evaluator.sketches where series = $1 and hour between $2 and $3',
      [id, from, to],
    );
    return new Map(rows.map(({ hour, minutes }) => [hour, decodeSketchHour(minutes)]));
  }

  /** The stored sketches of single hours of several series, in one query. */
  async sketchPages(
    wanted: readonly { id: number; hour: number }[],
  ): Promise<Map<string, Map<number, Uint8Array>>> {
    if (wanted.length === 0) return new Map();
    const { rows } = await this.#pool.query<{ id: number; hour: number; minutes: Buffer }>(
      `select s.series::float8 as id, s.hour, s.minutes
         from unnest($1::bigint[], $2::int[]) as w (series, hour) join evaluator.sketches s using (series, hour)`,
      [wanted.map((page) => page.id), wanted.map((page) => page.hour)],
    );
    return new Map(rows.map(({ id, hour, minutes }) => [`${id}/${hour}`, decodeSketchHour(minutes)]));
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
