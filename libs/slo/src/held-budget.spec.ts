import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MINUTE, readingEdges, type SloPlan } from './index.js';
import { EPOCH, planOf, VirtualSlo } from './virtual-time.fixture.js';

const HOUR = 60 * MINUTE;
const quiet = { alerting: { preset: 'none' } };

/** A point a minute over [from, to); answers where it ended. */
function measure(slo: VirtualSlo, from: number, minutes: number, good: number, total: number): number {
  const to = from + minutes * MINUTE;
  for (let at = from; at < to; at += MINUTE) slo.measure(at, good, total);
  return to;
}

const remaining = (slo: VirtualSlo, at: number): number | null => slo.status(at).budget.remaining;

describe('a budget that gaps hold', () => {
  const plan = planOf({ objective: 0.98, window: { rolling: '2h' }, ...quiet });

  /** Three hours, the last six minutes of them bad, then eight without data, then thirteen of much good traffic. */
  function patchy(): { slo: VirtualSlo; now: number } {
    const slo = new VirtualSlo(plan);
    const fault = measure(slo, EPOCH, 175, 10, 10);
    const gap = measure(slo, fault, 6, 5, 10);
    return { slo, now: measure(slo, gap + 8 * MINUTE, 13, 1000, 1000) - MINUTE };
  }

  test('does not recover when data falls silent as well, nor with one point after that', () => {
    const { slo, now } = patchy();
    expect(slo.status(now)).toMatchObject({ state: 'breached', frozen: { reason: /cover 87 %/ } });
    expect(remaining(slo, now)).toBeCloseTo(-0.25, 9);
    for (const minutes of [1, 2, 3, 4, 10, 300, 10_000]) {
      const status = slo.status(now + minutes * MINUTE);
      expect(status.state).toBe('breached');
      expect(status.budget.remaining).toBeCloseTo(-0.25, 9);
    }
    expect(slo.status(now + 4 * MINUTE).frozen?.reason).toContain('no measurement');
    slo.measure(now + 5 * MINUTE, 1000, 1000);
    expect(remaining(slo, now + 5 * MINUTE)).toBeCloseTo(-0.25, 9);
  });

  test('is held over days of silence with a point here and there, until an hour of data came or late data', () => {
    const slo = new VirtualSlo(plan);
    const fault = measure(slo, EPOCH, 175, 10, 10);
    let at = measure(slo, fault, 6, 0, 10);
    const held = remaining(slo, at) as number;
    for (let i = 0; i < 3; i++) {
      at += 10 * HOUR;
      expect(remaining(slo, at)).toBeLessThan(-1);
      slo.measure(at, 10, 10);
      expect(slo.status(at).state).toBe('breached');
      expect(remaining(slo, at)).toBeCloseTo(held, 1);
    }
    const thawed = measure(slo, at + MINUTE, 60, 10, 10);
    expect(slo.status(thawed)).toMatchObject({ frozen: null, state: 'ok', budget: { remaining: 1 } });
  });

  test('thaws with late data', () => {
    const { slo, now } = patchy();
    slo.status(now + 4 * MINUTE);
    measure(slo, EPOCH + 181 * MINUTE, 8, 10, 10);
    expect(slo.status(now)).toMatchObject({ frozen: null, state: 'ok' });
  });

  test('is whole where a period of the calendar began since', () => {
    const day = { calendar: 'week', timeZone: 'UTC' };
    const slo = new VirtualSlo(planOf({ objective: 0.98, window: day, ...quiet }));
    const monday = Date.parse('2026-01-05T00:00:00Z');
    measure(slo, monday - 3 * HOUR, 60, 0, 10);
    measure(slo, monday - 110 * MINUTE, 30, 10, 10);
    expect(remaining(slo, monday - HOUR)).toBeLessThan(-1);
    expect(remaining(slo, monday + HOUR)).toBeNull();
    slo.measure(monday + 2 * HOUR, 10, 10);
    expect(remaining(slo, monday + 2 * HOUR)).toBe(1);
  });
});

const DEFINITIONS: Record<string, SloPlan> = {
  occurrences: planOf({ objective: 0.9, window: { rolling: '1h' }, ...quiet }),
  'a calendar window': planOf({
    objective: 0.9,
    window: { calendar: 'month', timeZone: 'UTC' },
    ...quiet,
  }),
  timeslices: planOf({
    objective: 0.9,
    window: { rolling: '1h' },
    budgeting: { method: 'timeslices', slice: '2m', sliceTarget: 0.9 },
    ...quiet,
  }),
  'ratio-timeslices': planOf({
    objective: 0.9,
    window: { rolling: '2h' },
    budgeting: { method: 'ratio-timeslices', slice: '5m' },
    ...quiet,
  }),
};

describe.each(Object.keys(DEFINITIONS))('a frozen budget of %s', (name) => {
  const plan = DEFINITIONS[name] as SloPlan;
  /** Runs of minutes: how many, and what each measures; nothing in a gap. */
  const runs = fc.array(
    fc.record({
      minutes: fc.oneof(
        { arbitrary: fc.integer({ min: 1, max: 12 }), weight: 4 },
        fc.integer({ min: 1, max: 200 }),
      ),
      good: fc.constantFrom(null, null, 0, 5, 10, 10, 1000),
    }),
    { minLength: 1, maxLength: 12 },
  );

  test('never rises but with data that comes, whatever kind of freeze follows another', () => {
    fc.assert(
      fc.property(runs, (given) => {
        const slo = new VirtualSlo(plan, MINUTE);
        let at = measure(slo, EPOCH, 20, 10, 10);
        let before: number | null = null;
        for (const { minutes, good } of given) {
          for (let i = 0; i < minutes; i++, at += MINUTE) {
            if (good !== null) slo.measure(at, good, Math.max(10, good));
            const { frozen, budget } = slo.status(at);
            if (frozen !== null && before !== null && good === null) {
              expect(budget.remaining).toBeLessThanOrEqual(before + 1e-12);
            }
            before = frozen === null ? null : budget.remaining;
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('is not lifted by what comes after a gap above what it was when the gap began', () => {
    // Of silence that is shorter than two slices, none need be missed.
    const gap = Math.max(8, 2 * (plan.rule?.slice ?? 1));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: gap, max: 400 }), fc.integer({ min: 1, max: 3 })), {
          minLength: 1,
          maxLength: 8,
        }),
        fc.integer({ min: 0, max: 10 }),
        (given, good) => {
          const slo = new VirtualSlo(plan, MINUTE);
          let at = measure(slo, measure(slo, EPOCH, 30, 10, 10), 10, good, 10);
          let least = Number.POSITIVE_INFINITY;
          for (const [silent, minutes] of given) {
            // As of the minute that is missed first.
            least = Math.min(least, remaining(slo, at) as number);
            at += silent * MINUTE;
            for (let i = 0; i < minutes; i++, at += MINUTE) {
              slo.measure(at, 10, 10);
              const { frozen, budget } = slo.status(at);
              // Too few slices are missed yet.
              if (frozen === null) least = Number.POSITIVE_INFINITY;
              else expect(budget.remaining).toBeLessThanOrEqual(least + 1e-12);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('is the same in whatever order its data came, and looks through the windows that it says', () => {
    fc.assert(
      fc.property(runs, fc.nat(), (given, seed) => {
        const points: [at: number, good: number][] = [];
        let at = EPOCH;
        for (let i = 0; i < 20; i++, at += MINUTE) points.push([at, 10]);
        for (const { minutes, good } of given) {
          for (let i = 0; i < minutes; i++, at += MINUTE) if (good !== null) points.push([at, good]);
        }
        const [forth, back] = [new VirtualSlo(plan), new VirtualSlo(plan)];
        for (const [when, good] of points) forth.measure(when, good, Math.max(10, good));
        const turned = points.map((point, i) => ({ point, key: (i * 7919 + seed) % 104_729 }));
        for (const { point } of turned.sort((a, b) => a.key - b.key)) {
          back.status(point[0]);
          back.measure(point[0], point[1], Math.max(10, point[1]));
        }
        for (const later of [0, 2, 5, 100]) {
          const now = at + later * MINUTE;
          expect(back.status(now)).toEqual(forth.status(now));
          const edges = readingEdges(plan, forth.buckets.source(plan), now);
          // Besides where history may begin.
          expect(edges.length > 1).toBe(forth.status(now).frozen !== null);
        }
      }),
      { numRuns: 60 },
    );
  });
});
