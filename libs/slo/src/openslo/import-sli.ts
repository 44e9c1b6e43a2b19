import {
  duration,
  faultsOf,
  httpUrl,
  type PrometheusSource,
  type Sli,
  sli,
  WINDOW_TEMPLATE,
} from '@bellwether/contracts';
import type { Cursor } from '../interchange/cursor.js';
import { tellOfQueries } from '../interchange/query-notes.js';
import { increaseOf } from '../prometheus/counter-increase.js';
import { operand } from '../prometheus/promql.js';
import { asItCounts } from '../prometheus/query-text.js';
import { annotated, withAnnotations } from './annotations.js';
import type { OpenSloObjects } from './objects.js';

/** Type of a metric source whose numbers are published to Bellwether, and not fetched by it. */
export const PUBLISHED = 'Bellwether';

/** How an SLI of OpenSLO is read: `ratio` counts good and total, `threshold` compares a value. */
export type MetricKind = 'ratio' | 'threshold';

const METRICS = ['good', 'bad', 'total', 'raw'] as const;

/**
 * An SLI from the `metadata` and `spec` of an OpenSLO indicator, inline or an object of its own.
 * @param service whose it is: OpenSLO's SLIs belong to nobody
 */
export function importSli(
  indicator: Cursor,
  service: string,
  objects: OpenSloObjects,
): { kind: MetricKind; sli: Sli } | undefined {
  const metadata = indicator.at('metadata');
  const spec = indicator.at('spec');
  const given = metadata.at('name').name();
  if (given === undefined) return undefined;
  const kind: MetricKind = spec.at('thresholdMetric').present ? 'threshold' : 'ratio';
  const metric = spec.at(kind === 'threshold' ? 'thresholdMetric' : 'ratioMetric');
  if (!metric.present) {
    spec.fault('must have ratioMetric or thresholdMetric');
    return undefined;
  }
  const raw = withAnnotations(
    {
      name: given,
      service,
      description: spec.at('description').text() ?? metadata.at('displayName').text() ?? '',
      unit: kind === 'threshold' ? 'none' : metric.at('raw').present ? 'ratio' : 'count',
      source: sourceOf(metric, kind, `${service}/${given}`, objects),
    },
    annotated(metadata),
  );
  const parsed = sli.safeParse(raw);
  if (!parsed.success) {
    for (const { path, message } of faultsOf(parsed.error)) indicator.fault(`as an SLI: ${path} ${message}`);
    return undefined;
  }
  const source = parsed.data.source?.prometheus;
  if (source !== undefined) {
    tellOfQueries(source, metric, (name) =>
      kind === 'threshold' ? metric : metric.at(name === 'query' ? 'raw' : name),
    );
  }
  return { kind, sli: parsed.data };
}

/** Where the numbers come from: Prometheus, a publisher (undefined), or something else, kept as it is written. */
function sourceOf(metric: Cursor, kind: MetricKind, address: string, objects: OpenSloObjects): Sli['source'] {
  const named: [string, Cursor][] =
    kind === 'threshold'
      ? [['query', metric]]
      : METRICS.filter((name) => metric.at(name).present).map((name) => [name, metric.at(name)]);
  const sources = named.map(([name, cursor]) => ({ name, ...readMetric(cursor, objects) }));
  const types = new Set(sources.map(({ type }) => type.toLowerCase()));
  if (types.size === 1 && types.has(PUBLISHED.toLowerCase())) return undefined;
  if (types.size === 1 && types.has('prometheus')) {
    const prometheus = prometheusOf(metric, kind, sources, objects);
    if (prometheus) return prometheus;
  } else {
    metric.warn(
      `metrics of type ${[...new Set(sources.map(({ type }) => type))].join(', ') || 'nothing'} are not fetched: they are kept as they are; publish the measurements to ${address}`,
    );
  }
  return { openslo: { [kind === 'threshold' ? 'thresholdMetric' : 'ratioMetric']: metric.value } };
}

interface MetricSource {
  name: string;
  type: string;
  query: string | undefined;
  every: string | undefined;
  url: string | undefined;
}

function readMetric(metric: Cursor, objects: OpenSloObjects): Omit<MetricSource, 'name'> {
  const source = metric.at('metricSource');
  const reference = source.at('metricSourceRef');
  const dataSource = objects.find('DataSource', reference)?.at('spec');
  const details = dataSource?.at('connectionDetails');
  return {
    type: source.at('type').text() ?? dataSource?.at('type').text() ?? 'unknown',
    query: source.at('spec').either('query', 'promql').text()?.trim(),
    every: source.at('spec').at('every').text(),
    url: details?.either('url', 'address').text(),
  };
}

function prometheusOf(
  metric: Cursor,
  kind: MetricKind,
  sources: MetricSource[],
  objects: OpenSloObjects,
): Sli['source'] {
  const query = (name: string) => sources.find((source) => source.name === name)?.query;
  const keep = (message: string): undefined => {
    metric.warn(`${message}: the metric is kept as it is, and nothing is fetched`);
    return undefined;
  };
  if (sources.some((source) => source.query === undefined))
    return keep('a metric of Prometheus needs spec.query');
  const url = sources[0]?.url ?? objects.prometheusUrl;
  if (url === undefined)
    return keep(
      'the address of Prometheus is not known; give it as connectionDetails.url of a DataSource, or with --prometheus-url',
    );
  if (!httpUrl.safeParse(url).success) return keep(`"${url}" is not an http or https URL`);
  if (sources.some((source) => (source.url ?? url) !== url))
    return keep('one SLI is fetched from one Prometheus, and these are of several');
  const isCounter = kind === 'ratio' && metric.at('counter').value === true;
  const perWindow = (name: string) => {
    const text = query(name);
    return isCounter && text !== undefined ? risenBy(text, metric, name) : text;
  };
  const raw = query('raw');
  const queries: Partial<PrometheusSource> =
    kind === 'threshold'
      ? { query: query('query') }
      : raw !== undefined
        ? { query: metric.at('rawType').text() === 'failure' ? `1 - ${operand(raw)}` : raw }
        : { good: perWindow('good'), bad: perWindow('bad'), total: perWindow('total') };
  const written = sources.find((source) => source.every !== undefined)?.every;
  const every = duration.safeParse(written).success ? written : objects.every;
  const given = Object.entries(queries).filter(([, text]) => text !== undefined);
  return {
    prometheus: asItCounts({ url, ...Object.fromEntries(given) }),
    ...(every === undefined ? {} : { every }),
  };
}

/** A counter that only rises, as how much it rose over the look-back. One that is a rate already is none. */
function risenBy(text: string, metric: Cursor, name: string): string {
  const increase = increaseOf(text);
  if (increase.around === 'nothing')
    metric
      .at('counter')
      .warn('is true, but a query has a look-back of its own or no counter at all: it is taken as it is');
  if (increase.around === 'whole')
    metric
      .at(name)
      .warn(
        `${increase.because}: the increase is taken of the query as a whole, and a restart of one instance is miscounted as one of all; write increase(<counter>[${WINDOW_TEMPLATE}]) around each counter of good, bad and total, and counter: false`,
      );
  return increase.query;
}
