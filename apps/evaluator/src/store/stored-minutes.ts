import { transaction } from '@bellwether/event-log';
import {
  Cells,
  decodeCells,
  HOUR_MINUTES,
  hourOf,
  MinuteSpan,
  minuteOf,
  readCells,
  type Series,
  type SliceRule,
  type Stretch,
  Tally,
} from '@bellwether/slo';
import type pg from 'pg';
import { judgeStored } from './judge-stored.js';
import { StoredPages } from './stored-pages.js';

/** Hours of minutes that are read at a time. */
const AT_A_TIME = 1_000;

/** What was counted over any stretch of minutes. */
export interface CountedMinutes {
  /** The first and the newest measured minute; null when nothing was measured. */
  readonly measured: Stretch | null;
  span(stretch: Stretch): Promise<MinuteSpan>;
  sum(stretch: Stretch): Promise<Tally>;
}

/** What is to be read: a series, and what corrections take from it. */
export interface Counted {
  /** Number of the series. */
  id: number;
  /** Null where nothing is corrected. */
  taken: Taken | null;
}

/** What corrections take: a series of its own, or judged from the events while nobody has stored it yet. */
export type Taken = { id: number } | { events: number; rule: SliceRule; isSketched: boolean };

/** What an SLO counted, as it is stored at one moment: everything that is read of it belongs together. */
export class StoredMinutes implements CountedMinutes {
  private constructor(
    private readonly counted: StoredSeries,
    private readonly taken: StoredSeries | JudgedSeries | null,
  ) {}

  /**
   * Reads a series in one snapshot: a late measurement that is stored meanwhile would be taken from sums that it was never
   * added to. @returns null when there is no such series (any more)
   */
  static async read<T>(
    pool: pg.Pool,
    { id, taken }: Counted,
    work: (stored: StoredMinutes) => Promise<T>,
  ): Promise<T | null> {
    return await transaction(
      pool,
      async (tx) => {
        const counted = await StoredSeries.of(tx, id);
        const less = taken && ('id' in taken ? await StoredSeries.of(tx, taken.id) : await judged(tx, taken));
        if (counted === null || (taken !== null && less === null)) return null;
        return await work(new StoredMinutes(counted, less));
      },
      'begin isolation level repeatable read read only',
    );
  }

  /** The first and the newest measured minute; null when nothing was measured. */
  get measured(): Stretch | null {
    return this.counted.measured;
  }

  /** The minutes of a stretch. */
  async span(stretch: Stretch): Promise<MinuteSpan> {
    const span = new MinuteSpan(stretch);
    await this.counted.addTo(span);
    await this.taken?.takeFrom(span);
    return span;
  }

  /** The sum of a stretch, from whole hours where those are stored. */
  async sum(stretch: Stretch): Promise<Tally> {
    const tally = await this.counted.sum(stretch);
    return this.taken === null ? tally : tally.minus(await this.taken.sum(stretch));
  }
}

/** What corrections take from events that are stored. @returns null when there are no such events (any more) */
async function judged(
  tx: pg.PoolClient,
  { events, rule, isSketched }: Exclude<Taken, { id: number }>,
): Promise<JudgedSeries | null> {
  const stored = await StoredSeries.of(tx, events);
  return stored && new JudgedSeries(await judgeStored(new StoredPages(tx), stored.row, { rule, isSketched }));
}

/** A series in memory. */
class JudgedSeries {
  readonly #hours = new Map<number, Cells>();

  constructor(series: Series) {
    for (const { hour, cells, offset } of series.takeDirty()) {
      const own = new Cells(HOUR_MINUTES);
      for (let i = 0; i < HOUR_MINUTES; i++) own.addCell(i, cells, offset + i);
      this.#hours.set(hour, own);
    }
  }

  async takeFrom(span: MinuteSpan): Promise<void> {
    for (const [hour, cells] of this.#hours) span.take(hour, cells);
  }

  async sum(stretch: Stretch): Promise<Tally> {
    return MinuteSpan.of(stretch, this.#hours).sum();
  }
}

/** A series as it is stored. */
class StoredSeries {
  private constructor(
    private readonly tx: pg.PoolClient,
    readonly row: { id: number; first: number | null; newest: number | null },
    /** Hours before this one have no sums: those are made from the minutes. */
    private readonly sumsFrom: number,
    readonly measured: Stretch | null,
  ) {}

  static async of(tx: pg.PoolClient, id: number): Promise<StoredSeries | null> {
    const { rows } = await tx.query<{ from: number; first: number | null; newest: number | null }>(
      `select days_from as "from", first_at::float8 as first, newest_at::float8 as newest
         from evaluator.series where id = $1`,
      [id],
    );
    const [row] = rows;
    if (row === undefined) return null;
    const { first, newest } = row;
    const measured =
      first === null || newest === null ? null : { low: minuteOf(first), high: minuteOf(newest) };
    return new StoredSeries(tx, { id, first, newest }, row.from * 24, measured);
  }

  async addTo(span: MinuteSpan): Promise<void> {
    for await (const { hour, cells } of this.#hours(span)) span.putStored(hour, cells);
  }

  async takeFrom(span: MinuteSpan): Promise<void> {
    for await (const { hour, cells } of this.#hours(span)) span.take(hour, decodeCells(cells, HOUR_MINUTES));
  }

  async sum({ low, high }: Stretch): Promise<Tally> {
    const first = Math.max(Math.ceil(low / HOUR_MINUTES), this.sumsFrom);
    const end = Math.floor((high + 1) / HOUR_MINUTES);
    if (first >= end) return await this.#sumOfMinutes({ low, high });
    const tally = await this.#sumOfHours(first, end - 1);
    tally.plus(await this.#sumOfMinutes({ low, high: first * HOUR_MINUTES - 1 }));
    return tally.plus(await this.#sumOfMinutes({ low: end * HOUR_MINUTES, high }));
  }

  async #sumOfMinutes({ low, high }: Stretch): Promise<Tally> {
    const tally = new Tally();
    for await (const { hour, cells } of this.#hours({ low, high })) {
      const start = hour * HOUR_MINUTES;
      readCells(cells, HOUR_MINUTES, (i, counted) => {
        if (start + i >= low && start + i <= high) tally.plus(counted);
      });
    }
    return tally;
  }

  async #sumOfHours(first: number, last: number): Promise<Tally> {
    const tally = new Tally();
    const { rows } = await this.tx.query<{ day: number; cells: Buffer }>(
      'select day, cells from evaluator.days where series = $1 and day between $2 and $3',
      [this.row.id, Math.floor(first / 24), Math.floor(last / 24)],
    );
    for (const { day, cells } of rows) {
      const hours = decodeCells(cells, 24);
      for (let i = Math.max(0, first - day * 24); i <= Math.min(23, last - day * 24); i++) {
        hours.addTo(tally, i);
      }
    }
    return tally;
  }

  /** The measured hours that a stretch touches, in ascending order. */
  async *#hours({ low, high }: Stretch): AsyncGenerator<{ hour: number; cells: Buffer }> {
    if (high < low || this.measured === null) return;
    const last = Math.min(hourOf(high), hourOf(this.measured.high));
    for (let hour = Math.max(hourOf(low), hourOf(this.measured.low)); hour <= last; hour += AT_A_TIME) {
      const { rows } = await this.tx.query<{ hour: number; cells: Buffer }>(
        'select hour, cells from evaluator.minutes where series = $1 and hour between $2 and $3 order by hour',
        [this.row.id, hour, Math.min(last, hour + AT_A_TIME - 1)],
      );
      yield* rows;
    }
  }
}
