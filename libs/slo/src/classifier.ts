import type { PointColumns } from '@bellwether/contracts';
import { boundary, type Measure } from './indicator.js';
import { ratioScale } from './unit.js';
import { fractionOf, wholeOf } from './whole.js';

/**
 * Takes one point: when (epoch milliseconds), and what of it is counted. Of `ratio` and `threshold` these are good and
 * all events, of `mean` the sum of the values and how many there were, of `percentile` a value and how often it occurred,
 * of `count` all events twice.
 */
export type PointSink = (at: number, measure: number, count: number) => void;

/** Reads recorded points into a sink; answers how many points the indicator has no reading for. */
export type Classifier = (columns: PointColumns, sink: PointSink) => number;

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
 * - `mean`: values with their counts; a histogram by its `sum`, and not at all without one.
 * - `percentile`: values with their counts; the observations of a histogram's bucket are spread evenly over it, from 0 for
 *   the first one of positive bounds. A percentile is then off by less than the width of the bucket that it lies in, and
 *   exact to 1 % at the bounds. Observations above the last bound are taken to be just above it: a histogram whose last
 *   bound is below what is asked of a percentile cannot tell more.
 * - `count`: how many events, or observations, a point stands for.
 * - `composite`: has no points of its own.
 */
export function classifier(measure: Measure, sliUnit: string | undefined): Classifier {
  switch (measure.kind) {
    case 'ratio':
      return ratio(ratioScale(sliUnit));
    case 'threshold':
      return threshold(measure.op, boundary(measure, sliUnit));
    case 'mean':
      return mean;
    case 'percentile':
      return observations;
    case 'count':
      return count;
    case 'composite':
      return nothing;
  }
}

/** What an indicator reads, for people whose points it has no reading for. */
export function readsOf(measure: Measure): string {
  switch (measure.kind) {
    case 'ratio':
      return 'a ratio reads counts (good and total), and values of an SLI whose unit is percent or ratio';
    case 'threshold':
      return 'a threshold reads values and histograms, not counts';
    case 'mean':
      return 'a mean reads values, and histograms with a sum, not counts';
    case 'percentile':
      return 'a percentile reads values, and histograms with a bound below +Inf, not counts';
    case 'count':
      return 'all points are read';
    case 'composite':
      return 'a composite reads its components';
  }
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

const mean: Classifier = (columns, sink) => {
  if (columns.kind === 'counts') return columns.at.length;
  let unfit = 0;
  for (let i = 0; i < columns.at.length; i++) {
    if (columns.kind === 'values') {
      const count = columns.count?.[i] ?? 1;
      sink(columns.at[i] as number, (columns.value[i] as number) * count, count);
      continue;
    }
    const sum = columns.sum?.[i] ?? null;
    if (sum === null) unfit++;
    else
      sink(
        columns.at[i] as number,
        sum,
        (columns.counts[i] as number[]).reduce((a, b) => a + b, 0),
      );
  }
  return unfit;
};

const count: Classifier = (columns, sink) => {
  for (let i = 0; i < columns.at.length; i++) {
    const events = eventsOf(columns, i);
    sink(columns.at[i] as number, events, events);
  }
  return 0;
};

function eventsOf(columns: PointColumns, i: number): number {
  if (columns.kind === 'counts') return columns.total[i] as number;
  if (columns.kind === 'values') return columns.count?.[i] ?? 1;
  return (columns.counts[i] as number[]).reduce((a, b) => a + b, 0);
}
const nothing: Classifier = (columns) => columns.at.length;

/** Places over which the observations of a histogram's bucket are spread. */
const PLACES = 16;

const observations: Classifier = (columns, sink) => {
  if (columns.kind === 'counts') return columns.at.length;
  if (columns.kind === 'values') {
    for (let i = 0; i < columns.at.length; i++) {
      sink(columns.at[i] as number, columns.value[i] as number, columns.count?.[i] ?? 1);
    }
    return 0;
  }
  const { bounds } = columns;
  if (bounds.length === 0) return columns.at.length; // all that is known is that there was something
  const above = aboveOf(bounds.at(-1) as number);
  for (let i = 0; i < columns.at.length; i++) {
    const at = columns.at[i] as number;
    for (const [bucket, count] of (columns.counts[i] as number[]).entries()) {
      const upper = bounds[bucket];
      if (upper === undefined) sink(at, above, count);
      else spread(bounds[bucket - 1] ?? Math.min(0, upper), upper, count, (value, n) => sink(at, value, n));
    }
  }
  return 0;
};

/** A value above a bound by more than a sketch's bin is wide. */
const aboveOf = (bound: number): number => bound + Math.max(Math.abs(bound) * 0.02, 1e-8);

/** Spreads a count evenly over (lower, upper]; a whole count stays one, so that buckets stay small. */
function spread(
  lower: number,
  upper: number,
  count: number,
  sink: (value: number, count: number) => void,
): void {
  if (count === 0) return;
  const whole = fractionOf(count) === 0;
  const places = lower === upper ? 1 : whole ? Math.min(PLACES, wholeOf(count)) : PLACES;
  let given = 0;
  for (let place = 1; place <= places; place++) {
    const upTo = whole ? Math.round((count * place) / places) : (count * place) / places;
    sink(lower + ((upper - lower) * (place - 0.5)) / places, upTo - given);
    given = upTo;
  }
}
