import { EPSILON } from '../alert-pairs.js';
import type { Minutes } from '../corrections/corrected-minutes.js';
import type { SloPlan } from '../slo-plan.js';
import { Tally } from '../tally.js';
import { sliceOf } from '../window.js';
import { type Due, withMissing } from '../window-tally.js';

/** What an SLO counted in a stretch of minutes, both ends inclusive: events, or judged slices that begin in it. */
export type Counts = (low: number, high: number) => Tally;

/** What is known of an SLO that is part of a composite. */
export interface ComponentCounts {
  slo: string;
  weight: number;
  plan: SloPlan;
  counts: Counts;
  /** Its slices that must have data, as its own `missingData` needs it. */
  due: Due | null;
}

/** What a component has to do with what a composite counted: events with their weight, or slices. */
export interface ComponentShare {
  slo: string;
  weight: number;
  good: number;
  total: number;
}

const NONE = new Tally();
const GOOD = Tally.of(1, 1);
const BAD = Tally.of(0, 1);

/**
 * What a composite makes of the slice that begins with a minute, from what each component counted in it:
 *
 * - `occurrences`: all events together, each with the weight of its component;
 * - `timeslices`: bad when any component is, else good (OpenSLO);
 * - `ratio-timeslices`: 1 - Σ weight · (1 - ratio of the component), not below 0: 95 % and 95 % with weights of 1 are
 *   90 % (OpenSLO). Weights that sum up to 1 make it the weighted mean.
 *
 * A component without data in the slice says nothing of it, but for what its own `missingData` says. Without any there is
 * no slice. A component's slice that is longer than the composite's counts in each that it touches.
 *
 * Corrections of the composite are taken into account: see {@link judgeCorrected}.
 */
export function judgeComposite(plan: SloPlan, components: readonly ComponentCounts[], start: number): Tally {
  const end = start + plan.slice;
  return plan.corrections.touches(start, end - 1)
    ? judgeCorrected(plan, components, start)
    : judge(plan, components, [{ from: start, to: end }]);
}

/**
 * The same of a slice that corrections of the composite touch: judged by its other minutes. One that has none left does
 * not count, or is good where any of its minutes are; where slices without data count, {@link withMissing} has it.
 */
function judgeCorrected(plan: SloPlan, components: readonly ComponentCounts[], start: number): Tally {
  const { corrections, slice, definition } = plan;
  const parts = corrections.parts(start, start + slice - 1);
  const kept = parts.filter(({ effect }) => effect === null);
  if (kept.length > 0) return judge(plan, components, kept);
  if (isSummed(plan)) {
    const events = judge(plan, components, parts);
    return parts.some(({ effect }) => effect === 'good') ? events.allGood() : NONE;
  }
  const good = parts.filter(({ effect }) => effect === 'good');
  const isForgiven = definition.missingData === 'freeze' && !judge(plan, components, good).isEmpty;
  return isForgiven ? GOOD : NONE;
}

function judge(plan: SloPlan, components: readonly ComponentCounts[], minutes: readonly Minutes[]): Tally {
  const { method } = plan.definition.budgeting;
  const events = new Tally();
  let known = false;
  let allGood = true;
  let errors = 0;
  // Asked of each minute of a month: one pass, and nothing in between.
  for (const component of components) {
    const tally = contentOf(plan, component, minutes);
    if (tally.isEmpty) continue;
    known = true;
    if (method === 'occurrences') events.plus(weighted(tally, component.weight));
    else if (method === 'ratio-timeslices') errors += component.weight * (tally.errorRatio as number);
    else allGood &&= isGood(plan, component, tally);
  }
  if (!known) return NONE;
  if (method === 'occurrences') return events;
  if (method === 'timeslices') return allGood ? GOOD : BAD;
  return Tally.slice(errors);
}

/** What a composite counted in a stretch of minutes: so that it can be a component of another one. */
export function compositeCounts(plan: SloPlan, components: readonly ComponentCounts[]): Counts {
  return (low, high) => {
    const all = new Tally();
    for (let start = Math.ceil(low / plan.slice) * plan.slice; start <= high; start += plan.slice) {
      all.plus(judgeComposite(plan, components, start));
    }
    return all;
  };
}

/** What each component had to do with a stretch of minutes, both ends inclusive, the worst first. */
export function componentShares(
  plan: SloPlan,
  components: readonly ComponentCounts[],
  low: number,
  high: number,
): ComponentShare[] {
  const shares = components.map((component) => {
    const alone = compositeCounts(plan, [{ ...component, weight: isSummed(plan) ? component.weight : 1 }])(
      low,
      high,
    );
    const { slo, weight } = component;
    return { slo, weight, good: alone.goodCount, total: alone.totalCount };
  });
  const bad = ({ weight, good, total }: ComponentShare) => (total - good) * (isSummed(plan) ? 1 : weight);
  return shares.sort((a, b) => bad(b) - bad(a));
}

const isSummed = ({ definition }: SloPlan): boolean => definition.budgeting.method === 'occurrences';

/** What a component counted in the minutes of a slice of the composite. */
function contentOf(
  plan: SloPlan,
  { plan: own, counts, due }: ComponentCounts,
  minutes: readonly Minutes[],
): Tally {
  const content = ({ from, to }: Minutes, after: number): Tally => {
    const low = Math.max(after, isSummed(plan) ? from : sliceOf(from, own.slice));
    return withMissing(own, counts(low, to - 1), low, to - 1, due);
  };
  const [first, ...others] = minutes;
  if (first === undefined) return NONE;
  let tally = content(first, Number.NEGATIVE_INFINITY);
  let { to: after } = first;
  for (const each of others) {
    tally = tally.copy().plus(content(each, after));
    after = each.to;
  }
  return tally;
}

/** Whether a component was well in a slice: by its own slices, where it judges any, else by its share of good events. */
function isGood(plan: SloPlan, { plan: own }: ComponentCounts, tally: Tally): boolean {
  if (own.definition.budgeting.method === 'timeslices') return tally.badCount === 0;
  const { budgeting } = plan.definition;
  const asked = budgeting.method === 'timeslices' ? budgeting.sliceTarget : undefined;
  return (tally.sli as number) >= (asked ?? own.definition.objective) - EPSILON;
}

function weighted(tally: Tally, weight: number): Tally {
  return weight === 1 ? tally : Tally.of(tally.goodCount * weight, tally.totalCount * weight);
}
