import { describe, expect, test } from '@jest/globals';
import type { Series } from './query-api.js';
import { type Answers, samplesOf } from './samples.js';

const T = 1_795_000_000;
const at = T * 1000;
const series = (values: number[], labels: Record<string, string> = {}): Series => ({
  labels,
  values: values.map((value, i) => [T + i * 60, value] as const),
});
const read = (answers: Answers) => Object.fromEntries(samplesOf(answers).periods);

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
        total: [
          series([4], { zone: 'a', region: 'eu' }),
          series([8], { region: 'us' }),
          series([9], { region: 'cn' }),
        ],
      }),
    ).toEqual({
      [at]: [
        { good: 2, total: 4, labels: eu },
        { good: 1, total: 8, labels: { region: 'us' } },
      ],
    });
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
      '"bad" is 9, more than the total of 8',
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
