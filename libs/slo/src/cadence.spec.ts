import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Heartbeat, MINUTE, regularity, Series } from './index.js';
import { EPOCH } from './virtual-time.fixture.js';

test('a heartbeat that was followed minute by minute is the regularity of all that was measured', () => {
  const steps = fc.array(
    fc.oneof(
      { arbitrary: fc.constant(1), weight: 5 },
      { arbitrary: fc.integer({ min: -400, max: 400 }), weight: 2 },
      { arbitrary: fc.integer({ min: -6_000, max: 6_000 }), weight: 1 },
    ),
    { minLength: 1, maxLength: 200 },
  );
  fc.assert(
    fc.property(
      steps,
      fc.constantFrom(1, 5, 60, 1440),
      fc.constantFrom(undefined, 5 * MINUTE),
      (moves, slice, cadence) => {
        const series = new Series({ windows: [60] });
        const heartbeat = new Heartbeat(series, cadence, slice);
        let minute = 10_000;
        for (const move of moves) {
          minute = Math.max(0, minute + move);
          series.observe(EPOCH + minute * MINUTE, 1, 1);
          // Not asked each time: several minutes may have come since.
          if (minute % 3 > 0) expect(heartbeat.regularity).toEqual(regularity(series, cadence, slice));
        }
        expect(heartbeat.regularity).toEqual(regularity(series, cadence, slice));
      },
    ),
    { numRuns: 300 },
  );
});
