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
import type { Lease } from '../partition/leases.js';
import { removeSeries, takeChanges, writeChanges } from './changes.js';
import { fence } from './lease-fence.js';
import { COLUMNS, type Removals, type SeriesChange, type SeriesRow } from './series-row.js';
import { SeriesRows } from './series-rows.js';
import { daysOf, type StoredDay } from './stored-days.js';
import { StoredPages } from './stored-pages.js';

/** The checkpoint is not where this instance left it: what is in memory must be thrown away and read again. */
export class CheckpointMoved extends Error {
  override readonly name = 'CheckpointMoved';
  constructor(partition: number, from: number) {
    super(`the checkpoint of partition ${partition} is not at ${from}`);
  }
}

/** Buckets in Postgres: minutes by the hour, whole-hour sums by the day. */
export class SeriesStore extends SeriesRows {
  /** Single hours. */
  readonly pages = new StoredPages(this.pool);

  async checkpoint(partition: number): Promise<number> {
    const { rows } = await this.pool.query<{ position: string }>(
      'select position from evaluator.checkpoints where partition = $1',
      [partition],
    );
    return Number(rows[0]?.position ?? 0);
  }

  /** Asks the holders of all partitions to make their buckets anew. */
  async requestRebuild(): Promise<void> {
    await this.pool.query('update evaluator.checkpoints set rebuild = true');
  }

  /** How far each partition is stored, and whether its buckets are to be made anew. */
  async checkpoints(): Promise<Map<number, { position: number; rebuild: boolean }>> {
    const { rows } = await this.pool.query<{ partition: number; position: number; rebuild: boolean }>(
      'select partition, position::float8 as position, rebuild from evaluator.checkpoints',
    );
    return new Map(rows.map(({ partition, position, rebuild }) => [partition, { position, rebuild }]));
  }

  /** The buckets of a partition were made anew. @throws LeaseLost */
  async rebuilt(lease: Lease): Promise<void> {
    await transaction(this.pool, async (tx) => {
      await fence(tx, lease);
      await tx.query('update evaluator.checkpoints set rebuild = false where partition = $1', [
        lease.partition,
      ]);
    });
  }

  /** Removes groups that were begun and never stored: a crash came in between. @throws LeaseLost */
  async removeUnstoredGroups(lease: Lease, id: number): Promise<void> {
    const { rows } = await this.pool.query<{ id: number }>(
      'select id::float8 as id from evaluator.series where group_of = $1 and first_at is null',
      [id],
    );
    await this.remove(
      lease,
      rows.map((row) => row.id),
    );
  }

  /** Begins a series of events, to be made from the journal, or of slices, to be made from events. @throws LeaseLost */
  async create(
    lease: Lease,
    series: Pick<SeriesRow, 'sli' | 'indicator' | 'generation'> &
      Partial<Pick<SeriesRow, 'slicesOf' | 'groupOf' | 'groupValue' | 'backfilled' | 'backfillOf'>>,
  ): Promise<SeriesRow> {
    return await transaction(this.pool, async (tx) => {
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
    await transaction(this.pool, async (tx) => {
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
   * @param made slices that are not stored, by rule
   */
  async openBuckets(
    row: SeriesRow,
    slices: ReadonlyMap<string, SeriesRow>,
    needs: BucketNeeds,
    cadence: number | undefined,
    group?: SloGroup,
    made: ReadonlyMap<string, Series> = new Map(),
  ): Promise<IndicatorBuckets> {
    const events = await this.open(row, needs.windows.values());
    const judged = new Map(made);
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
    return (await this.hoursOf([id], from, to)).get(id) as Map<number, Cells>;
  }

  /** The same of several series at one moment: what one is subtracted from another must be of the same measurements. */
  async hoursOf(ids: readonly number[], from: number, to: number): Promise<Map<number, Map<number, Cells>>> {
    const found = new Map(ids.map((id) => [id, new Map<number, Cells>()]));
    if (to < from) return found;
    const { rows } = await this.pool.query<{ id: number; hour: number; cells: Buffer }>(
      `select series::float8 as id, hour, cells from evaluator.minutes
        where series = any($1::bigint[]) and hour between $2 and $3 order by hour`,
      [ids, from, to],
    );
    for (const { id, hour, cells } of rows) found.get(id)?.set(hour, decodeCells(cells, HOUR_MINUTES));
    return found;
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
    await transaction(this.pool, async (tx) => {
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
    const { rows } = await this.pool.query<{ hour: number; minutes: Buffer }>(
      'select hour, minutes from evaluator.sketches where series = $1 and hour between $2 and $3',
      [id, from, to],
    );
    return new Map(rows.map(({ hour, minutes }) => [hour, decodeSketchHour(minutes)]));
  }

  async #days(id: number, from: number): Promise<StoredDay[]> {
    const { rows } = await this.pool.query<{ day: number; cells: Buffer; first: Buffer }>(
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
