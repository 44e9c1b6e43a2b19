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

/** The queries that have no number at all. */
export const queriesWithout = (answers: Answers): QueryName[] =>
  Object.entries(answers)
    .filter(([, series]) => !series.some(({ values }) => values.some(([, value]) => !Number.isNaN(value))))
    .map(([name]) => name as QueryName);

/** What answers come to, by the time at which a period ended (epoch milliseconds). */
export interface Measured {
  /** A period without data is not there. */
  periods: Map<number, Sample[]>;
  /** Periods whose numbers cannot be what they are asked for as, and why: they are left out. */
  faults: Map<number, string>;
}

/**
 * What was measured in each period. NaN is no data, and so is a query that answers nothing at all for the period; a series
 * that `total` alone has is one of which there was nothing `good` or `bad`. A value that is infinite is the largest there is.
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

/**
 * Counts, so that the sums over series are what the division of sums in PromQL divides: there a series that only `total`
 * has adds to the one sum, and nothing to the other. To leave it out would lose the outage of a code or region without a
 * good event, or the traffic of one without a bad event.
 */
function readCounts(
  { good, bad, total = [] }: Answers,
  seconds: number,
  { periods, faults }: Measured,
): void {
  const name = good === undefined ? 'bad' : 'good';
  const parts = byTime(good ?? bad ?? []);
  for (const [at, totals] of byTime(total)) {
    const shares = parts.get(at);
    // Nothing found may be a label that was renamed: unknown, and not none.
    if (shares === undefined || !hasNumber(shares) || !hasNumber(totals)) continue;
    const end = endOf(at);
    const fault = unknownOf(name, shares) ?? unknownOf('total', totals) ?? strayOf(name, shares, totals);
    if (fault !== null) {
      faults.set(end, fault);
      continue;
    }
    for (const [key, { labels, value }] of totals) {
      const share = shares.get(key)?.value ?? 0;
      if (totals.size > 1 && share === 0 && isNone(labels, value)) continue;
      const all = value * seconds;
      const some = share * seconds;
      const wrong = faultOf(name, labels, some, all);
      if (wrong !== null) {
        faults.set(end, wrong);
        break;
      }
      const events = Math.max(0, all);
      const counted = Math.min(Math.max(0, some), events);
      const counts = { good: good === undefined ? events - counted : counted, total: events };
      add(periods, end, { ...counts, ...labelled(labels) });
    }
  }
}

/** What a query has at one time: a number for each set of labels. */
type Counts = Map<string, { labels: Series['labels']; value: number }>;

/** The answer of a query by evaluation time. Series that only their metric's name told apart are one. */
function byTime(series: readonly Series[]): Map<number, Counts> {
  const times = new Map<number, Counts>();
  for (const one of series) {
    const key = keyOf(one);
    for (const [at, value] of one.values) {
      const counts = times.get(at) ?? new Map();
      times.set(at, counts);
      counts.set(key, { labels: one.labels, value: (counts.get(key)?.value ?? 0) + value });
    }
  }
  return times;
}

const hasNumber = (counts: Counts): boolean => [...counts.values()].some(({ value }) => !Number.isNaN(value));

/** What `or vector(0)` adds to series with labels: it says that there are none, and is no series of its own. */
const isNone = (labels: Series['labels'], value: number): boolean =>
  value === 0 && Object.keys(labels).length === 0;

/** A series that is NaN beside others that are numbers: of the whole nothing is known, as a sum of them is NaN. */
function unknownOf(name: string, counts: Counts): string | null {
  const found = [...counts.values()].find(({ value }) => Number.isNaN(value));
  return found === undefined ? null : `${spoken(name, found.labels)} is NaN, and others are not`;
}

/** Events that are good or bad, and of no total: the queries are not about the same series. */
function strayOf(name: string, shares: Counts, totals: Counts): string | null {
  const found = [...shares].find(([key, { value }]) => !totals.has(key) && Math.abs(value) > NOISE)?.[1];
  return found === undefined
    ? null
    : `${spoken(name, found.labels)} is ${found.value}, and "total" has no series of the same labels: aggregate both by the same ones`;
}

/** Why numbers cannot be a count and all; null when they can. */
function faultOf(name: string, labels: Series['labels'], some: number, all: number): string | null {
  for (const [which, value] of [
    [name, some],
    ['total', all],
  ] as const) {
    if (value < -NOISE) return `${spoken(which, labels)} is ${value}, and must not be negative`;
    if (value > MeasurementLimits.magnitude)
      return `${spoken(which, labels)} is ${value}, and must not be above 1e12`;
  }
  return some > all * (1 + NOISE) + NOISE
    ? `${spoken(name, labels)} is ${some}, more than the total of ${all}`
    : null;
}

/** A series as Prometheus writes it: `"bad" of {code="500"}`; of one without labels the query alone. */
function spoken(name: string, labels: Series['labels']): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return pairs.length === 0 ? `"${name}"` : `"${name}" of {${pairs.join(', ')}}`;
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
