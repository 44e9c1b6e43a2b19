import { expect, test } from '@jest/globals';
import { importOpenSlo } from './import.js';
import {
  at,
  burnRatePolicy,
  definitionsOf,
  faultsOf,
  imported,
  metric,
  slo,
  warningsOf,
} from './openslo.fixture.js';

test('an SLO with its SLI', () => {
  const result = imported(slo(), { prometheusUrl: at, strict: true });
  expect(definitionsOf(result)).toMatchObject({
    services: [],
    slis: [
      {
        service: 'web',
        name: 'requests',
        unit: 'count',
        source: {
          prometheus: {
            url: at,
            bad: 'sum(rate(requests{code=~"5.."}[{{.window}}]))',
            total: 'sum(rate(requests[{{.window}}]))',
            per: 'second',
          },
        },
      },
    ],
    slos: [
      {
        name: 'web-availability',
        service: 'web',
        sli: 'requests',
        description: 'Requests succeed',
        objective: 0.995,
        indicator: { kind: 'ratio' },
        budgeting: { method: 'occurrences' },
        window: { rolling: '4w' },
        alerting: { preset: 'none' },
        labels: { env: 'prod,eu', team: 'web', displayName: 'Web' },
      },
    ],
  });
  expect(warningsOf(result)).toEqual([
    'SLO web-availability: metadata.labels.env: has several values: they are joined by commas',
    'SLO web-availability: spec.alertPolicies: nothing will alert on this SLO: add alerting: { preset: google-sre } to be paged',
  ]);
});

test('m is minutes and M is months', () => {
  const windowOf = (timeWindow: object) =>
    definitionsOf(imported(slo({ timeWindow: [timeWindow] }))).slos[0]?.window;
  const calendar = { startTime: '2024-01-01 00:00:00', timeZone: 'Europe/Berlin' };
  expect(windowOf({ duration: '90m', isRolling: true })).toEqual({ rolling: '90m' });
  expect(windowOf({ duration: '1M', isRolling: true })).toEqual({ rolling: '30d' });
  expect(windowOf({ duration: '1Q', isRolling: true })).toEqual({ rolling: '90d' });
  for (const [duration, period] of [
    ['1w', 'week'],
    ['1M', 'month'],
    ['3M', 'quarter'],
    ['1Q', 'quarter'],
    ['1Y', 'year'],
  ])
    expect(windowOf({ duration, calendar })).toEqual({ calendar: period, timeZone: 'Europe/Berlin' });
});

test('a percentage is a ratio without float residue', () => {
  const [only] = definitionsOf(imported(slo({}, { target: undefined, targetPercent: 99.9 }))).slos;
  expect(only?.objective).toBe(0.999);
});

test('several objectives are several SLOs', () => {
  const { slos, slis } = definitionsOf(
    imported(slo({ objectives: [{ displayName: 'Internal objective', target: 0.995 }, { target: 0.99 }] })),
  );
  expect(slos.map(({ name, objective }) => [name, objective])).toEqual([
    ['web-availability-internal-objective', 0.995],
    ['web-availability-2', 0.99],
  ]);
  expect(slis).toHaveLength(1);
});

test('SLIs, alert policies, conditions and targets are found by name in any file', () => {
  const object = (kind: string, name: string, spec: object) => ({
    apiVersion: 'openslo/v1',
    kind,
    metadata: { name },
    spec,
  });
  const result = imported(
    [
      slo({ indicator: undefined, indicatorRef: 'requests', alertPolicies: [{ alertPolicyRef: 'burns' }] }),
      object('SLI', 'requests', {
        ratioMetric: {
          counter: true,
          good: metric('Prometheus', { query: 'requests{code="200"}' }, 'eu'),
          total: metric('Prometheus', { query: 'requests' }, 'eu'),
        },
      }),
      object('DataSource', 'eu', {
        type: 'Prometheus',
        connectionDetails: { url: 'https://eu.example.org' },
      }),
      object('AlertPolicy', 'burns', {
        alertWhenBreaching: true,
        conditions: [{ conditionRef: 'fast' }],
        notificationTargets: [{ targetRef: 'mail' }],
      }),
      object('AlertCondition', 'fast', {
        severity: 'critical',
        condition: { kind: 'burnrate', op: 'lte', threshold: 2, lookbackWindow: '1h', alertAfter: '5m' },
      }),
      object('AlertNotificationTarget', 'mail', { target: 'email' }),
      object('Service', 'web', { description: 'The web' }),
    ],
    { strict: true },
  );
  const { services, slis, slos } = definitionsOf(result);
  expect(services).toMatchObject([{ name: 'web', description: 'The web', tier: 3 }]);
  expect(slis[0]?.source).toEqual({
    prometheus: {
      url: 'https://eu.example.org',
      good: 'increase(requests{code="200"}[{{.window}}])',
      total: 'increase(requests[{{.window}}])',
    },
  });
  expect(slos[0]?.alerting).toEqual({
    preset: 'google-sre',
    windows: [{ severity: 'page', tier: 'fast', long: '1h', short: '5m', burn: 2 }],
  });
  const warned = warningsOf(result).join('\n');
  expect(warned).toMatch(/AlertCondition fast: spec.condition.op: .*taken as gt/);
  expect(warned).toMatch(/AlertCondition fast: spec.condition.alertAfter: is left out/);
  expect(warned).toMatch(/AlertNotificationTarget mail: notifications to "email" are left out/);
});

test('an alert that can never fire is left out with a warning', () => {
  const policy = burnRatePolicy(300, '1h', { notificationTargets: [{ targetRef: 'x' }] });
  const result = imported(slo({ alertPolicies: [policy] }));
  expect(definitionsOf(result).slos[0]?.alerting).toEqual({ preset: 'none' });
  expect(warningsOf(result).join('\n')).toMatch(
    /can never be exceeded, the largest possible burn rate is 200/,
  );
});

test('metrics that nobody here can fetch are kept, and whoever imports is told', () => {
  const document = slo({
    indicator: {
      metadata: { name: 'latency' },
      spec: { thresholdMetric: metric('Datadog', { query: 'avg:latency' }) },
    },
    objectives: [{ op: 'lt', value: 500, target: 0.99 }],
  });
  const result = imported(document);
  const { slis, slos } = definitionsOf(result);
  expect(slis[0]?.source).toEqual({
    openslo: { thresholdMetric: metric('Datadog', { query: 'avg:latency' }) },
  });
  expect(slos[0]?.indicator).toEqual({ kind: 'threshold', op: 'lt', value: 500 });
  expect(warningsOf(result).join('\n')).toMatch(
    /type Datadog are not fetched.*publish the measurements to web\/latency/,
  );
});

test('an SLO of v1alpha is read as v1', () => {
  const alpha = {
    apiVersion: 'openslo/v1alpha',
    kind: 'SLO',
    metadata: { name: 'requests', displayName: 'Requests' },
    spec: {
      service: 'my-service',
      budgetingMethod: 'Occurrences',
      objectives: [
        {
          ratioMetrics: {
            good: { source: 'prometheus', queryType: 'promql', query: 'good' },
            total: { source: 'prometheus', queryType: 'promql', query: 'total' },
          },
          target: 0.999,
        },
      ],
      timeWindows: [{ count: 30, unit: 'Day' }],
    },
  };
  const { slis, slos } = definitionsOf(imported(alpha));
  expect(slis[0]?.source).toEqual({ prometheus: { url: at, good: 'good', total: 'total' } });
  expect(slos).toMatchObject([{ name: 'requests', objective: 0.999, window: { rolling: '30d' } }]);
  expect(faultsOf(imported(alpha, { strict: true }))).toEqual([
    'SLO requests: apiVersion: is openslo/v1alpha: it must be openslo/v1',
  ]);
});

test.each([[null], ['text'], [[]], [{}], [{ apiVersion: 'openslo/v1', kind: 'SLO' }], [7]])(
  '%j is refused and breaks nothing',
  (document) => {
    const result = importOpenSlo([document]);
    if (!Array.isArray(document)) expect(faultsOf(result).length).toBeGreaterThan(0);
  },
);

test('a Sloth specification is sent to its own import', () => {
  expect(faultsOf(imported({ version: 'prometheus/v1', service: 'shop', slos: [] }))).toEqual([
    'document (no name): is a Sloth specification, and no OpenSLO: import it as sloth',
  ]);
});

test('remarks know the document that they are about, also where it was written in the older version', () => {
  const document = { ...slo({}, { op: 'lte' }) };
  expect(imported(document).warnings[0]).toMatchObject({ path: 'spec.objectives.0.op', document });
  const older = {
    apiVersion: 'openslo/v1alpha',
    kind: 'SLO',
    metadata: { name: 'old' },
    spec: { service: 'web', budgetingMethod: 'Sometimes', objectives: [{ target: 0.9 }] },
  };
  const { ok, ...result } = imported(older);
  expect(ok).toBe(false);
  expect(result).toMatchObject({
    faults: expect.arrayContaining([expect.objectContaining({ document: older })]),
  });
});
