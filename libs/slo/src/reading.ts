import { type AlertPair, EPSILON } from './alert-pairs.js';
import { type Freeze, freezeOf, type Heartbeat } from './cadence.js';
import { type Series, settledAfter } from './series.js';
import type { SloPlan } from './slo-plan.js';
import type { Tally } from './tally.js';
import { MINUTE, minuteOf } from './time-grid.js';

/** One alert pair, measured. A burn rate is null when nothing was counted in its window. */
export interface PairReading {
  pair: AlertPair;
  longBurn: number | null;
  shortBurn: number | null;
  /** Sums over the long window, for traffic floors and evidence. */
  long: Tally;
  /** Sums over the short window, for evidence. */
  short: Tally;
}

/** An SLO, measured at an instant. */
export interface Reading {
  plan: SloPlan;
  /** Epoch milliseconds. */
  at: number;
  /** Sums over W; while frozen, as the budget is held. */
  tally: Tally;
  /** Fraction of the budget consumed, signed and never clamped; null when nothing was counted. */
  consumed: number | null;
  pairs: PairReading[];
  /** Burn rate by window in minutes. */
  burns: ReadonlyMap<number, number | null>;
  freeze: Freeze | null;
  coverage: number | null;
  /** Seconds since the oldest data in W, at most W. */
  history: number;
  /** Whether there is history enough to call a budget spent. */
  settled: boolean;
  /** Event time of the newest measurement, epoch milliseconds. */
  watermark: number | null;
}

/**
 * The low ends of windows, besides the series' own, that a reading at `now` will look through: while absent data freezes
 * the budget, the window as it stood then.
 */
export function heldEdges(plans: Iterable<SloPlan>, heartbeat: Heartbeat, now: number): number[] {
  const edges: number[] = [];
  const freeze = freezeOf(heartbeat.series, heartbeat.regularity, now);
  for (const plan of plans) {
    if (plan.definition.missingData === 'freeze' && freeze !== null) {
      edges.push(minuteOf(freeze.since) - plan.windowMinutes);
    }
  }
  return edges;
}

/**
 * Measures an SLO at `now`, moving the windows of its series there.
 * @throws PageMissing unless what the series says is missing at `now` was provided, with {@link heldEdges}
 */
export function readSlo(plan: SloPlan, heartbeat: Heartbeat, now: number): Reading {
  const { series } = heartbeat;
  series.advance(now);
  const regular = heartbeat.regularity;
  const absentIsGood = plan.definition.missingData === 'good';
  const freeze = absentIsGood ? null : freezeOf(series, regular, now);

  const burns = new Map<number, number | null>();
  for (const minutes of plan.windows) {
    const burn = burnRate(series.window(minutes), plan.budget);
    burns.set(minutes, burn === null && absentIsGood && series.newest !== null ? 0 : burn);
  }
  const history = historyOf(plan, series, now);
  const tally = freeze === null ? series.window(plan.windowMinutes) : heldBudget(plan, series, freeze);
  return {
    plan,
    at: now,
    tally,
    consumed: burnRate(tally, plan.budget),
    pairs: plan.pairs.map((pair) => ({
      pair,
      longBurn: burns.get(pair.longMinutes) ?? null,
      shortBurn: burns.get(pair.shortMinutes) ?? null,
      long: series.window(pair.longMinutes),
      short: series.window(pair.shortMinutes),
    })),
    burns,
    freeze,
    coverage: regular.coverage,
    history,
    settled: history >= settledAfter(plan.windowMinutes) * 60,
    watermark: series.newest,
  };
}

/** burn = bad ratio ÷ budget; null when nothing was counted. */
export function burnRate(tally: Tally, budget: number): number | null {
  const ratio = tally.errorRatio;
  return ratio === null ? null : ratio / budget;
}

/** Whether a burn rate is above a threshold: strictly, beyond float residue. */
export const isAbove = (burn: number, threshold: number): boolean => burn > threshold + EPSILON;

/**
 * The first minute of the run that led to an alert (epoch milliseconds): the start of the stretch up to now over which
 * bad events outweigh what the threshold allows by most (the change point of a cumulative sum). Faults long before it
 * that clean traffic has outweighed since do not count. Minutes that are not in memory are taken by the hour.
 */
export function firstBadMinute(plan: SloPlan, pair: AlertPair, series: Series, now: number): number {
  const allowed = pair.threshold * plan.budget;
  const end = minuteOf(now);
  const low = end - pair.longMinutes;
  let excess = 0;
  let most = Number.NEGATIVE_INFINITY;
  let start = end;
  const take = (from: number, to: number): void => {
    const tally = series.sum(from, to);
    if (tally.isEmpty) return;
    excess += tally.badCount - allowed * tally.totalCount;
    if (excess > most) {
      most = excess;
      start = from;
    }
  };
  let minute = end;
  for (; minute >= low && minute >= series.hotFrom; minute--) take(minute, minute);
  for (; minute >= low; minute -= 60) take(Math.max(low, minute - 59), minute);
  return start * MINUTE;
}

function historyOf(plan: SloPlan, series: Series, now: number): number {
  const oldest = series.firstMinuteFrom(minuteOf(now) - plan.windowMinutes);
  if (oldest === null) return 0;
  const from = Math.max(oldest * MINUTE, series.first ?? 0);
  return Math.min(plan.windowMinutes * 60, Math.max(0, Math.floor((now - from) / 1000)));
}

/**
 * The window's sums while frozen. A stale SLI has its budget as it stood when data went absent: neither bad nor good
 * minutes that leave the window since say anything. With patchy data it is the sums now or then, whichever spent more:
 * a budget does not recover on absent data, but what is measured counts.
 */
function heldBudget(plan: SloPlan, series: Series, freeze: Freeze): Tally {
  const since = minuteOf(freeze.since);
  const held = series.sum(since - plan.windowMinutes, since);
  if (freeze.kind === 'stale') return held;
  const current = series.window(plan.windowMinutes);
  return (held.errorRatio ?? -1) > (current.errorRatio ?? -1) ? held : current;
}
