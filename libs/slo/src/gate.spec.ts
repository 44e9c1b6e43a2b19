import {
  type ChangeFreeze,
  changeFreeze,
  type GateOverride,
  type GateReason,
  type SloStatus,
} from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import { decideGate, type GateKnowledge, MINUTE } from './index.js';
import { EPOCH, planOf, VirtualSlo } from './virtual-time.fixture.js';

const AT = Date.parse('2026-11-22T10:00:00Z');

const status = (overrides: Partial<SloStatus> = {}, remaining: number | null = 0.5): SloStatus => ({
  slo: 'checkout-availability',
  service: 'checkout',
  asOf: '2026-11-22T10:00:00.000Z',
  state: 'ok',
  frozen: null,
  objective: 0.999,
  sli: 0.9999,
  good: 9999,
  total: 10_000,
  compliant: true,
  budget: {
    total: 0.001,
    consumed: remaining === null ? null : 1 - remaining,
    remaining,
    exhausted: false,
    exhaustsAt: null,
  },
  burn: [],
  alerts: [],
  watermark: '2026-11-22T09:59:00.000Z',
  history: 2_592_000,
  settled: true,
  coverage: 1,
  corrections: 0,
  policy: {
    from: 'slo',
    withoutData: 'allow',
    steps: [
      { action: 'notify', remainingBelow: 0.5, since: '2026-11-20T00:00:00.000Z' },
      { action: 'review', remainingBelow: 0.25, since: '2026-11-21T00:00:00.000Z' },
      { action: 'freeze', remainingBelow: 0.1, since: '2026-11-22T00:00:00.000Z' },
    ],
  },
  ...overrides,
});

const override: GateOverride = {
  id: 'o1',
  service: 'checkout',
  reason: 'the fix for INC-7',
  from: '2026-11-22T09:00:00.000Z',
  until: '2026-11-22T11:00:00.000Z',
  by: 'user:ada',
  withdrawnAt: null,
  withdrawnBy: null,
};
const incident = {
  id: 'INC-7',
  severity: 'sev2',
  status: 'identified',
  title: 'checkout fails',
  declaredAt: '2026-11-22T08:00:00.000Z',
} as const;
const freeze: ChangeFreeze = changeFreeze.parse({
  name: 'launch',
  services: ['checkout', 'stock'],
  reason: 'the launch',
  from: '2026-11-22T06:00:00Z',
  to: '2026-11-22T12:00:00Z',
});

const ask = (known: Partial<GateKnowledge> = {}) =>
  decideGate({
    service: 'checkout',
    at: AT,
    statuses: [status()],
    incidents: [],
    freezes: [],
    overrides: [],
    ...known,
  });
const said = (known: Partial<GateKnowledge>) => {
  const { allow, reasons } = ask(known);
  return [allow, ...reasons.map(({ kind, effect }) => `${kind}: ${effect}`)];
};

describe('the gate', () => {
  test('lets a service with budget left through, and says what it looked at', () => {
    expect(ask()).toEqual({
      service: 'checkout',
      asOf: '2026-11-22T10:00:00.000Z',
      allow: true,
      overridden: false,
      reasons: [],
      budgets: [
        {
          slo: 'checkout-availability',
          state: 'ok',
          objective: 0.999,
          remaining: 0.5,
          exhaustsAt: null,
          settled: true,
          policy: 'slo',
          step: null,
        },
      ],
    });
  });

  // A step is in effect strictly below what it names, float residue aside.
  test.each([
    [0.5, [true]],
    [0.499, [true, 'budget: note']],
    [0.25, [true, 'budget: note']],
    [0.2, [true, 'budget: review']],
    [1 - 0.9, [true, 'budget: review']],
    [0.0999, [false, 'budget: refuse']],
    [-3, [false, 'budget: refuse']],
  ])('with %p of the budget left', (remaining, expected) => {
    expect(said({ statuses: [status({}, remaining)] })).toEqual(expected);
  });

  test('names the strictest step, since when, and in words', () => {
    const { reasons, budgets } = ask({ statuses: [status({}, 0.08)] });
    expect(reasons).toEqual([
      {
        kind: 'budget',
        effect: 'refuse',
        resource: { kind: 'slo', name: 'checkout-availability' },
        text: 'checkout-availability: 8 % of the error budget is left; its policy freezes changes below 10 %',
        since: '2026-11-22T00:00:00.000Z',
        until: null,
      },
    ]);
    expect(budgets[0]?.step).toEqual({ action: 'freeze', remainingBelow: 0.1 });
    expect(ask({ statuses: [status({}, -0.2)] }).reasons[0]?.text).toContain('overspent by 20 %');
  });

  test('does not judge by a young window', () => {
    const young = status({ settled: false, history: 3 * 3600 }, -5);
    expect(said({ statuses: [young] })).toEqual([true, 'young-window: note']);
    expect(ask({ statuses: [young] }).reasons[0]?.text).toContain('only 3 h of history');
    const newborn = status({ settled: false, history: 150 }, -5);
    expect(ask({ statuses: [newborn] }).reasons[0]?.text).toContain('only 2 min of history');
  });

  test.each<[Partial<SloStatus>, number | null, string]>([
    [{ state: 'no-data' }, null, 'no-data'],
    [{ frozen: { since: '2026-11-22T09:00:00.000Z', reason: 'no measurement' } }, 0.5, 'frozen-data'],
    [{ backfill: { done: 1, of: 9 } }, 0.5, 'backfill'],
  ])(
    'says so when nothing fresh is known: %j; the policy says what follows',
    (overrides, remaining, kind) => {
      expect(said({ statuses: [status(overrides, remaining)] })).toEqual([true, `${kind}: note`]);
      const policy = { from: 'slo', withoutData: 'refuse', steps: [] } as const;
      const strict = status({ ...overrides, policy: { ...policy, steps: [] } }, remaining);
      expect(said({ statuses: [strict] })).toEqual([false, `${kind}: refuse`]);
    },
  );

  test('of frozen data goes by the budget as it stood', () => {
    const frozen = status({ frozen: { since: '2026-11-22T09:00:00.000Z', reason: 'no measurement' } }, 0.05);
    expect(said({ statuses: [frozen] })).toEqual([false, 'budget: refuse', 'frozen-data: note']);
  });

  test('of data with gaps does not say that none came since the first of them', () => {
    const slo = new VirtualSlo(planOf());
    for (const minute of [0, 1, 2, 3, 4, 11, 12]) slo.measure(EPOCH + minute * MINUTE, 10, 10);
    const now = EPOCH + 12 * MINUTE + 10_000;
    const { text, since } = ask({ statuses: [slo.status(now)] }).reasons[0] as GateReason;
    expect(since).toBe(new Date(EPOCH + 5 * MINUTE).toISOString());
    expect(text).toBe(
      `checkout-availability is frozen since ${since} (measurements cover 54 % of the last hour of data, under 90 %): its budget does not recover meanwhile`,
    );
  });

  test('refuses during an incident and a change freeze, for everybody they concern', () => {
    expect(said({ incidents: [incident] })).toEqual([false, 'incident: refuse']);
    expect(said({ freezes: [freeze] })).toEqual([false, 'change-freeze: refuse']);
    expect(said({ freezes: [{ ...freeze, services: '*' }] })).toEqual([false, 'change-freeze: refuse']);
    expect(said({ freezes: [{ ...freeze, services: ['stock'] }] })).toEqual([true]);
    expect(said({ freezes: [freeze], at: Date.parse('2026-11-22T12:00:00Z') })).toEqual([true]);
    expect(ask({ freezes: [freeze] }).reasons[0]).toMatchObject({
      text: 'change freeze launch until 2026-11-22T12:00:00.000Z: the launch',
      since: '2026-11-22T06:00:00.000Z',
      until: '2026-11-22T12:00:00.000Z',
    });
  });

  test('knows freezes that come again', () => {
    const weekend: ChangeFreeze = changeFreeze.parse({
      name: 'weekend',
      services: '*',
      reason: 'nobody is there',
      recurrence: {
        rrule: 'FREQ=WEEKLY;BYDAY=FR',
        start: '2026-01-02T16:00',
        duration: '3d',
        timeZone: 'Europe/Berlin',
      },
    });
    // The 22nd is a Sunday.
    expect(ask({ freezes: [weekend] }).reasons[0]).toMatchObject({
      since: '2026-11-20T15:00:00.000Z',
      until: '2026-11-23T15:00:00.000Z',
    });
    expect(said({ freezes: [weekend], at: Date.parse('2026-11-24T10:00:00Z') })).toEqual([true]);
  });

  test('is overridden for a time, and still says why it would refuse', () => {
    const refused = { incidents: [incident] };
    expect(said({ ...refused, overrides: [override] })).toEqual([
      true,
      'incident: refuse',
      'override: override',
    ]);
    expect(ask({ ...refused, overrides: [override] }).overridden).toBe(true);
    expect(ask({ overrides: [override] }).overridden).toBe(false);
    const over = [
      { ...override, until: '2026-11-22T10:00:00.000Z' },
      { ...override, from: '2026-11-22T10:00:00.001Z' },
      { ...override, withdrawnAt: '2026-11-22T09:30:00.000Z', withdrawnBy: 'user:bob' },
    ];
    expect(said({ ...refused, overrides: over })).toEqual([false, 'incident: refuse']);
  });

  test('without an SLO says that it knows nothing', () => {
    expect(said({ statuses: [] })).toEqual([true, 'no-slo: note']);
  });
});
