import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DecimalColumn } from './decimal-column.js';

const column = new DecimalColumn();

function written(values: readonly number[]): string {
  column.clear();
  for (const value of values) column.push(value);
  return `[${column.text}]`;
}

test('numbers are written as JSON has them', () => {
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.maxSafeInteger(),
    fc.integer(),
    fc.nat(2_000_000),
    fc.constantFrom(
      0,
      999_999,
      1_000_000,
      1e12 - 1,
      1e12,
      1e15,
      2 ** 53,
      1e21,
      1e-7,
      5e-324,
      1.7976931348623157e308,
    ),
  );
  fc.assert(
    fc.property(fc.array(number.map((value) => value + 0)), (values) => {
      expect(written(values)).toBe(JSON.stringify(values));
    }),
    { numRuns: 2_000 },
  );
});

test('any number of them', () => {
  const values = Array.from({ length: 10_000 }, (_, i) => 1_700_000_000_000 + i);
  expect(written(values)).toBe(JSON.stringify(values));
  expect(written([])).toBe('[]');
});
