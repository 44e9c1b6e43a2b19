import { describe, expect, jest, test } from '@jest/globals';
import { type Case, DAY, HOUR, ORACLE, RATE } from './oracle-table.fixture.js';
import { EPOCH, planOf, VirtualSlo } from './virtual-time.fixture.js';

// Months of virtual time, on a machine that may be busy.
jest.setTimeout(60_000);

/** Feeds clean history by the minute up to `fault` seconds after EPOCH + history. */
function clean(slo: VirtualSlo, seconds: number): number {
  for (let s = 0; s < seconds; s += 60) slo.measure(EPOCH + s * 1000, 60 * RATE, 60 * RATE);
  return EPOCH + seconds * 1000;
}

/** Runs the fault and what follows, delivering every `step` seconds. Points of a step carry the time of its start. */
function run(slo: VirtualSlo, origin: number, { ratio, fault }: Case, step: number, after: number): void {
  for (let s = 0; s < fault + after; s += step) {
    let bad = 0;
    for (let t = s; t < s + step; t++) if (t < fault) bad += Math.round(ratio * RATE);
    slo.measure(origin + s * 1000, step * RATE - bad, step * RATE);
    slo.evaluate(origin + (s + step) * 1000);
  }
}

function check(
  slo: VirtualSlo,
  origin: number,
  oracle: Case,
  tolerance: { fire: number; resolve: number },
): void {
  const intervals = slo.intervals(origin);
  for (const tier of ['page fast', 'page slow', 'ticket fast', 'ticket slow'] as const) {
    const expected = oracle.expected[tier];
    if (expected === undefined) {
      expect([tier, intervals[tier]]).toEqual([tier, undefined]);
      continue;
    }
    const [fires, resolves] = expected;
    expect(intervals[tier]).toHaveLength(1);
    const [{ fired, resolved }] = intervals[tier] as [{ fired: number; resolved: number }];
    expect(Math.abs(fired - fires)).toBeLessThanOrEqual(tolerance.fire);
    expect(Math.abs(resolved - oracle.fault - resolves)).toBeLessThanOrEqual(tolerance.resolve);
  }
}

describe('the timing oracle, each point delivered at the end of its minute', () => {
  test.each(ORACLE)('$name', (oracle) => {
    const slo = new VirtualSlo(planOf());
    const origin = clean(slo, 30 * DAY);
    run(slo, origin, oracle, 60, 23 * HOUR);
    check(slo, origin, oracle, { fire: 60, resolve: 60 });
  });
});

describe('the timing oracle, a point each second', () => {
  test.each(ORACLE)('$name', (oracle) => {
    const slo = new VirtualSlo(planOf());
    const origin = clean(slo, 30 * DAY);
    run(slo, origin, oracle, 1, Math.max(2, ...Object.values(oracle.expected).map(([, r]) => r)) + 300);
    check(slo, origin, oracle, { fire: 60, resolve: 60 });
  });

  test('a fault that begins anywhere within a minute moves the times by a minute at most', () => {
    for (const offset of [1, 17, 30, 59]) {
      const slo = new VirtualSlo(planOf());
      clean(slo, 30 * DAY - 60);
      const start = EPOCH + (30 * DAY - 60) * 1000;
      for (let s = 0; s < 60 + offset; s++) slo.measure(start + s * 1000, RATE, RATE);
      const origin = start + (60 + offset) * 1000;
      const oracle = ORACLE[0] as Case;
      run(slo, origin, oracle, 1, 900);
      check(slo, origin, oracle, { fire: 60, resolve: 60 });
    }
  });
});

test('a young history fires as soon as the history there is exceeds the threshold', () => {
  // θ·h/(e−θ) where the history h is shorter than the window; 15 % after two clean hours.
  const slo = new VirtualSlo(planOf());
  const origin = clean(slo, 2 * HOUR);
  run(slo, origin, { name: '', ratio: 0.15, fault: 600, expected: {} }, 1, 900);
  const fired = slo.intervals(origin);
  expect(Math.abs((fired['page fast']?.[0]?.fired as number) - 345.6)).toBeLessThanOrEqual(60);
  expect(Math.abs((fired['page slow']?.[0]?.fired as number) - 300)).toBeLessThanOrEqual(1);
  expect(Math.abs((fired['ticket fast']?.[0]?.fired as number) - 146.9)).toBeLessThanOrEqual(1);
  expect(Math.abs((fired['ticket slow']?.[0]?.fired as number) - 48.3)).toBeLessThanOrEqual(1);
});

describe('closed formulas over other objectives, windows and ratios', () => {
  const cases = [
    { objective: 0.99, rolling: '30d', ratio: 0.5 },
    { objective: 0.995, rolling: '28d', ratio: 0.25 },
    { objective: 0.999, rolling: '90d', ratio: 0.2 },
    { objective: 0.9995, rolling: '7d', ratio: 0.05 },
    { objective: 0.95, rolling: '30d', ratio: 1 },
    { objective: 0.9, rolling: '7d', ratio: 1 },
  ];
  test.each(cases)('T $objective, W $rolling, $ratio bad', ({ objective, rolling, ratio }) => {
    const plan = planOf({ objective, window: { rolling } });
    const fault = 12 * HOUR;
    const slo = new VirtualSlo(plan);
    const origin = clean(slo, plan.windowMinutes * 60);
    run(slo, origin, { name: '', ratio, fault, expected: {} }, 60, 7 * HOUR);
    const intervals = slo.intervals(origin);
    let checked = 0;
    for (const pair of plan.pairs) {
      const theta = pair.threshold * plan.budget;
      const detect = (theta / ratio) * pair.longMinutes * 60;
      const found = intervals[`${pair.severity} ${pair.tier}`];
      if (theta >= ratio || detect > fault) {
        expect(found).toBeUndefined();
        continue;
      }
      expect(Math.abs((found?.[0]?.fired as number) - detect)).toBeLessThanOrEqual(60);
      // After a fault that filled the short window, and while the long one is still above: S · (1 − θ/e).
      const reset = pair.shortMinutes * 60 * (1 - theta / ratio);
      expect(Math.abs((found?.[0]?.resolved as number) - fault - reset)).toBeLessThanOrEqual(60);
      checked++;
    }
    expect(checked).toBeGreaterThan(0);
  });
});

test('the alert names the minute its fault began', () => {
  const slo = new VirtualSlo(planOf());
  clean(slo, 30 * DAY);
  // A blip twelve hours before the fault, outweighed by the clean traffic since, is not its beginning.
  slo.measure(EPOCH + (30 * DAY - 12 * HOUR) * 1000, 0, 500);
  const origin = EPOCH + 30 * DAY * 1000;
  run(slo, origin, ORACLE[0] as Case, 60, 0);
  const [fired] = slo.transitions as [(typeof slo.transitions)[number]];
  expect(fired.transition).toMatchObject({
    type: 'slo.alert.fired',
    data: {
      startedAt: new Date(origin).toISOString(),
      eventTime: new Date(fired.at).toISOString(),
      severity: 'page',
      declare: 'sev2',
      budgetRemaining: expect.any(Number),
    },
  });
});
