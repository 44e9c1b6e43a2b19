import type { Tallies } from '../tallies.js';
import type { Tally } from '../tally.js';

/** Sums remembered at most: a frozen budget is held by fewer. */
const MOST = 128;

/**
 * Tallies that remember the sums that were asked of them. While data is absent the budget is held as it was, which is
 * summed anew at each evaluation: live that is four times a minute, in a backtest it would be most of the work.
 */
export class RememberedTallies implements Tallies {
  readonly #sums = new Map<number, { high: number; tally: Tally }>();

  constructor(private readonly tallies: Tallies) {}

  /** Something was measured. */
  forget(): void {
    this.#sums.clear();
  }

  get hotFrom(): number {
    return this.tallies.hotFrom;
  }

  advance(now: number): void {
    this.tallies.advance(now);
  }

  window(key: string | number): Tally {
    return this.tallies.window(key);
  }

  sum(low: number, high: number): Tally {
    let sum = this.#sums.get(low);
    if (sum?.high !== high) {
      if (this.#sums.size >= MOST) this.#sums.clear();
      sum = { high, tally: this.tallies.sum(low, high) };
      this.#sums.set(low, sum);
    }
    return sum.tally.copy();
  }

  firstMinuteFrom(low: number): number | null {
    return this.tallies.firstMinuteFrom(low);
  }
}
