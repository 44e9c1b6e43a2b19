import type { PointColumns } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EPOCH } from '../virtual-time.fixture.js';
import { rulePlan, VirtualRule } from './virtual-rule.fixture.js';

const MINUTE = 60_000;
const WINDOW = 7;

/** Values with counts within an hour and a half, not in order. */
const observations = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 90 * MINUTE }).map((millis) => EPOCH + millis),
    value: fc.oneof(
      fc.double({ min: -1000, max: 1000, noNaN: true }),
      fc.integer({ min: -5, max: 5 }),
      fc.double({ min: 1e-6, max: 1e9, noNaN: true }),
    ),
    count: fc.integer({ min: 1, max: 9 }),
  }),
  { minLength: 1, maxLength: 60 },
);
type Observation = { at: number; value: number; count: number };

const columns = (list: readonly Observation[]): PointColumns => ({
  kind: 'values',
  at: list.map(({ at }) => at),
  value: list.map(({ value }) => value),
  count: list.map(({ count }) => count),
});

/** The observations of the window at `now`, one by one: its complete minutes and the current one. */
function within(list: readonly Observation[], now: number): number[] {
  const current = Math.floor(now / MINUTE);
  return list
    .filter(({ at }) => at >= (current - WINDOW) * MINUTE && at < (current + 1) * MINUTE)
    .flatMap(({ value, count }) => new Array<number>(count).fill(value))
    .sort((a, b) => a - b);
}

const nearestRank = (p: number) => (sorted: number[]) => sorted[Math.ceil(p * sorted.length) - 1] as number;
const plain: Record<string, (sorted: number[]) => number> = {
  mean: (sorted) => sorted.reduce((a, b) => a + b, 0) / sorted.length,
  min: (sorted) => sorted[0] as number,
  max: (sorted) => sorted.at(-1) as number,
  p50: nearestRank(0.5),
  p90: nearestRank(0.9),
  p95: nearestRank(0.95),
  p99: nearestRank(0.99),
};

describe.each(Object.entries(plain))('%s', (aggregate, of) => {
  const plan = rulePlan({ aggregate, window: `${WINDOW}m`, threshold: 0 });

  test('is that of the observations in the window, however the window moves and whenever they come', () => {
    const moments = fc.array(fc.integer({ min: 0, max: 100 * MINUTE }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(observations, moments, (list, looks) => {
        const rule = new VirtualRule(plan);
        const known: Observation[] = [];
        for (const [i, millis] of looks.entries()) {
          // Some of them before each look, those of the past too.
          const more = list.filter((_, n) => n % looks.length === i);
          rule.measure(columns(more));
          known.push(...more);
          const now = EPOCH + millis;
          const sorted = within(known, now);
          const { value } = rule.read(now);
          if (sorted.length === 0) {
            expect(value).toBeNull();
            continue;
          }
          const exact = of(sorted);
          if (aggregate === 'mean') expect(value).toBeCloseTo(exact, 5);
          // Within half a percent, as far as values can be told apart at all.
          else
            expect(Math.abs((value as number) - exact)).toBeLessThanOrEqual(0.005 * Math.abs(exact) + 1e-9);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('on the threshold is no breach of "gt" and "lt", and one of "gte" and "lte"', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (level) => {
        const verdicts = ['gt', 'gte', 'lt', 'lte'].map((op) => {
          const rule = new VirtualRule(rulePlan({ aggregate, op, threshold: level }));
          rule.value(EPOCH, level);
          return rule.read(EPOCH).verdict;
        });
        expect(verdicts).toEqual(['clear', 'breached', 'clear', 'breached']);
      }),
      { numRuns: 10 },
    );
  });
});

test('values are told in the unit that the rule speaks', () => {
  const rule = new VirtualRule(rulePlan({ threshold: 0.1, unit: 's' }, 'ms'), 'ms');
  rule.value(EPOCH, 120);
  expect(rule.read(EPOCH)).toMatchObject({ value: 0.12, verdict: 'breached' });
});

describe('ratio', () => {
  const plan = rulePlan({
    aggregate: 'ratio',
    window: '5m',
    op: 'lt',
    threshold: 0.9,
    clear: { threshold: 0.95 },
  });
  const counts = (minute: number, good: number, total: number): PointColumns => ({
    kind: 'counts',
    at: [EPOCH + minute * MINUTE],
    good: [good],
    total: [total],
  });

  test('is good of all events over the window, not a mean of shares', () => {
    const rule = new VirtualRule(plan);
    rule.measure(counts(0, 900, 1000));
    rule.measure(counts(1, 0, 10));
    expect(rule.read(EPOCH + MINUTE)).toMatchObject({ value: 900 / 1010, verdict: 'breached' });
    rule.measure(counts(2, 600, 600));
    expect(rule.read(EPOCH + 2 * MINUTE)).toMatchObject({ value: 1500 / 1610, verdict: 'between' });
  });

  test('without traffic is unknown: a total of 0 is no evidence', () => {
    const rule = new VirtualRule(plan);
    rule.measure(counts(0, 0, 0));
    expect(rule.read(EPOCH)).toMatchObject({ value: null, verdict: 'unknown' });
  });

  test('exactly on the threshold is not below it, whatever floats make of it', () => {
    const rule = new VirtualRule(rulePlan({ aggregate: 'ratio', op: 'lt', threshold: 1 - 0.1 }));
    rule.measure(counts(0, 9, 10));
    rule.measure(counts(0, 0.9, 1));
    expect(rule.read(EPOCH).verdict).toBe('clear');
  });
});

describe('rate', () => {
  const plan = (overrides: object = {}) =>
    rulePlan({ aggregate: 'rate', window: '5m', op: 'lt', threshold: 1, ...overrides }, 'count');
  const counts = (rule: VirtualRule, minute: number, total: number): void =>
    rule.measure({ kind: 'counts', at: [EPOCH + minute * MINUTE], good: [total], total: [total] });

  test('is events a second of the complete minutes: one that has only begun does not make it fall', () => {
    const rule = new VirtualRule(plan());
    for (let minute = 0; minute < 10; minute++) counts(rule, minute, 120);
    expect(rule.read(EPOCH + 10 * MINUTE)).toMatchObject({ value: 2, verdict: 'clear' });
    expect(rule.read(EPOCH + 11 * MINUTE - 1).value).toBe(2);
    counts(rule, 10, 900);
    expect(rule.read(EPOCH + 11 * MINUTE - 1).value).toBe(2);
    expect(rule.read(EPOCH + 11 * MINUTE).value).toBe((4 * 120 + 900) / 300);
  });

  test('of a young SLI is over the time that it has been measured for', () => {
    const rule = new VirtualRule(plan());
    counts(rule, 0, 120);
    expect(rule.read(EPOCH + 30_000)).toMatchObject({ value: null, verdict: 'unknown' });
    expect(rule.read(EPOCH + MINUTE)).toMatchObject({ value: 2, verdict: 'clear' });
  });

  test('low for want of measurements is unknown; low as measured is a breach', () => {
    const rule = new VirtualRule(plan());
    for (let minute = 0; minute < 10; minute++) counts(rule, minute, 120);
    // Nothing comes for three minutes.
    expect(rule.read(EPOCH + 13 * MINUTE)).toMatchObject({ value: 2 * (2 / 5), verdict: 'unknown' });
    for (let minute = 10; minute < 13; minute++) counts(rule, minute, 0);
    expect(rule.read(EPOCH + 13 * MINUTE)).toMatchObject({ value: 2 * (2 / 5), verdict: 'breached' });
  });

  test('high is evidence, whatever is missing', () => {
    const rule = new VirtualRule(plan({ op: 'gt', threshold: 3 }));
    for (let minute = 0; minute < 10; minute++) counts(rule, minute, minute === 8 ? 1200 : 60);
    expect(rule.read(EPOCH + 13 * MINUTE)).toMatchObject({ value: (1200 + 60) / 300, verdict: 'breached' });
  });

  test('counts observations where values or histograms are measured', () => {
    const over = rulePlan({ aggregate: 'rate', window: '1m', threshold: 1 }, 's');
    const rule = new VirtualRule(over, 's');
    rule.measure({ kind: 'values', at: [EPOCH, EPOCH], value: [0.1, 9], count: [30, 6] });
    rule.measure({ kind: 'histogram', at: [EPOCH], bounds: [1], counts: [[20, 4]] });
    expect(rule.read(EPOCH + MINUTE)).toMatchObject({ value: 1, verdict: 'clear' });
  });
});

describe('measurements that are missing in the window', () => {
  test('hold what would resolve, until the gap has left it', () => {
    const rule = new VirtualRule(rulePlan({ window: '5m', for: '0s' }));
    const missing = new Set([22, 23]);
    const states: boolean[] = [];
    for (let minute = 0; minute < 35; minute++) {
      if (!missing.has(minute)) rule.value(EPOCH + minute * MINUTE, minute < 24 ? 95 : 10);
      rule.evaluate(EPOCH + minute * MINUTE);
      states.push(rule.ledger.firing);
      if (minute === 25) {
        const { frozen } = rule.status(EPOCH + minute * MINUTE);
        expect(frozen?.since).toBe(new Date(EPOCH + 22 * MINUTE).toISOString());
      }
    }
    // Without the gap it were 24. From 28 on the window has its five complete minutes and the current one.
    expect(states.indexOf(false)).toBe(28);
    expect(states.slice(28)).not.toContain(true);
  });
});
