import type { AlertingRule, RecordingRule } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import { noteText } from '../interchange/notes.js';
import { exportPrometheusRules } from './export.js';
import { type Example, example, KINDS } from './kinds.fixture.js';
import { operand, recordedOver, sumOf } from './promql.js';

const exported = (...examples: Example[]) =>
  exportPrometheusRules({ slos: examples.map(({ slo }) => slo), slis: examples.map(({ sli }) => sli) });
const kind = (name: string) => KINDS.find((each) => each.name === name) as Example;
const notesOf = (...examples: Example[]) => exported(...examples).notes.map(noteText);
const rulesOf = (one: Example) => exported(one).groups.flatMap(({ rules }) => rules);
const recordingsOf = (one: Example) =>
  Object.fromEntries(
    rulesOf(one)
      .filter((rule): rule is RecordingRule => 'record' in rule)
      .map(({ record, expr }) => [record, expr]),
  );
const alertsOf = (one: Example) => rulesOf(one).filter((rule): rule is AlertingRule => 'alert' in rule);

const counts = {
  bad: 'sum(rate(bad[{{.window}}]))',
  total: 'sum(rate(total[{{.window}}]))',
};

test('an SLO is a group: its error ratio over each look-back, and an alert for each severity and tier', () => {
  const one = example('checkout', counts, {
    objective: 0.999,
    missingData: 'good',
    description: 'Checkouts succeed',
    runbookUrl: 'https://example.org/runbook',
    labels: { env: 'prod' },
    alerting: { windows: [{ severity: 'page', tier: 'fast', long: '60m', short: '5m', burn: 14.4 }] },
  });
  const labels = { slo: 'checkout', service: 'shop', sli: 'requests' };
  expect(exported(one)).toEqual({
    notes: [],
    groups: [
      {
        name: 'bellwether:checkout',
        rules: [
          {
            record: 'bellwether:sli_error:ratio_5m',
            expr: 'sum(rate(bad[5m])) / (sum(rate(total[5m])) > 0)',
            labels,
          },
          {
            record: 'bellwether:sli_error:ratio_1h',
            expr: 'sum(rate(bad[1h])) / (sum(rate(total[1h])) > 0)',
            labels,
          },
          {
            alert: 'BellwetherBudgetBurn',
            expr: [
              'bellwether:sli_error:ratio_1h{slo="checkout"} > (14.4 + 1e-9) * 0.001',
              'and',
              'bellwether:sli_error:ratio_5m{slo="checkout"} > (14.4 + 1e-9) * 0.001',
            ].join('\n'),
            labels: { env: 'prod', ...labels, severity: 'page', tier: 'fast' },
            annotations: {
              summary: 'checkout burns its error budget too fast (page fast: 60m and 5m above 14.4)',
              description: 'Checkouts succeed',
              runbook_url: 'https://example.org/runbook',
            },
          },
        ],
      },
      {
        name: 'bellwether:checkout:budget',
        interval: '5m',
        rules: [
          { record: 'bellwether:error_budget:ratio', expr: 'vector(0.001)', labels },
          {
            record: 'bellwether:sli_error:ratio_window',
            expr: 'sum(rate(bad[30d])) / (sum(rate(total[30d])) > 0)',
            labels,
          },
          {
            record: 'bellwether:error_budget_remaining:ratio',
            expr: '1 - bellwether:sli_error:ratio_window{slo="checkout"} / 0.001',
            labels,
          },
        ],
      },
      {
        name: 'bellwether-sli:shop/requests',
        rules: [
          {
            alert: 'BellwetherSliAbsent',
            expr: 'absent(sum(rate(total[1m])))',
            for: '10m',
            labels: { severity: 'ticket', service: 'shop', sli: 'requests' },
            annotations: { summary: 'shop/requests has not been measured for 10m' },
          },
        ],
      },
    ],
  });
});

describe('the thresholds are those of the plan', () => {
  test.each([
    ['30d', [14.4, 6, 3, 1]],
    ['28d', [13.44, 5.6, 2.8, 0.933333333333]],
    ['7d', [13.44, 3.5, 1.4, 0.98]],
    ['90d', [43.2, 18, 9, 3]],
  ] as const)('over %s', (rolling, factors) => {
    const alerts = alertsOf(example('x', counts, { objective: 0.99, window: { rolling } }));
    expect(alerts.slice(0, 4).map(({ expr }) => expr.match(/> .*/)?.[0])).toEqual(
      factors.map((factor) => `> (${factor} + 1e-9) * 0.01`),
    );
  });

  test('what can never fire is left out, and said', () => {
    const one = example('x', counts, { objective: 0.9, missingData: 'good' });
    expect(alertsOf(one).filter(({ alert }) => alert === 'BellwetherBudgetBurn')).toHaveLength(3);
    expect(notesOf(one)).toEqual([
      expect.stringMatching(/^SLO x: alerting: page fast is left out: its burn rate of 14.4 can never be/),
    ]);
  });
});

describe('queries', () => {
  test('good of total is what is not bad', () => {
    const one = example('x', { good: 'sum(good[{{.window}}])', total: 'sum(total[{{.window}}])' });
    expect(recordingsOf(one)['bellwether:sli_error:ratio_5m']).toBe(
      '1 - sum(good[5m]) / (sum(total[5m]) > 0)',
    );
  });

  test('with a look-back of their own count by the period', () => {
    const one = example(
      'x',
      { bad: 'sum(increase(b[1m]))', total: 'sum(increase(t[1m]))' },
      { every: '30s' },
    );
    expect(exported(one).groups[0]).toMatchObject({
      interval: '30s',
      rules: [
        { record: 'bellwether:sli_bad:period', expr: 'sum(increase(b[1m]))' },
        { record: 'bellwether:sli_total:period', expr: 'sum(increase(t[1m]))' },
      ],
    });
    expect(recordingsOf(one)['bellwether:sli_error:ratio_1h']).toBe(
      'sum_over_time(bellwether:sli_bad:period{slo="x"}[59m59s]) / (sum_over_time(bellwether:sli_total:period{slo="x"}[59m59s]) > 0)',
    );
  });

  test('of several series count as one, as they do here', () => {
    expect(sumOf('sum(rate(a[5m]))')).toBe('sum(rate(a[5m]))');
    expect(sumOf('sum ( a{b=")"} )')).toBe('sum ( a{b=")"} )');
    expect(sumOf("sum(a{b='\\')'})")).toBe("sum(a{b='\\')'})");
    expect(sumOf('sum(a) / sum(b)')).toBe('sum(sum(a) / sum(b))');
    expect(sumOf('sum(a) by (c)')).toBe('sum(sum(a) by (c))');
    expect(sumOf('sum by (c) (a)')).toBe('sum(sum by (c) (a))');
    expect(sumOf('a or vector(0)')).toBe('sum(a or vector(0))');
  });

  test('may end in a comment', () => {
    expect(operand('a # mine')).toBe('(\na # mine\n)');
    expect(sumOf('sum(a) # (mine)')).toBe('sum(\nsum(a) # (mine)\n)');
  });

  test('ranges of records are a second short of the look-back', () => {
    expect(recordedOver('a', 'x', 2)).toBe('a{slo="x"}[1m59s]');
    expect(recordedOver('a', 'x', 3 * 1440)).toBe('a{slo="x"}[2d23h59m59s]');
  });

  test('a bound is in the unit of the SLI', () => {
    expect(recordingsOf(kind('threshold'))['bellwether:sli_bad:period']).toBe(
      'sum(((probe_duration_seconds) > -Inf) > bool 0.5)',
    );
  });
});

describe('an SLO that is grouped', () => {
  const both = kind('groups, both');

  test('has the whole and each group in the same series, apart by the label', () => {
    expect(recordingsOf(both)['bellwether:sli_error:ratio_5m']?.split('\nor\n')).toEqual([
      'sum(sum by (region) (rate(bad[5m]))) / (sum(sum by (region) (rate(total[5m]))) > 0)',
      'sum by (region) (sum by (region) (rate(bad[5m]))) / (sum by (region) (sum by (region) (rate(total[5m]))) > 0)',
    ]);
    const [alert] = alertsOf(both) as [AlertingRule];
    expect(alert.labels).not.toHaveProperty('region');
    expect(alert.annotations.summary).toMatch(
      /^groups-both\{\{ with \$labels.region }} \(region \{\{ \. }}\)\{\{ end }} burns/,
    );
    expect(notesOf(both)).toContainEqual(
      'SLO groups-both: groupBy: Prometheus has no cap of groups: each value of region is one, beyond 50, too',
    );
  });

  test.each([
    ['both', '{slo="groups-both"}'],
    ['overall', '{slo="groups-overall",region=""}'],
    ['groups', '{slo="groups-groups",region!=""}'],
  ])('%s: alerts are of %s', (alerts, selector) => {
    const [alert] = alertsOf(kind(`groups, ${alerts}`)) as [AlertingRule];
    expect(alert.expr.split(' > ')[0]).toBe(`bellwether:sli_error:ratio_1h${selector}`);
  });

  test('has rules for the whole only, where the rules need the label themselves', () => {
    const one = kind('groups without a label');
    expect(recordingsOf(one)['bellwether:sli_bad:period']).toBe('sum(bad)');
    expect(notesOf(one)).toContainEqual(
      expect.stringMatching(/^SLO groups-without-a-label: groupBy: "service" is no label of Prometheus, or/),
    );
  });
});

test('what is recorded of a period is a number of events, where the queries say how many a second', () => {
  const recordings = recordingsOf(kind('floors of rates'));
  expect(recordings).toMatchObject({
    'bellwether:sli_bad:period': '(sum(rate(bad[1m]))) * 60',
    'bellwether:sli_total:period': '(sum(rate(total[1m]))) * 60',
    'bellwether:sli_error:ratio_5m': 'sum(rate(bad[5m])) / (sum(rate(total[5m])) > 0)',
  });
});

test('a query with a bracket that does not close spoils no others: it has no rules, and a note', () => {
  const { sli, slo } = example('broken', { bad: 'sum(', total: 'sum(total)' });
  const broken = { name: 'broken', sli: { ...sli, name: 'other' }, slo: { ...slo, sli: 'other' } };
  const both = exported(broken, kind('floors'));
  expect(both.groups).toEqual(exported(kind('floors')).groups);
  expect(notesOf(broken)).toEqual([
    'SLO broken: sli: source.prometheus.bad of shop/other has a ( that is not closed, and a file with it would be refused as a whole: there are no rules',
  ]);
});

test('floors are counted over the long look-back', () => {
  const [alert] = alertsOf(kind('floors')) as [AlertingRule];
  expect(alert.expr.split('\nand\n').slice(2)).toEqual([
    'sum_over_time(bellwether:sli_total:period{slo="floors"}[59m59s]) >= 100',
    'sum_over_time(bellwether:sli_bad:period{slo="floors"}[59m59s]) >= 2',
  ]);
});

test('a slice is judged once it is complete, on the grid from the epoch', () => {
  expect(recordingsOf(kind('slices of counts'))['bellwether:slice_error:ratio']).toBe(
    'last_over_time((\nsum(rate(bad[2m])) / (sum(rate(total[2m])) > 0) > bool 0.050000001\n)[2m:2m])',
  );
});

test('SLOs of one SLI share the alert that it is silent', () => {
  const one = example('one', counts);
  const groups = exportPrometheusRules(
    { slos: [one.slo, { ...one.slo, name: 'two' }], slis: [{ ...one.sli, cadence: '5m' }] },
    { absentCadences: 3 },
  ).groups.map(({ name }) => name);
  expect(groups).toEqual([
    'bellwether:one',
    'bellwether:one:budget',
    'bellwether:two',
    'bellwether:two:budget',
    'bellwether-sli:shop/requests',
  ]);
});

describe('what a rule cannot say is said', () => {
  const noted: [string, Example, RegExp][] = [
    ['absent data', kind('bad and total'), /^SLO bad-and-total: missingData: an alert of Prometheus ends/],
    ['a period of the calendar', kind('calendar'), /^SLO calendar: window: PromQL has no range/],
    ['a percentile', kind('percentile'), /^SLO percentile: indicator: Prometheus interpolates/],
    [
      'absent slices of the time before',
      kind('slices of counts, absent ones bad'),
      /missingData: .* the time before counts as bad$/,
    ],
    ['a mean of ratios', kind('ratio of a look-back'), /sli: the query says the ratio over each look-back/],
    [
      'labels',
      kind('words for people'),
      /labels: no-label, __hidden: left out, since Prometheus has no labels of such names/,
    ],
    [
      'labels that the rules use',
      kind('words for people'),
      /labels: severity: left out, since the exported rules set a label of that name themselves: rename it/,
    ],
    [
      'whom to page',
      example('x', counts, { escalationPolicy: 'pay' }),
      /^SLO x: escalationPolicy: is left out/,
    ],
    [
      'what to do about a budget',
      example('x', counts, { errorBudgetPolicy: { steps: [{ remainingBelow: 0, action: 'freeze' }] } }),
      /^SLO x: errorBudgetPolicy: is left out/,
    ],
    [
      'another language',
      example('x', { bad: 'histogram_share(0.2, a[{{.window}}])', total: 'sum(total)' }),
      /^SLO x: sli: a query cannot be read as PromQL: .* refuses the file .*vmalert$/,
    ],
    [
      'a source that is asked seldom',
      example('x', counts, { every: '10m' }),
      /^SLO x: alerting: a look-back of 5m is mostly empty/,
    ],
  ];
  test.each(noted)('%s', (_, one, note) => {
    expect(notesOf(one)).toContainEqual(expect.stringMatching(note));
    expect(exported(one).groups).not.toEqual([]);
  });

  const refused: [string, Example, RegExp][] = [
    [
      'a definition that cannot be evaluated',
      example('x', counts, { budgeting: { method: 'timeslices' } }),
      /^SLO x: budgeting.sliceTarget: is needed.*there are no rules$/,
    ],
    [
      'a threshold of counts',
      example('x', counts, { indicator: { kind: 'threshold', op: 'lte', value: 1 } }),
      /^SLO x: sli: the source counts events/,
    ],
    [
      'a ratio of plain values',
      example('x', { query: 'a' }),
      /^SLO x: sli: the source has values in "count"/,
    ],
  ];
  test.each(refused)('%s has no rules', (_, one, note) => {
    expect(notesOf(one)).toEqual([expect.stringMatching(note)]);
    expect(exported(one).groups).toEqual([]);
  });

  test('a composite has no rules: Prometheus cannot count SLOs together', () => {
    const { slo, sli } = example('x', counts);
    const of = [
      { slo: 'a', weight: 1 },
      { slo: 'b', weight: 1 },
    ];
    const composite = { ...slo, sli: 'x', indicator: { kind: 'composite' as const, of } };
    expect(exportPrometheusRules({ slos: [composite], slis: [sli] })).toMatchObject({
      groups: [],
      notes: [{ path: 'indicator', message: expect.stringMatching(/^is made of other SLOs/) }],
    });
  });

  test('an SLI that is published, or not here, has no rules', () => {
    const { slo, sli } = example('x', counts);
    const { source: _, ...published } = sli;
    const several = [slo, { ...slo, name: 'y' }];
    expect(exportPrometheusRules({ slos: several, slis: [published] }).notes.map(noteText)).toEqual([
      '2 SLOs: sli: their SLIs are published, and not fetched from a Prometheus: there are no rules of x, y. Give the SLIs source.prometheus to have them',
    ]);
    expect(exportPrometheusRules({ slos: [slo], slis: [published] }).notes.map(noteText)).toEqual([
      expect.stringMatching(/^SLO x: sli: shop\/requests is published/),
    ]);
    expect(exportPrometheusRules({ slos: [slo], slis: [] })).toMatchObject({
      groups: [],
      notes: [{ message: expect.stringMatching(/^shop\/requests is not among these definitions/) }],
    });
  });

  test('SLOs of several Prometheus are told apart', () => {
    const one = example('one', counts);
    const two = example('two', counts);
    const there = {
      ...two.sli,
      name: 'other',
      source: { prometheus: { ...counts, url: 'https://eu.example.org' } },
    };
    expect(
      exportPrometheusRules({
        slos: [one.slo, { ...two.slo, sli: 'other' }],
        slis: [one.sli, there],
      }).notes.map(noteText),
    ).toContainEqual(expect.stringMatching(/^SLO two: sli: is fetched from https:\/\/eu.example.org, and/));
  });
});

test('text of people is no template', () => {
  const [alert] = alertsOf(kind('words for people')) as [AlertingRule];
  expect(alert.labels).toEqual({
    owner: 'team {{ "{{" }}pay}}',
    env: 'prod',
    slo: 'words-for-people',
    service: 'shop',
    sli: 'requests',
    severity: 'page',
    tier: 'fast',
  });
  expect(alert.annotations.runbook_url).toBe('https://example.org/{{ "{{" }}a}}');
});
