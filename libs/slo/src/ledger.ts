import type { AlertSeverity, SloAlertFired, SloAlertResolved, SloBudgetCrossed } from '@bellwether/contracts';
import { alertKey } from './alert-pairs.js';

/** What the log says of one alert of an SLO. */
export interface AlertMark {
  severity: AlertSeverity;
  tier: string;
  state: 'firing' | 'ok';
  /** How often it has fired. */
  n: number;
  /** When it came into this state, epoch milliseconds. */
  since: number;
  /** Its latest firing. */
  fired: SloAlertFired;
}

/** What the log says of an SLO's alerts and budget crossings: the state from which transitions are decided. */
export interface SloLedger {
  /** By severity and tier. */
  alerts: ReadonlyMap<string, AlertMark>;
  /** Levels of remaining budget that are passed. */
  passed: ReadonlySet<number>;
  /** How many crossings there were. */
  crossings: number;
}

export const emptyLedger: SloLedger = { alerts: new Map(), passed: new Set(), crossings: 0 };

/** A transition of an SLO: the event's short name and data. */
export type SloTransition =
  | { type: 'slo.alert.fired'; data: SloAlertFired }
  | { type: 'slo.alert.resolved'; data: SloAlertResolved }
  | { type: 'slo.budget.crossed'; data: SloBudgetCrossed };

/** Folds an event of an SLO's stream; events that say nothing of alerts or budget leave the ledger as it is. */
export function evolveLedger(ledger: SloLedger, event: { type: string; data: unknown }): SloLedger {
  switch (event.type) {
    case 'slo.alert.fired': {
      const fired = event.data as SloAlertFired;
      const { severity, tier, n } = fired;
      return withAlert(ledger, {
        severity,
        tier,
        state: 'firing',
        n,
        since: Date.parse(fired.eventTime),
        fired,
      });
    }
    case 'slo.alert.resolved': {
      const resolved = event.data as SloAlertResolved;
      const mark = ledger.alerts.get(alertKey(resolved));
      if (mark === undefined) return ledger;
      return withAlert(ledger, { ...mark, state: 'ok', since: Date.parse(resolved.eventTime) });
    }
    case 'slo.budget.crossed': {
      const crossed = event.data as SloBudgetCrossed;
      const passed = new Set(ledger.passed);
      if (crossed.direction === 'down') passed.add(crossed.threshold);
      else passed.delete(crossed.threshold);
      return { ...ledger, passed, crossings: crossed.n };
    }
    default:
      return ledger;
  }
}

function withAlert(ledger: SloLedger, mark: AlertMark): SloLedger {
  return { ...ledger, alerts: new Map(ledger.alerts).set(alertKey(mark), mark) };
}
