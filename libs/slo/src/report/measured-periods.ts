import type { SloMeasured, SloMeasuredDay, SloMeasuredPeriods } from '@bellwether/contracts';
import { toleranceOf } from '../alert-pairs.js';
import { type BurnDownRun, lowBefore } from '../burn-down-run.js';
import { burnRate } from '../reading.js';
import type { SloPlan } from '../slo-plan.js';
import { Tally } from '../tally.js';
import { MINUTE } from '../time-grid.js';
import { sliceOf } from '../window.js';
import { consumedOf, type Due, windowSlices, withMissing } from '../window-tally.js';
import { minuteFrom, type PeriodPart, type PeriodsPlan } from './period-plan.js';
import type { Day } from './report-period.js';

/** What was read for a {@link PeriodsPlan}. */
export interface PeriodsRead {
  /** Over the steps of the plan. */
  run: BurnDownRun;
  /** The sum over the SLO's window before the first step. */
  earlier: Tally;
  /** The sums over the heads of both periods. */
  heads: { before: Tally; period: Tally };
  /** How often the SLI is measured, milliseconds; null when nobody can say. */
  cadence: number | null;
  /** The first measured minute; null when nothing was measured. */
  first: number | null;
  due: Due | null;
}

/** How an SLO was over a period, its days, and the period before. */
export function measurePeriods(
  plan: SloPlan,
  { before, period, days, ends }: PeriodsPlan,
  read: PeriodsRead,
): Pick<SloMeasuredPeriods, 'before' | 'period' | 'days'> {
  const { run, heads, earlier, due } = read;
  const steps = new Steps(plan, run, ends);
  steps.share(before, withMissingHead(plan, heads.before, before, due));
  steps.share(period, withMissingHead(plan, heads.period, period, due));
  const last = before.from - 1;
  const consumed = consumedOf(
    plan,
    withMissing(plan, earlier, lowBefore(plan, before.from), last, due),
    last,
  );
  return {
    before: measured(plan, before, read, steps, consumed === null ? null : 1 - consumed),
    period: measured(plan, period, read, steps, steps.remainingAt(before.to)),
    days: days.map((day) => dayOf(plan, day, steps.sum(minuteFrom(day.from), minuteFrom(day.to)))),
  };
}

function withMissingHead(plan: SloPlan, head: Tally, part: PeriodPart, due: Due | null): Tally {
  return withMissing(plan, head, part.head.low, part.head.high, due);
}

function measured(
  plan: SloPlan,
  { from, to }: PeriodPart,
  read: PeriodsRead,
  steps: Steps,
  left: number | null,
): SloMeasured {
  const { tally, spent, lowest, measured: count } = steps.sum(from, to);
  const { sli } = tally;
  // Where a period of the SLO's own calendar begins with it, all of the budget is there.
  const isWhole = plan.window.period(from) !== null && plan.window.low(from) === from;
  return {
    from: iso(from),
    to: iso(to),
    good: tally.goodCount,
    total: tally.totalCount,
    sli,
    met: sli === null ? null : sli >= plan.definition.objective - toleranceOf(plan.budget) * plan.budget,
    coverage: coverageOf(plan, from, to, count, read),
    budget: {
      atStart: isWhole ? 1 : left,
      atEnd: steps.remainingAt(to),
      lowest,
      spent: sli === null ? null : spent,
    },
  };
}

function dayOf(plan: SloPlan, { date, from, to }: Day, { tally, spent }: StepSum): SloMeasuredDay {
  return {
    date,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    good: tally.goodCount,
    total: tally.totalCount,
    sli: tally.sli,
    burn: burnRate(tally, plan.budget),
    spent: tally.isEmpty ? null : spent,
  };
}

/**
 * Slices with data ÷ slices that the SLI's cadence led one to expect, counted from its first measurement on: time before
 * that is young, not missing, and nobody expects any of what is excluded. Null where nothing was expected.
 */
function coverageOf(
  plan: SloPlan,
  from: number,
  to: number,
  count: number,
  { cadence, first }: PeriodsRead,
): number | null {
  if (first === null || cadence === null || first >= to) return null;
  const step = Math.max(cadence / MINUTE, plan.slice);
  const start = Math.max(from, first);
  const begun = sliceOf(start, plan.slice);
  const excluded = plan.corrections.wholeSlices(begun, to - 1, plan.slice).excluded * plan.slice;
  if (excluded >= to - start) return null;
  const expected = Math.max(1, Math.floor((to - start - excluded) / step));
  return Math.min(1, count / expected);
}

interface StepSum {
  tally: Tally;
  /** Share of the budget. */
  spent: number;
  /** Least remaining budget; null when nothing is known of it. */
  lowest: number | null;
  /** Minutes, or slices, with data. */
  measured: number;
}

/** The steps of a run, of which parts are summed. */
class Steps {
  /** The share of the budget that each step spent. */
  readonly #spent: number[];

  constructor(
    readonly plan: SloPlan,
    readonly run: BurnDownRun,
    readonly ends: readonly number[],
  ) {
    this.#spent = ends.map(() => 0);
  }

  /**
   * Works out what each step of a period spent: its part of what the window that it lies in had consumed when that ended.
   * Over a period as long as the window this adds up to what was consumed at its end, over a longer one to how many
   * budgets were spent.
   */
  share({ from, to, tiles }: PeriodPart, head: Tally): void {
    const { plan } = this;
    for (const { low, end } of tiles) {
      const own = this.#within(Math.max(from, low), Math.min(to, end));
      const whole = low < from ? head.copy() : new Tally();
      for (const i of own) whole.plus(this.#tally(i));
      const isSliced = plan.definition.budgeting.method === 'timeslices';
      const all = isSliced ? windowSlices(plan, end - 1) : whole.totalCount;
      for (const i of own) {
        const { badCount } = this.#tally(i);
        this.#spent[i] = badCount === 0 ? 0 : badCount / (plan.budget * all);
      }
    }
  }

  /** The sum of the steps between two minutes on which steps end. */
  sum(from: number, to: number): StepSum {
    const sum: StepSum = { tally: new Tally(), spent: 0, lowest: null, measured: 0 };
    for (const i of this.#within(from, to)) {
      sum.tally.plus(this.#tally(i));
      sum.spent += this.#spent[i] as number;
      sum.measured += this.run.steps[i]?.measured ?? 0;
      const least = this.run.points[i]?.budgetRemainingMin ?? null;
      if (least !== null && (sum.lowest === null || least < sum.lowest)) sum.lowest = least;
    }
    return sum;
  }

  /** The budget that remained at a minute on which a step ends. */
  remainingAt(minute: number): number | null {
    return this.run.points[this.ends.indexOf(minute)]?.budgetRemaining ?? null;
  }

  #within(from: number, to: number): number[] {
    return this.ends.flatMap((end, i) => (end > from && end <= to ? [i] : []));
  }

  #tally(i: number): Tally {
    return (this.run.steps[i] as { tally: Tally }).tally;
  }
}

const iso = (minute: number): string => new Date(minute * MINUTE).toISOString();
