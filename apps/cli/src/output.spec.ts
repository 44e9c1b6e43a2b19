import { expect, test } from '@jest/globals';
import { amount, burnCell, exhaustion } from './output.js';

test('a burn rate is shown with its window: an hour, else the shortest', () => {
  const [short, hour] = [
    { window: '2m', rate: 20 },
    { window: '1h', rate: 0.9 },
  ];
  expect(burnCell([short, hour])).toBe('0.90 (1h)');
  expect(burnCell([short, { window: '5m', rate: 3 }])).toBe('20.00 (2m)');
  expect(burnCell([{ window: '1h', rate: null }])).toBe('–');
  expect(burnCell([])).toBe('–');
});

test('a budget that lasts for years is not said to the day', () => {
  const now = new Date('2026-11-22T10:00:00Z');
  expect(exhaustion('2081-11-22T10:00:00Z', now)).toBe('not for years');
  expect(exhaustion('2027-11-22T10:00:00Z', now)).toBe('in 365 d');
  expect(exhaustion(null, now)).toBe('–');
});

test('a number of events has two digits behind the point at most', () => {
  expect([278.50867432169616, 1000, 0.1 + 0.2].map(amount)).toEqual(['278.51', '1000', '0.3']);
});
