import { fires, MINUTE, minuteOf, type Reading, type SloLedger, type Tip } from '@bellwether/slo';
import type { Evidence } from '../store/series-row.js';
import type { Told, Transition } from './transitions.js';

/** The latest measurement that was counted, and the latest with something bad in it. */
export interface Tips {
  tip: Evidence | null;
  badTip: Evidence | null;
}

/** What tips a firing is the latest measurement with something bad in it; else it is the latest. */
export function evidenceOf(tips: Tips, reading: Reading, ledger: SloLedger): Evidence | null {
  return fires(reading, ledger) ? latestBad(tips, reading) : tips.tip;
}

/**
 * A transition with the measurement that it comes from: a budget falls by the latest one with something bad in it, and all
 * else comes from what the alerts do.
 */
export function toldOf(
  transition: Transition,
  tips: Tips,
  reading: Pick<Reading, 'plan' | 'at'>,
  evidence: Evidence | null,
): Told {
  const { type, data } = transition;
  const falls = type === 'slo.policy.entered' || (type === 'slo.budget.crossed' && data.direction === 'down');
  return { transition, evidence: falls ? latestBad(tips, reading) : evidence };
}

/**
 * The latest measurement with something bad in it, if that came within the SLO's window: where a budget is spent by slices
 * without data, it is the latest of all, after which they began.
 */
function latestBad({ tip, badTip }: Tips, { plan, at }: Pick<Reading, 'plan' | 'at'>): Evidence | null {
  const from = plan.window.low(minuteOf(at)) * MINUTE;
  return badTip !== null && Date.parse(badTip.recordedAt) >= from ? badTip : tip;
}

/** How an alert names its evidence. */
export function tipOf({ tip }: Tips, evidence: Evidence | null): Tip | null {
  if (evidence === null) return null;
  const { journal, position, eventId } = evidence;
  const last = tip?.journal === journal ? tip.position : position;
  return { journal, position, eventId, lastPosition: last };
}
