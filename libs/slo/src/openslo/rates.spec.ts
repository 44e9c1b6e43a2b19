import type { PrometheusSource } from '@bellwether/contracts';
import { expect, test } from '@jest/globals';
import { exportOpenSlo } from './export.js';
import { at, definitionsOf, imported, prometheus, slo, warningsOf } from './openslo.fixture.js';

const counting = (good: string, total: string) =>
  imported(
    slo({
      indicator: {
        metadata: { name: 'requests' },
        spec: { ratioMetric: { counter: false, good: prometheus(good), total: prometheus(total) } },
      },
    }),
  );
const sourceOf = (result: ReturnType<typeof imported>) => definitionsOf(result).slis[0]?.source?.prometheus;
const remarks = (result: ReturnType<typeof imported>) =>
  warningsOf(result).filter((warning) => warning.includes('ratioMetric'));

test('events of which both queries are rates are events per second', () => {
  const result = counting('sum(rate(good[5m]))', 'sum(rate(total[5m]))');
  expect(sourceOf(result)).toEqual({
    url: at,
    good: 'sum(rate(good[5m]))',
    total: 'sum(rate(total[5m]))',
    per: 'second',
  });
  expect(remarks(result)).toEqual([]);
});

test('a rate of another unit is taken as it is', () => {
  const result = counting('sum(rate(good[5m])) * 60', 'sum(rate(total[5m])) * 60');
  expect(sourceOf(result)).not.toHaveProperty('per');
  expect(remarks(result)).toEqual([]);
});

test('one that goes with an increase is told of', () => {
  const result = counting('sum(rate(good[5m]))', 'sum(increase(total[5m]))');
  expect(sourceOf(result)).not.toHaveProperty('per');
  expect(remarks(result)).toEqual([
    expect.stringMatching(
      /spec.indicator.spec.ratioMetric: one query is a rate, of a second, and the other an increase/,
    ),
  ]);
});

test('so is a definition of ours that records rates as they are', () => {
  const definitions = definitionsOf(counting('sum(rate(good[5m]))', 'sum(rate(total[5m]))'));
  const slis = definitions.slis.map((sli) => ({
    ...sli,
    source: { prometheus: { ...(sli.source?.prometheus as PrometheusSource), per: undefined } },
  }));
  const asTheyAre = { ...definitions, slis };
  const again = imported(exportOpenSlo(asTheyAre));
  expect(definitionsOf(again)).toEqual(asTheyAre);
  expect(remarks(again)).toEqual([
    expect.stringMatching(/the queries are rates, which are recorded as if they were numbers of events/),
  ]);
});

test('a query that Prometheus will refuse is told of where it stands', () => {
  expect(remarks(counting('sum(good)', 'sum(total'))).toEqual([
    expect.stringMatching(/ratioMetric.total: has a [(] that is not closed: Prometheus will refuse it$/),
  ]);
});
