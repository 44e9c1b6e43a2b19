import { type Imported, noteText } from '../interchange/notes.js';
import { importOpenSlo } from './import.js';
import type { OpenSloOptions } from './objects.js';

export const metric = (type: string, spec: object, ref?: string) => ({
  metricSource: { ...(ref ? { metricSourceRef: ref } : {}), type, spec },
});
export const prometheus = (query: string) => metric('Prometheus', { query });

/** An SLO that the reference validator accepts, with the given differences in its spec and its one objective. */
export function slo(spec: object = {}, objective: object = {}) {
  return {
    apiVersion: 'openslo/v1',
    kind: 'SLO',
    metadata: { name: 'web-availability', displayName: 'Web', labels: { env: ['prod', 'eu'], team: 'web' } },
    spec: {
      description: 'Requests succeed',
      service: 'web',
      indicator: {
        metadata: { name: 'requests' },
        spec: {
          ratioMetric: {
            counter: false,
            bad: prometheus('sum(rate(requests{code=~"5.."}[{{.window}}]))'),
            total: prometheus('sum(rate(requests[{{.window}}]))'),
          },
        },
      },
      timeWindow: [{ duration: '4w', isRolling: true }],
      budgetingMethod: 'Occurrences',
      objectives: [{ target: 0.995, ...objective }],
      ...spec,
    },
  };
}

/** A policy that pages while the budget burns faster than `burn`. */
export const burnRatePolicy = (burn: number, lookbackWindow: string, spec: object = {}) => ({
  kind: 'AlertPolicy',
  metadata: { name: 'p' },
  spec: {
    conditions: [
      {
        kind: 'AlertCondition',
        metadata: { name: 'c' },
        spec: {
          severity: 'page',
          condition: { kind: 'burnrate', op: 'gt', threshold: burn, lookbackWindow },
        },
      },
    ],
    ...spec,
  },
});

export const threshold = {
  metadata: { name: 'latency' },
  spec: { thresholdMetric: prometheus('histogram_quantile(0.95, x)') },
};
export const at = 'http://127.0.0.1:9090';
export const imported = (documents: object | object[], options: OpenSloOptions = { prometheusUrl: at }) =>
  importOpenSlo([documents].flat(), options);
export const definitionsOf = (result: Imported) => {
  if (!result.ok) throw new Error(result.faults.map(noteText).join('\n'));
  return result.definitions;
};
export const faultsOf = (result: Imported) => (result.ok ? [] : result.faults.map(noteText));
export const warningsOf = (result: Imported) => result.warnings.map(noteText);
