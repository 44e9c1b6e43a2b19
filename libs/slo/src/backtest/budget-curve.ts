import type { Backtest } from '@bellwether/contracts';
import { pointEnds } from '../burn-down.js';
import { burnRate, type Reading } from '../reading.js';
import type { SloPlan } from '../slo-plan.js';
import type { Tally } from '../tally.js';
import { MINUTE, minuteOf } from '../time-grid.js';
import { consumedOf, type Due, dueSlices, withMissing } from '../window-tally.js';
import type { BacktestSpan } from './span.js';

type Point = Backtest['points'][number];

/** What was left of the budget in a step. */
interface Step {
  /** The minute that follows it. */
  end: number;
  remaining: number | null;
  least: number | null;
  most: number | null;
}

/**
 * The budget over time, as the readings had it, in at most so many steps with the extremes within each: a dip of a minute
 * is as low in a step of a day as it was.
 */
export class BudgetCurve {
  readonly #plan: SloPlan;
  readonly #from: number;
  readonly #steps: Step[];
  #current = 0;

  /** @param most points, at least one */
  constructor(plan: SloPlan, { from, to }: BacktestSpan, most: number) {
    this.#plan = plan;
    this.#from = minuteOf(from);
    const ends = minuteOf(to) > this.#from ? pointEnds(plan, this.#from, minuteOf(to), most) : [];
    this.#steps = ends.map((end) => ({ end, remaining: null, least: null, most: null }));
  }

  /** Takes the reading at the end of a minute; others are left out. Readings come in order of time. */
  take(reading: Pick<Reading, 'at' | 'consumed' | 'freeze' | 'source'>): void {
    const { at, source } = reading;
    const minute = minuteOf(at);
    if (at % MINUTE !== 0 || minute <= this.#from || source.group !== undefined) return;
    while (minute > (this.#steps[this.#current]?.end ?? Number.POSITIVE_INFINITY)) this.#current++;
    const step = this.#steps[this.#current];
    if (step === undefined) return;
    const consumed = this.#consumedUpTo(minute, reading);
    if (consumed === null) return;
    const remaining = 1 - consumed;
    step.least = Math.min(step.least ?? remaining, remaining);
    step.most = Math.max(step.most ?? remaining, remaining);
    if (minute === step.end) step.remaining = remaining;
  }

  /**
   * What was consumed when the minute before was over, as the points of a history have it: where a slice or a period of
   * the calendar begins with the minute, the reading is of a window that has let go of the oldest one.
   */
  #consumedUpTo(
    minute: number,
    { at, consumed, freeze, source }: Pick<Reading, 'at' | 'consumed' | 'freeze' | 'source'>,
  ): number | null {
    const { window } = this.#plan;
    const [low, after] = [window.lowUpTo(minute), window.low(minute)];
    if (low === after || freeze !== null) return consumed;
    const tally = source.tallies.sum(low, after - 1).plus(source.tallies.window(window.key));
    const due = this.#plan.definition.missingData === 'freeze' ? null : dueSlices(this.#plan, source, at);
    return consumedOf(this.#plan, this.#counted(tally, low, minute - 1, due), minute - 1);
  }

  /** The points. @param last the reading at the end: its source has what was counted */
  points({ source, at }: Pick<Reading, 'source' | 'at'>): Point[] {
    const due = dueSlices(this.#plan, source, at);
    let low = this.#from;
    return this.#steps.map(({ end, remaining, least, most }) => {
      const sum = (from: number, to: number): Tally =>
        this.#counted(source.tallies.sum(from, to), from, to, due);
      const own = sum(low, end - 1);
      const burns = this.#burns(low, end, sum);
      const isCorrected = this.#plan.corrections.touches(low, end - 1);
      low = end;
      return {
        at: new Date(end * MINUTE).toISOString(),
        good: own.goodCount,
        total: own.totalCount,
        sli: own.sli,
        budgetRemaining: remaining,
        burn: burnRate(own, this.#plan.budget),
        budgetRemainingMin: least,
        budgetRemainingMax: most,
        ...burns,
        ...(isCorrected ? { corrected: true } : {}),
      };
    });
  }

  #counted(tally: Tally, low: number, high: number, due: Due | null): Tally {
    return withMissing(this.#plan, tally, low, high, due);
  }

  /** Burn rates of the best and the worst minute, or slice, of a step. */
  #burns(
    from: number,
    end: number,
    sum: (low: number, high: number) => Tally,
  ): Pick<Point, 'burnMin' | 'burnMax'> {
    const { slice, budget } = this.#plan;
    let burnMin: number | null = null;
    let burnMax: number | null = null;
    for (let low = from; low < end; ) {
      const next = Math.min(end, Math.floor(low / slice) * slice + slice);
      const burn = burnRate(sum(low, next - 1), budget);
      low = next;
      if (burn === null) continue;
      burnMin = Math.min(burnMin ?? burn, burn);
      burnMax = Math.max(burnMax ?? burn, burn);
    }
    return { burnMin, burnMax };
  }
}
