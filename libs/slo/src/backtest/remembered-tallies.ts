import type { Tallies } from '../tallies.js';
import type { Tally } from '../tally.js';

/**
 * Tallies that remember the last sum that was asked of them. While data is absent the budget is held as it was, which is
 * summed anew at each evaluation: live that is four times a minute, in a backtest it would be most of the work.
 */
export class RememberedTallies implements Tallies {
  #sum: { low: number; high: number; tally: Tally } | null = null;

  constructor(private readonly tallies: Tallies) {}

  /** Something was measured. */
  forget(): void {
    this.#sum = null;
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
    if (this.#sum?.low !== low || this.#sum.high !== high) {
      this.#sum = { low, high, tally: this.tallies.sum(low, high) };
    }
    return this.#sum.tally.copy();
  }

  firstMinuteFrom(low: number): number | null {
    return this.tallies.firstMinuteFrom(low);
  }
}
