import { toleranceOf } from '../alert-pairs.js';
import type { SloPlan } from '../slo-plan.js';
import {
  type Course,
  type Crossings,
  ExpectedSums,
  KnownPart,
  type KnownWindow,
  remainingOf,
  Watch,
} from './projection.js';

/** Times at which the budget is looked at, at most: each minute of a week. Between two it is taken to go straight. */
const LOOKS = 10_080;

/** A course of the budget: its crossings, and what remains at the end of each step. */
export interface Followed extends Crossings {
  left: (number | null)[];
}

/** Follows a course; where there is none, nothing is known of it. */
export function follow(
  plan: SloPlan,
  known: KnownWindow,
  course: Course | null,
  ends: readonly number[],
): Followed {
  const to = ends.at(-1) as number;
  const watch = new Watch(toleranceOf(plan.budget));
  const left: (number | null)[] = [];
  if (course === null) return { exhausted: null, recovered: null, left: ends.map(() => null) };
  const sums = new ExpectedSums(known.from, to, course);
  const part = new KnownPart(plan, known);
  const stride = Math.ceil((to - known.from) / LOOKS);
  let end = 0;
  for (let after = known.from; ; ) {
    const remaining = remainingOf(plan, part.moveTo(after), sums.between(part.low, after), after);
    watch.see(after, remaining);
    if (after === ends[end]) {
      left.push(remaining);
      end++;
    }
    if (after >= to) return { exhausted: watch.exhausted, recovered: watch.recovered, left };
    after = Math.min(after + stride, ends[end] as number);
  }
}
