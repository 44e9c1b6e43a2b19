import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import type { SloPlan } from './slo-plan.js';
import { ORACLE, OTHER_SLOS, SHAPES, type TimingCase, trafficOf } from './timing-cases.fixture.js';
import { type Interval, type Stretch, TimingOracle } from './timing-oracle.fixture.js';
import { EPOCH, planOf, VirtualSlo } from './virtual-time.fixture.js';

// Days of virtual time, on a machine that may be busy.
jest.setTimeout(60_000);

/** Minutes in which the last alert of every case resolves. */
const AFTER = 7 * 60;

/** The intervals that a case's table has. */
const expectedOf = ({ expected }: TimingCase): Record<string, Interval[]> =>
  Object.fromEntries(
    Object.entries(expected).map(([tier, times]) => [
      tier,
      times.map(([fired, resolved]) => ({ fired, resolved })),
    ]),
  );

function expectWithin(
  found: Record<string, Interval[]>,
  expected: Record<string, Interval[]>,
  seconds: number,
): void {
  expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
  for (const [tier, intervals] of Object.entries(expected)) {
    const near = (time: number | null) =>
      time === null ? null : expect.closeTo(time, -Math.log10(2 * seconds));
    expect([tier, found[tier]]).toEqual([
      tier,
      intervals.map(({ fired, resolved }) => ({ fired: near(fired), resolved: near(resolved) })),
    ]);
  }
}

/** Delivers each minute at its end and looks then. `each` is told what fires. */
function run(
  plan: SloPlan,
  traffic: readonly Stretch[],
  each: (second: number, firing: ReadonlySet<string>) => void = () => {},
): VirtualSlo {
  const slo = new VirtualSlo(plan);
  let minute = 0;
  for (const { minutes, rate, bad } of traffic) {
    for (let i = 0; i < minutes; i++, minute++) {
      const failed = Math.round(rate * bad);
      slo.measure(EPOCH + minute * 60_000, rate - failed, rate);
      slo.evaluate(EPOCH + (minute + 1) * 60_000);
      const firing = [...slo.ledger.alerts.values()].filter(({ state }) => state === 'firing');
      each((minute + 1) * 60, new Set(firing.map(({ severity, fired }) => `${severity} ${fired.tier}`)));
    }
  }
  return slo;
}

describe.each([
  ['the timing oracle', ORACLE],
  ['other faults', SHAPES],
  ['other objectives', OTHER_SLOS],
] as const)('%s', (_, cases) => {
  test.each(cases)('$name: the formulas of the table are the roots of the lines', (one) => {
    const oracle = new TimingOracle(planOf(one.definition), trafficOf(one, AFTER));
    expectWithin(oracle.intervals(one.history * 60), expectedOf(one), 0.01);
  });

  test.each(cases)('$name: fires and resolves within a minute of them', (one) => {
    const slo = run(planOf(one.definition), trafficOf(one, AFTER));
    expectWithin(slo.intervals(EPOCH + one.history * 60_000), expectedOf(one), 60.5);
  });
});

describe('whatever the traffic', () => {
  const stretch = fc.record({
    minutes: fc.integer({ min: 1, max: 90 }),
    // Whole numbers of bad requests.
    rate: fc.constantFrom(1000, 4000, 100_000),
    bad: fc.constantFrom(0, 0, 0, 0.002, 0.01, 0.02, 0.1, 0.5, 1),
  });

  test('at the end of each minute exactly those alerts fire of which all conditions are above 0', () => {
    const pairs = [
      { severity: 'page', tier: 'fast', long: '10m', short: '2m', burn: 14.4 },
      { severity: 'page', tier: 'slow', long: '1h', short: '5m', burn: 6 },
      { severity: 'ticket', tier: 'slow', long: '6h', short: '30m', burn: 1 },
    ];
    fc.assert(
      fc.property(
        fc.array(stretch, { minLength: 1, maxLength: 10 }),
        fc.option(fc.constantFrom(10, 500, 20_000), { nil: undefined }),
        (traffic, minBad) => {
          const plan = planOf({ alerting: { windows: pairs, ...(minBad === undefined ? {} : { minBad }) } });
          const oracle = new TimingOracle(plan, traffic);
          run(plan, traffic, (second, firing) => {
            for (const pair of plan.pairs) {
              const margins = oracle.margins(pair, second);
              // Exactly on the line: strictly above is not, and reaching a floor is.
              if (margins.some((margin) => Math.abs(margin) < 1e-3)) continue;
              const alert = `${pair.severity} ${pair.tier}`;
              const isAbove = margins.every((margin) => margin > 0);
              expect([second, alert, firing.has(alert)]).toEqual([second, alert, isAbove]);
            }
          });
        },
      ),
      { numRuns: 25 },
    );
  });
});
