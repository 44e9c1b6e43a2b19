import { type BudgetFreeze, freezeOf } from './cadence.js';
import type { SloSource } from './indicator-buckets.js';
import type { Stretch } from './minute-span.js';
import type { SloPlan } from './slo-plan.js';
import { Tally } from './tally.js';
import { MINUTE, minuteOf } from './time-grid.js';
import { sliceOf, type Window } from './window.js';

/** Between which slices every one was due to have data, by their first minutes. */
export interface Due {
  first: number;
  last: number;
}

/**
 * The slices that were due as of `now` (epoch milliseconds); null when nothing was ever measured. Time before the first
 * measurement is young, not missing. A slice after the newest one is due once the SLI is stale, for three cadences: a
 * measurement that is on its way must not page. By then the one under way is due, too: of a window of one or two slices,
 * silence would never be all.
 */
export function dueSlices(
  { slice, corrections }: SloPlan,
  { events, heartbeat }: Pick<SloSource, 'events' | 'heartbeat'>,
  now: number,
): Due | null {
  if (events.first === null || events.newest === null) return null;
  const current = sliceOf(minuteOf(now), slice);
  const newest = Math.min(current, sliceOf(minuteOf(events.newest), slice));
  const isStale = freezeOf(events, heartbeat.regularity, now, corrections)?.kind === 'stale';
  return {
    first: sliceOf(minuteOf(events.first), slice),
    last: isStale ? current : newest,
  };
}

/** Slices that count although nothing was measured in them. */
export interface Unmeasured {
  /** They were due, and no correction speaks for them as a whole. */
  missing: number;
  /** A correction counts them as good as a whole; those that were measured are among them. */
  forgiven: number;
}

/**
 * The slices that begin within [low, high], were due and count without data, where `measured` have some that counts.
 * Excluded ones are none of them.
 */
export function unmeasuredSlices(
  measured: number,
  low: number,
  high: number,
  { slice, corrections }: Pick<SloPlan, 'slice' | 'corrections'>,
  due: Due,
): Unmeasured {
  const from = Math.max(Math.ceil(low / slice) * slice, due.first);
  const to = Math.min(sliceOf(high, slice), due.last);
  const { excluded, forgiven } = corrections.wholeSlices(from, to, slice);
  return { missing: Math.max(0, (to - from) / slice + 1 - measured - excluded - forgiven), forgiven };
}

/**
 * What a window over slices counts, with the slices that have no data as `missingData` has it: `good` or `bad` ones, or
 * none at all while it says `freeze`.
 * @param tally of the slices with data that begin within [low, high]
 */
export function withMissing(plan: SloPlan, tally: Tally, low: number, high: number, due: Due | null): Tally {
  const { missingData } = plan.definition;
  if (plan.rule === null || missingData === 'freeze' || due === null) return tally;
  const { missing, forgiven } = unmeasuredSlices(tally.total, low, high, plan, due);
  if (missing + forgiven === 0) return tally;
  return Tally.of((missingData === 'good' ? missing : 0) + forgiven, missing + forgiven).plus(tally);
}

/** What an SLO counts over one of its windows, as of the last time that its series were moved to `now`. */
export function windowTally(
  plan: SloPlan,
  source: SloSource,
  window: Window,
  now: number,
  due: Due | null,
): Tally {
  const end = minuteOf(now);
  return withMissing(plan, source.tallies.window(window.key), window.low(end), end, due);
}

/**
 * The budget's windows that absent data holds, the oldest first: as they stood when data went absent, and as of what came.
 * A budget of a calendar's period that began since is whole.
 */
export function heldSpans(
  plan: SloPlan,
  { events }: Pick<SloSource, 'events'>,
  freeze: BudgetFreeze,
  now: number,
): Stretch[] {
  const end = minuteOf(now);
  const isCalendar = plan.window.period(end) !== null;
  const ends = freeze.held.map((at) => Math.min(end, minuteOf(at)));
  // Of a composite, other components go on: what they measure counts.
  if (freeze.kind === 'patchy' && events.newest !== null) ends.push(Math.min(end, minuteOf(events.newest)));
  return [...new Set(ends)]
    .sort((a, b) => a - b)
    .map((high) => ({ low: plan.window.low(isCalendar ? end : high), high }))
    .filter(({ low, high }) => low <= high);
}

/** Milliseconds of the whole window that the budget is over: of a calendar's, the current period's length. */
export function windowMillis(plan: SloPlan, end: number): number {
  const period = plan.window.period(end);
  return period === null ? plan.windowMinutes * MINUTE : period.to - period.from;
}

/** Slices of the whole window that the budget is over. */
export function windowSlices(plan: SloPlan, end: number): number {
  const period = plan.window.period(end);
  if (period === null) return plan.windowMinutes / plan.slice;
  const before = (at: number): number => Math.ceil(at / (plan.slice * MINUTE));
  return before(period.to) - before(period.from);
}

/**
 * The fraction of the budget that a tally over the window consumed: bad share ÷ B; of `timeslices`, bad slices ÷ (B ·
 * slices of the whole window), so that a young window does not exaggerate. Null when nothing was counted.
 * @param end the window's last minute
 */
export function consumedOf(plan: SloPlan, tally: Tally, end: number): number | null {
  if (tally.isEmpty) return null;
  if (plan.definition.budgeting.method !== 'timeslices') return (tally.errorRatio as number) / plan.budget;
  return tally.badCount / (plan.budget * windowSlices(plan, end));
}
