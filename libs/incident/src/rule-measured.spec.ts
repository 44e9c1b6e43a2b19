import { expect, test } from '@jest/globals';
import { ruleMeasuredText } from './rule-measured.js';

const measured = {
  sli: 'latency',
  aggregate: 'p95',
  window: '5m',
  op: 'gt',
  value: 1.41392,
  threshold: 1,
  clear: 1,
  unit: 's',
  for: '0s',
};

test.each([
  [{}, 'p95 of latency over 5m is 1.414 s (fires above 1 s)'],
  [
    { clear: 0.8, for: '2m' },
    'p95 of latency over 5m is 1.414 s (fires above 1 s for 2m, resolves at 0.8 s)',
  ],
  [
    { aggregate: 'rate', op: 'lte', unit: '1/s', value: null },
    'rate of latency over 5m is not measured (fires up to 1 a second)',
  ],
  [
    { aggregate: 'ratio', unit: 'ratio', value: 0.000251, threshold: 0.0001, clear: 0.0001 },
    'ratio of latency over 5m is 0.000251 (fires above 0.0001)',
  ],
])('what a rule measured with %j is a sentence', (given, sentence) => {
  expect(ruleMeasuredText({ ...measured, ...given })).toBe(sentence);
});
