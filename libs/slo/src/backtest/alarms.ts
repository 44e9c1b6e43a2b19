import type { BacktestAlert, SloAlertFired } from '@bellwether/contracts';
import { alertKey } from '../alert-pairs.js';
import type { SloTransition } from '../ledger.js';
import type { Reading } from '../reading.js';
import { minuteOf } from '../time-grid.js';
import { dueSlices, windowSlices, withMissing } from '../window-tally.js';
import type { BacktestSpan } from './span.js';

/** A firing, with its times in epoch milliseconds. */
export interface Firing {
  alert: BacktestAlert;
  firedAt: number;
  /** Null while it fires at the end. */
  resolvedAt: number | null;
}

/** The firings of a backtest, put together from what was decided. */
export class Alarms {
  readonly #span: BacktestSpan;
  readonly #firings: Firing[] = [];
  readonly #open = new Map<string, Firing>();

  constructor(span: BacktestSpan) {
    this.#span = span;
  }

  /** Takes what a reading led to. */
  take(transition: SloTransition, reading: Reading): void {
    if (transition.type === 'slo.alert.fired') {
      const firing = { alert: begun(transition.data, reading), firedAt: reading.at, resolvedAt: null };
      this.#firings.push(firing);
      this.#open.set(alertKey(transition.data), firing);
    } else if (transition.type === 'slo.alert.resolved') {
      const key = alertKey(transition.data);
      const firing = this.#open.get(key);
      if (firing === undefined) return;
      this.#open.delete(key);
      firing.resolvedAt = reading.at;
      firing.alert.resolvedAt = new Date(reading.at).toISOString();
      firing.alert.budgetSpent = spentSince(firing.alert, reading);
    }
  }

  /** The firings that the span saw, in order. @param last the readings at its end, of the whole and of each group */
  end(last: readonly Reading[]): Firing[] {
    for (const { alert } of this.#open.values()) {
      const own = last.find(({ source }) => source.group?.value === alert.group?.value);
      if (own !== undefined) alert.budgetSpent = spentSince(alert, own);
    }
    return this.#firings.filter(
      ({ firedAt, resolvedAt }) =>
        firedAt >= this.#span.from || resolvedAt === null || resolvedAt > this.#span.from,
    );
  }
}

function begun(fired: SloAlertFired, reading: Reading): BacktestAlert {
  const { severity, tier, group, longWindow, shortWindow, longBurn, shortBurn, threshold } = fired;
  const startedAt = fired.startedAt;
  const budgetSpent = spentSince({ startedAt }, reading);
  return {
    severity,
    tier,
    ...(group && { group }),
    firedAt: fired.eventTime,
    resolvedAt: null,
    budgetSpent,
    budgetSpentBefore: budgetSpent,
    budgetRemaining: fired.budgetRemaining,
    startedAt,
    longWindow,
    shortWindow,
    longBurn,
    shortBurn,
    threshold,
  };
}

/**
 * The share of the budget that the time since an alert's start makes up, of what is within the SLO's window:
 * bad events ÷ (B · events of the window), or bad slices ÷ (B · slices of the window).
 */
function spentSince({ startedAt }: Pick<BacktestAlert, 'startedAt'>, reading: Reading): number {
  const { plan, source, at } = reading;
  const end = minuteOf(at);
  const low = Math.max(minuteOf(Date.parse(startedAt)), plan.window.low(end));
  if (low > end) return 0;
  const due = dueSlices(plan, source, at);
  const own = withMissing(plan, source.tallies.sum(low, end), low, end, due);
  if (own.isEmpty) return 0;
  const isSliced = plan.definition.budgeting.method === 'timeslices';
  const whole = isSliced ? windowSlices(plan, end) : reading.measured.totalCount;
  return own.badCount / (plan.budget * whole);
}
