import type { MinuteSpan } from '../minute-span.js';
import type { SloPlan } from '../slo-plan.js';
import { Tally } from '../tally.js';
import { HOUR_MINUTES } from '../time-grid.js';
import { type Due, windowSlices, withMissing } from '../window-tally.js';
import type { Expected } from './pattern.js';

/** What is known of an SLO when its budget is looked at ahead. */
export interface KnownWindow {
  /** The minute that follows the last known one. */
  from: number;
  /** The sum over the SLO's window up to there. */
  tally: Tally;
  /** The minutes that will leave a rolling window; null for one of the calendar, which none leaves. */
  leaving: MinuteSpan | null;
  due: Due | null;
}

/** What is expected of an hour since the epoch. */
export type Course = (hour: number) => Expected;

/** The first moment, epoch minutes, at which the budget is gone, and the first after that at which some is there again. */
export interface Crossings {
  exhausted: number | null;
  recovered: number | null;
}

/** The known part of the SLO's window at one time after another, without the minutes that have left it by then. */
export class KnownPart {
  readonly #tally: Tally;
  #low: number;

  constructor(
    readonly plan: SloPlan,
    readonly known: KnownWindow,
  ) {
    this.#tally = known.tally.copy();
    this.#low = plan.window.lowUpTo(known.from);
  }

  /** First minute of the window at the time moved to. */
  get low(): number {
    return this.#low;
  }

  /** Moves on to the end of a minute. @param after the minute that follows */
  moveTo(after: number): Expected {
    const { plan, known } = this;
    if (known.leaving === null)
      return counts(withMissing(plan, this.#tally, this.#low, after - 1, known.due));
    const low = plan.window.lowUpTo(after);
    for (; this.#low < low; this.#low++) known.leaving.takeFrom(this.#tally, this.#low);
    return counts(withMissing(plan, this.#tally, low, after - 1, known.due));
  }
}

/** What is expected from now on, added up, so that the expectation of any stretch is one subtraction. */
export class ExpectedSums {
  readonly #total: Float64Array;
  readonly #bad: Float64Array;
  readonly #firstHour: number;

  constructor(
    readonly from: number,
    to: number,
    course: Course,
  ) {
    this.#firstHour = Math.floor(from / HOUR_MINUTES);
    const hours = Math.ceil(to / HOUR_MINUTES) - this.#firstHour;
    this.#total = new Float64Array(hours + 1);
    this.#bad = new Float64Array(hours + 1);
    for (let i = 0; i < hours; i++) {
      const { total, bad } = course(this.#firstHour + i);
      this.#total[i + 1] = (this.#total[i] as number) + total;
      this.#bad[i + 1] = (this.#bad[i] as number) + bad;
    }
  }

  /** Of the minutes from `low` (or from the first one) to before `after`. */
  between(low: number, after: number): Expected {
    const start = Math.max(low, this.from);
    return {
      total: at(this.#total, after, this.#firstHour) - at(this.#total, start, this.#firstHour),
      bad: at(this.#bad, after, this.#firstHour) - at(this.#bad, start, this.#firstHour),
    };
  }
}

/** A sum up to a minute, of an hour in proportion. */
function at(sums: Float64Array, minute: number, firstHour: number): number {
  const hour = Math.floor(minute / HOUR_MINUTES);
  const before = sums[hour - firstHour] as number;
  const part = minute / HOUR_MINUTES - hour;
  return part === 0 ? before : before + part * ((sums[hour - firstHour + 1] as number) - before);
}

/** What remains of the budget where so much is counted over the window; null where nothing is. */
export function remainingOf(
  plan: SloPlan,
  known: Expected,
  expected: Expected,
  after: number,
): number | null {
  const total = known.total + expected.total;
  if (total <= 0) return null;
  const bad = known.bad + expected.bad;
  const sliced = plan.definition.budgeting.method === 'timeslices';
  return 1 - bad / (plan.budget * (sliced ? windowSlices(plan, after - 1) : total));
}

/** Looks for the times at which the budget is gone, and is there again. */
export class Watch implements Crossings {
  exhausted: number | null = null;
  recovered: number | null = null;
  #before: { at: number; left: number } | null = null;

  /** @param residue what a budget that is gone may have left: float residue */
  constructor(private readonly residue: number) {}

  /** The budget that remains at a time, minutes; times ascend. */
  see(at: number, left: number | null): void {
    if (left === null) return;
    if (this.exhausted === null) {
      if (left <= this.residue) this.exhausted = this.#crossing(at, left);
    } else if (this.recovered === null && left > this.residue) {
      this.recovered = this.#crossing(at, left);
    }
    this.#before = { at, left };
  }

  /** Between two times the budget is taken to go straight. */
  #crossing(at: number, left: number): number {
    const before = this.#before;
    if (before === null || before.left === left) return at;
    return before.at + (at - before.at) * Math.min(1, Math.max(0, before.left / (before.left - left)));
  }
}

const counts = (tally: Tally): Expected => ({ total: tally.totalCount, bad: tally.badCount });
