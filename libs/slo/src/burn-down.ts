import type { SloHistory } from '@bellwether/contracts';
import type { Cells } from './cells.js';
import { burnRate } from './reading.js';
import type { SloPlan } from './slo-plan.js';
import { Tally } from './tally.js';
import { HOUR_MINUTES, minuteOf } from './time-grid.js';

/** Prefix sums over a span of minutes: the sum of any part of it is one subtraction, and exact. */
class Prefixes {
  readonly #sums: Tally[] = [new Tally()];

  constructor(
    readonly low: number,
    high: number,
    pages: ReadonlyMap<number, Cells>,
  ) {
    const running = new Tally();
    for (let minute = low; minute <= high; minute++) {
      const hour = Math.floor(minute / HOUR_MINUTES);
      pages.get(hour)?.addTo(running, minute - hour * HOUR_MINUTES);
      this.#sums.push(running.copy());
    }
  }

  /** The minutes from `low` to `high`, both inclusive. */
  sum(low: number, high: number): Tally {
    const before = this.#sums[Math.max(0, low - this.low)] as Tally;
    const after = this.#sums[Math.min(this.#sums.length - 1, high - this.low + 1)] as Tally;
    return after.copy().minus(before);
  }
}

/** The minutes that {@link burnDown} reads, from and to inclusive. */
export function burnDownSpan(plan: SloPlan, from: number, to: number): { from: number; to: number } {
  return { from: minuteOf(from) - plan.windowMinutes, to: minuteOf(to) };
}

/**
 * The budget over time: a point at the end of each step in (from, to], and one at `to` where that falls within a step.
 * `good`, `total`, `sli` and `burn` are of the step alone, `budgetRemaining` of the SLO's window that ends at the point.
 * @param from,to,step epoch milliseconds and milliseconds, on whole minutes
 * @param pages minutes of each measured hour over {@link burnDownSpan}
 */
export function burnDown(
  plan: SloPlan,
  pages: ReadonlyMap<number, Cells>,
  { from, to, step }: { from: number; to: number; step: number },
): SloHistory {
  const span = burnDownSpan(plan, from, to);
  const minutes = new Prefixes(span.from, span.to, pages);
  const points: SloHistory['points'] = [];
  for (let start = from; start < to; start += step) {
    const at = Math.min(start + step, to);
    const slice = minutes.sum(minuteOf(start), minuteOf(at) - 1);
    const window = minutes.sum(minuteOf(at) - plan.windowMinutes, minuteOf(at) - 1);
    const consumed = burnRate(window, plan.budget);
    points.push({
      at: new Date(at).toISOString(),
      good: slice.goodCount,
      total: slice.totalCount,
      sli: slice.sli,
      budgetRemaining: consumed === null ? null : 1 - consumed,
      burn: burnRate(slice, plan.budget),
    });
  }
  return { points };
}
