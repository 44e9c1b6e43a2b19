import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MinuteSpan } from './minute-span.js';
import { Series } from './series.js';
import { Tally } from './tally.js';
import { MINUTE } from './time-grid.js';

const START = 29_000_000;

const measured = fc.array(
  fc.record({
    minute: fc.integer({ min: START, max: START + 300 }),
    good: fc.double({ min: 0, max: 1_000, noNaN: true }),
    bad: fc.nat(50),
  }),
  { maxLength: 60 },
);
const stretch = fc
  .tuple(fc.integer({ min: START - 90, max: START + 390 }), fc.nat(200))
  .map(([low, length]) => ({ low, high: low + length - 1 }));

test('what each minute comes to is in the stretch where both that and the part have it, and nowhere else', () => {
  fc.assert(
    fc.property(measured, stretch, stretch, (points, whole, part) => {
      const series = new Series({ windows: [] });
      for (const { minute, good, bad } of points) series.observe(minute * MINUTE, good, good + bad);
      const span = new MinuteSpan(whole);
      span.putCounts(part, (low, high) => series.sum(low, high));
      const [low, high] = [Math.max(whole.low, part.low), Math.min(whole.high, part.high)];
      expect(span.sum()).toEqual(low > high ? new Tally() : series.sum(low, high));
      for (let minute = whole.low; minute <= whole.high; minute++) {
        const { totalCount } = series.sum(minute, minute);
        expect(span.has(minute)).toBe(minute >= low && minute <= high && totalCount > 0);
      }
    }),
  );
});
