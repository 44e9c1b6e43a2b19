/**
 * The median; of an even number the lower of the two in the middle, so that what happened in half of the weeks or less is
 * no habit. Null of nothing.
 */
export function lowerMedian(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? null;
}

/** Median of the distances from a value. */
export const spreadAround = (center: number, values: readonly number[]): number =>
  lowerMedian(values.map((value) => Math.abs(value - center))) ?? 0;

/** By nearest rank: the least value that at least a share `q` of the values do not exceed; of sorted values, not none. */
export const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] as number;

/** A straight line. */
export interface Line {
  at(x: number): number;
}

/**
 * Smallest |S| of the Mann-Kendall test that chance gives in at most one of ten series without a trend, of 4 to 12 values
 * (from the exact distribution of inversions in a permutation; Kendall 1938).
 */
const CRITICAL = [6, 8, 11, 13, 16, 18, 21, 23, 26];

/**
 * The line through values at 0, 1, 2, … where they have a trend, else null: Theil's slope, the median of the slopes
 * between all pairs, which a quarter of the values cannot bend, through the median of the intercepts.
 * @see Sen, "Estimates of the regression coefficient based on Kendall's tau", 1968
 */
export function trendOf(values: readonly number[]): Line | null {
  const critical = CRITICAL[values.length - 4];
  if (critical === undefined) return null;
  const slopes: number[] = [];
  let concordance = 0;
  for (const [i, later] of values.entries()) {
    for (const [j, earlier] of values.slice(0, i).entries()) {
      slopes.push((later - earlier) / (i - j));
      concordance += Math.sign(later - earlier);
    }
  }
  if (Math.abs(concordance) < critical) return null;
  const slope = middle(slopes);
  const intercept = middle(values.map((value, i) => value - slope * i));
  return { at: (x) => intercept + slope * x };
}

/** The median; the mean of the two in the middle. */
function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2;
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
