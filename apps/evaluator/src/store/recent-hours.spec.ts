import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { changedSince, type RecentHours, withChanged } from './recent-hours.js';

test('whoever follows hears of every hour that changed, or that it cannot be told any more', () => {
  const flushes = fc.array(fc.uniqueArray(fc.nat(30), { minLength: 0, maxLength: 20 }), { maxLength: 40 });
  fc.assert(
    fc.property(flushes, fc.nat(40), (log, seen) => {
      let recent: RecentHours = [];
      const truth = new Set<number>();
      for (const [i, hours] of log.entries()) {
        recent = withChanged(recent, hours, i + 1);
        if (i + 1 > seen) for (const hour of hours) truth.add(hour);
      }
      expect(recent.length).toBeLessThanOrEqual(16);
      const told = changedSince(recent, seen);
      if (told === null) expect(truth.size).toBeGreaterThan(0);
      else expect(new Set(told)).toEqual(truth);
    }),
  );
});

test('live measurements are always told', () => {
  let recent: RecentHours = [];
  for (let revision = 1; revision <= 100; revision++) recent = withChanged(recent, [500, 501], revision);
  expect(changedSince(recent, 0)).toEqual([500, 501]);
  expect(changedSince(recent, 100)).toEqual([]);
});
