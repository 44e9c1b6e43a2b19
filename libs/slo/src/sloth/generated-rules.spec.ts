import { describe, expect, test } from '@jest/globals';
import { noteText } from '../interchange/notes.js';
import { importSloth } from './import.js';

const prometheusUrl = 'http://127.0.0.1:9090';
const specification = {
  version: 'prometheus/v1',
  service: 'Shop',
  slos: [{ name: 'availability', objective: 99.9, sli: { plugin: { id: 'mine', options: { job: 'a' } } } }],
};

/** Rules as `sloth generate` writes them, with the expression of each window. */
function generated(expression: (window: string) => string, windows = ['5m', '30m', '1h', '3d']) {
  const labels = { sloth_id: 'Shop-availability', sloth_service: 'Shop' };
  const rule = (window: string, expr: string) => ({
    record: `slo:sli_error:ratio_rate${window}`,
    expr,
    labels: { ...labels, sloth_window: window },
  });
  return {
    groups: [
      {
        name: 'sloth-slo-sli-recordings-Shop-availability',
        rules: [
          ...windows.map((window) => rule(window, expression(window))),
          rule('30d', 'sum_over_time(slo:sli_error:ratio_rate5m{sloth_id="Shop-availability"}[30d])'),
        ],
      },
      {
        name: 'sloth-slo-meta-recordings-Shop-availability',
        rules: [{ record: 'slo:objective:ratio', expr: 'vector(0.999)', labels }],
      },
    ],
  };
}

const importWith = (rules: object) => importSloth([specification, rules], { prometheusUrl });
function sliOf(expression: (window: string) => string) {
  const result = importWith(generated(expression));
  if (!result.ok) throw new Error(result.faults.map(noteText).join('\n'));
  return result.definitions.slis[0];
}
const faultsOf = (result: ReturnType<typeof importSloth>) => (result.ok ? [] : result.faults.map(noteText));

describe('an SLI that is a plugin has its queries from the rules that Sloth generated', () => {
  test('the events of a quotient of rates', () => {
    expect(
      sliOf((window) => `(\nsum(rate(bad{a="/"}[${window}]))\n/\nsum(rate(total[${window}])))\n`),
    ).toMatchObject({
      unit: 'count',
      source: {
        prometheus: {
          bad: 'sum(rate(bad{a="/"}[{{.window}}]))',
          total: 'sum(rate(total[{{.window}}]))',
          per: 'second',
        },
      },
    });
  });

  test('of increases', () => {
    const { prometheus } =
      sliOf((window) => `sum(increase(bad[${window}])) / sum(increase(total[${window}]))`)?.source ?? {};
    expect(prometheus).toEqual({
      url: prometheusUrl,
      bad: 'sum(increase(bad[{{.window}}]))',
      total: 'sum(increase(total[{{.window}}]))',
    });
  });

  test.each([
    ['a ratio of its own', 'avg_over_time(errors:ratio[{{.window}}])'],
    ['a quotient of which nobody knows that it is of events', 'avg(bad[{{.window}}:]) / avg(total)'],
    ['a quotient that says how series match', 'rate(a[{{.window}}]) / on(b) rate(c[{{.window}}])'],
  ])('%s is a value', (_, error) => {
    expect(sliOf((window) => error.replaceAll('{{.window}}', window))).toMatchObject({
      unit: 'ratio',
      source: { prometheus: { query: `1 - (${error})` } },
    });
  });

  test('a duration that is not the look-back stays what it is', () => {
    const error = 'avg_over_time(errors_5m:ratio{every="5m"}[{{.window}}] offset 5m)';
    expect(sliOf((window) => error.replaceAll('{{.window}}', window))?.source?.prometheus?.query).toBe(
      `1 - (${error})`,
    );
  });
});

describe('without them it is refused, and it says what to give', () => {
  const refused =
    'service Shop, SLO availability: slos.0.sli.plugin: mine is code that runs inside of Sloth, and its queries are not in this file: import it together with the rules that sloth generate makes of it, which have them for sloth_id Shop-availability, or write them as sli.events';

  test('alone', () => {
    expect(faultsOf(importSloth([specification], { prometheusUrl }))).toEqual([refused]);
  });

  test.each([
    ['rules that do not show what the look-back is', generated((window) => `errors:ratio_${window}`)],
    ['rules of one window', generated((window) => `avg_over_time(a[${window}])`, ['5m'])],
  ])('with %s', (_, rules) => {
    expect(faultsOf(importWith(rules))).toEqual([refused]);
  });

  test('rules of another tool are no part of it', () => {
    const other = { groups: [{ name: 'a', rules: [{ record: 'b', expr: 'c' }] }] };
    expect(faultsOf(importWith(other))).toContainEqual(expect.stringContaining('is no Sloth specification'));
  });
});
