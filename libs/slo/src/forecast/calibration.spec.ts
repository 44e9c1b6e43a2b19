import { expect, jest, test } from '@jest/globals';
import { minuteOf } from '../index.js';
import { planOf } from '../virtual-time.fixture.js';
import { type Counts, lookAhead, spanOf } from './past.fixture.js';
import { seeded } from './robust.js';

// Months of minutes, on a machine that may be busy.
jest.setTimeout(60_000);

const NOW = Date.parse('2026-11-10T12:00:00Z');
const FROM = minuteOf(NOW);
const DAYS = 4;

/** Ten weeks of a service with busy days and quiet nights, some noise, and an incident of an hour every few days. */
function lifeOf(seed: number): Counts {
  const draw = seeded(seed);
  const first = Math.floor(FROM / 60) - 60 * 24;
  const hours = Array.from({ length: 70 * 24 }, (_, i) => {
    const total = 200 + 150 * Math.sin(((first + i) / 24) * 2 * Math.PI);
    const share = draw() < 1 / 72 ? 0.3 : 0.005 * (0.5 + draw());
    return [Math.round(total * (1 - share)), Math.round(total)] as const;
  });
  return (minute) => (minute % 60 === 0 ? (hours[minute / 60 - first] ?? null) : null);
}

test('about eight of ten budgets turn out to be within the interval, and one of ten on either side', () => {
  const plan = planOf({ objective: 0.98, window: { rolling: '14d' }, alerting: { preset: 'none' } });
  const courses = 30;
  let below = 0;
  let above = 0;
  for (let seed = 1; seed <= courses; seed++) {
    const past = lifeOf(seed);
    const { points } = lookAhead(plan, { past, now: NOW, days: DAYS, history: 56 });
    const { low, high } = points.at(-1) as { low: number; high: number };
    const after = FROM + DAYS * 1440;
    const actual = 1 - (spanOf(after - 14 * 1440, after - 1, past).sum().errorRatio as number) / 0.02;
    if (actual < low) below++;
    if (actual > high) above++;
  }
  expect(below / courses).toBeLessThan(0.25);
  expect(above / courses).toBeLessThan(0.25);
  // Nor is it so wide that nothing is ever outside.
  expect(below + above).toBeGreaterThan(0);
});
