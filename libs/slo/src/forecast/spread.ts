import { toleranceOf } from '../alert-pairs.js';
import type { SloPlan } from '../slo-plan.js';
import { HOUR_MINUTES } from '../time-grid.js';
import type { Followed } from './follow.js';
import type { Expected, Pattern } from './pattern.js';
import { ExpectedSums, KnownPart, type KnownWindow, remainingOf, Watch } from './projection.js';
import { resampled } from './resampled.js';
import { quantile, seeded } from './robust.js';

/** Courses that are drawn. */
const COURSES = 100;
const EARLY = 0.1;
const LATE = 0.9;

/** Between what the budget and its end lie in eight of ten courses. */
export interface Spread {
  early: number | null;
  late: number | null;
  low: (number | null)[];
  high: (number | null)[];
}

/**
 * How far the courses that might come lie apart, by the lot: the same for the same knowledge, since its seed is its time.
 * @param likely the course by the pattern alone, which is never outside
 */
export function spreadOf(
  plan: SloPlan,
  known: KnownWindow,
  pattern: Pattern | null,
  ends: readonly number[],
  likely: Followed,
): Spread {
  const none = ends.map(() => null);
  if (pattern === null) return { early: null, late: null, low: none, high: none };
  const residue = toleranceOf(plan.budget);
  const looks = looksAt(plan, known, ends);
  const left: number[][] = ends.map(() => []);
  const exhausted: number[] = [];
  const draw = seeded(known.from);
  const firstHour = Math.floor(known.from / HOUR_MINUTES);
  for (let i = 0; i < COURSES; i++) {
    const sums = new ExpectedSums(known.from, ends.at(-1) as number, resampled(pattern, firstHour, draw));
    const remainingAt = ({ at, low, counts }: Look) => remainingOf(plan, counts, sums.between(low, at), at);
    const found = new Watch(residue);
    for (const [end, within] of looks.entries()) {
      const remaining = remainingAt(within.at(-1) as Look);
      if (remaining === null) continue;
      left[end]?.push(remaining);
      // Only a step in which the budget ended is looked at more closely.
      if (found.exhausted !== null || remaining > residue) continue;
      for (const look of within) found.see(look.at, remainingAt(look));
    }
    exhausted.push(found.exhausted ?? Number.POSITIVE_INFINITY);
  }
  exhausted.sort((a, b) => a - b);
  const ordered = left.map((values) => values.sort((a, b) => a - b));
  const likelyEnd = likely.exhausted ?? Number.POSITIVE_INFINITY;
  return {
    early: finite(Math.min(quantile(exhausted, EARLY), likelyEnd)),
    late: finite(Math.max(quantile(exhausted, LATE), likelyEnd)),
    low: ordered.map((values, i) => outer(Math.min, values, EARLY, likely.left[i] ?? null)),
    high: ordered.map((values, i) => outer(Math.max, values, LATE, likely.left[i] ?? null)),
  };
}

/** What is known of the window at a time. */
interface Look {
  at: number;
  low: number;
  counts: Expected;
}

/** For each step its beginning, the whole hours within, and its end. */
function looksAt(plan: SloPlan, known: KnownWindow, ends: readonly number[]): Look[][] {
  const part = new KnownPart(plan, known);
  const look = (at: number): Look => {
    const counts = part.moveTo(at);
    return { at, low: part.low, counts };
  };
  let last = look(known.from);
  return ends.map((end) => {
    const within = [last];
    for (let at = Math.floor(last.at / HOUR_MINUTES + 1) * HOUR_MINUTES; at < end; at += HOUR_MINUTES) {
      within.push(look(at));
    }
    last = look(end);
    within.push(last);
    return within;
  });
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

function outer(
  of: (a: number, b: number) => number,
  sorted: readonly number[],
  q: number,
  likely: number | null,
): number | null {
  if (sorted.length === 0) return likely;
  const value = quantile(sorted, q);
  return likely === null ? value : of(value, likely);
}
