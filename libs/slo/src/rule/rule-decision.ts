import type { RuleAlertFired, RuleAlertResolved, RuleMeasured } from '@bellwether/contracts';
import type { Tip } from '../decide.js';
import type { RuleLedger, RuleTransition } from './rule-ledger.js';
import { clearOf, declareOf, type RulePlan } from './rule-plan.js';
import type { RuleReading } from './rule-reading.js';

/** What follows from a reading. */
export interface RuleDecision {
  /** Since when the rule holds without having fired yet, epoch milliseconds; null when it does not. */
  pendingSince: number | null;
  /** What is to be appended, once; null for nothing. */
  transition: RuleTransition | null;
}

/**
 * What a reading asks for, given what the log says already and since when the rule is pending.
 *
 * Evidence alone moves a rule up: it begins to be pending, and fires once it has held for `for`, by a reading that says so
 * at that time. Absent data holds it where it is, and its time goes on: a pending rule whose data return on the wrong
 * side after `for` fires at once. What is between the threshold and `clear` ends what is pending, and keeps firing what
 * fires.
 * @param tip the measurement to name as evidence; null when none is known
 */
export function decideRule(
  reading: RuleReading,
  ledger: RuleLedger,
  pendingSince: number | null,
  tip: Tip | null,
): RuleDecision {
  const { plan, verdict, freeze, at } = reading;
  if (ledger.firing) {
    const fired = ledger.fired as RuleAlertFired;
    const moved = isAnother(fired, plan);
    const over = verdict === 'clear' && freeze === null;
    if (!moved && !over) return { pendingSince: null, transition: null };
    const reason = moved || isRedefined(fired, plan) ? 'redefined' : 'recovered';
    return { pendingSince: null, transition: resolved(reading, fired, reason, tip) };
  }
  if (verdict === 'breached') {
    // A clock that was set back must not make it wait for what has passed already.
    const since = Math.min(pendingSince ?? at, at);
    if (at - since < plan.holdMillis) return { pendingSince: since, transition: null };
    return { pendingSince: null, transition: fires(reading, ledger.n + 1, since, tip) };
  }
  const isHeld = verdict === 'unknown' || freeze?.kind === 'stale';
  return { pendingSince: isHeld ? pendingSince : null, transition: null };
}

/** When a pending rule fires if it goes on holding, epoch milliseconds. */
export const firesAt = (plan: RulePlan, pendingSince: number): number => pendingSince + plan.holdMillis;

/** What closes an alert that fires when its rule is retired: it would hang for ever otherwise. */
export function retireRule({ firing, fired }: RuleLedger, now: number): RuleTransition[] {
  if (!firing || fired === null) return [];
  return [{ type: 'rule.alert.resolved', data: ended(fired, now, 'retired') }];
}

/** Whether the alert that fires is of what the rule was before: incidents know it by its service and severity. */
const isAnother = (fired: RuleAlertFired, { definition }: RulePlan): boolean =>
  fired.service !== definition.service || fired.severity !== definition.severity;

function isRedefined({ measured }: RuleAlertFired, { definition, unit }: RulePlan): boolean {
  const before = measured as RuleMeasured;
  return (
    before.sli !== definition.sli ||
    before.aggregate !== definition.aggregate ||
    before.window !== definition.window ||
    before.op !== definition.op ||
    before.threshold !== definition.threshold ||
    before.clear !== clearOf(definition) ||
    before.unit !== unit
  );
}

function fires(reading: RuleReading, n: number, since: number, tip: Tip | null): RuleTransition {
  const { definition } = reading.plan;
  return {
    type: 'rule.alert.fired',
    data: {
      rule: definition.name,
      kind: 'threshold',
      service: definition.service,
      severity: definition.severity,
      summary: definition.summary,
      runbookUrl: definition.runbookUrl,
      labels: definition.labels,
      declare: declareOf(definition),
      ...(definition.escalationPolicy === undefined ? {} : { escalationPolicy: definition.escalationPolicy }),
      startedAt: iso(since),
      eventTime: iso(reading.at),
      n,
      measured: measuredOf(reading),
      evidence: evidenceOf(reading, tip),
    },
  };
}

function resolved(
  reading: RuleReading,
  fired: RuleAlertFired,
  reason: 'recovered' | 'redefined',
  tip: Tip | null,
): RuleTransition {
  return {
    type: 'rule.alert.resolved',
    data: {
      ...ended(fired, reading.at, reason),
      measured: measuredOf(reading),
      evidence: evidenceOf(reading, tip),
    },
  };
}

function ended(
  { rule, kind, service, severity, n, eventTime }: RuleAlertFired,
  at: number,
  reason: NonNullable<RuleAlertResolved['reason']>,
): RuleAlertResolved {
  return { rule, kind, service, severity, eventTime: iso(at), n, firedAt: eventTime, reason };
}

function measuredOf({ plan: { definition, unit }, value }: RuleReading): RuleMeasured {
  const { sli, aggregate, window, op, threshold } = definition;
  return {
    sli,
    aggregate,
    window,
    op,
    value,
    threshold,
    clear: clearOf(definition),
    unit,
    for: definition.for,
  };
}

function evidenceOf({ from, to }: RuleReading, tip: Tip | null): RuleAlertFired['evidence'] {
  return tip && { ...tip, from: iso(from), to: iso(to) };
}

const iso = (at: number): string => new Date(at).toISOString();
