import type { Indicator } from '@bellwether/contracts';
import { unitScale } from './unit.js';

/** Indicators that are counts of good and all events, which `occurrences` budgets need. */
export type CountingIndicator = Extract<Indicator, { kind: 'ratio' | 'threshold' }>;
/** Indicators that judge a slice as a whole. */
export type SliceIndicator = Extract<Indicator, { kind: 'percentile' | 'mean' }>;

export const isCounting = (indicator: Indicator): indicator is CountingIndicator =>
  indicator.kind === 'ratio' || indicator.kind === 'threshold';

/**
 * What is measured of an SLI's points: what an SLO's indicator asks for, or a rule's aggregate, which compares by itself.
 * `count` is how many events or observations there were, whatever the points are.
 */
export type Measure = Indicator | { kind: 'ratio' | 'percentile' | 'mean' | 'count' };

/**
 * The identity of an indicator's buckets over an SLI: two SLOs with the same key share buckets; a definition whose key
 * changes is back-filled. The unit belongs to it where it decides what a value means. All percentiles of an SLI are read
 * from the same sketches, and all means from the same sums, whatever they are compared with, be it by an SLO or a rule.
 * Groups of it: see `groupingKey`.
 */
export function indicatorKey(indicator: Measure, sliUnit: string | undefined): string {
  switch (indicator.kind) {
    case 'ratio':
      return sliUnit === 'percent' || sliUnit === 'ratio' ? `ratio:${sliUnit}` : 'ratio';
    case 'threshold':
      return `threshold:${indicator.op}:${boundary(indicator, sliUnit)}`;
    case 'percentile':
      return 'sketch';
    case 'mean':
      return 'mean';
    case 'count':
      return 'count';
    case 'composite':
      return 'composite';
  }
}

/** What an indicator or a rule compares with, in the SLI's own unit. */
export function boundary(
  bound: { value: number; unit?: string | undefined },
  sliUnit: string | undefined,
): number {
  const scale = unitScale(bound.unit, sliUnit) ?? 1;
  // 12 digits: 0.3 s is 300 ms, not 299.99999999999994 ms.
  return scale === 1 ? bound.value : Number((bound.value * scale).toPrecision(12));
}

/** Whether the threshold cuts through a bucket of a histogram with these upper bounds ("+Inf" left out). */
export function straddles(indicator: Indicator, sliUnit: string | undefined, bounds: number[]): boolean {
  return indicator.kind === 'threshold' && !bounds.includes(boundary(indicator, sliUnit));
}
