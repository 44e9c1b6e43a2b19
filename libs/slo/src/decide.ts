import { type AlertSeverity, type SloAlertFired, type SloGroup, sloName } from '@bellwether/contracts';
import { type AlertPair, alertKey, toleranceOf } from './alert-pairs.js';
import type { ComponentShare } from './composite/composite.js';
import { groupText } from './grouping.js';
import { type AlertMark, passedBy, type SloLedger, type SloTransition } from './ledger.js';
import { firstBadMinute, isAbove, type PairReading, type Reading } from './reading.js';
import { alertsOff } from './slo-plan.js';
import { MINUTE } from './time-grid.js';

/** Shares of remaining budget whose crossing is an event. */
export const BUDGET_LEVELS = [0.5, 0.25, 0.1, 0] as const;

/** The measurement that tipped an alert, by its place in the log. */
export interface Tip {
  journal: string;
  position: number;
  eventId: string;
  /** Of the last measurement that was counted. */
  lastPosition: number;
}

/**
 * What a pair's reading says of its alert. Both windows strictly above the threshold, and the floors of traffic met in
 * the long one, is "above". One window that is not is "below". No data in a window decides nothing, whatever the other one
 * says: the state holds. Where there is none because all of it is excluded, nothing is left that could hold it, or the other
 * window speaks for both.
 */
export function conditionOf(
  reading: PairReading,
  floors: { minTotal?: number | undefined; minBad?: number | undefined },
  budget: number,
): 'above' | 'below' | 'unknown' {
  const { pair, longBurn, shortBurn, traffic } = reading;
  if (reading.isExcluded) return 'below';
  if (longBurn === null || (shortBurn === null && !reading.isShortExcluded)) return 'unknown';
  if (!isAbove(longBurn, pair.threshold, budget)) return 'below';
  if (shortBurn === null) return 'unknown';
  if (!isAbove(shortBurn, pair.threshold, budget)) return 'below';
  if (floors.minTotal !== undefined && traffic.totalCount < floors.minTotal) return 'below';
  if (floors.minBad !== undefined && traffic.badCount < floors.minBad) return 'below';
  return 'above';
}

/**
 * The transitions that a reading asks for, given what the log says already: each is to be appended once. Of a grouped
 * SLO, the whole and each group have a reading of their own; what one asks for is folded before the next is decided.
 * Evidence above a threshold always fires; absent data (a freeze) holds resolution and the recovery of the budget only.
 * @param tip the measurement to name as evidence; null when none is known
 * @param shares of a composite, what each component had to do with the long window of a pair, the worst first
 */
export function decideSlo(
  reading: Reading,
  ledger: SloLedger,
  tip: Tip | null,
  shares?: (pair: AlertPair) => ComponentShare[],
): SloTransition[] {
  return [...decideAlerts(reading, ledger, tip, shares), ...decideBudget(reading, ledger)];
}

/** Whether {@link decideSlo} would fire an alert: so that the right measurement is named as evidence. */
export function fires(reading: Reading, ledger: SloLedger): boolean {
  const { group } = reading.source;
  return watched(reading).some(
    (pair) =>
      conditionOf(pair, reading.plan.definition.alerting, reading.plan.budget) === 'above' &&
      ledger.alerts.get(keyOf(pair, group))?.state !== 'firing',
  );
}

/** The pairs that may alert: of a grouped SLO those of the whole, of its groups, or both, as its definition says. */
function watched({ plan, pairs, source }: Reading): readonly PairReading[] {
  return alertsOff(plan, source.group) ? [] : pairs;
}

const keyOf = ({ pair, key }: PairReading, group: SloGroup | undefined): string =>
  group === undefined ? key : alertKey({ ...pair, group });

const same = (a: SloGroup | undefined, b: SloGroup | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && groupText(a) === groupText(b));

function decideAlerts(
  reading: Reading,
  ledger: SloLedger,
  tip: Tip | null,
  shares: ((pair: AlertPair) => ComponentShare[]) | undefined,
): SloTransition[] {
  const transitions: SloTransition[] = [];
  const { definition } = reading.plan;
  const { group } = reading.source;
  const wanted = new Set<string>();
  for (const pair of watched(reading)) {
    const key = keyOf(pair, group);
    wanted.add(key);
    const mark = ledger.alerts.get(key);
    const firing = mark?.state === 'firing';
    const condition = conditionOf(pair, definition.alerting, reading.plan.budget);
    if (condition === 'above' && !firing) {
      transitions.push({
        type: 'slo.alert.fired',
        data: {
          ...firedAlert(reading, pair, firings(ledger, pair, mark, group) + 1, tip),
          ...(shares && { components: shares(pair.pair) }),
        },
      });
    } else if (condition === 'below' && firing && reading.freeze === null) {
      transitions.push(
        resolve(mark, reading, pair, isRedefined(mark, pair) ? 'redefined' : 'recovered', tip),
      );
    }
  }
  for (const [key, mark] of ledger.alerts) {
    if (mark.state === 'firing' && same(mark.group, group) && !wanted.has(key)) {
      transitions.push(resolve(mark, reading, null, 'redefined', tip));
    }
  }
  return transitions;
}

/** How often it has fired: a group's firings are counted with those of all groups, since groups come and go. */
function firings(
  ledger: SloLedger,
  { pair }: PairReading,
  mark: AlertMark | undefined,
  group: SloGroup | undefined,
): number {
  return (group === undefined ? mark?.n : ledger.groupFirings.get(alertKey(pair))) ?? 0;
}

/** Which levels of remaining budget were passed. Waits until there is history enough; none is regained while frozen. */
function decideBudget(reading: Reading, ledger: SloLedger): SloTransition[] {
  if (reading.consumed === null || !reading.settled) return [];
  const remaining = 1 - reading.consumed;
  const { definition, budget } = reading.plan;
  const tolerance = toleranceOf(budget);
  const { group } = reading.source;
  if (alertsOff(reading.plan, group)) return [];
  const passed = passedBy(ledger, group);
  const transitions: SloTransition[] = [];
  const cross = (threshold: number, direction: 'down' | 'up'): void => {
    transitions.push({
      type: 'slo.budget.crossed',
      data: {
        slo: definition.name,
        service: definition.service,
        ...(group && { group }),
        threshold,
        direction,
        remaining,
        eventTime: iso(reading.at),
        n: ledger.crossings + transitions.length + 1,
      },
    });
  };
  for (const level of BUDGET_LEVELS) {
    if (remaining < level - tolerance && !passed.has(level)) cross(level, 'down');
  }
  if (reading.freeze === null) {
    for (const level of [...BUDGET_LEVELS].reverse()) {
      if (remaining >= level - tolerance && passed.has(level)) cross(level, 'up');
    }
  }
  return transitions;
}

/** What closes an alert that fires when its SLO is retired: it would hang for ever otherwise. */
export function retireAlerts(ledger: SloLedger, now: number): SloTransition[] {
  return retire(ledger, now, () => true);
}

/** What closes the alerts of groups that are no more: their value gave up its place, or the SLO is grouped otherwise. */
export function retireGroups(
  ledger: SloLedger,
  now: number,
  isGone: (group: SloGroup) => boolean,
): SloTransition[] {
  return retire(ledger, now, ({ group }) => group !== undefined && isGone(group));
}

function retire(ledger: SloLedger, now: number, isOver: (mark: AlertMark) => boolean): SloTransition[] {
  return [...ledger.alerts.values()]
    .filter((mark) => mark.state === 'firing' && isOver(mark))
    .map(
      (mark) =>
        ({ type: 'slo.alert.resolved', data: resolvedAlert(mark, now, {}, 'retired', null) }) as const,
    );
}

function firedAlert(reading: Reading, measured: PairReading, n: number, tip: Tip | null): SloAlertFired {
  const { definition } = reading.plan;
  const { group } = reading.source;
  const { pair, longBurn, shortBurn } = measured;
  return {
    slo: definition.name,
    service: definition.service,
    ...(group && { group }),
    severity: pair.severity,
    tier: pair.tier,
    longWindow: pair.long,
    shortWindow: pair.short,
    longBurn,
    shortBurn,
    threshold: pair.threshold,
    budgetRemaining: reading.consumed === null ? null : 1 - reading.consumed,
    ...(definition.runbookUrl === undefined ? {} : { runbookUrl: definition.runbookUrl }),
    eventTime: iso(reading.at),
    n,
    evidence: evidenceOf(reading, measured, tip),
    startedAt: iso(firstBadMinute(reading, pair)),
    declare: definition.declare[pair.severity],
    ...(definition.escalationPolicy === undefined ? {} : { escalationPolicy: definition.escalationPolicy }),
    title: `${sloName({ slo: definition.name, group })} burns its error budget ${times(longBurn)} too fast (${pair.severity} ${pair.tier}: ${pair.long} and ${pair.short} above ${pair.threshold})`,
  };
}

function resolve(
  mark: AlertMark,
  reading: Reading,
  pair: PairReading | null,
  reason: 'recovered' | 'redefined',
  tip: Tip | null,
): SloTransition {
  const measured = {
    ...(pair && { longBurn: pair.longBurn, shortBurn: pair.shortBurn }),
    budgetRemaining: reading.consumed === null ? null : 1 - reading.consumed,
  };
  return {
    type: 'slo.alert.resolved',
    data: resolvedAlert(mark, reading.at, measured, reason, pair && evidenceOf(reading, pair, tip)),
  };
}

/** What both windows saw, and the measurement that tipped them. */
function evidenceOf(
  { at }: Reading,
  { pair, long, short }: PairReading,
  tip: Tip | null,
): SloAlertFired['evidence'] {
  return (
    tip && {
      ...tip,
      from: iso((Math.floor(at / MINUTE) - pair.longMinutes) * MINUTE),
      to: iso(at),
      good: long.goodCount,
      total: long.totalCount,
      shortGood: short.goodCount,
      shortTotal: short.totalCount,
    }
  );
}

function resolvedAlert(
  { fired, severity }: AlertMark,
  at: number,
  measured: { longBurn?: number | null; shortBurn?: number | null; budgetRemaining?: number | null },
  reason: 'recovered' | 'retired' | 'redefined',
  evidence: SloAlertFired['evidence'],
) {
  return {
    slo: fired.slo,
    service: fired.service,
    ...(fired.group && { group: fired.group }),
    severity: severity as AlertSeverity,
    tier: fired.tier,
    longWindow: fired.longWindow,
    shortWindow: fired.shortWindow,
    longBurn: null,
    shortBurn: null,
    threshold: fired.threshold,
    budgetRemaining: null,
    ...(fired.runbookUrl === undefined ? {} : { runbookUrl: fired.runbookUrl }),
    ...measured,
    eventTime: iso(at),
    n: fired.n,
    evidence,
    firedAt: fired.eventTime,
    reason,
  };
}

/** Whether the alert fired under another definition of its tier. */
function isRedefined({ fired }: AlertMark, { pair }: PairReading): boolean {
  return (
    fired.threshold !== pair.threshold || fired.longWindow !== pair.long || fired.shortWindow !== pair.short
  );
}

const iso = (at: number): string => new Date(at).toISOString();
const times = (burn: number | null): string => `${Number((burn ?? 0).toPrecision(3))} times`;
