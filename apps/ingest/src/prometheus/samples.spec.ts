import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Series } from './query-api.js';
import { type Answers, samplesOf } from './samples.js';

const T = 1_795_000_000;
const at = T * 1000;
const series = (values: number[], labels: Record<string, string> = {}): Series => ({
  labels,
  values: values.map((value, i) => [T + i * 60, value] as const),
});
const read = (answers: Answers) => Object.fromEntries(samplesOf(answers).periods);

type Row = { region: string; code: string; events: number };
const eventsOf = (rows: Row[]) => rows.reduce((sum, { events }) => sum + events, 0);

/** `sum by (…)`: no series of what there is none of. */
function sumBy(rows: Row[], by: readonly ('region' | 'code')[]): Series[] {
  const labelsOf = (row: Row) => Object.fromEntries(by.map((label) => [label, row[label]]));
  const groups = Map.groupBy(rows, (row) => JSON.stringify(labelsOf(row)));
  return [...groups.values()].map((group) => series([eventsOf(group)], labelsOf(group[0] as Row)));
}

describe('good or bad, and total', () => {
  test('are counts of each period', () => {
    expect(read({ good: [series([9, 5])], total: [series([10, 5])] })).toEqual({
      [at]: [{ good: 9, total: 10 }],
      [at + 60_000]: [{ good: 5, total: 5 }],
    });
    expect(read({ bad: [series([0.25])], total: [series([1])] })).toEqual({
      [at]: [{ good: 0.75, total: 1 }],
    });
  });

  test('of events per second are as many as a period has', () => {
    const answers = { bad: [series([0.25])], total: [series([2])] };
    expect(Object.fromEntries(samplesOf(answers, 60).periods)).toEqual({ [at]: [{ good: 105, total: 120 }] });
  });

  test('no traffic is a measurement of nothing', () => {
    expect(read({ bad: [series([0])], total: [series([0])] })).toEqual({ [at]: [{ good: 0, total: 0 }] });
  });

  test.each([
    ['NaN', { bad: [series([Number.NaN])], total: [series([1])] }],
    ['a total that is NaN', { bad: [series([1])], total: [series([Number.NaN])] }],
    ['no series of the one', { bad: [], total: [series([1])] }],
    ['no series of the other', { good: [series([1])], total: [] }],
  ])('%s is no data, and not 0', (_, answers) => {
    expect(read(answers)).toEqual({});
  });

  test('of several series are those of the same labels, in whatever order', () => {
    const eu = { region: 'eu', zone: 'a' };
    expect(
      read({
        good: [series([1], { region: 'us' }), series([2], eu)],
        total: [series([4], { zone: 'a', region: 'eu' }), series([8], { region: 'us' })],
      }),
    ).toEqual({
      [at]: [
        { good: 2, total: 4, labels: eu },
        { good: 1, total: 8, labels: { region: 'us' } },
      ],
    });
  });

  test('a series that the total alone has is none of the other: an outage is not lost, nor traffic without errors', () => {
    const code = (value: string) => ({ code: value });
    const total = [series([100], code('200')), series([10], code('500'))];
    expect(read({ good: [series([100], code('200'))], total })).toEqual({
      [at]: [
        { good: 100, total: 100, labels: code('200') },
        { good: 0, total: 10, labels: code('500') },
      ],
    });
    expect(read({ bad: [series([10], code('500'))], total })).toEqual({
      [at]: [
        { good: 100, total: 100, labels: code('200') },
        { good: 0, total: 10, labels: code('500') },
      ],
    });
  });

  test('is so by the period: what was there once is no answer for another one', () => {
    const eu = { region: 'eu' };
    const bad = [{ labels: eu, values: [[T + 60, 2]] as const }];
    expect(read({ bad, total: [series([5, 5], eu), series([7, 7], { region: 'us' })] })).toEqual({
      [at + 60_000]: [
        { good: 3, total: 5, labels: eu },
        { good: 7, total: 7, labels: { region: 'us' } },
      ],
    });
  });

  test('"or vector(0)" says none, also beside series with labels', () => {
    const eu = { region: 'eu' };
    const none = series([0]);
    const allGood = { [at]: [{ good: 5, total: 5, labels: eu }] };
    expect(read({ bad: [none], total: [series([5], eu)] })).toEqual(allGood);
    expect(read({ bad: [none], total: [series([5], eu), none] })).toEqual(allGood);
    expect(read({ bad: [series([2], eu), none], total: [series([5], eu)] })).toEqual({
      [at]: [{ good: 3, total: 5, labels: eu }],
    });
    expect(read({ bad: [none], total: [none] })).toEqual({ [at]: [{ good: 0, total: 0 }] });
  });

  test('series that the name of their metric told apart count together', () => {
    expect(read({ bad: [series([1]), series([2])], total: [series([5]), series([7])] })).toEqual({
      [at]: [{ good: 9, total: 12 }],
    });
  });

  test.each(['good', 'bad'] as const)('sums of %s and total are what PromQL divides', (part) => {
    const traffic = fc.array(
      fc.record({
        region: fc.constantFrom('eu', 'us', 'cn'),
        code: fc.constantFrom('200', '404', '500', '503'),
        events: fc.nat(1_000),
      }),
      { maxLength: 12 },
    );
    const labels = fc.subarray(['region', 'code'] as const);
    fc.assert(
      fc.property(traffic, labels, fc.boolean(), (rows, by, orNone) => {
        const ofPart = rows.filter(({ code }) => code.startsWith('5') === (part === 'bad'));
        const answers = [sumBy(ofPart, by), sumBy(rows, by)] as const;
        if (orNone && !answers[0].some((one) => Object.keys(one.labels).length === 0))
          answers[0].push(series([0]));
        const { periods, faults } = samplesOf({ [part]: answers[0], total: answers[1] });
        expect(faults.size).toBe(0);
        const samples = periods.get(at) as { good: number; total: number }[] | undefined;
        // A vector that is empty has no sum, and a quotient with it is empty.
        if (answers[0].length === 0 || answers[1].length === 0) return expect(samples).toBeUndefined();
        const [some, all] = [eventsOf(ofPart), eventsOf(rows)];
        expect(samples?.reduce((sum, { total }) => sum + total, 0)).toBe(all);
        expect(samples?.reduce((sum, { good }) => sum + good, 0)).toBe(part === 'good' ? some : all - some);
      }),
    );
  });

  test('more than all by a rounding is all, less than nothing by a rounding nothing', () => {
    expect(read({ good: [series([10.000000001])], total: [series([10])] })).toEqual({
      [at]: [{ good: 10, total: 10 }],
    });
    expect(read({ bad: [series([-1e-9])], total: [series([10])] })).toEqual({
      [at]: [{ good: 10, total: 10 }],
    });
  });

  test.each([
    [
      'more than all',
      { good: [series([11, 5])], total: [series([10, 5])] },
      '"good" is 11, more than the total of 10',
    ],
    [
      'less than nothing',
      { bad: [series([-1, 0])], total: [series([10, 5])] },
      '"bad" is -1, and must not be negative',
    ],
    [
      'without end',
      { bad: [series([1, 0])], total: [series([Number.POSITIVE_INFINITY, 5])] },
      '"total" is Infinity, and must not be above 1e12',
    ],
    [
      'wrong in one of several series',
      {
        bad: [series([1, 0]), series([9], { region: 'eu' })],
        total: [series([2, 5]), series([8], { region: 'eu' })],
      },
      '"bad" of {region="eu"} is 9, more than the total of 8',
    ],
    [
      'of a series that has no total',
      {
        bad: [series([1, 0]), series([9], { region: 'eu' })],
        total: [series([2, 5])],
      },
      '"bad" of {region="eu"} is 9, and "total" has no series of the same labels: aggregate both by the same ones',
    ],
    [
      'unknown of one of several series',
      {
        bad: [series([1, 0]), series([Number.NaN], { region: 'eu' })],
        total: [series([2, 5]), series([8], { region: 'eu' })],
      },
      '"bad" of {region="eu"} is NaN, and others are not',
    ],
    [
      'of no series of the total but one that is none',
      {
        bad: [series([3, 0])],
        total: [series([0, 5]), { labels: { region: 'eu' }, values: [[T, 8]] as const }],
      },
      '"bad" is 3, more than the total of 0',
    ],
  ])('a period that is %s is left out, and said', (_, answers, fault) => {
    const { periods, faults } = samplesOf(answers);
    expect(Object.fromEntries(periods)).toEqual({ [at + 60_000]: [{ good: 5, total: 5 }] });
    expect(Object.fromEntries(faults)).toEqual({ [at]: fault });
  });
});

describe('values', () => {
  test('are points; NaN is no data, and what is infinite is the largest number there is', () => {
    expect(
      read({ query: [series([0.5, Number.NaN, Number.POSITIVE_INFINITY]), series([7], { code: '200' })] }),
    ).toEqual({
      [at]: [{ value: 0.5 }, { value: 7, labels: { code: '200' } }],
      [at + 120_000]: [{ value: 1e12 }],
    });
  });
});

test('series that are too many, or have too many labels, are a failure that says what to do', () => {
  const many = Array.from({ length: 1_001 }, (_, i) => series([1], { i: String(i) }));
  expect(() => samplesOf({ query: many })).toThrow(
    '"query" has 1001 series, 1000 at most are taken: aggregate them',
  );
  const wide = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`l${i}`, 'x']));
  expect(() => samplesOf({ query: [series([1], wide)] })).toThrow(
    /series with 17 labels, 16 at most are taken/,
  );
});
