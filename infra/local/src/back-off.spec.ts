import { expect, test } from '@jest/globals';
import { BackOff } from './back-off.js';

test('waits twice as long after each failure, up to a limit, and afresh after a stable run', () => {
  const backOff = new BackOff(100, 1_000, 30_000);
  expect([0, 0, 0, 0, 0, 0].map((ranMs) => backOff.next(ranMs))).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(backOff.failures).toBe(6);
  expect(backOff.next(29_999)).toBe(1_000);
  expect(backOff.next(30_000)).toBe(100);
  expect(backOff.next(0)).toBe(200);
});
