import { sloDefinition } from '@bellwether/contracts';
import { MINUTE, planSlo, Series, type SloPlan } from '@bellwether/slo';
import { expect, test } from '@jest/globals';
import { forecastOfSlo } from './forecast.js';
import { TalliedMinutes } from './tallied-minutes.js';

const planned = planSlo(
  sloDefinition.parse({
    name: 'checkout-availability',
    service: 'checkout',
    sli: 'availability',
    objective: 0.99,
    indicator: { kind: 'ratio' },
    budgeting: { method: 'occurrences' },
    window: { rolling: '30d' },
  }),
);
if (!planned.ok) throw new Error('must be good');
const plan: SloPlan = planned.plan;

/** What is said at a moment, of points every ten seconds since another one: of the first ones so many bad of ten. */
async function saidAt(now: number, begun: number, faults: (index: number) => number = () => 0) {
  const series = new Series({ windows: [plan.windowMinutes] });
  for (let i = 0; begun + i * 10_000 <= now; i++) series.observe(begun + i * 10_000, 10 - faults(i), 10);
  const stored = new TalliedMinutes([series], (low, high) => series.sum(low, high), 1);
  return await forecastOfSlo(plan, { horizon: undefined, group: undefined, now }, (read) =>
    read({ stored, due: null, cadence: null, building: false }),
  );
}

const at = (text: string): number => Date.parse(`2026-11-${text}Z`);

test('a budget that is spent is gone when it is asked for, not when the minute is over', async () => {
  const now = at('29T18:17:15.250');
  const { remaining, asOf, pace, seasonal } = await saidAt(now, at('29T18:07:00'), (i) => (i < 6 ? 10 : 0));
  expect(remaining).toBeLessThan(-5);
  expect([pace.exhaustsAt, seasonal.exhaustsAt.likely]).toEqual([asOf, asOf]);
});

test.each(['29T18:12:10', '29T18:17:15', '29T18:26:40', '29T19:30:00'])(
  'the traffic of a new service is that since it is measured, asked at %s',
  async (time) => {
    const { best } = await saidAt(at(time), at('29T18:07:00'), (i) => (i < 6 ? 10 : 0));
    // 60 bad of 6,000, a point of 10 every ten seconds: an hour and 40 minutes from the first one.
    expect(Math.abs(Date.parse(best.recoversAt as string) - at('29T19:47:00'))).toBeLessThan(3 * MINUTE);
  },
);

test('an hour is one of the pattern when its last minute is over', async () => {
  const begun = at('20T00:00:00');
  expect((await saidAt(at('22T23:59:30'), begun)).seasonal.pattern).toBeNull();
  expect((await saidAt(at('23T00:00:00'), begun)).seasonal.pattern).toBe('daily');
  // Nor is the first one, of which a part was measured.
  expect((await saidAt(at('23T00:00:00'), at('20T00:07:00'))).seasonal.pattern).toBeNull();
  expect((await saidAt(at('23T01:00:00'), at('20T00:07:00'))).seasonal.pattern).toBe('daily');
});
