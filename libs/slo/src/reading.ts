import { type AlertPair, toleranceOf } from './alert-pairs.js';
import { type BudgetFreeze, freezeOf } from './cadence.js';
import type { SloSource } from './indicator-buckets.js';
import type { Stretch } from './minute-span.js';
import { settledAfter } from './series.js';
import { lookBack, type SloPlan } from './slo-plan.js';
import { Tally } from './tally.js';
import { HOUR_MINUTES, hourOf, MINUTE, minuteOf } from './time-grid.js';
import { rolling, sliceOf } from './window.js';
import { consumedOf, dueSlices, heldSpans, windowMillis, windowTally, withMissing } from './window-tally.js';

/** One alert pair, measured. A burn rate is null when nothing was counted in its window. */
export interface PairReading {
  pair: AlertPair;
  /** {@link alertKey} of the whole SLO's alert. */
  key: string;
  longBurn: number | null;
  shortBurn: number | null;
  /** Sums over both windows, as evidence: events, or slices. */
  long: Tally;
  short: Tally;
  /** Events of the long window, for traffic floors. */
  traffic: Tally;
  /** Corrections leave nothing of the long window: what was measured, or was to be, is excluded. */
  isExcluded: boolean;
  /** The same of the short window. */
  isShortExcluded: boolean;
}

/** An SLO, measured at an instant. */
export interface Reading {
  plan: SloPlan;
  source: SloSource;
  /** Epoch milliseconds. */
  at: number;
  /** Sums over W. */
  measured: Tally;
  /** Sums that the budget is made of: over W; while frozen, over the window that holds it. */
  tally: Tally;
  /** Fraction of the budget consumed, signed and never clamped; null when nothing was counted. */
  consumed: number | null;
  pairs: PairReading[];
  /** Burn rate by key of the window, in the order of the plan. */
  burns: ReadonlyMap<string, number | null>;
  freeze: BudgetFreeze | null;
  coverage: number | null;
  /** Seconds since the oldest data in W, at most W. */
  history: number;
  /** Whether there is history enough to call a budget spent. */
  settled: boolean;
  /** Event time of the newest measurement, epoch milliseconds. */
  watermark: number | null;
}

/**
 * The ends of windows, besides the series' own, that a reading at `now` will look through: where history may begin, and
 * while absent data freezes the budget, the windows that it is held by. A gap may have begun so long before the newest
 * measurement that both are cold.
 */
export function readingEdges(plan: SloPlan, source: SloSource, now: number): number[] {
  const freeze = freezeAt(plan, source, now);
  const held = freeze === null ? [] : heldSpans(plan, source, freeze, now);
  return [historyLow(plan, minuteOf(now)), ...held.flatMap(({ low, high }) => [low, high])];
}

/**
 * Measures an SLO at `now`, moving the windows of its series there.
 * @throws PageMissing unless what the series say is missing at `now` was provided, with {@link readingEdges}
 */
export function readSlo(plan: SloPlan, source: SloSource, now: number): Reading {
  const { tallies, traffic, events, heartbeat } = source;
  tallies.advance(now);
  if (plan.eventWindows.length > 0) traffic.advance(now);
  const { missingData } = plan.definition;
  const regular = heartbeat.regularity;
  const freeze = freezeAt(plan, source, now);
  // Nothing is missing where absent data freezes.
  const due = missingData === 'freeze' ? null : dueSlices(plan, source, now);

  const sums = new Map<string, Tally>();
  const burns = new Map<string, number | null>();
  for (const window of plan.windows) {
    const tally = windowTally(plan, source, window, now, due);
    const burn = burnRate(tally, plan.budget);
    sums.set(window.key, tally);
    burns.set(window.key, burn === null && missingData === 'good' && due !== null ? 0 : burn);
  }
  const measured = sums.get(plan.window.key) as Tally;
  const held = freeze === null ? [] : heldSpans(plan, source, freeze, now);
  const tally = freeze === null ? measured : heldBudget(plan, source, held, now);
  const history = historyOf(plan, source, now);
  const enough = settledAfter(windowMillis(plan, minuteOf(now)) / MINUTE) * 60;
  return {
    plan,
    source,
    at: now,
    measured,
    tally,
    consumed: consumedOf(plan, tally, minuteOf(now)),
    pairs: plan.looks.map(({ pair, key, long: { key: long }, short: { key: short } }) => {
      const tally = sums.get(long) as Tally;
      const shortTally = sums.get(short) as Tally;
      return {
        pair,
        key,
        longBurn: burns.get(long) ?? null,
        shortBurn: burns.get(short) ?? null,
        long: tally,
        short: shortTally,
        traffic: plan.eventWindows.length > 0 ? traffic.window(pair.longMinutes) : tally,
        isExcluded: isExcluded(plan, source, pair.longMinutes, tally, now),
        isShortExcluded: isExcluded(plan, source, pair.shortMinutes, shortTally, now),
      };
    }),
    burns,
    freeze,
    coverage: source.components === undefined ? regular.coverage : source.components.coverage,
    history,
    // What was overspent when data went absent does not become less so as the window empties.
    settled: history >= enough || held.some(({ high }) => historyOf(plan, source, high * MINUTE) >= enough),
    watermark: source.components === undefined ? events.newest : source.components.watermark,
  };
}

/** Why absent data holds resolution, where the definition says that it does. */
function freezeAt(
  plan: SloPlan,
  { events, heartbeat, components }: SloSource,
  now: number,
): BudgetFreeze | null {
  if (plan.definition.missingData !== 'freeze') return null;
  return components === undefined
    ? freezeOf(events, heartbeat.regularity, now, plan.corrections)
    : components.freezeAt(now);
}

/** Whether it is by corrections alone that nothing is counted in a look-back. */
function isExcluded(plan: SloPlan, source: SloSource, minutes: number, tally: Tally, now: number): boolean {
  if (!tally.isEmpty || (plan.corrections.isEmpty && source.components === undefined)) return false;
  const window = lookBack(plan, minutes);
  const end = minuteOf(now);
  const excluding = source.components ?? plan.corrections;
  return !source.uncorrected.window(window.key).isEmpty || excluding.excludes(window.low(end), end);
}

/** burn = bad ratio ÷ budget; null when nothing was counted. */
export function burnRate(tally: Tally, budget: number): number | null {
  const ratio = tally.errorRatio;
  return ratio === null ? null : ratio / budget;
}

/** Whether a burn rate is above a threshold: strictly, beyond {@link toleranceOf} the budget. */
export const isAbove = (burn: number, threshold: number, budget: number): boolean =>
  burn > threshold + toleranceOf(budget);

/**
 * The first minute of the run that led to an alert (epoch milliseconds): the start of the stretch up to now over which
 * bad events, or slices, outweigh what the threshold allows by most (the change point of a cumulative sum). Faults long
 * before it that clean traffic has outweighed since do not count. Minutes that are not in memory are taken by the hour.
 */
export function firstBadMinute({ plan, source, at }: Reading, pair: AlertPair): number {
  const { tallies } = source;
  const allowed = pair.threshold * plan.budget;
  const due = dueSlices(plan, source, at);
  const end = minuteOf(at);
  // Where the window begins, whose hour was provided: one over slices does so with a slice.
  const low = rolling(pair.longMinutes, plan.slice).low(end);
  let excess = 0;
  let most = Number.NEGATIVE_INFINITY;
  let start = end;
  const take = (from: number, to: number): void => {
    const tally = withMissing(plan, tallies.sum(from, to), from, to, due);
    if (tally.isEmpty) return;
    excess += tally.badCount - allowed * tally.totalCount;
    if (excess > most) {
      most = excess;
      start = from;
    }
  };
  let minute = end;
  for (; minute >= low && minute >= tallies.hotFrom; minute--) take(minute, minute);
  while (minute >= low) {
    // To the start of its hour: a clock that was set back ends the window within one.
    const from = Math.max(low, hourOf(minute) * HOUR_MINUTES);
    take(from, minute);
    minute = from - 1;
  }
  return start * MINUTE;
}

/**
 * From when on history counts: from W before, with the slice that this lies in. A budget of slices does not count that one
 * any more, but without it there would never be W of history.
 */
function historyLow(plan: SloPlan, end: number): number {
  const isRolling = plan.window.period(end) === null;
  return isRolling ? sliceOf(end - plan.windowMinutes, plan.slice) : plan.window.low(end);
}

function historyOf(plan: SloPlan, { tallies, events }: SloSource, now: number): number {
  const end = minuteOf(now);
  const low = historyLow(plan, end);
  // Silence that counts is history from the first measurement on: a window that is nothing else is not a young one.
  const silenceCounts = plan.definition.missingData !== 'freeze' && plan.rule !== null;
  const oldest =
    silenceCounts && events.first !== null
      ? Math.max(low, minuteOf(events.first))
      : tallies.firstMinuteFrom(low);
  if (oldest === null) return 0;
  const from = Math.max(oldest * MINUTE, events.first ?? 0);
  return Math.min(windowMillis(plan, end) / 1000, Math.max(0, Math.floor((now - from) / 1000)));
}

/**
 * The window's sums while frozen: of {@link heldSpans}, those that spent most. What stands is what data said: neither bad
 * nor good minutes that leave the window in silence say anything, so that only what is measured changes a frozen budget.
 */
function heldBudget(
  plan: SloPlan,
  { tallies }: Pick<SloSource, 'tallies'>,
  held: readonly Stretch[],
  now: number,
): Tally {
  const end = minuteOf(now);
  let worst = new Tally();
  let most = Number.NEGATIVE_INFINITY;
  for (const { low, high } of held) {
    const tally = tallies.sum(low, high);
    const consumed = consumedOf(plan, tally, end);
    if (consumed === null || consumed < most) continue;
    worst = tally;
    most = consumed;
  }
  return worst;
}
