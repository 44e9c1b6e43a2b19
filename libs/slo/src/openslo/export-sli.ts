import type { Sli } from '@bellwether/contracts';
import { type MetricKind, PUBLISHED } from './import-sli.js';
import type { OpenSloObject } from './objects.js';

/** A DataSource for each Prometheus that SLIs are fetched from. */
export class DataSources {
  readonly objects: OpenSloObject[] = [];
  readonly #names = new Map<string, string>();

  constructor(slis: Sli[]) {
    for (const url of new Set(slis.flatMap(({ source }) => source?.prometheus?.url ?? []))) {
      const name = this.#names.size === 0 ? 'prometheus' : `prometheus-${this.#names.size + 1}`;
      this.#names.set(url, name);
      this.objects.push({
        apiVersion: 'openslo/v1',
        kind: 'DataSource',
        metadata: { name },
        spec: { type: 'Prometheus', connectionDetails: { url } },
      });
    }
  }

  nameOf(url: string): string | undefined {
    return this.#names.get(url);
  }
}

/** The `spec` of an indicator: which metrics it is made of. */
export function indicatorSpec(sli: Sli, kind: MetricKind, dataSources: DataSources): Record<string, unknown> {
  const key = kind === 'ratio' ? 'ratioMetric' : 'thresholdMetric';
  const metric = foreignMetric(sli, key) ?? prometheusMetric(sli, kind, dataSources) ?? published(sli, kind);
  return { ...(sli.description === '' ? {} : { description: sli.description }), [key]: metric };
}

/** A metric that came from an OpenSLO file and is none of ours. */
function foreignMetric({ source }: Sli, key: string): unknown {
  const kept = source?.openslo;
  return typeof kept === 'object' && kept !== null ? (kept as Record<string, unknown>)[key] : undefined;
}

function prometheusMetric({ source }: Sli, kind: MetricKind, dataSources: DataSources): unknown {
  const prometheus = source?.prometheus;
  if (prometheus === undefined) return undefined;
  const metric = (query: string) => ({
    metricSource: {
      metricSourceRef: dataSources.nameOf(prometheus.url),
      type: 'Prometheus',
      spec: { query, ...(source?.every === undefined ? {} : { every: source.every }) },
    },
  });
  const { good, bad, total, query } = prometheus;
  if (kind === 'threshold') return query === undefined ? undefined : metric(query);
  if (query !== undefined) return { counter: false, rawType: 'success', raw: metric(query) };
  return {
    counter: false,
    ...(good === undefined ? {} : { good: metric(good) }),
    ...(bad === undefined ? {} : { bad: metric(bad) }),
    ...(total === undefined ? {} : { total: metric(total) }),
  };
}

/** Measurements that are published to Bellwether: the metric says to which SLI. */
function published({ service, name }: Sli, kind: MetricKind): unknown {
  const metric = (count?: string) => ({
    metricSource: { type: PUBLISHED, spec: { sli: `${service}/${name}`, ...(count && { count }) } },
  });
  return kind === 'threshold' ? metric() : { counter: false, good: metric('good'), total: metric('total') };
}
