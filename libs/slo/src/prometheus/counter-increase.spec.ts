import { describe, expect, test } from '@jest/globals';
import { increaseOf } from './counter-increase.js';

describe('an increase is taken of each counter, where the query is linear in them', () => {
  test.each([
    ['a', 'increase(a[{{.window}}])'],
    ['sum(a)', 'sum(increase(a[{{.window}}]))'],
    ['sum by (code) (a{pod=~"b[0-9]"})', 'sum by (code) (increase(a{pod=~"b[0-9]"}[{{.window}}]))'],
    ['sum(a) without (pod)', 'sum(increase(a[{{.window}}])) without (pod)'],
    ['avg(a) # of replicas', 'avg(increase(a[{{.window}}])) # of replicas'],
    ['(sum(a)) - -sum(b)', '(sum(increase(a[{{.window}}]))) - -sum(increase(b[{{.window}}]))'],
    ['a + on(pod) group_left b', 'increase(a[{{.window}}]) + on(pod) group_left increase(b[{{.window}}])'],
    ['60 * sum(a) / (2 ^ 3)', '60 * sum(increase(a[{{.window}}])) / (2 ^ 3)'],
    ['sum(a) or # none\nvector(0)', 'sum(increase(a[{{.window}}])) or # none\nvector(0)'],
    ['sum(a) + on() vector(0)', 'sum(increase(a[{{.window}}])) + on() vector(0)'],
    ['a # one\noffset 5m', 'increase(a[{{.window}}] # one\noffset 5m)'],
    ['sum(a offset {{.window}})', 'sum(increase(a[{{.window}}] offset {{.window}}))'],
    ['{__name__="a",b="c"}', 'increase({__name__="a",b="c"}[{{.window}}])'],
    ['{"a.b", c="d"}', 'increase({"a.b", c="d"}[{{.window}}])'],
    [
      'label_replace(a, "x", "$1", "y", ".*")',
      'label_replace(increase(a[{{.window}}]), "x", "$1", "y", ".*")',
    ],
    ['histogram_count(a)', 'histogram_count(increase(a[{{.window}}]))'],
    ['sum(increase(a[5m])) + sum(b)', 'sum(increase(a[5m])) + sum(increase(b[{{.window}}]))'],
  ])('%s', (query, expected) => {
    expect(increaseOf(query)).toEqual({ around: 'counters', query: expected });
  });
});

describe('what is no counter stays as it is', () => {
  test.each([
    'sum(rate(a[5m]))',
    'sum(increase(a[{{ .window }}])) - sum(irate(b[1m] offset 5m))',
    'max_over_time(sum(rate(a[5m]))[1h:1m])',
    'count_over_time(a[5m])',
    'vector(1)',
    // Of another language than PromQL.
    'sum(increase(a[5m])) default 0',
  ])('%s', (query) => {
    expect(increaseOf(query)).toEqual({ around: 'nothing', query });
  });
});

describe('elsewhere an increase is taken of the whole, and it says why', () => {
  const names = 'increase takes away the names of metrics, which the query looks at';
  const below = (what: string) => `increase has another meaning below ${what}`;
  test.each([
    ['max(a)', below('max')],
    ['topk(3, a)', below('topk')],
    ['count by (pod) (a)', below('count')],
    ['a > 0', below('>')],
    ['a and b', below('and')],
    ['a unless on(pod) b', below('unless')],
    ['a / b', below('/')],
    ['60 / a', below('/')],
    ['a * on(pod) group_left(team) b', below('*')],
    ['a + 5', below('+')],
    ['sum(a) or vector(1)', below('vector')],
    ['a + scalar(b)', below('scalar')],
    ['round(a)', below('round')],
    ['sum(last_over_time(a[5m]))', below('last_over_time')],
    ['sum(rate(a[5m])) + sum(b)', below('rate')],
    ['sum(a @ end())', 'a counter at a fixed time (@) does not rise'],
    ['sum({__name__=~"a|b"})', '{__name__=~"a|b"} may be of several metrics'],
    ['sum({job="a"})', '{job="a"} may be of several metrics'],
    ['sum by (__name__) (a)', names],
    ['a - ignoring(__name__) b', names],
    ['label_replace(a, "x", "$1", "__name__", ".*")', names],
    ['sum(a) default 0', 'the query cannot be read as PromQL'],
  ])('%s', (query, because) => {
    expect(increaseOf(query)).toEqual({
      around: 'whole',
      query: `increase((${query})[{{.window}}:15s])`,
      because,
    });
  });

  test('a comment at the end of the query ends before the look-back', () => {
    expect(increaseOf('max(a) # of all').query).toBe('increase((\nmax(a) # of all\n)[{{.window}}:15s])');
  });
});
