import { sli, sloDefinition } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { definitions, sorted } from '../interchange/definitions.fixture.js';
import { noteText } from '../interchange/notes.js';
import { exportOpenSlo } from './export.js';
import { importOpenSlo } from './import.js';
import { isOpenSloKind, referenceFaults } from './reference-rules.js';

describe('definitions of ours', () => {
  test('say what they can in the fields of OpenSLO', () => {
    const prometheus = {
      url: 'http://127.0.0.1:9090',
      bad: 'sum(rate(errors_total[{{.window}}]))',
      total: 'sum(rate(requests_total[{{.window}}]))',
      per: 'second',
    };
    const objects = exportOpenSlo({
      services: [],
      slis: [
        sli.parse({
          service: 'checkout',
          name: 'availability',
          source: { prometheus, every: '30s' },
          cadence: '1m',
        }),
      ],
      slos: [
        sloDefinition.parse({
          name: 'checkout-availability',
          service: 'checkout',
          sli: 'availability',
          objective: 0.999,
          indicator: { kind: 'ratio' },
          budgeting: { method: 'occurrences' },
          window: { rolling: '30d' },
          escalationPolicy: 'pay',
          missingData: 'good',
          labels: { team: 'pay' },
        }),
      ],
    });
    const metric = (query: string) => ({
      metricSource: { metricSourceRef: 'prometheus', type: 'Prometheus', spec: { query, every: '30s' } },
    });
    expect(objects[0]).toMatchObject({
      kind: 'DataSource',
      spec: { type: 'Prometheus', connectionDetails: { url: prometheus.url } },
    });
    expect(objects[1]).toMatchObject({
      kind: 'SLO',
      metadata: {
        name: 'checkout-availability',
        labels: { team: 'pay' },
        annotations: { 'bellwether.internal/missingData': '"good"' },
      },
      spec: {
        service: 'checkout',
        indicator: {
          metadata: { name: 'availability', annotations: { 'bellwether.internal/cadence': '"1m"' } },
          spec: {
            ratioMetric: { counter: false, bad: metric(prometheus.bad), total: metric(prometheus.total) },
          },
        },
        timeWindow: [{ duration: '30d', isRolling: true }],
        budgetingMethod: 'Occurrences',
        objectives: [{ target: 0.999 }],
      },
    });
    expect(objects).toHaveLength(2);
    const [, slo] = objects as [
      unknown,
      { metadata: { annotations: object }; spec: { alertPolicies: unknown[] } },
    ];
    // The preset is known again by its four conditions, and the policy by its notification target.
    expect(Object.keys(slo.metadata.annotations)).toEqual(['bellwether.internal/missingData']);
    expect(slo.spec.alertPolicies).toHaveLength(4);
  });

  test('say in an annotation that rates are recorded as they are, which OpenSLO has no word for', () => {
    const source = {
      prometheus: { url: 'http://127.0.0.1:9090', good: 'rate(a[5m])', total: 'rate(b[5m])' },
    };
    const sourceOf = (given: object) => {
      const objects = exportOpenSlo({
        services: [],
        slis: [sli.parse({ service: 'shop', name: 'requests', source: given })],
        slos: [],
      });
      return objects.at(-1)?.metadata.annotations?.['bellwether.internal/source'];
    };
    expect(sourceOf(source)).toBe(JSON.stringify(source));
    expect(sourceOf({ prometheus: { ...source.prometheus, per: 'second' } })).toBeUndefined();
  });

  test('come back from OpenSLO as they were', () => {
    fc.assert(
      fc.property(definitions, (given) => {
        // What travels is JSON or YAML: no undefined, no -0, nothing but plain values.
        const objects = JSON.parse(JSON.stringify(exportOpenSlo(given)));
        const imported = importOpenSlo(objects);
        if (!imported.ok) throw new Error(imported.faults.map(noteText).join('\n'));
        expect(sorted(imported.definitions)).toEqual(sorted(given));
      }),
      { numRuns: 200 },
    );
  });

  test('are written as the reference validator wants them, and read again by its rules', () => {
    fc.assert(
      fc.property(definitions, (given) => {
        const plain = {
          ...given,
          // What was kept from a foreign file is written as it was, and was not ours to make good.
          slis: given.slis.filter(({ source }) => source?.openslo === undefined),
        };
        for (const object of exportOpenSlo(plain)) {
          if (!isOpenSloKind(object.kind)) throw new Error(object.kind);
          expect(referenceFaults(object.kind, object)).toEqual([]);
        }
        expect(importOpenSlo(exportOpenSlo(plain), { strict: true }).ok).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
