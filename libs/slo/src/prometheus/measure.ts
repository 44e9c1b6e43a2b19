import {
  DEFAULT_EVERY,
  durationMillis,
  type Indicator,
  type PrometheusSource,
  queryOver,
  type Sli,
  type SloDefinition,
} from '@bellwether/contracts';
import { EPSILON } from '../alert-pairs.js';
import { boundary, isCounting, type SliceIndicator } from '../indicator.js';
import { ratioScale } from '../unit.js';
import { aggregate, lookBack, number, operand, recordedOver, sumOf } from './promql.js';

/**
 * Series that are recorded of each period of a source (`every`), as Bellwether records its points: how many events were
 * bad, of how many, and for what judges slices as a whole the sum of the values, or each.
 */
export const PERIOD = {
  bad: 'bellwether:sli_bad:period',
  total: 'bellwether:sli_total:period',
  sum: 'bellwether:sli_sum:period',
  value: 'bellwether:sli_value:period',
} as const;

/** What the source of an SLI measures for an SLO, in PromQL. */
export interface Measure {
  /** What is recorded of each period, by series. */
  periods: Readonly<Record<string, string>>;
  /** The share of bad events over a look-back of so many minutes; null for indicators that judge slices as a whole. */
  errorOver: ((minutes: number) => string) | null;
  /** Whether `errorOver` and `sliceError` read what is recorded of periods. */
  readsPeriods: boolean;
  /** How bad a slice of so many minutes that ends now is: 0 or 1, or between with `ratio-timeslices`; nothing when it has no data. */
  sliceError: (minutes: number) => string;
  /** What is there as long as the SLI is measured. */
  presence: string;
}

type Comparing = Exclude<Indicator, { kind: 'ratio' | 'composite' }>;

/** What a measure is made for. */
interface Scope {
  slo: SloDefinition;
  sli: Sli;
  /** Period of the source. */
  every: string;
  /** The label whose values are told apart; null: everything is one. */
  by: string | null;
}

/**
 * The measure of an SLO; a text when its source cannot be read by its indicator.
 * @param by the label whose values are told apart; null: everything is one
 */
export function measureOf(
  slo: SloDefinition,
  sli: Sli,
  source: PrometheusSource,
  by: string | null = null,
): Measure | string {
  const scope: Scope = { slo, sli, every: sli.source?.every ?? DEFAULT_EVERY, by };
  const { indicator } = slo;
  if (indicator.kind === 'composite') return 'a "composite" is made of other SLOs, and reads no source';
  const { total, query } = source;
  if (total !== undefined) {
    return indicator.kind === 'ratio'
      ? countsMeasure(scope, source, total)
      : `the source counts events, and a "${indicator.kind}" looks at values`;
  }
  const values = query?.trim() ?? '';
  if (indicator.kind !== 'ratio') {
    return isCounting(indicator)
      ? thresholdMeasure(scope, indicator, values)
      : sliceMeasure(scope, indicator, values);
  }
  const scale = ratioScale(sli.unit);
  if (scale === null)
    return `the source has values in "${sli.unit}", which a "ratio" has no reading for: give the SLI the unit ratio or percent`;
  return shareMeasure(scope, scale, values);
}

const isTemplated = (query: string): boolean => queryOver(query, '') !== query;

function countsMeasure({ slo, every, by }: Scope, source: PrometheusSource, total: string): Measure {
  const over = (query: string, window: string): string => sumOf(queryOver(query.trim(), window), by);
  const ofEvents = source.bad ?? source.good ?? '';
  // What is recorded of a period is a number of events, as `ingest` records it.
  const counted = (events: string): string =>
    source.per === 'second' ? `${operand(events)} * ${number(durationMillis(every) / 1000)}` : events;
  const periods = {
    [PERIOD.bad]: counted(
      source.bad === undefined ? `${over(total, every)} - ${over(ofEvents, every)}` : over(ofEvents, every),
    ),
    [PERIOD.total]: counted(over(total, every)),
  };
  const presence = over(total, every);
  // A query with a look-back of its own says what happened in a period: only sums of periods say it of a window.
  if (!isTemplated(total) || !isTemplated(ofEvents)) return periodsMeasure(slo, periods, presence);
  const errorOver = (minutes: number): string => {
    const window = lookBack(minutes);
    const share = `${over(ofEvents, window)} / (${over(total, window)} > 0)`;
    return source.bad === undefined ? `1 - ${share}` : share;
  };
  return {
    periods,
    errorOver,
    readsPeriods: false,
    sliceError: judged(slo, errorOver),
    presence,
  };
}

/** Values that are a share of good events. Those off the scale count as its end, and one that is no number as none. */
function shareMeasure({ slo, every, by }: Scope, scale: number, query: string): Measure {
  const shares = (window: string): string => {
    const share = operand(queryOver(query, window));
    return `clamp(${scale === 1 ? share : `${share} / ${scale}`}, 0, 1) >= 0`;
  };
  const periods = {
    [PERIOD.bad]: `${aggregate('sum', by)}(1 - (${shares(every)}))`,
    [PERIOD.total]: `${aggregate('count', by)}(${shares(every)})`,
  };
  const presence = operand(queryOver(query, every));
  if (!isTemplated(query)) return periodsMeasure(slo, periods, presence);
  const errorOver = (minutes: number): string => `1 - ${aggregate('avg', by)}(${shares(lookBack(minutes))})`;
  return { periods, errorOver, readsPeriods: false, sliceError: judged(slo, errorOver), presence };
}

/** Values that are good or bad as a whole, each. */
function thresholdMeasure({ slo, sli, every, by }: Scope, indicator: Comparing, query: string): Measure {
  const values = valuesOf(query, every);
  return periodsMeasure(
    slo,
    {
      [PERIOD.bad]: `${aggregate('sum', by)}((${values}) ${opposite(indicator.op)} bool ${number(boundary(indicator, sli.unit))})`,
      [PERIOD.total]: `${aggregate('count', by)}(${values})`,
    },
    operand(queryOver(query, every)),
  );
}

/** Values of which a slice as a whole is good or bad: by their mean or a percentile. */
function sliceMeasure({ slo, sli, every, by }: Scope, indicator: SliceIndicator, query: string): Measure {
  const values = valuesOf(query, every);
  const isBad = `${opposite(indicator.op)} bool ${number(boundary(indicator, sli.unit))}`;
  const over = (series: string, minutes: number): string => recordedOver(series, slo.name, minutes);
  const own: Pick<Measure, 'periods' | 'sliceError'> =
    indicator.kind === 'mean'
      ? {
          periods: { [PERIOD.sum]: `${aggregate('sum', by)}(${values})` },
          sliceError: (minutes) =>
            `sum_over_time(${over(PERIOD.sum, minutes)}) / sum_over_time(${over(PERIOD.total, minutes)}) ${isBad}`,
        }
      : {
          periods: { [PERIOD.value]: values },
          sliceError: (minutes) =>
            `${aggregate('max', by)}(quantile_over_time(${indicator.p}, ${over(PERIOD.value, minutes)}) ${isBad})`,
        };
  return {
    periods: { ...own.periods, [PERIOD.total]: `count(${values})` },
    errorOver: null,
    readsPeriods: true,
    sliceError: own.sliceError,
    presence: operand(queryOver(query, every)),
  };
}

/** Events that are counted by the period. */
function periodsMeasure(slo: SloDefinition, periods: Measure['periods'], presence: string): Measure {
  const over = (series: string, minutes: number): string => recordedOver(series, slo.name, minutes);
  const errorOver = (minutes: number): string =>
    `sum_over_time(${over(PERIOD.bad, minutes)}) / (sum_over_time(${over(PERIOD.total, minutes)}) > 0)`;
  return { periods, errorOver, readsPeriods: true, sliceError: judged(slo, errorOver), presence };
}

/** A slice of events is bad when too few of them are good; with `ratio-timeslices`, as bad as its share of them. */
function judged({ budgeting }: SloDefinition, errorOver: (minutes: number) => string) {
  if (budgeting.method !== 'timeslices') return errorOver;
  const allowed = 1 - (budgeting.sliceTarget ?? 1) + EPSILON;
  return (minutes: number): string => `${errorOver(minutes)} > bool ${number(allowed)}`;
}

/** The values of a query that are numbers: nothing compares with NaN, and Bellwether takes it for no data. */
const valuesOf = (query: string, every: string): string => `${operand(queryOver(query, every))} > -Inf`;

/** What holds of a value that is not good. */
const opposite = (op: Comparing['op']): string => ({ lte: '>', lt: '>=', gte: '<', gt: '<=' })[op];
