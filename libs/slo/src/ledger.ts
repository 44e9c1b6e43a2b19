import type {
  AlertSeverity,
  SloAlertFired,
  SloAlertResolved,
  SloBudgetCrossed,
  SloGroup,
} from '@bellwether/contracts';
import { alertKey } from './alert-pairs.js';
import { groupText } from './grouping.js';

/** What the log says of one alert of an SLO. */
export interface AlertMark {
  severity: AlertSeverity;
  tier: string;
  /** The part of the SLO that it is about; absent for the whole. */
  group?: SloGroup | undefined;
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
  /** By severity, tier and group. */
  alerts: ReadonlyMap<string, AlertMark>;
  /** Levels of remaining budget that are passed, of the whole. */
  passed: ReadonlySet<number>;
  /** How many crossings there were, those of groups included. */
  crossings: number;
  /** How often groups have fired, by severity and tier. */
  groupFirings: ReadonlyMap<string, number>;
  /** Levels that are passed, by group; absent where a group passed none. */
  groupsPassed: ReadonlyMap<string, ReadonlySet<number>>;
}

export const emptyLedger: SloLedger = {
  alerts: new Map(),
  passed: new Set(),
  crossings: 0,
  groupFirings: new Map(),
  groupsPassed: new Map(),
};

/** Groups remembered at most that do not fire: more than can be in at once, so that only those that left are forgotten. */
const MOST_REMEMBERED = 2_000;

/** Levels of remaining budget that are passed, of the whole or of a group. */
export function passedBy(
  { passed, groupsPassed }: SloLedger,
  group: SloGroup | undefined,
): ReadonlySet<number> {
  return group === undefined ? passed : (groupsPassed.get(groupText(group)) ?? NONE);
}

const NONE: ReadonlySet<number> = new Set();

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
      const { severity, tier, group, n } = fired;
      const since = Date.parse(fired.eventTime);
      const mark: AlertMark = { severity, tier, state: 'firing', n, since, fired };
      if (group === undefined) return withAlert(ledger, mark);
      const groupFirings = new Map(ledger.groupFirings).set(alertKey({ severity, tier }), n);
      return withAlert({ ...ledger, groupFirings }, { ...mark, group });
    }
    case 'slo.alert.resolved': {
      const resolved = event.data as SloAlertResolved;
      const key = alertKey(resolved);
      const mark = ledger.alerts.get(key);
      if (mark === undefined) return ledger;
      if (mark.group !== undefined && resolved.reason === 'retired') {
        const alerts = new Map(ledger.alerts);
        alerts.delete(key);
        return { ...ledger, alerts };
      }
      return withAlert(ledger, { ...mark, state: 'ok', since: Date.parse(resolved.eventTime) });
    }
    case 'slo.budget.crossed': {
      const { group, direction, threshold, n } = event.data as SloBudgetCrossed;
      const passed = new Set(passedBy(ledger, group));
      if (direction === 'down') passed.add(threshold);
      else passed.delete(threshold);
      if (group === undefined) return { ...ledger, passed, crossings: n };
      const groupsPassed = new Map(ledger.groupsPassed);
      groupsPassed.delete(groupText(group)); // what changed last comes last
      if (passed.size > 0) groupsPassed.set(groupText(group), passed);
      for (const key of groupsPassed.keys()) {
        if (groupsPassed.size <= MOST_REMEMBERED) break;
        groupsPassed.delete(key);
      }
      return { ...ledger, groupsPassed, crossings: n };
    }
    default:
      return ledger;
  }
}

function withAlert(ledger: SloLedger, mark: AlertMark): SloLedger {
  const alerts = new Map(ledger.alerts);
  const key = alertKey(mark);
  if (mark.group === undefined) return { ...ledger, alerts: alerts.set(key, mark) };
  alerts.delete(key); // what changed last comes last
  alerts.set(key, mark);
  let excess = alerts.size - MOST_REMEMBERED;
  for (const [other, { group, state }] of alerts) {
    if (excess <= 0) break;
    if (group === undefined || state === 'firing') continue;
    alerts.delete(other);
    excess--;
  }
  return { ...ledger, alerts };
}
