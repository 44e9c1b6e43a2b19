import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { decideSlo, emptyLedger, MINUTE, type SloTransition } from './index.js';
import { EPOCH, planOf, VirtualSlo } from './virtual-time.fixture.js';

// Days of virtual time, on a machine that may be busy.
jest.setTimeout(60_000);

const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A point a minute over [from, to). */
function measure(slo: VirtualSlo, from: number, to: number, good: number, total: number): void {
  for (let at = from; at < to; at += MINUTE) slo.measure(at, good, total);
}

/** An SLO that was clean for so many days. */
function clean(days: number, overrides: object = {}): { slo: VirtualSlo; now: number } {
  const slo = new VirtualSlo(planOf({ objective: 0.99, ...overrides }));
  measure(slo, EPOCH, EPOCH + days * DAY, 100, 100);
  return { slo, now: EPOCH + days * DAY };
}

const alerts = (transitions: SloTransition[]): string[] =>
  transitions
    .filter(({ type }) => type !== 'slo.budget.crossed')
    .map(({ type, data }) => {
      const { severity, tier } = data as { severity: string; tier: string };
      return `${type.slice('slo.alert.'.length)} ${severity} ${tier}`;
    });

describe('late bad minutes', () => {
  test('within the short window of an alert fire, from their own time on, and resolve when they leave it', () => {
    const { slo, now } = clean(5);
    // What was in between came already: the fault is told four minutes later.
    slo.measure(now, 100, 100);
    for (const at of [now - 4 * MINUTE, now - 3 * MINUTE]) slo.measure(at, 0, 1000);
    const fired = slo.evaluate(now);
    expect(alerts(fired)).toContain('fired page fast');
    expect(fired[0]?.data).toMatchObject({
      startedAt: new Date(now - 4 * MINUTE).toISOString(),
      eventTime: new Date(now).toISOString(),
    });
    measure(slo, now + MINUTE, now + 4 * MINUTE, 100, 100);
    expect(alerts(slo.evaluate(now + 2 * MINUTE))).not.toContain('resolved page fast');
    expect(alerts(slo.evaluate(now + 3 * MINUTE))).toContain('resolved page fast');
  });

  test('outside of it do not, however many they are: that was over when it was told', () => {
    const { slo, now } = clean(5);
    measure(slo, now - 8 * HOUR, now - 7 * HOUR, 0, 1_000_000);
    expect(alerts(slo.evaluate(now))).toEqual([]);
    expect(slo.status(now).burn.find(({ window }) => window === '1d')?.rate).toBeGreaterThan(90);
  });

  test('of last week restate the budget, now, and page nobody', () => {
    const { slo, now } = clean(10);
    expect(slo.evaluate(now)).toEqual([]);
    measure(slo, now - 8 * DAY, now - 7 * DAY, 0, 100);
    const told = slo.evaluate(now);
    expect(alerts(told)).toEqual([]);
    expect(told.map(({ data }) => 'threshold' in data && data.threshold)).toEqual([0.5, 0.25, 0.1, 0]);
    for (const { data } of told) expect(data.eventTime).toBe(new Date(now).toISOString());
    expect(slo.status(now)).toMatchObject({ state: 'breached', total: 11 * 1440 * 100 });
    expect(slo.evaluate(now + MINUTE)).toEqual([]);
  });

  test('of an SLI that has nothing newer page nobody: there is no evidence that it still fails', () => {
    const slo = new VirtualSlo(planOf({ objective: 0.99 }));
    measure(slo, EPOCH, EPOCH + HOUR, 0, 100);
    expect(alerts(slo.evaluate(EPOCH + DAY))).toEqual([]);
  });

  test('while an alert fires neither fire it again nor end it', () => {
    const { slo, now } = clean(5);
    measure(slo, now, now + 10 * MINUTE, 0, 100);
    slo.evaluate(now + 10 * MINUTE);
    measure(slo, now - 6 * HOUR, now - 5 * HOUR, 0, 100);
    // Another one, whose windows see it with what goes on, may fire.
    expect(alerts(slo.evaluate(now + 10 * MINUTE)).join()).not.toContain('page fast');
    expect(slo.ledger.alerts.get('page/fast')).toMatchObject({ state: 'firing', n: 1 });
  });
});

describe('late good minutes', () => {
  test('that outweigh what fired an alert resolve it', () => {
    const { slo, now } = clean(5, { objective: 0.999 });
    measure(slo, now, now + 2 * MINUTE, 0, 100);
    expect(alerts(slo.evaluate(now + 2 * MINUTE))).toContain('fired page fast');
    slo.measure(now + MINUTE, 100_000, 100_000);
    expect(alerts(slo.evaluate(now + 2 * MINUTE))).toContain('resolved page fast');
  });

  test('that fill the gaps thaw what was frozen, and resolve on what they say', () => {
    const { slo, now } = clean(2);
    measure(slo, now, now + 20 * MINUTE, 0, 100);
    slo.evaluate(now + 20 * MINUTE);
    // Every second point of what follows is late.
    for (let at = now + 20 * MINUTE; at < now + 70 * MINUTE; at += 2 * MINUTE) slo.measure(at, 100, 100);
    const then = now + 70 * MINUTE;
    expect(slo.status(then).frozen?.reason).toContain('cover');
    expect(alerts(slo.evaluate(then))).toEqual([]);
    for (let at = now + 21 * MINUTE; at < now + 70 * MINUTE; at += 2 * MINUTE) slo.measure(at, 100, 100);
    expect(slo.status(then).frozen).toBeNull();
    expect(alerts(slo.evaluate(then))).toContain('resolved page fast');
  });

  test('of long ago do not thaw an SLI that is silent', () => {
    const { slo, now } = clean(2);
    const then = now + HOUR;
    measure(slo, now - DAY, now - DAY + HOUR, 100, 100);
    expect(slo.status(then).frozen?.reason).toContain('no measurement');
    slo.measure(then - MINUTE, 100, 100);
    expect(slo.status(then).frozen?.reason ?? '').not.toContain('no measurement');
  });
});

describe('what came before the first measurement', () => {
  test('makes a young window old: its budget is judged from then on', () => {
    const slo = new VirtualSlo(planOf({ objective: 0.99 }));
    const now = EPOCH + 10 * DAY;
    measure(slo, now - HOUR, now, 50, 100);
    expect(slo.status(now)).toMatchObject({ history: 3600, settled: false });
    slo.evaluate(now);
    const crossed = () =>
      slo.transitions.filter(({ transition }) => transition.type === 'slo.budget.crossed');
    expect(crossed()).toEqual([]);
    measure(slo, now - 2 * DAY, now - 2 * DAY + MINUTE, 100, 100);
    expect(slo.status(now)).toMatchObject({ history: 2 * 86_400, settled: true });
    slo.evaluate(now);
    expect(crossed()).toHaveLength(4);
  });

  test('beyond the window is not in it, but says that the SLI is that old', () => {
    const slo = new VirtualSlo(planOf({ objective: 0.99, window: { rolling: '7d' } }));
    const now = EPOCH + 60 * DAY;
    measure(slo, now - HOUR, now, 100, 100);
    const before = slo.status(now);
    slo.measure(EPOCH, 0, 1_000_000);
    expect(slo.status(now)).toEqual(before);
    expect(slo.evaluate(now)).toEqual([]);
  });
});

test('whatever is told of more than the longest window ago decides nothing about alerts', () => {
  // Each method, over six days with a point every five minutes; some with a fault that fires something now.
  const windows = [
    { severity: 'page', tier: 'fast', long: '2h', short: '10m', burn: 1.5 },
    { severity: 'ticket', tier: 'slow', long: '3d', short: '6h', burn: 0.1 },
  ];
  const timeslices = {
    budgeting: { method: 'timeslices', slice: '5m', sliceTarget: 0.9 },
    alerting: { windows },
  };
  const definitions = [
    {},
    { missingData: 'good' },
    timeslices,
    { ...timeslices, missingData: 'bad' },
    { ...timeslices, budgeting: { method: 'ratio-timeslices', slice: '5m' } },
    { window: { calendar: 'week', timeZone: 'Europe/Berlin' } },
    { alerting: { minTotal: 50, minBad: 5 } },
  ];
  let fired = false;
  fc.assert(
    fc.property(
      fc.constantFrom<object>(...definitions),
      fc.nat(30),
      fc.array(fc.tuple(fc.nat(2 * 1440 - 1), fc.nat(1000), fc.nat(1000)), { minLength: 1, maxLength: 30 }),
      (definition, bad, late) => {
        const plan = planOf({ objective: 0.9, ...definition });
        const slo = new VirtualSlo(plan);
        const now = EPOCH + 6 * DAY;
        for (let at = EPOCH; at < now; at += 5 * MINUTE) {
          slo.measure(at, at < now - bad * 5 * MINUTE ? 10 : 1, 10);
        }
        const decided = () => alerts(decideSlo(slo.read(now), emptyLedger, null));
        const before = decided();
        fired ||= before.length > 0;
        for (const [minute, good, failed] of late) slo.measure(EPOCH + minute * MINUTE, good, good + failed);
        expect(decided()).toEqual(before);
      },
    ),
    { numRuns: 60 },
  );
  expect(fired).toBe(true);
});
