import type { SloHistory } from '@bellwether/contracts';
import type { MinuteSpan, Stretch } from './minute-span.js';
import { burnRate } from './reading.js';
import type { SloPlan } from './slo-plan.js';
import { Tally } from './tally.js';
import { MINUTE } from './time-grid.js';
import { consumedOf, type Due, withMissing } from './window-tally.js';

type Point = SloHistory['points'][number];

/** Minutes that are taken at a time: ten days. A year of them passes through a few hundred KiB. */
const AT_A_TIME = 14_400;

/** A part of the minutes of a burn-down, to be taken in turn. */
export interface BurnDownPart {
  /** Minutes that come into the window. */
  near: Stretch;
  /** Minutes from before the burn-down that leave it; null where none do. A window of the calendar drops all at once. */
  far: Stretch | null;
}

/**
 * First minute of the SLO's window as a burn-down from a minute on starts with it: up to that minute; of a calendar's
 * that begins with it nothing, since that period's budget is whole.
 */
export const lowBefore = ({ window }: Pick<SloPlan, 'window'>, from: number): number =>
  window.period(from) === null ? window.lowUpTo(from) : window.low(from);

/** The minutes from `low` to `high` in parts that end with whole hours, so that none is read twice. */
export function burnDownParts(plan: SloPlan, { low, high }: Stretch, atATime = AT_A_TIME): BurnDownPart[] {
  const parts: BurnDownPart[] = [];
  for (let from = low; from <= high; ) {
    const to = Math.min(high, Math.floor((from + atATime) / 60) * 60 - 1);
    const far = { low: lowBefore(plan, from), high: Math.min(low, lowBefore(plan, to + 1)) - 1 };
    const leaves = plan.window.period(from) === null && far.low <= far.high;
    parts.push({ near: { low: from, high: to }, far: leaves ? far : null });
    from = to + 1;
  }
  return parts;
}

/**
 * The budget over time, from minutes that are given part by part: a point at the end of each step, with the extremes
 * between, which a long step must not hide. Costs one addition and one subtraction a minute, and keeps the minutes that
 * will leave the window.
 */
export class BurnDownRun {
  readonly points: Point[] = [];
  /** What each step counted, exactly, and how many of its minutes (or slices) were measured. */
  readonly steps: { tally: Tally; measured: number }[] = [];
  readonly #window: Tally;
  readonly #minute = new Tally();
  readonly #slice = new Tally();
  #own = new Tally();
  #measured = 0;
  /** Parts that were taken, of which minutes will leave the window. */
  readonly #kept: MinuteSpan[] = [];
  readonly #from: number;
  /** Of the calendar, the minute that follows the current period; null for a rolling window. */
  #periodEnd: number | null;
  #start: number;
  #low: number;
  #remaining = new Range();
  #burn = new Range();

  /**
   * @param from first minute of the first step
   * @param ends the minutes that follow each step, ascending
   * @param before the sum over the minutes of the window before `from`, see {@link burnDownBefore}
   * @param due slices that must have data, see {@link dueSlices}
   */
  constructor(
    readonly plan: SloPlan,
    from: number,
    readonly ends: readonly number[],
    before: Tally,
    readonly due: Due | null = null,
  ) {
    this.#from = this.#start = from;
    this.#periodEnd = periodEnd(plan, from);
    this.#low = lowBefore(plan, from);
    this.#window = before.copy();
  }

  /** Passes over time before the first measurement: there are points of it, without anything to see. */
  skipTo(minute: number): void {
    for (let end = this.ends[0]; end !== undefined && end <= minute; end = this.ends[this.points.length]) {
      this.#end(end, null, false);
    }
    this.#low = lowBefore(this.plan, minute);
    this.#periodEnd = periodEnd(this.plan, minute);
  }

  /** Takes the next part: see {@link burnDownParts}. */
  take(near: MinuteSpan, far: MinuteSpan | null): void {
    const { plan } = this;
    const counts = plan.rule === null;
    const leaves = near.low < plan.window.lowUpTo(this.ends.at(-1) as number);
    if (leaves && this.#periodEnd === null) this.#kept.push(near);
    for (let minute = near.low; minute <= near.high; minute++) {
      this.#minute.clear();
      near.addTo(this.#minute, minute);
      this.#window.plus(this.#minute);
      this.#own.plus(this.#minute);
      if (near.has(minute) && !this.#isExcluded(minute)) this.#measured++;
      if (this.#periodEnd === null) this.#slide(plan.window.lowUpTo(minute + 1), far);
      else if (minute === this.#periodEnd) this.#begin(minute);

      // A slice is kept at its first minute; with what its minutes are missing, it is whole with its last.
      this.#slice.plus(counts ? this.#minute : withMissing(plan, this.#minute, minute, minute, this.due));
      const after = minute + 1;
      const ends = after === this.ends[this.points.length];
      if (after % plan.slice !== 0 && !ends) continue;
      const burn = burnRate(this.#slice, plan.budget);
      this.#slice.clear();
      if (burn !== null) this.#burn.include(burn);
      const consumed = consumedOf(plan, withMissing(plan, this.#window, this.#low, minute, this.due), minute);
      if (consumed !== null) this.#remaining.include(1 - consumed);
      if (ends) this.#end(after, consumed);
    }
  }

  /** Whether the slice that begins with a minute is excluded: nobody asks whether it was measured. */
  #isExcluded(minute: number): boolean {
    const { corrections, slice } = this.plan;
    return corrections.at(minute) === 'exclude' && corrections.excludes(minute, minute + slice - 1);
  }

  /** Moves the far edge of a rolling window to `low`. */
  #slide(low: number, far: MinuteSpan | null): void {
    for (let left = this.#low; left < low; left++) {
      if (left < this.#from) far?.takeFrom(this.#window, left);
      else this.#leave(left);
    }
    this.#low = low;
  }

  /** A period of the calendar begins with a minute: the budget has nothing of those before. */
  #begin(minute: number): void {
    this.#window.clear();
    this.#window.plus(this.#minute);
    this.#low = minute;
    this.#periodEnd = periodEnd(this.plan, minute);
  }

  #leave(minute: number): void {
    while ((this.#kept[0]?.high ?? minute) < minute) this.#kept.shift();
    this.#kept[0]?.takeFrom(this.#window, minute);
  }

  #end(after: number, consumed: number | null, isMeasured = true): void {
    const { plan } = this;
    const isCorrected = isMeasured && plan.corrections.touches(this.#start, after - 1);
    const own = withMissing(plan, this.#own, this.#start, after - 1, this.due);
    this.points.push({
      at: new Date(after * MINUTE).toISOString(),
      good: own.goodCount,
      total: own.totalCount,
      sli: own.sli,
      budgetRemaining: consumed === null ? null : 1 - consumed,
      burn: burnRate(own, plan.budget),
      budgetRemainingMin: this.#remaining.least,
      budgetRemainingMax: this.#remaining.most,
      burnMin: this.#burn.least,
      burnMax: this.#burn.most,
      ...(isCorrected && { corrected: true }),
    });
    this.steps.push({ tally: own, measured: this.#measured });
    this.#own = new Tally();
    this.#measured = 0;
    this.#remaining = new Range();
    this.#burn = new Range();
    this.#start = after;
  }
}

/** The minute that follows the calendar's period that a minute lies in; null of a rolling window. */
function periodEnd({ window }: SloPlan, minute: number): number | null {
  const period = window.period(minute);
  return period === null ? null : Math.ceil(period.to / MINUTE);
}

/** The least and the most of some numbers; null of none. */
class Range {
  least: number | null = null;
  most: number | null = null;

  include(value: number): void {
    if (this.least === null || value < this.least) this.least = value;
    if (this.most === null || value > this.most) this.most = value;
  }
}
