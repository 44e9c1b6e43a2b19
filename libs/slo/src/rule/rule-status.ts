import type { RuleState, RuleStatus } from '@bellwether/contracts';
import { firesAt } from './rule-decision.js';
import type { RuleLedger } from './rule-ledger.js';
import { clearOf } from './rule-plan.js';
import type { RuleReading } from './rule-reading.js';

/**
 * What is known of a rule: its reading, with its alert as the log has it.
 * @param pendingSince epoch milliseconds; null when it is not pending; `unknown` when it may be, but that is not on record
 */
export function ruleStatusOf(
  reading: RuleReading,
  ledger: RuleLedger,
  pendingSince: number | null | 'unknown',
): Omit<RuleStatus, 'backfill'> {
  const { plan, at, value, freeze, watermark, verdict } = reading;
  const { definition } = plan;
  const isPending = pendingSince === 'unknown' ? verdict === 'breached' : pendingSince !== null;
  const state: RuleState = ledger.firing
    ? 'firing'
    : isPending
      ? 'pending'
      : ledger.fired === null
        ? 'inactive'
        : 'resolved';
  const pending = state === 'pending' && typeof pendingSince === 'number' ? pendingSince : null;
  const { name, service, sli, severity, aggregate, window, op, threshold, runbookUrl } = definition;
  return {
    rule: name,
    service,
    sli,
    asOf: iso(at),
    state,
    since: time(state === 'pending' ? pending : ledger.since),
    severity,
    aggregate,
    window,
    op,
    value,
    threshold,
    clear: clearOf(definition),
    unit: plan.unit,
    for: definition.for,
    pendingSince: time(pending),
    firesAt: time(pending === null ? null : firesAt(plan, pending)),
    frozen: freeze && { since: iso(freeze.since), reason: freeze.reason },
    watermark: time(watermark),
    runbookUrl,
  };
}

const iso = (at: number): string => new Date(at).toISOString();
const time = (at: number | null): string | null => (at === null ? null : iso(at));
