import { describe, expect, test } from '@jest/globals';
import { faultsOf, queryOver, sli } from '../index.js';

const of = (source: unknown) => {
  const parsed = sli.safeParse({ service: 'checkout', name: 'availability', source });
  return parsed.success ? parsed.data.source : faultsOf(parsed.error);
};
const url = 'http://127.0.0.1:9090';

describe('a Prometheus source', () => {
  test.each([
    { good: 'a', total: 'b' },
    { bad: 'a', total: 'b' },
    { query: 'a' },
    { good: 'a', total: 'b', per: 'second' },
  ])('%j', (queries) => {
    const source = { prometheus: { url, ...queries }, every: '30s' };
    expect(of(source)).toEqual(source);
  });

  test.each([
    [{}, 'none of them'],
    [{ good: 'a' }, 'good'],
    [{ good: 'a', bad: 'b', total: 'c' }, 'good, bad, total'],
    [{ query: 'a', total: 'c' }, 'total, query'],
  ])('%j is refused', (queries, given) => {
    expect(of({ prometheus: { url, ...queries } })).toEqual([
      {
        path: 'source.prometheus',
        message: `must have good and total, or bad and total, or query alone; it has ${given}`,
      },
    ]);
  });

  test('values are of no number of events, and so not of one per second', () => {
    expect(of({ prometheus: { url, query: 'a', per: 'second' } })).toEqual([
      {
        path: 'source.prometheus.per',
        message: 'is of good or bad, and total: a query has values, which are taken as they are',
      },
    ]);
  });

  test('an address with credentials is refused: a definition is for everyone to read', () => {
    expect(of({ prometheus: { url: 'https://me:secret@prometheus.example.org', query: 'a' } })).toEqual([
      { path: 'source.prometheus.url', message: 'must not carry a user name or a password' },
    ]);
  });

  test('sources of other kinds are kept as they are', () => {
    expect(of({ warehouse: { table: 'requests' } })).toEqual({ warehouse: { table: 'requests' } });
  });
});

test('the look-back is put in wherever the template stands', () => {
  expect(queryOver('sum(rate(a[{{.window}}])) / sum(rate(b[{{ .window }}]))', '5m')).toBe(
    'sum(rate(a[5m])) / sum(rate(b[5m]))',
  );
});
