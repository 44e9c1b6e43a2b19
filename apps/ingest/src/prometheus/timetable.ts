import type { Range } from './query-api.js';

/** Periods of one request at most: Prometheus gives 11,000 values of a series, and takes long over many. */
export const MOST_PERIODS = 500;

/**
 * Which periods of a source are to be asked for. They end on the grid of `every` from the epoch; each is asked for once,
 * the oldest first, so that the last one in the log says where to go on. Times are epoch milliseconds.
 */
export class Timetable {
  /** End of the next period. */
  #next: number;
  #most = MOST_PERIODS;

  /**
   * @param every length of a period
   * @param lookBack how far back what was missed is asked for
   * @param delay after the end of a period until it is asked for
   * @param after end of the last period that is known; null when there is none
   */
  constructor(
    readonly every: number,
    readonly lookBack: number,
    readonly delay: number,
    after: number | null,
  ) {
    this.#next = after === null ? Number.NEGATIVE_INFINITY : (Math.floor(after / every) + 1) * every;
  }

  /** When the next period is to be asked for. */
  get dueAt(): number {
    return this.#next + this.delay;
  }

  /** How long the newest period that is not known has been over. */
  behind(now: number): number {
    return Math.max(0, now - this.dueAt);
  }

  /** The periods to ask for now, as a range of their ends; null when none is due. */
  due(now: number): Range | null {
    const oldest = Math.ceil((now - this.lookBack) / this.every) * this.every;
    const newest = Math.floor((now - this.delay) / this.every) * this.every;
    const start = Math.max(this.#next, oldest);
    if (start > newest) return null;
    return { start, end: Math.min(newest, start + (this.#most - 1) * this.every), step: this.every };
  }

  /** All of a range is known. */
  done({ end }: Range): void {
    this.#next = end + this.every;
    this.#most = Math.min(MOST_PERIODS, this.#most * 2);
  }

  /** All up to a period of a range is known, and no more. */
  doneUntil(end: number): void {
    this.#next = end + this.every;
  }

  /** A range was too much, or something else is wrong: less is asked for next time. */
  failed({ start, end }: Range): void {
    const asked = (end - start) / this.every + 1;
    this.#most = Math.max(1, Math.floor(asked / 2));
  }
}
