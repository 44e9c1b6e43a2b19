import type { Interval, Stretch } from '../timing-oracle.fixture.js';

/** A series of promtool's unit tests: its value at the end of each step, the first one at 0. */
export interface InputSeries {
  series: string;
  values: string;
}

/** What the minutes of some traffic add up to at the end of every `step` minutes, from 0 on: bad and all requests. */
export function countersOf(traffic: readonly Stretch[], step: number): { bad: number[]; total: number[] } {
  const [bad, total] = [[0], [0]];
  let [failed, all, minute] = [0, 0, 0];
  for (const stretch of traffic) {
    for (let i = 0; i < stretch.minutes; i++) {
      failed += Math.round(stretch.rate * stretch.bad);
      all += stretch.rate;
      if (++minute % step !== 0) continue;
      bad.push(failed);
      total.push(all);
    }
  }
  return { bad, total };
}

/**
 * Values in promtool's notation, in which `1+2x3` is 1 3 5 7.
 * @param thin the values before a place, of which only every so many are there: `_` is none
 */
export function notation(values: readonly number[], thin?: { before: number; every: number }): string {
  if (thin !== undefined && thin.before > 0) {
    const early = values.slice(0, thin.before).map((value, i) => (i % thin.every === 0 ? value : '_'));
    return [...early, notation(values.slice(thin.before))].join(' ');
  }
  const parts: string[] = [];
  for (let from = 0; from < values.length; ) {
    const start = values[from] as number;
    const slope = (values[from + 1] ?? start) - start;
    let to = from;
    while (to + 1 < values.length && values[to + 1] === start + slope * (to + 1 - from)) to++;
    parts.push(`${start}${slope < 0 ? '-' : '+'}${Math.abs(slope)}x${to - from}`);
    from = to + 1;
  }
  return parts.join(' ');
}

/** Seconds that one expression looks at, at most: of more promtool says that they are too many samples. */
const LOOK = 86_400;

interface ExpressionTest {
  expr: string;
  eval_time: string;
  exp_samples: { labels: string; value: number }[];
}

/**
 * Expressions that hold when exactly within these intervals an alert fires: one for each stretch between two changes,
 * which looks at every evaluation in it, except those within `tolerance` of a change.
 * @param selector of `ALERTS`
 * @param times from when to when it is looked at, and all else in seconds
 */
export function firingTests(
  selector: string,
  intervals: readonly Interval[],
  { from: first = 0, end, step, tolerance }: { from?: number; end: number; step: number; tolerance: number },
): ExpressionTest[] {
  const changes = intervals.flatMap(({ fired, resolved }) =>
    resolved === null ? [fired] : [fired, resolved],
  );
  const count = `(count(ALERTS{alertstate="firing",${selector}}) or vector(0))`;
  return [...changes, end + tolerance].flatMap((change, i) => {
    const from = Math.ceil((i === 0 ? first : (changes[i - 1] as number) + tolerance) / step) * step;
    const to = Math.floor((change - tolerance) / step) * step;
    if (to < from) return [];
    const [aggregate, value] = i % 2 === 0 ? ['max_over_time', 0] : ['min_over_time', 1];
    return Array.from({ length: Math.max(1, Math.ceil((to - from) / LOOK)) }, (_, day) => {
      const low = from + day * LOOK;
      const high = Math.min(to, low + LOOK);
      return {
        expr: `${aggregate}(${count}[${Math.max(1, high - low)}s:${step}s])`,
        eval_time: `${high}s`,
        exp_samples: [{ labels: '{}', value: value as number }],
      };
    });
  });
}

/** Intervals of several alerts as those in which any of them fires. */
export function union(intervals: readonly Interval[]): Interval[] {
  const merged: Interval[] = [];
  for (const { fired, resolved } of [...intervals].sort((a, b) => a.fired - b.fired)) {
    const last = merged.at(-1);
    if (last === undefined || (last.resolved !== null && last.resolved < fired))
      merged.push({ fired, resolved });
    else if (last.resolved !== null && (resolved === null || resolved > last.resolved))
      last.resolved = resolved;
  }
  return merged;
}
