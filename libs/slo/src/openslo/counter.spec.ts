import { describe, expect, test } from '@jest/globals';
import { exportOpenSlo } from './export.js';
import { at, definitionsOf, imported, prometheus, slo, warningsOf } from './openslo.fixture.js';

describe('a counter is read as how much it rose', () => {
  const counting = (good: string, total: string) =>
    imported(
      slo({
        indicator: {
          metadata: { name: 'requests' },
          spec: { ratioMetric: { counter: true, good: prometheus(good), total: prometheus(total) } },
        },
        alertPolicies: undefined,
      }),
    );
  const sourceOf = (result: ReturnType<typeof imported>) => definitionsOf(result).slis[0]?.source?.prometheus;
  const remarks = (result: ReturnType<typeof imported>) =>
    warningsOf(result).filter((warning) => warning.includes('ratioMetric'));

  test('each by itself, since a sum falls when one of them starts again', () => {
    const result = counting('sum(good)', 'sum(total) or vector(0)');
    expect(sourceOf(result)).toEqual({
      url: at,
      good: 'sum(increase(good[{{.window}}]))',
      total: 'sum(increase(total[{{.window}}])) or vector(0)',
    });
    expect(remarks(result)).toEqual([]);
  });

  test('as a whole where that would say something else, and what to write instead is said of each query', () => {
    const result = counting('max(good)', 'sum(total) > 0');
    expect(sourceOf(result)).toEqual({
      url: at,
      good: 'increase((max(good))[{{.window}}:15s])',
      total: 'increase((sum(total) > 0)[{{.window}}:15s])',
    });
    const said = (metric: string, operator: string) =>
      `SLO web-availability: spec.indicator.spec.ratioMetric.${metric}: increase has another meaning below ${operator}: the increase is taken of the query as a whole, and a restart of one instance is miscounted as one of all; write increase(<counter>[{{.window}}]) around each counter of good, bad and total, and counter: false`;
    expect(remarks(result)).toEqual([said('good', 'max'), said('total', '>')]);
  });

  test('not where it is none', () => {
    const result = counting('sum(increase(good[1m]))', 'sum(increase(total[1m]))');
    expect(sourceOf(result)).toMatchObject({ good: 'sum(increase(good[1m]))' });
    expect(remarks(result)).toEqual([
      'SLO web-availability: spec.indicator.spec.ratioMetric.counter: is true, but a query has a look-back of its own or no counter at all: it is taken as it is',
    ]);
  });

  test('once: what is exported has no counters', () => {
    const definitions = definitionsOf(counting('sum(good)', 'max(total)'));
    const again = imported(exportOpenSlo(definitions), { strict: true });
    expect(definitionsOf(again)).toEqual(definitions);
    expect(remarks(again)).toEqual([]);
  });
});
