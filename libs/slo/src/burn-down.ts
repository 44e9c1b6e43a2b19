import type { SloHistory } from '@bellwether/contracts';
import { BurnDownRun, burnDownParts, lowBefore } from './burn-down-run.js';
import type { Period } from './calendar.js';
import type { Cells } from './cells.js';
import { MinuteSpan, type Stretch } from './minute-span.js';
import type { SloPlan } from './slo-plan.js';
import { MINUTE, minuteOf } from './time-grid.js';
import type { Due } from './window-tally.js';

/** The minutes that {@link burnDown} reads, from and to inclusive. */
export function burnDownSpan(plan: SloPlan, from: number, to: number): { from: number; to: number } {
  return { from: lowBefore(plan, minuteOf(from)), to: minuteOf(to) };
}

/** The minutes of the SLO's window before `from`, which a burn-down starts from. */
export const burnDownBefore = (plan: SloPlan, from: number): Stretch => ({
  low: lowBefore(plan, from),
  high: from - 1,
});

/** The minutes that follow each step of a length in (from, to]; the last step is shorter where they do not fit. */
export function stepEnds(from: number, to: number, step: number): number[] {
  const ends: number[] = [];
  for (let end = from + step; end < to; end += step) ends.push(end);
  ends.push(to);
  return ends;
}

/** The periods of the calendar that a span of minutes touches, oldest first; none of a rolling window. */
export function periodsOf({ window }: SloPlan, from: number, to: number): Period[] {
  const periods: Period[] = [];
  for (let minute = from; minute < to; ) {
    const period = window.period(minute);
    if (period === null) break;
    periods.push(period);
    minute = Math.ceil(period.to / MINUTE);
  }
  return periods;
}

/**
 * The minutes that follow each step where (from, to] is to be shown in a number of points: that many at most, in equal
 * steps of whole slices, so that each step has as many as the next one. A step in which a period of the calendar ends is
 * cut there, since the budget is another one afterwards, unless there are more ends of periods than half of the points.
 */
export function pointEnds(plan: SloPlan, from: number, to: number, points: number): number[] {
  const bounds = periodsOf(plan, from, to)
    .map((period) => Math.ceil(period.to / MINUTE))
    .filter((bound) => bound < to);
  const cuts = bounds.length <= points / 2 ? bounds : [];
  const steps = Math.max(1, points - cuts.length);
  const step = Math.ceil((to - from) / steps / plan.slice) * plan.slice;
  return [...new Set([...stepEnds(from, to, step), ...cuts])].sort((a, b) => a - b);
}

/**
 * The budget over time: a point at the end of each step in (from, to], and one at `to` where that falls within a step.
 * `good`, `total`, `sli` and `burn` are of the step alone, `budgetRemaining` of the SLO's window that ends at the point;
 * their extremes are those of the minutes, or slices, of the step.
 * @param from,to,step epoch milliseconds and milliseconds, on whole minutes
 * @param pages what the SLO counts (events, or its judged slices), of each measured hour over {@link burnDownSpan}
 * @param due slices that must have data, see {@link dueSlices}
 * @param taken what corrections take from it, of each hour: see {@link correctionRule}
 */
export function burnDown(
  plan: SloPlan,
  pages: ReadonlyMap<number, Cells>,
  { from, to, step }: { from: number; to: number; step: number },
  due: Due | null = null,
  taken: ReadonlyMap<number, Cells> = new Map(),
): SloHistory {
  const low = minuteOf(from);
  const end = minuteOf(to);
  const spanOf = (stretch: Stretch): MinuteSpan => MinuteSpan.of(stretch, pages, taken);
  const before = spanOf(burnDownBefore(plan, low)).sum();
  const run = new BurnDownRun(plan, low, stepEnds(low, end, step / MINUTE), before, due);
  for (const { near, far } of burnDownParts(plan, { low, high: end - 1 })) {
    run.take(spanOf(near), far && spanOf(far));
  }
  return { points: run.points };
}
