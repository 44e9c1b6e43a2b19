import type { RuleAggregate } from '@bellwether/contracts';
import type { Measure } from '../indicator.js';

/** Which place of the sketch of all values an aggregate reads. */
const PLACES = { min: 'lowest', max: 'highest', p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99 } as const;

/** Aggregates that are read from a sketch, to {@link SKETCH_ACCURACY}. */
export type SketchedAggregate = keyof typeof PLACES;

export const isSketched = (aggregate: RuleAggregate): aggregate is SketchedAggregate => aggregate in PLACES;

/** The lowest, the highest, or a percentile (a share of 1). */
export const placeOf = (aggregate: SketchedAggregate): 'lowest' | 'highest' | number => PLACES[aggregate];

/**
 * What buckets an aggregate is read from. All that look at single values share the sketches of the SLI; a rate of an SLI
 * that is measured in counts shares the buckets of its SLOs.
 */
export function measureOf(aggregate: RuleAggregate, sliUnit: string | undefined): Measure {
  if (isSketched(aggregate)) return { kind: 'percentile' };
  if (aggregate === 'rate') return { kind: sliUnit === 'count' ? 'ratio' : 'count' };
  return { kind: aggregate };
}
