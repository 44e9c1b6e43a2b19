import { describe, expect, test } from '@jest/globals';
import { isRate, queryFaults, queryWarnings } from './query-text.js';

const url = 'http://127.0.0.1:9090';

test.each([
  ['sum(rate(a[5m]))', true],
  ['sum by (region) (irate (a{code=~"5.*/"}[{{.window}}])) # / a minute', true],
  ['(sum(rate(a[5m])) OR on() vector(0)) - sum(rate(b[5m]))', true],
  ['sum(increase(a[5m]))', false],
  ['sum(rate(a[5m])) * 60', false],
  ['sum(rate(a[5m])) / sum(rate(b[5m]))', false],
  ['requests:rate5m', false],
  ['count by (pod) (rate(a[5m]) > 0)', false],
  ['rate(a[5m]) > bool 1', false],
  ['sum(max_over_time(rate(a[5m])[1h:]))', false],
  ['histogram_quantile(0.9, rate(a[5m]))', false],
  ['sum by (count) (rate(requests_count[5m]))', true],
  ['sum(a{q="rate("})', false],
])('%s: a rate? %s', (query, expected) => {
  expect(isRate(query)).toBe(expected);
});

describe('a query that Prometheus will refuse', () => {
  test.each([
    ['sum(', 'has a ( that is not closed'],
    ['sum(a[5m)', 'has a [ that is closed by a )'],
    ['sum(a))', 'has a ) that is not opened'],
    ['sum(a{b="c})', 'has a " that is not closed'],
    ['sum(a) # (', null],
    ['sum(a{b="(\\"", c=~\'[)\'}[{{ .window }}])', null],
  ])('%s: %s', (query, fault) => {
    const faults = fault === null ? [] : [{ name: 'query', path: 'source.prometheus.query', message: fault }];
    expect(queryFaults({ url, query })).toEqual(faults);
  });
});

describe('of rates it is said', () => {
  const rate = (of: string) => `sum(rate(${of}[{{.window}}]))`;

  test('that they are no numbers of events', () => {
    expect(queryWarnings({ url, bad: rate('a'), total: rate('b') })).toEqual([
      'source.prometheus: the queries are rates, which are recorded as if they were numbers of events: say per: second, or use increase(…)',
    ]);
  });

  test('that they do not go with an increase, whatever they are per', () => {
    const source = { url, good: rate('a'), total: 'sum(increase(b[{{.window}}]))' };
    const warning =
      'source.prometheus: one query is a rate, of a second, and the other an increase, of a period: their ratio is none; use increase(…) in both, or rate(…) in both and per: second';
    expect(queryWarnings(source)).toEqual([warning]);
    expect(queryWarnings({ ...source, per: 'second' })).toEqual([warning]);
  });

  test('not where they are known to be rates, nor of values', () => {
    expect(queryWarnings({ url, bad: rate('a'), total: rate('b'), per: 'second' })).toEqual([]);
    expect(queryWarnings({ url, query: rate('a') })).toEqual([]);
    expect(queryWarnings({ url, bad: `1 - histogram_share(0.2, ${rate('a')})`, total: 'vector(1)' })).toEqual(
      [],
    );
  });
});
