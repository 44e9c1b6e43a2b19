import type { SloPlan } from '../slo-plan.js';
import { DAY_MINUTES, HOUR_MINUTES, MINUTE, minuteOf } from '../time-grid.js';

/** From when to when, epoch milliseconds. */
export interface BacktestSpan {
  from: number;
  to: number;
}

/** Minutes that the cadence of an SLI looks back, with an hour to spare. */
const CADENCE_MINUTES = 3 * DAY_MINUTES + 3 * HOUR_MINUTES;

/**
 * How much of the past a backtest reads, epoch milliseconds: what its windows look at, and how regularly the SLI was
 * measured, when the first evaluation comes.
 */
export function recordedSpan(plan: SloPlan, span: BacktestSpan): BacktestSpan {
  const grouped = (plan.grouping?.lasts ?? 0) * DAY_MINUTES; // as long as a silent value keeps its place
  const longest = Math.max(plan.window.longest, CADENCE_MINUTES, grouped) + HOUR_MINUTES;
  return { from: decidedFrom(plan, span) - longest * MINUTE, to: span.to };
}

/**
 * When a backtest begins to decide, epoch milliseconds: the longest look-back of its alerts before `from`, so that what
 * fires already at `from` is known, with the time that it fired.
 */
export function decidedFrom({ pairs }: SloPlan, { from }: BacktestSpan): number {
  const lead = Math.max(0, ...pairs.map((pair) => pair.longMinutes));
  return (minuteOf(from) - lead) * MINUTE;
}
