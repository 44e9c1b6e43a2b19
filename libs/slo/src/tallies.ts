import type { Tally } from './tally.js';

/** Sums over time, as an SLO is read from them: of a series, or of one that is corrected. */
export interface Tallies {
  /** The oldest minute that can be summed by itself. */
  readonly hotFrom: number;
  /** Moves all windows to the minute that `now` (epoch milliseconds) lies in. @throws PageMissing */
  advance(now: number): void;
  /** The sums over a window, by its key, as of the last {@link advance}; a number is a rolling one, in minutes. */
  window(key: string | number): Tally;
  /** The sums over the minutes from `low` to `high`, both inclusive. @throws PageMissing */
  sum(low: number, high: number): Tally;
  /** The oldest measured minute from `low` on; null when there is none. @throws PageMissing */
  firstMinuteFrom(low: number): number | null;
}
