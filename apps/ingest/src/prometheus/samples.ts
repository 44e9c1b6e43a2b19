import { MeasurementLimits, MOST_LABELS, type PrometheusSource } from '@bellwether/contracts';
import type { Series } from './query-api.js';
import { SourceFailure } from './source-failure.js';

/** The queries of a source, by what they are of. */
export type QueryName = 'good' | 'bad' | 'total' | 'query';
export type Answers = Partial<Record<QueryName, readonly Series[]>>;

/** A point as it is recorded, but for its time. */
export type Sample = ({ good: number; total: number } | { value: number }) & {
  labels?: Record<string, string>;
};

/** Series of one query that are taken at most: each is a point of every period. */
export const MOST_SERIES = 1_000;
/** What is lost by rounding is no fault: a rate is not exact. */
const NOISE = 1e-6;

export const queriesOf = (source: PrometheusSource): QueryName[] =>
  (['good', 'bad', 'total', 'query'] as const).filter((name) => source[name] !== undefined);

/** What answers come to, by the time at which a period ended (epoch milliseconds). */
export interface Measured {
  /** A period without data is not there. */
  periods: Map<number, Sample[]>;
  /** Periods whose numbers cannot be what they are asked for as, and why: they are left out. */
  faults: Map<number, string>;
}

/**
 * What was measured in each period. NaN is no data, and so is a series that only one of two queries has. A value that is
 * infinite is the largest there is.
 * @param seconds by which counts are multiplied: the length of a period, where the answers are events per second
 * @throws SourceFailure when there are more series or labels than are taken
 */
export function samplesOf(answers: Answers, seconds = 1): Measured {
  for (const [name, series] of Object.entries(answers)) checkSeries(name, series);
  const measured: Measured = { periods: new Map(), faults: new Map() };
  if (answers.query === undefined) readCounts(answers, seconds, measured);
  else readValues(answers.query, measured);
  // One wrong series makes the whole period wrong: the rest would be less than there was.
  for (const end of measured.faults.keys()) measured.periods.delete(end);
  return measured;
}

function checkSeries(name: string, series: readonly Series[]): void {
  if (series.length > MOST_SERIES)
    throw new SourceFailure(
      `"${name}" has ${series.length} series, ${MOST_SERIES} at most are taken: aggregate them`,
    );
  const wide = series.find(({ labels }) => Object.keys(labels).length > MOST_LABELS);
  if (wide !== undefined)
    throw new SourceFailure(
      `"${name}" has series with ${Object.keys(wide.labels).length} labels, ${MOST_LABELS} at most are taken: aggregate by those that matter, as in sum by (region) (…)`,
    );
}

function readValues(series: readonly Series[], { periods }: Measured): void {
  const most = MeasurementLimits.magnitude;
  for (const { labels, values } of series) {
    for (const [seconds, value] of values) {
      if (Number.isNaN(value)) continue;
      add(periods, endOf(seconds), { value: Math.min(most, Math.max(-most, value)), ...labelled(labels) });
    }
  }
}

function readCounts(
  { good, bad, total = [] }: Answers,
  seconds: number,
  { periods, faults }: Measured,
): void {
  const name = good === undefined ? 'bad' : 'good';
  const parts = new Map((good ?? bad ?? []).map((series) => [keyOf(series), new Map(series.values)]));
  for (const series of total) {
    const part = parts.get(keyOf(series));
    if (part === undefined) continue;
    for (const [at, whole] of series.values) {
      const share = part.get(at);
      if (share === undefined || Number.isNaN(share) || Number.isNaN(whole)) continue;
      const end = endOf(at);
      const all = whole * seconds;
      const some = share * seconds;
      const fault = faultOf(name, some, all);
      if (fault !== null) {
        faults.set(end, fault);
        continue;
      }
      const events = Math.max(0, all);
      const counted = Math.min(Math.max(0, some), events);
      const counts = { good: good === undefined ? events - counted : counted, total: events };
      add(periods, end, { ...counts, ...labelled(series.labels) });
    }
  }
}

/** Why numbers cannot be a count and all; null when they can. */
function faultOf(name: string, some: number, all: number): string | null {
  for (const [which, value] of [
    [name, some],
    ['total', all],
  ] as const) {
    if (value < -NOISE) return `"${which}" is ${value}, and must not be negative`;
    if (value > MeasurementLimits.magnitude) return `"${which}" is ${value}, and must not be above 1e12`;
  }
  return some > all * (1 + NOISE) + NOISE ? `"${name}" is ${some}, more than the total of ${all}` : null;
}

const endOf = (seconds: number): number => Math.round(seconds * 1000);

function add(periods: Map<number, Sample[]>, end: number, sample: Sample): void {
  const samples = periods.get(end);
  if (samples === undefined) periods.set(end, [sample]);
  else samples.push(sample);
}

const labelled = (labels: Series['labels']) =>
  Object.keys(labels).length === 0 ? {} : { labels: { ...labels } };

/** What tells the series of an answer apart, in whatever order their labels are written. */
const keyOf = ({ labels }: Series): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
