import type { SloStatus } from '@bellwether/contracts';
import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decideSlo,
  decodeCells,
  emptyLedger,
  encodeCells,
  encodeSketch,
  HOUR_MINUTES,
  IndicatorBuckets,
  MINUTE,
  needsOf,
  readingEdges,
  readSlo,
  type Series,
  Sketch,
  type SloPlan,
  type SloSource,
  type SloTransition,
  statusOf,
} from './index.js';
import { EPOCH, planOf } from './virtual-time.fixture.js';

// More than a year of virtual time, on a machine that may be busy.
jest.setTimeout(60_000);

/** Minutes after EPOCH, and what a classifier gives. */
type Point = readonly [minute: number, measure: number, count: number];

const RETENTION = 400 * 1440;
const alerting = { preset: 'none' };
const DEFINITIONS: Record<string, object> = {
  occurrences: {},
  'timeslices of hours': { budgeting: { method: 'timeslices', slice: '6h', sliceTarget: 0.9 } },
  percentile: {
    indicator: { kind: 'percentile', p: 0.9, op: 'lte', value: 0.5 },
    budgeting: { method: 'timeslices', slice: '3m' },
  },
};
const plans = Object.entries(DEFINITIONS).map(
  ([name, definition]) => [name, planOf({ objective: 0.9, alerting, ...definition })] as const,
);

/** Buckets whose cold hours are in a store, as the evaluator keeps them in its tables. */
class PagedBuckets {
  readonly buckets: IndicatorBuckets;
  readonly #cells = new Map<string, Uint8Array>();
  readonly #sketches = new Map<number, ReadonlyMap<number, Uint8Array>>();

  constructor(plan: SloPlan) {
    this.buckets = new IndicatorBuckets({ needs: needsOf([plan]), paged: true });
  }

  get #series(): [string, Series][] {
    return [
      ['', this.buckets.events],
      ...[...this.buckets.slices].map(([rule, { series }]): [string, Series] => [rule, series]),
    ];
  }

  /** Brings in what measurements of these instants need. */
  provide(instants: readonly number[]): void {
    const { events, sketches, slices } = this.buckets.missingFor(instants);
    const hours = new Map([['', events], ...slices]);
    for (const [name, series] of this.#series) {
      for (const hour of hours.get(name) ?? []) {
        const stored = this.#cells.get(`${name} ${hour}`);
        series.provide(hour, stored ? decodeCells(stored, HOUR_MINUTES) : null);
      }
    }
    for (const hour of sketches) this.buckets.sketches?.provide(hour, this.#sketches.get(hour) ?? new Map());
  }

  count(points: readonly Point[]): void {
    this.provide(points.map(([minute]) => EPOCH + minute * MINUTE));
    for (const [minute, measure, count] of points) {
      this.buckets.observe(EPOCH + minute * MINUTE, measure, count);
    }
    this.buckets.judge();
  }

  /** The status at `now`, and what is decided, once what its windows touch is brought in. */
  status(plan: SloPlan, now: number): unknown {
    const source = this.buckets.source(plan);
    const held = readingEdges(plan, source, now);
    for (const [name, series] of this.#series) {
      for (const hour of series.missing(now, source.summed.includes(series) ? held : [])) {
        const stored = this.#cells.get(`${name} ${hour}`);
        series.provide(hour, stored ? decodeCells(stored, HOUR_MINUTES) : null);
      }
    }
    return told(plan, source, now);
  }

  /** Stores what changed and lets go of what is cold. */
  store(now: number): void {
    for (const [name, series] of this.#series) {
      for (const { hour, cells, offset } of series.takeDirty()) {
        this.#cells.set(`${name} ${hour}`, encodeCells(cells, offset, HOUR_MINUTES));
      }
      series.releasePages(now);
    }
    for (const { hour, minutes } of this.buckets.sketches?.takeDirty() ?? [])
      this.#sketches.set(hour, minutes);
    this.buckets.releaseSketches(now);
  }
}

/** The status, and the transitions of an SLO that nothing was said of before. */
function told(plan: SloPlan, source: SloSource, now: number): unknown {
  const reading = readSlo(plan, source, now);
  return [statusOf(reading, emptyLedger), decideSlo(reading, emptyLedger, null)];
}

/** What is counted of a minute, and judged of its slice. */
function counted(buckets: IndicatorBuckets, at: number): unknown {
  const sketch = new Sketch();
  buckets.sketches?.mergeInto(sketch, at, buckets.events.has(at));
  return {
    tally: buckets.events.sum(at, at),
    sketch: Buffer.from(encodeSketch(sketch)).toString('hex'),
    verdicts: [...buckets.slices.values()].map(({ rule, series }) => {
      const start = Math.floor(at / rule.slice) * rule.slice;
      return series.sum(start, start);
    }),
  };
}

const point = (plan: SloPlan, minutes: fc.Arbitrary<number>) =>
  fc
    .tuple(minutes, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(20))
    .map(
      ([minute, share, count]): Point => [
        minute,
        plan.indicator.kind === 'ratio' ? Math.floor(share * count) : share,
        count,
      ],
    );

describe.each(plans)('%s: messages of points in any order, far apart', (_, plan) => {
  test('count what they count where all is in memory', () => {
    const minutes = fc.oneof(
      fc.integer({ min: 0, max: RETENTION }),
      // Around where hours leave memory, and where whole-hour sums end.
      fc.integer({ min: RETENTION - 80 * 60, max: RETENTION }),
      fc.integer({ min: RETENTION - 31 * 1440, max: RETENTION - 29 * 1440 }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.array(point(plan, minutes), { minLength: 1, maxLength: 8 }), fc.boolean()), {
          minLength: 1,
          maxLength: 8,
        }),
        (messages) => {
          const whole = new IndicatorBuckets({ needs: needsOf([plan]) });
          const paged = new PagedBuckets(plan);
          for (const [points, stored] of messages) {
            paged.count(points);
            for (const [minute, measure, count] of points) {
              whole.observe(EPOCH + minute * MINUTE, measure, count);
            }
            whole.judge();
            if (stored) paged.store(EPOCH + RETENTION * MINUTE);
          }
          for (const [minute] of messages.flatMap(([points]) => points)) {
            const at = EPOCH / MINUTE + minute;
            paged.provide([at * MINUTE]);
            expect(counted(paged.buckets, at)).toEqual(counted(whole, at));
          }
        },
      ),
      { numRuns: 12 },
    );
  });

  test('the newest first, over more than a window, as an export has them', () => {
    const days = Array.from({ length: 40 }, (__, day): Point => [(40 - day) * 1440, 1, 1]);
    const paged = new PagedBuckets(plan);
    paged.count(days);
    paged.store(EPOCH + 41 * 1440 * MINUTE);
    for (const [minute] of days) {
      paged.provide([EPOCH + minute * MINUTE]);
      const at = EPOCH / MINUTE + minute;
      expect(paged.buckets.events.sum(at, at).total).toBe(1);
    }
  });
});

describe.each([
  ['5d', {}],
  ['30d', {}],
  ['30d', { budgeting: { method: 'timeslices', slice: '5m', sliceTarget: 0.9 } }],
] as const)('a frozen budget over %s, %j', (rolling, definition) => {
  const plan = planOf({ objective: 0.9, alerting, window: { rolling }, ...definition });

  test('is held by windows whose far edges are paged in, as where all is in memory', () => {
    const gap: [number, number, number][] = [
      [1, 0, 3986],
      [4, 0, 0],
      [28, 0, 0],
    ];
    const runs = fc.array(
      fc.tuple(
        fc.integer({ min: 1, max: 70 }),
        fc.nat(10),
        fc.oneof(fc.nat(15), fc.integer({ min: 0, max: 4000 })),
      ),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(runs, (given) => {
        const whole = new IndicatorBuckets({ needs: needsOf([plan]) });
        const paged = new PagedBuckets(plan);
        const take = (points: Point[]): void => {
          paged.count(points);
          for (const [minute, good, total] of points) whole.observe(EPOCH + minute * MINUTE, good, total);
          whole.judge();
        };
        let minute = 0;
        for (; minute < 36 * 1440; minute += 7) take([[minute, minute % 10, 10]]);
        for (const [measured, good, silent] of given) {
          for (let i = 0; i < measured; i++, minute++) take([[minute, good, 10]]);
          minute += silent;
          for (const later of [0, 4, 100]) {
            const now = EPOCH + (minute + later) * MINUTE;
            paged.store(now);
            expect(paged.status(plan, now)).toEqual(told(plan, whole.source(plan), now));
          }
        }
      }),
      // Of a gap that began more than the hot hours before the newest measurement.
      { numRuns: 12, examples: [[gap]] },
    );
  });
});

describe.each([
  ['occurrences', {}],
  ['timeslices of 10 min', { budgeting: { method: 'timeslices', slice: '10m', sliceTarget: 0.9 } }],
  [
    'percentile',
    {
      indicator: { kind: 'percentile', p: 0.9, op: 'lte', value: 0.5 },
      budgeting: { method: 'timeslices', slice: '1h' },
    },
  ],
] as const)('%s, with alerts over days', (_, definition) => {
  const plan = planOf({
    objective: 0.9,
    window: { rolling: '30d' },
    alerting: { windows: [{ severity: 'page', tier: 'fast', long: '7d', short: '3h', burn: 1 }] },
    ...definition,
  });
  const faults = (from: number, to: number): Point[] => {
    const points: Point[] = [];
    for (let minute = from; minute < to; minute += 7)
      points.push([minute, plan.indicator.kind === 'percentile' ? 0.9 : 2, 10]);
    return points;
  };

  test.each([
    ['now', 0],
    ['days before the newest measurement, by a clock that went back', 10],
    ['months before it', 118],
  ])('%s are decided as where all is in memory', (__, days) => {
    const whole = new IndicatorBuckets({ needs: needsOf([plan]) });
    const paged = new PagedBuckets(plan);
    const now = 40 * 1440;
    const points = [
      ...faults(0, now + 180),
      ...(days === 0 ? [] : faults(now + days * 1440, now + days * 1440 + 90)),
    ];
    for (let i = 0; i < points.length; i += 100) {
      const message = points.slice(i, i + 100);
      paged.count(message);
      for (const [minute, measure, count] of message) whole.observe(EPOCH + minute * MINUTE, measure, count);
      whole.judge();
      paged.store(EPOCH + now * MINUTE);
    }
    // A window ends, and begins, at any minute of an hour.
    for (const minute of [0, 1, 5, 59, 60, 61, 67, 130]) {
      const at = EPOCH + (now + minute) * MINUTE;
      const [status, transitions] = paged.status(plan, at) as [SloStatus, SloTransition[]];
      expect([status, transitions]).toEqual(told(plan, whole.source(plan), at));
      expect(transitions.map(({ type }) => type)).toContain('slo.alert.fired');
      paged.store(at);
    }
  });
});
