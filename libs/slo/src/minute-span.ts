import { Cells } from './cells.js';
import { readCells } from './cells-codec.js';
import { Tally } from './tally.js';
import { HOUR_MINUTES } from './time-grid.js';

/** Minutes from `low` to `high`, both inclusive. */
export interface Stretch {
  low: number;
  high: number;
}

/**
 * The minutes of a stretch in one block of typed arrays: ten days take 30 KiB for up to 255 events a minute, 230 KiB for
 * counts of any size.
 */
export class MinuteSpan implements Stretch {
  readonly low: number;
  readonly high: number;
  readonly #cells: Cells;

  constructor({ low, high }: Stretch) {
    this.low = low;
    this.high = high;
    this.#cells = new Cells(Math.max(0, high - low + 1));
  }

  /** The minutes of a stretch, of which `hours` has those that were measured, less what corrections take from them. */
  static of(
    stretch: Stretch,
    hours: ReadonlyMap<number, Cells>,
    taken: ReadonlyMap<number, Cells> = new Map(),
  ): MinuteSpan {
    const span = new MinuteSpan(stretch);
    const last = Math.floor(stretch.high / HOUR_MINUTES);
    for (let hour = Math.floor(stretch.low / HOUR_MINUTES); hour <= last; hour++) {
      const cells = hours.get(hour);
      if (cells !== undefined) span.put(hour, cells);
      const less = taken.get(hour);
      if (less !== undefined) span.take(hour, less);
    }
    return span;
  }

  /** Adds an hour's minutes; those outside of the stretch are left out. */
  put(hour: number, cells: Cells): void {
    const start = hour * HOUR_MINUTES;
    const from = Math.max(0, this.low - start);
    const to = Math.min(HOUR_MINUTES - 1, this.high - start);
    for (let i = from; i <= to; i++) this.#cells.addCell(start + i - this.low, cells, i);
  }

  /** Adds what each minute of a part of the stretch comes to. */
  putCounts({ low, high }: Stretch, counts: (low: number, high: number) => Tally): void {
    for (let minute = Math.max(low, this.low); minute <= Math.min(high, this.high); minute++) {
      const counted = counts(minute, minute);
      if (!counted.isEmpty) this.#cells.add(minute - this.low, counted);
    }
  }

  /** Takes what corrections take from an hour's minutes, which were added before. */
  take(hour: number, taken: Cells): void {
    const start = hour * HOUR_MINUTES;
    const from = Math.max(0, this.low - start);
    const to = Math.min(HOUR_MINUTES - 1, this.high - start);
    for (let i = from; i <= to; i++) {
      if (taken.has(i)) this.#cells.take(start + i - this.low, taken.at(i));
    }
  }

  /** Adds an hour's minutes as they are stored, see {@link encodeCells}. @throws RangeError when they are damaged */
  putStored(hour: number, bytes: Uint8Array): void {
    const first = hour * HOUR_MINUTES - this.low;
    const { size } = this.#cells;
    readCells(bytes, HOUR_MINUTES, (i, counted) => {
      const cell = first + i;
      if (cell >= 0 && cell < size) this.#cells.add(cell, counted);
    });
  }

  /** Whether the minute was measured. */
  has(minute: number): boolean {
    return this.#covers(minute) && this.#cells.has(minute - this.low);
  }

  addTo(tally: Tally, minute: number): void {
    if (this.#covers(minute)) this.#cells.addTo(tally, minute - this.low);
  }

  takeFrom(tally: Tally, minute: number): void {
    if (this.#covers(minute)) this.#cells.takeFrom(tally, minute - this.low);
  }

  /** The sum of a part of the stretch. */
  sum({ low, high }: Stretch = this): Tally {
    const tally = new Tally();
    for (let minute = Math.max(low, this.low); minute <= Math.min(high, this.high); minute++) {
      this.#cells.addTo(tally, minute - this.low);
    }
    return tally;
  }

  #covers(minute: number): boolean {
    return minute >= this.low && minute <= this.high;
  }
}
