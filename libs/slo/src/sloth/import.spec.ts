import { describe, expect, test } from '@jest/globals';
import { type Imported, noteText } from '../interchange/notes.js';
import { importSloth } from './import.js';

const prometheusUrl = 'http://127.0.0.1:9090';

function specification(slo: object = {}, rest: object = {}) {
  return {
    version: 'prometheus/v1',
    service: 'shop',
    labels: { owner: 'team-pay', tier: '2' },
    slos: [
      {
        name: 'availability',
        objective: 99.9,
        description: 'Requests succeed',
        sli: {
          events: {
            error_query: 'sum(rate(errors[{{.window}}]))\n',
            total_query: 'sum(rate(requests[{{.window}}]))',
          },
        },
        alerting: { name: 'ShopErrors', labels: { category: 'availability' } },
        ...slo,
      },
    ],
    ...rest,
  };
}
const imported = (...documents: object[]) => importSloth(documents, { prometheusUrl });
const definitionsOf = (result: Imported) => {
  if (!result.ok) throw new Error(result.faults.map(noteText).join('\n'));
  return result.definitions;
};

test('a specification is a service, an SLI and an SLO', () => {
  expect(definitionsOf(imported(specification()))).toMatchObject({
    services: [{ name: 'shop', team: 'team-pay' }],
    slis: [
      {
        service: 'shop',
        name: 'availability',
        unit: 'count',
        source: {
          prometheus: {
            url: prometheusUrl,
            bad: 'sum(rate(errors[{{.window}}]))',
            total: 'sum(rate(requests[{{.window}}]))',
            per: 'second',
          },
        },
      },
    ],
    slos: [
      {
        name: 'shop-availability',
        service: 'shop',
        sli: 'availability',
        objective: 0.999,
        indicator: { kind: 'ratio' },
        budgeting: { method: 'occurrences' },
        window: { rolling: '30d' },
        alerting: { preset: 'google-sre' },
        owner: 'team-pay',
        labels: { owner: 'team-pay', tier: '2', category: 'availability' },
      },
    ],
  });
});

test('what is counted and not a rate is recorded as it is', () => {
  const events = {
    error_query: 'sum(increase(e[{{.window}}]))',
    total_query: 'sum(increase(t[{{.window}}]))',
  };
  const { slis } = definitionsOf(imported(specification({ sli: { events } })));
  expect(slis[0]?.source?.prometheus?.per).toBeUndefined();
});

test('what its queries count otherwise than it seems is told of where they stand', () => {
  const warned = (error_query: string, total_query: string) => {
    const alerting = {};
    return imported(specification({ alerting, sli: { events: { error_query, total_query } } })).warnings.map(
      noteText,
    );
  };
  expect(warned('sum(rate(e[5m]))', 'sum(increase(t[5m]))')).toEqual([
    expect.stringMatching(
      /SLO availability: slos.0.sli.events: one query is a rate, .*and the other an increase/,
    ),
  ]);
  expect(warned('sum(rate(e[5m]))', 'sum(rate(t[5m])')).toEqual([
    'service shop, SLO availability: slos.0.sli.events.total_query: has a ( that is not closed: Prometheus will refuse it',
  ]);
});

test('a raw ratio of errors is a value: the ratio of what is good', () => {
  const { slis } = definitionsOf(
    imported(specification({ sli: { raw: { error_ratio_query: 'avg_over_time(e[{{.window}}])' } } })),
  );
  expect(slis[0]).toMatchObject({
    unit: 'ratio',
    source: { prometheus: { query: '1 - (avg_over_time(e[{{.window}}]))' } },
  });
});

test('a raw ratio may end in a comment', () => {
  const { slis } = definitionsOf(
    imported(specification({ sli: { raw: { error_ratio_query: 'errors:ratio # of requests' } } })),
  );
  expect(slis[0]?.source?.prometheus?.query).toBe('1 - (\nerrors:ratio # of requests\n)');
});

test('alerts can be turned off, each severity on its own', () => {
  const alertingOf = (alerting: object) =>
    definitionsOf(imported(specification({ alerting }))).slos[0]?.alerting;
  expect(alertingOf({ page_alert: { disable: true }, ticket_alert: { disable: true } })).toEqual({
    preset: 'none',
  });
  expect(alertingOf({ ticket_alert: { disable: true } })).toEqual({
    preset: 'google-sre',
    windows: [
      { severity: 'page', tier: 'fast', long: '1h', short: '5m', burn: 14.4 },
      { severity: 'page', tier: 'slow', long: '6h', short: '30m', burn: 6 },
    ],
  });
});

test('an alert that the objective makes unreachable is left out, and said', () => {
  const result = imported(specification({ objective: 90, alerting: { ticket_alert: { disable: true } } }));
  expect(definitionsOf(result).slos[0]?.alerting).toMatchObject({
    windows: [{ severity: 'page', tier: 'slow', burn: 6 }],
  });
  expect(result.warnings.map(noteText)).toEqual([
    expect.stringMatching(
      /slos.0.objective: .*can never fire, and are left out: page fast \(burn rate 14.4\);/,
    ),
  ]);
});

test('a runbook annotation is the runbook, and routing labels are told of', () => {
  const result = imported(
    specification({
      alerting: {
        annotations: { runbook: 'https://example.org/runbook' },
        page_alert: { labels: { severity: 'pageteam' } },
      },
    }),
  );
  expect(definitionsOf(result).slos[0]?.runbookUrl).toBe('https://example.org/runbook');
  expect(result.warnings.map(noteText)).toEqual([
    'service shop, SLO availability: slos.0.alerting.page_alert.labels: page_alert severity=pageteam: left out, the escalationPolicy of the SLO or its service says who is notified',
  ]);
  expect(result).toMatchObject({ routing: { 'shop-availability': 'page_alert severity=pageteam' } });
});

describe('a plugin of SLOs that is known is left out, and what that means is said', () => {
  test.each([
    ['core/alert_rules', 'is about the rules that Sloth writes'],
    ['contrib/denominator_corrected_rules', 'the budget counts events anyhow'],
    ['contrib/validate_victoria_metrics', 'answered by VictoriaMetrics alone'],
  ])('%s', (plugin, meaning) => {
    const chain = [{ id: `sloth.dev/${plugin}/v1` }];
    const result = imported(specification({ alerting: {} }, { slo_plugins: { chain } }));
    expect(definitionsOf(result)).toEqual(definitionsOf(imported(specification({ alerting: {} }))));
    expect(result.warnings.map(noteText)).toEqual([
      expect.stringMatching(`slo_plugins.chain.0: sloth.dev/${plugin}/v1 is left out: .*${meaning}`),
    ]);
  });
});

test('a total that is no traffic weighs every period alike, which is said', () => {
  const events = { error_query: 'errors:ratio', total_query: 'vector(1)[{{.window}}]' };
  const result = imported(specification({ alerting: {}, sli: { events } }));
  expect(definitionsOf(result).slis[0]?.source?.prometheus).toMatchObject({ total: events.total_query });
  expect(result.warnings.map(noteText)).toEqual([
    expect.stringContaining('slos.0.sli.events.total_query: is the same in every period'),
  ]);
});

test('names and texts of alerts are told of, routing labels once for each SLO', () => {
  const result = imported(
    specification({
      alerting: {
        name: 'ShopErrors',
        annotations: { summary: 'too many', runbook: 'https://example.org/runbook' },
        page_alert: { labels: { routing_key: 'x' }, annotations: { team: 'y' } },
        ticket_alert: { labels: { slack_channel: '#z' } },
      },
    }),
  );
  expect(result.warnings.map(({ path, message }) => `${path}: ${message}`).sort()).toEqual([
    'slos.0.alerting.annotations: summary: left out, alerts have no texts of their own',
    'slos.0.alerting.name: is left out: an alert is named by its SLO, its severity and its tier',
    'slos.0.alerting.page_alert.annotations: are left out: alerts have no texts of their own',
    'slos.0.alerting.page_alert.labels: page_alert routing_key=x, ticket_alert slack_channel=#z: left out, the escalationPolicy of the SLO or its service says who is notified; a ticket alert declares no incident and notifies nobody until the SLO has declare: { ticket: sev3 }, or another severity',
  ]);
});

test('two files about one service keep their remarks apart', () => {
  const [one, other] = [specification(), specification({ name: 'latency' })];
  const { warnings } = imported(one, other);
  expect(warnings.map(({ document }) => document)).toEqual([one, other]);
});

describe('is refused', () => {
  const cases: [string, object, string][] = [
    ['no specification', { version: 'prometheus/v2' }, 'is no Sloth specification'],
    [
      'OpenSLO',
      { apiVersion: 'openslo/v1', kind: 'SLO' },
      'is OpenSLO, and no Sloth specification: import it as',
    ],
    ['no service', specification({}, { service: undefined }), 'service: is required'],
    ['no SLO', specification({}, { slos: [] }), 'slos: must have at least one'],
    ['an objective of 100', specification({ objective: 100 }), 'slos.0.objective: must be a percentage'],
    ['no SLI', specification({ sli: {} }), 'slos.0.sli: must have events'],
    [
      'an SLI of two types',
      specification({ sli: { ...specification().slos[0]?.sli, raw: { error_ratio_query: 'e' } } }),
      'slos.0.sli: has events and raw: Sloth takes one of them',
    ],
    [
      'one query',
      specification({ sli: { events: { error_query: 'a' } } }),
      'slos.0.sli.events.total_query: is required',
    ],
    [
      'an unknown plugin',
      specification({ plugins: { chain: [{ id: 'me/x/v1' }] } }),
      'slos.0.plugins.chain.0: me/x/v1',
    ],
    [
      'the same name twice',
      specification({}, { slos: [...specification().slos, { ...specification().slos[0], objective: 99 }] }),
      'slos.1.name: shop-availability is there already',
    ],
    [
      'a catalogue without a period',
      { kind: 'AlertWindows', metadata: { name: 'x' }, spec: {} },
      'AlertWindows x: spec.sloPeriod: (missing) must be a duration',
    ],
  ];
  test.each(cases)('%s', (_, document, message) => {
    const result = imported(document);
    expect(result.ok ? [] : result.faults.map(noteText)).toContainEqual(expect.stringContaining(message));
  });

  const alert = (errorBudgetPercent: number, shortWindow: string, longWindow: string) => ({
    errorBudgetPercent,
    shortWindow,
    longWindow,
  });
  const catalogue = (sloPeriod: string, quick = alert(2, '5m', '1h')) => ({
    apiVersion: 'sloth.slok.dev/v1',
    kind: 'AlertWindows',
    metadata: { name: 'x' },
    spec: {
      sloPeriod,
      page: { quick, slow: alert(5, '30m', '6h') },
      ticket: { quick: alert(10, '2h', '1d'), slow: alert(10, '6h', '3d') },
    },
  });
  test.each([
    [
      '2d',
      undefined,
      'spec.ticket.slow.longWindow: 3d, read as alerting.windows.3.long, must not be longer than',
    ],
    ['500d', undefined, 'spec.sloPeriod: 500d, read as window.rolling, must not be longer than measurements'],
    [
      '30d',
      alert(2, '2h', '1h'),
      'spec.page.quick.shortWindow: 2h, read as alerting.windows.0.short, must not be',
    ],
  ])('a catalogue of %s that no SLO can have here, where it stands: %j', (period, quick, fault) => {
    const document = catalogue(period, quick);
    const result = imported(document, specification());
    expect(result.ok ? [] : result.faults.map(noteText)).toEqual([
      expect.stringContaining(`AlertWindows x: ${fault}`),
    ]);
    expect(result).toMatchObject({ faults: [{ document }] });
  });

  test('strictly: a field that is not known', () => {
    const document = specification({ threshold: 1 });
    expect(imported(document)).toMatchObject({
      ok: true,
      warnings: [{ path: 'slos.0.threshold', document }, { path: 'slos.0.alerting.name' }],
    });
    expect(importSloth([document], { prometheusUrl, strict: true })).toMatchObject({
      ok: false,
      faults: [{ path: 'slos.0.threshold' }],
    });
  });
});
