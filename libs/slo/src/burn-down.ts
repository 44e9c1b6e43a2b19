import type { SloHistory } from '@bellwether/contracts';
import type { Cells } from './cells.js';
import { burnRate } from './reading.js';
import type { SloPlan } from './slo-plan.js';
import { Tally } from './tally.js';
import { HOUR_MINUTES, MINUTE, minuteOf } from './time-grid.js';
import { consumedOf, type Due, withMissing } from './window-tally.js';

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
  return { from: plan.window.low(minuteOf(from)), to: minuteOf(to) };
}

/**
 * The budget over time: a point at the end of each step in (from, to], and one at `to` where that falls within a step.
 * `good`, `total`, `sli` and `burn` are of the step alone, `budgetRemaining` of the SLO's window that ends at the point.
 * @param from,to,step epoch milliseconds and milliseconds, on whole minutes
 * @param pages what the SLO counts (events, or its judged slices), of each measured hour over {@link burnDownSpan}
 * @param due slices that must have data, see {@link dueSlices}
 */
export function burnDown(
  plan: SloPlan,
  pages: ReadonlyMap<number, Cells>,
  { from, to, step }: { from: number; to: number; step: number },
  due: Due | null = null,
): SloHistory {
  const span = burnDownSpan(plan, from, to);
  const minutes = new Prefixes(span.from, span.to, pages);
  const sum = (low: number, high: number): Tally => withMissing(plan, minutes.sum(low, high), low, high, due);
  const points: SloHistory['points'] = [];
  for (let start = from; start < to; start += step) {
    const at = Math.min(start + step, to);
    const end = minuteOf(at) - 1;
    const own = sum(minuteOf(start), end);
    const consumed = consumedOf(plan, sum(lastLow(plan, at), end), end);
    points.push({
      at: new Date(at).toISOString(),
      good: own.goodCount,
      total: own.totalCount,
      sli: own.sli,
      budgetRemaining: consumed === null ? null : 1 - consumed,
      burn: burnRate(own, plan.budget),
    });
  }
  return { points };
}

/** First minute of the SLO's window at the end of a step; where a period of the calendar ends with it, it is that one's. */
function lastLow({ window }: SloPlan, at: number): number {
  const end = minuteOf(at);
  return window.period(end) === null ? window.low(end) : window.low(minuteOf(at - MINUTE));
}
