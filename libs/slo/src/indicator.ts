import type { Indicator, PointColumns } from '@bellwether/contracts';
import { unitScale } from './unit.js';

/** Takes one point: when (epoch milliseconds) and how many events of it were good and counted. */
export type PointSink = (at: number, good: number, total: number) => void;

/** Counts the good and all events of recorded points; answers how many points the indicator has no reading for. */
export type Classifier = (columns: PointColumns, sink: PointSink) => number;

/** Indicators that are counts of good and all events, which `occurrences` budgets need. */
export type CountingIndicator = Extract<Indicator, { kind: 'ratio' | 'threshold' }>;

/**
 * The identity of an indicator over an SLI: two SLOs with the same key share buckets; a definition whose key changes is
 * back-filled. The unit belongs to it, since it decides what a value means.
 */
export function indicatorKey(indicator: CountingIndicator, sliUnit: string | undefined): string {
  if (indicator.kind === 'ratio') {
    return sliUnit === 'percent' || sliUnit === 'ratio' ? `ratio:${sliUnit}` : 'ratio';
  }
  return `threshold:${indicator.op}:${boundary(indicator, sliUnit)}`;
}

/**
 * How points become good and all events.
 *
 * - `ratio`: counts as they are. A value of an SLI in `percent` (0 to 100) is value/100 good of 1, in `ratio` (0 to 1)
 *   value good of 1, times the observations it stands for: the mean over a window, as a tracker of averages has it.
 *   Readings outside of the scale count as its end.
 * - `threshold`: each value is good or bad as a whole. A histogram bucket (lower, upper] is good when all of it is: one
 *   that the threshold cuts through counts as bad, since its observations cannot be told apart. `lt` and `lte` are the
 *   same for a histogram whose bound is the threshold, likewise `gt` and `gte`: an observation exactly on a bound is
 *   below its resolution.
 */
export function classifier(indicator: CountingIndicator, sliUnit: string | undefined): Classifier {
  return indicator.kind === 'ratio'
    ? ratio(sliUnit === 'percent' ? 100 : sliUnit === 'ratio' ? 1 : null)
    : threshold(indicator.op, boundary(indicator, sliUnit));
}

/** Whether the threshold cuts through a bucket of a histogram with these upper bounds ("+Inf" left out). */
export function straddles(
  indicator: CountingIndicator,
  sliUnit: string | undefined,
  bounds: number[],
): boolean {
  return indicator.kind === 'threshold' && !bounds.includes(boundary(indicator, sliUnit));
}

/** The threshold in the SLI's own unit. */
function boundary(
  indicator: Extract<CountingIndicator, { kind: 'threshold' }>,
  sliUnit: string | undefined,
): number {
  const scale = unitScale(indicator.unit, sliUnit) ?? 1;
  // 12 digits: 0.3 s is 300 ms, not 299.99999999999994 ms.
  return scale === 1 ? indicator.value : Number((indicator.value * scale).toPrecision(12));
}

function ratio(scale: number | null): Classifier {
  return (columns, sink) => {
    if (columns.kind === 'counts') {
      for (let i = 0; i < columns.at.length; i++) {
        sink(columns.at[i] as number, columns.good[i] as number, columns.total[i] as number);
      }
      return 0;
    }
    if (columns.kind !== 'values' || scale === null) return columns.at.length;
    for (let i = 0; i < columns.at.length; i++) {
      const share = Math.min(1, Math.max(0, (columns.value[i] as number) / scale));
      const count = columns.count?.[i] ?? 1;
      sink(columns.at[i] as number, share * count, count);
    }
    return 0;
  };
}

function threshold(op: 'lte' | 'lt' | 'gte' | 'gt', bound: number): Classifier {
  const holds: Record<typeof op, (value: number) => boolean> = {
    lte: (value) => value <= bound,
    lt: (value) => value < bound,
    gte: (value) => value >= bound,
    gt: (value) => value > bound,
  };
  const isGood = holds[op];
  const lowerIsBetter = op === 'lte' || op === 'lt';
  return (columns, sink) => {
    if (columns.kind === 'counts') return columns.at.length;
    if (columns.kind === 'values') {
      for (let i = 0; i < columns.at.length; i++) {
        const count = columns.count?.[i] ?? 1;
        sink(columns.at[i] as number, isGood(columns.value[i] as number) ? count : 0, count);
      }
      return 0;
    }
    const { bounds } = columns;
    const goodBuckets = Array.from({ length: bounds.length + 1 }, (_, bucket) =>
      lowerIsBetter
        ? (bounds[bucket] ?? Number.POSITIVE_INFINITY) <= bound
        : (bounds[bucket - 1] ?? Number.NEGATIVE_INFINITY) >= bound,
    );
    for (let i = 0; i < columns.at.length; i++) {
      const counts = columns.counts[i] as number[];
      let good = 0;
      let total = 0;
      for (let bucket = 0; bucket < counts.length; bucket++) {
        const count = counts[bucket] as number;
        total += count;
        if (goodBuckets[bucket]) good += count;
      }
      sink(columns.at[i] as number, good, total);
    }
    return 0;
  };
}
