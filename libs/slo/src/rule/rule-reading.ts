import type { Freeze } from '../cadence.js';
import { above, holds, isLower } from '../comparison.js';
import type { IndicatorBuckets } from '../indicator-buckets.js';
import { binOf, binValue, type Sketch } from '../sketch.js';
import { MINUTE, minuteOf } from '../time-grid.js';
import { isSketched, placeOf, type SketchedAggregate } from './aggregate.js';
import type { RulePlan } from './rule-plan.js';
import { heldBy, isCovered, lookBackOf } from './window-coverage.js';

/**
 * What a reading says of a rule: `breached` on the wrong side of the threshold, `clear` past what resolves it, `between`
 * the two (hysteresis), `unknown` without evidence.
 */
export type Verdict = 'breached' | 'between' | 'clear' | 'unknown';

/** A threshold rule, measured at an instant. */
export interface RuleReading {
  plan: RulePlan;
  /** Epoch milliseconds. */
  at: number;
  /** In the rule's unit; null when nothing was measured in the window. */
  value: number | null;
  verdict: Verdict;
  freeze: Freeze | null;
  /** Event time of the newest measurement, epoch milliseconds. */
  watermark: number | null;
  /** Span of event time that the window covers, epoch milliseconds. */
  from: number;
  to: number;
}

/** A value in the SLI's unit, and how far it is above a level. */
interface Measured {
  value: number;
  above(level: number): number;
}

/**
 * Measures a rule at `now`, moving the windows of its buckets there.
 * @throws PageMissing unless what the buckets say is missing at `now` was provided
 */
export function readRule(plan: RulePlan, buckets: IndicatorBuckets, now: number): RuleReading {
  const { events } = buckets;
  const { op } = plan.definition;
  const regular = buckets.heartbeat().regularity;
  const measured = measure(plan, buckets, now);
  let verdict = verdictOf(plan, measured);
  if (verdict === 'breached' && plan.definition.aggregate === 'rate' && isLower(op)) {
    // Measurements that are missing make a rate low, too.
    if (!isCovered(plan, events, regular, now)) verdict = 'unknown';
  }
  return {
    plan,
    at: now,
    // 12 digits: 120 ms are 0.12 s, not 0.12000000000000001.
    value:
      measured && (plan.scale === 1 ? measured.value : Number((measured.value / plan.scale).toPrecision(12))),
    verdict,
    freeze: heldBy(plan, events, regular, now),
    watermark: events.newest,
    from: plan.window.low(minuteOf(now)) * MINUTE,
    to: now,
  };
}

function verdictOf({ definition: { op }, threshold, clear }: RulePlan, measured: Measured | null): Verdict {
  if (measured === null) return 'unknown';
  if (holds(op, measured.above(threshold))) return 'breached';
  return holds(op, measured.above(clear)) ? 'between' : 'clear';
}

function measure(plan: RulePlan, buckets: IndicatorBuckets, now: number): Measured | null {
  const { aggregate } = plan.definition;
  if (isSketched(aggregate)) return ofSketch(aggregate, buckets.sketchOver(plan.window.key, now));
  buckets.events.advance(now);
  if (aggregate === 'rate') return rate(plan, buckets, now);
  const tally = buckets.events.window(plan.window.key);
  // Of a mean, good is the sum of the values and total how many there were.
  return tally.isEmpty ? null : plainly(tally.goodCount / tally.totalCount);
}

const plainly = (value: number): Measured => ({ value, above: (level) => above(value, level) });

/**
 * Compared by bins, which are 1 % wide: a value on the threshold is on the right side of it, one within 1 % of it may be
 * on either.
 */
function ofSketch(aggregate: SketchedAggregate, sketch: Sketch): Measured | null {
  const place = placeOf(aggregate);
  const bin =
    place === 'lowest'
      ? sketch.lowestBin
      : place === 'highest'
        ? sketch.highestBin
        : sketch.percentileBin(place);
  return bin === null ? null : { value: binValue(bin), above: (level) => bin - binOf(level) };
}

/**
 * Events a second over the complete minutes of the window: those of the current, partial one would be few for a minute
 * that has only begun. A window that reaches back beyond the first measurement is as long as the history there is.
 */
function rate(plan: RulePlan, { events }: IndicatorBuckets, now: number): Measured | null {
  const { from, current } = lookBackOf(plan, events, now);
  const first = from === current ? null : events.firstMinuteFrom(from);
  if (first === null || first >= current) return null;
  const counted = events.window(plan.window.key).copy().minus(events.sum(current, current));
  return plainly(counted.totalCount / ((current - from) * 60));
}
