import { fires, type Reading, type SloLedger, type Tip } from '@bellwether/slo';
import type { Evidence } from '../store/series-row.js';
import type { Told, Transition } from './transitions.js';

/** The latest measurement that was counted, and the latest with something bad in it. */
export interface Tips {
  tip: Evidence | null;
  badTip: Evidence | null;
}

/** What tips a firing is the latest measurement with something bad in it; else it is the latest. */
export function evidenceOf({ tip, badTip }: Tips, reading: Reading, ledger: SloLedger): Evidence | null {
  return fires(reading, ledger) ? (badTip ?? tip) : tip;
}

/**
 * A transition with the measurement that it comes from: a budget falls by the latest one with something bad in it, and all
 * else comes from what the alerts do.
 */
export function toldOf(transition: Transition, { tip, badTip }: Tips, evidence: Evidence | null): Told {
  const { type, data } = transition;
  const falls = type === 'slo.policy.entered' || (type === 'slo.budget.crossed' && data.direction === 'down');
  return { transition, evidence: falls ? (badTip ?? tip) : evidence };
}

/** How an alert names its evidence. */
export function tipOf({ tip }: Tips, evidence: Evidence | null): Tip | null {
  if (evidence === null) return null;
  const { journal, position, eventId } = evidence;
  const last = tip?.journal === journal ? tip.position : position;
  return { journal, position, eventId, lastPosition: last };
}
