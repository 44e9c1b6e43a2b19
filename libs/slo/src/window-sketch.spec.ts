import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PageMissing, Sketch, Sketches } from './index.js';
import { rolling } from './window.js';
import { WindowSketch } from './window-sketch.js';

const HOURS = 8;

/** Either a value is observed at a minute, or the window moves on. */
const steps = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ minute: fc.nat(HOURS * 60), value: fc.integer({ min: 1, max: 40 }) }),
    },
    fc.record({ move: fc.integer({ min: -30, max: 150 }) }),
  ),
  { minLength: 1, maxLength: 60 },
);

test('a window that slides is, bin for bin, what its minutes are; stored hours are asked for, and let go again', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 200 }), fc.boolean(), (list, minutes, paged) => {
      const sketches = new Sketches(paged);
      const known: { minute: number; value: number }[] = [];
      const source = {
        sketches,
        hasHour: (minute: number) =>
          known.some((each) => Math.floor(each.minute / 60) === Math.floor(minute / 60)),
      };
      /** What is stored, by hour. */
      const stored = new Map<number, ReadonlyMap<number, Uint8Array>>();
      const store = () => {
        for (const { hour, minutes: of } of sketches.takeDirty()) stored.set(hour, of);
      };
      const provide = (hour: number) => sketches.provide(hour, stored.get(hour) ?? new Map());
      const window = new WindowSketch(rolling(minutes));
      let end = 120;
      for (const step of list) {
        if ('value' in step) {
          const { minute, value } = step;
          if (source.hasHour(minute)) provide(Math.floor(minute / 60));
          sketches.observe(minute, value, 1, source.hasHour(minute));
          window.observe(minute, value, 1);
          known.push(step);
        } else {
          end += step.move;
        }
        for (const hour of window.missing(end, source)) provide(hour);
        window.moveTo(end, source);
        const anew = new Sketch();
        for (const { minute, value } of known)
          if (minute >= end - minutes && minute <= end) anew.observe(value, 1);
        expect(window.sketch.bins).toEqual(anew.bins);
        const binsOf = anew.bins.map(({ bin }) => bin);
        expect([window.sketch.lowestBin, window.sketch.highestBin]).toEqual([
          binsOf[0] ?? null,
          binsOf.at(-1) ?? null,
        ]);
        store();
        sketches.release(HOURS, new Set(window.edges(end)));
      }
    }),
    { numRuns: 150 },
  );
});

test('a window that cannot be read is not taken for one without values', () => {
  const sketches = new Sketches(true);
  const source = { sketches, hasHour: () => true };
  const window = new WindowSketch(rolling(90));
  expect(window.missing(100, source)).toEqual([0, 1]);
  expect(() => window.moveTo(100, source)).toThrow(PageMissing);
  expect(window.missing(100, source)).toEqual([0, 1]);
  sketches.provide(0, new Map());
  expect(() => window.moveTo(100, source)).toThrow(PageMissing);
  sketches.provide(1, new Map());
  window.moveTo(100, source);
  expect(window.sketch.bins).toEqual([]);
});
