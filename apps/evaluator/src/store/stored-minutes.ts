import { transaction } from '@bellwether/event-log';
import {
  decodeCells,
  HOUR_MINUTES,
  hourOf,
  MinuteSpan,
  minuteOf,
  readCells,
  type Stretch,
  Tally,
} from '@bellwether/slo';
import type pg from 'pg';

/** Hours of minutes that are read at a time. */
const AT_A_TIME = 1_000;

/** What was counted over any stretch of minutes. */
export interface CountedMinutes {
  /** The first and the newest measured minute; null when nothing was measured. */
  readonly measured: Stretch | null;
  span(stretch: Stretch): Promise<MinuteSpan>;
  sum(stretch: Stretch): Promise<Tally>;
}

/** What a series counted, as it is stored at one moment: everything that is read of it belongs together. */
export class StoredMinutes implements CountedMinutes {
  private constructor(
    private readonly tx: pg.PoolClient,
    private readonly id: number,
    /** Hours before this one have no sums: those are made from the minutes. */
    private readonly sumsFrom: number,
    /** The first and the newest measured minute; null when nothing was measured. */
    readonly measured: Stretch | null,
  ) {}

  /**
   * Reads a series in one snapshot: a late measurement that is stored meanwhile would be taken from sums that it was never
   * added to. @returns null when there is no such series (any more)
   */
  static async read<T>(
    pool: pg.Pool,
    id: number,
    work: (stored: StoredMinutes) => Promise<T>,
  ): Promise<T | null> {
    return await transaction(
      pool,
      async (tx) => {
        const { rows } = await tx.query<{ from: number; first: number | null; newest: number | null }>(
          `select days_from as "from", first_at::float8 as first, newest_at::float8 as newest
             from evaluator.series where id = $1`,
          [id],
        );
        const [row] = rows;
        if (row === undefined) return null;
        const measured =
          row.first === null || row.newest === null
            ? null
            : { low: minuteOf(row.first), high: minuteOf(row.newest) };
        return await work(new StoredMinutes(tx, id, row.from * 24, measured));
      },
      'begin isolation level repeatable read read only',
    );
  }

  /** The minutes of a stretch. */
  async span(stretch: Stretch): Promise<MinuteSpan> {
    const span = new MinuteSpan(stretch);
    for await (const { hour, cells } of this.#hours(stretch)) span.putStored(hour, cells);
    return span;
  }

  /** The sum of a stretch, from whole hours where those are stored. */
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
      readCells(cells, HOUR_MINUTES, (i, ...counts) => {
        if (start + i >= low && start + i <= high) tally.add(...counts);
      });
    }
    return tally;
  }

  async #sumOfHours(first: number, last: number): Promise<Tally> {
    const tally = new Tally();
    const { rows } = await this.tx.query<{ day: number; cells: Buffer }>(
      'select day, cells from evaluator.days where series = $1 and day between $2 and $3',
      [this.id, Math.floor(first / 24), Math.floor(last / 24)],
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
        [this.id, hour, Math.min(last, hour + AT_A_TIME - 1)],
      );
      yield* rows;
    }
  }
}
