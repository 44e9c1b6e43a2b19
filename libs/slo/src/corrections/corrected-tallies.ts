import type { Series } from '../series.js';
import type { Tallies } from '../tallies.js';
import type { Tally } from '../tally.js';

/** The sums of a series less what corrections take from it. */
export class CorrectedTallies implements Tallies {
  /**
   * @param counted what was measured, which stays as it is
   * @param taken what corrections take from it, by the same windows
   */
  constructor(
    readonly counted: Series,
    readonly taken: Series,
  ) {}

  get hotFrom(): number {
    return this.counted.hotFrom;
  }

  advance(now: number): void {
    this.counted.advance(now);
    this.taken.advance(now);
  }

  window(key: string | number): Tally {
    return this.counted.window(key).copy().minus(this.taken.window(key));
  }

  sum(low: number, high: number): Tally {
    return this.counted.sum(low, high).minus(this.taken.sum(low, high));
  }

  /** Corrected data is data: how much history there is does not change. */
  firstMinuteFrom(low: number): number | null {
    return this.counted.firstMinuteFrom(low);
  }
}
