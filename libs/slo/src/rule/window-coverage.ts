import { EPSILON } from '../alert-pairs.js';
import { COVERED, type Freeze, freezeOf, type Regularity } from '../cadence.js';
import type { Series } from '../series.js';
import { MINUTE, minuteOf } from '../time-grid.js';
import type { RulePlan } from './rule-plan.js';

/** The complete minutes that a rule looks back over: its window, as far as there is history. */
export interface LookBack {
  /** The first of them; the current minute when there is none. */
  from: number;
  current: number;
}

export function lookBackOf({ window }: RulePlan, { first }: Series, now: number): LookBack {
  const current = minuteOf(now);
  const low = Math.max(window.low(current), first === null ? current : minuteOf(first));
  return { from: Math.min(low, current), current };
}

/**
 * Whether absent data holds what a rule would resolve: the newest measurement is older than three cadences, or measurements
 * are missing in its own window. Unlike an SLO's, a short window is whole again soon after a gap.
 */
export function heldBy(plan: RulePlan, events: Series, regular: Regularity, now: number): Freeze | null {
  const freeze = freezeOf(events, regular, now);
  if (freeze?.kind === 'stale' || events.newest === null) return freeze;
  const { from, current } = lookBackOf(plan, events, now);
  const step = stepOf(regular);
  const expected = Math.floor((current - from) / step);
  const { seen, missed } = measuredMinutes(events, from, current, step);
  if (seen >= COVERED * expected - EPSILON) return null;
  return {
    kind: 'patchy',
    since: (missed ?? from) * MINUTE,
    reason: `measurements cover ${Math.round((seen / expected) * 100)} % of the last ${plan.window.label}, under ${COVERED * 100} %`,
  };
}

/** Whether the complete minutes of a rule's window have so many measurements that a low rate is not for want of them. */
export function isCovered(plan: RulePlan, events: Series, regular: Regularity, now: number): boolean {
  const { from, current } = lookBackOf(plan, events, now);
  const step = stepOf(regular);
  const { seen } = measuredMinutes(events, from, current - 1, step);
  return seen * step >= COVERED * (current - from) - EPSILON;
}

const stepOf = ({ cadence }: Regularity): number => (cadence ?? MINUTE) / MINUTE;

/** How many minutes were measured, and the first one by which a measurement was due and had not come. */
function measuredMinutes(
  events: Series,
  from: number,
  to: number,
  step: number,
): { seen: number; missed: number | null } {
  let seen = 0;
  let missed: number | null = null;
  let previous = from - step;
  // A clock far behind the measurements would look at minutes that are not in memory.
  for (let minute = Math.max(from, events.hotFrom); minute <= to; minute++) {
    if (!events.has(minute)) continue;
    seen++;
    if (minute - previous > step) missed ??= Math.ceil(previous + step);
    previous = minute;
  }
  return { seen, missed };
}
