import type { Stretch } from '../minute-span.js';
import type { SloPlan } from '../slo-plan.js';
import type { Tally } from '../tally.js';
import { HOUR_MINUTES, MINUTE } from '../time-grid.js';
import { sliceOf } from '../window.js';
import type { KnownWindow } from './projection.js';

/** What the traffic of an SLO is taken from where it has no pattern. */
export interface TrafficKnowledge {
  /** Epoch milliseconds. */
  now: number;
  /** The first minute that was ever measured. */
  first: number;
  known: KnownWindow;
  /** The sum over {@link trafficStretch}. */
  traffic: Tally;
}

/**
 * The minutes of the SLO's window that tell its traffic. What lies before the first measurement was not without traffic;
 * and of the minute (or slice) of that measurement nobody knows how much of it was measured.
 * @param from the minute that follows the last known one
 */
export function trafficStretch(plan: SloPlan, first: number, from: number): Stretch {
  return {
    low: Math.max(plan.window.lowUpTo(from), sliceOf(first, plan.slice) + plan.slice),
    high: from - 1,
  };
}

/** The traffic of an hour, on average over the time of the SLO's window that was measured. */
export function meanTraffic(plan: SloPlan, { now, first, known, traffic }: TrafficKnowledge): number {
  const { from, tally } = known;
  const { low } = trafficStretch(plan, first, from);
  // A slice counts as a whole as soon as anything was measured in it; of events there are those up to now.
  const end = Math.ceil(from / plan.slice) * plan.slice;
  const minutes = (plan.rule === null ? Math.min(end, now / MINUTE) : end) - low;
  if (minutes >= plan.slice && !traffic.isEmpty) return (traffic.totalCount / minutes) * HOUR_MINUTES;
  // There is hardly more than the first measurement.
  return (tally.totalCount / (end - Math.min(sliceOf(first, plan.slice), end - plan.slice))) * HOUR_MINUTES;
}
