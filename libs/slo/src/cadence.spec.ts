import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Heartbeat, MINUTE, regularity, Series, silentSince } from './index.js';
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

describe('silence', () => {
  const measured = (...minutes: number[]): Series => {
    const series = new Series({ windows: [60] });
    for (const minute of minutes) series.observe(EPOCH + minute * MINUTE, 1, 1);
    return series;
  };
  const at = (minute: number): number => EPOCH + minute * MINUTE;

  test.each([3, 10])('of %i cadences begins with the end of the last one', (after) => {
    const series = measured(0, 2, 4, 6);
    const silent = (now: number) => silentSince(series, regularity(series), now, after);
    const end = at(6 + after * 2);
    expect([end - 1, end, end + 1].map(silent)).toEqual([null, null, at(6)]);
  });

  test('is counted from when the latest measurement was heard, where that is later', () => {
    const series = measured(0, 1, 2);
    const silent = (now: number) => silentSince(series, regularity(series), now, 10, { heardAt: at(30) });
    expect([at(40), at(40) + 1].map(silent)).toEqual([null, at(2)]);
  });

  test('of what was never measured is counted from when it was awaited, in cadences of its definition', () => {
    const series = measured();
    const regular = regularity(series, 5 * MINUTE);
    const silent = (now: number) => silentSince(series, regular, now, 10, { awaitedAt: at(7) });
    expect([at(57), at(57) + 1].map(silent)).toEqual([null, at(7)]);
    expect(silentSince(series, regular, at(1000), 10)).toBeNull();
    expect(silentSince(series, regularity(series), at(1000), 10, { awaitedAt: at(7) })).toBeNull();
    const heard = { awaitedAt: at(7), heardAt: at(20) };
    expect([at(70), at(70) + 1].map((now) => silentSince(series, regular, now, 10, heard))).toEqual([
      null,
      at(7),
    ]);
  });
});
