import type { SloAlertFired, SloHistory, SloStatus } from '@bellwether/contracts';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { DAY, eventually, MINUTE, Rehearsal, sloBody } from './testing/rehearsal.fixture.js';

// Real servers, on a machine that may be busy.
jest.setTimeout(120_000);

let stage: Rehearsal;
beforeEach(async () => {
  stage = await Rehearsal.start();
});
afterEach(() => stage.stop());

/** Minutes of total failure up to now, one message each as they happen; answers the last one. */
async function fail(minutes: number, bad = 100) {
  let last = { id: '', position: 0, journal: '' };
  for (let i = 0; i < minutes; i++) {
    last = await stage.measure([[stage.clock.now().getTime(), 100 - bad, 100]]);
    stage.clock.advance(MINUTE);
  }
  return last;
}

async function recover(minutes: number): Promise<void> {
  for (let i = 0; i < minutes; i++) {
    await stage.measure([[stage.clock.now().getTime(), 100, 100]]);
    stage.clock.advance(MINUTE);
  }
}

describe('an SLO defined before its data', () => {
  test('fires once for each tier, with the measurement that tipped it as evidence, and resolves', async () => {
    await stage.startService();
    await stage.must('sli-define', { service: 'checkout', name: 'availability' });
    await stage.must('slo-define', sloBody());
    await stage.history(2 * DAY);
    await stage.settled();
    const origin = stage.clock.now();
    const tipped = await stage.measure([[origin.getTime(), 0, 100]]);
    const fired = await eventually(async () => {
      const [first] = await stage.transitions();
      if (first?.type !== 'slo.alert.fired') throw new Error('nothing fired yet');
      return first;
    });
    expect(fired).toMatchObject({
      stream: 'slo:checkout-availability',
      data: {
        slo: 'checkout-availability',
        service: 'checkout',
        severity: 'page',
        tier: 'fast',
        longWindow: '1h',
        shortWindow: '5m',
        threshold: 14.4,
        declare: 'sev2',
        n: 1,
        startedAt: origin.toISOString(),
        eventTime: origin.toISOString(),
        evidence: { journal: tipped.journal, position: tipped.position, eventId: tipped.id, total: 6100 },
      },
      meta: { causationId: tipped.id, actor: 'service:evaluator', source: '/bellwether/evaluator' },
    });
    expect((fired.data as SloAlertFired).longBurn).toBeCloseTo(100 / 6100 / 0.001, 9);

    stage.clock.advance(MINUTE);
    await recover(400);
    stage.clock.advance(MINUTE);
    const alerts = await eventually(async () => {
      const now = await stage.alerts();
      expect(now.filter((alert) => alert.startsWith('resolved'))).toHaveLength(now.length / 2);
      return now;
    });
    expect(new Set(alerts).size).toBe(alerts.length);
    expect(alerts).toEqual(expect.arrayContaining(['fired page fast 1', 'resolved page fast 1']));
    const resolved = (await stage.transitions()).find((event) => event.type === 'slo.alert.resolved');
    expect(resolved?.meta.correlationId).toBe(fired.meta.correlationId);
    expect(resolved?.data).toMatchObject({ reason: 'recovered', firedAt: origin.toISOString() });
    await stage.settled();
    const { stored, recomputed } = await stage.buckets();
    expect(stored).toBe(recomputed);
    expect(stored.split('\n').length).toBe(2 * 1440 + 401 + 1);
  });
});

describe('an SLO defined after its data', () => {
  test('is right once its buckets are made from the journal, and pages only for what holds now', async () => {
    // An outage of ten minutes a week ago, thirty days of history.
    await stage.history(23 * DAY);
    const now = stage.clock.now().getTime();
    await stage.startService();
    const outage = Array.from({ length: 10 }, (_, i) => [now + i * MINUTE, 0, 100] as const);
    await stage.measure(outage);
    stage.clock.advance(7 * DAY);
    const rest: [number, number, number][] = [];
    for (let at = now + 10 * MINUTE; at < stage.clock.now().getTime(); at += MINUTE)
      rest.push([at, 100, 100]);
    for (let i = 0; i < rest.length; i += 1000) await stage.measure(rest.slice(i, i + 1000));

    await stage.must('slo-define', sloBody());
    const status = await eventually(async () => {
      const now = await stage.status();
      expect(now.backfill).toBeNull();
      return now;
    });
    expect(status).toMatchObject({
      state: 'ok',
      total: 30 * 1440 * 100,
      good: 30 * 1440 * 100 - 1000,
      history: 30 * 86_400,
      backfill: null,
      frozen: null,
      coverage: 1,
    });
    expect(status.budget.consumed).toBeCloseTo(1000 / (30 * 1440 * 100) / 0.001, 9);
    expect(await stage.alerts()).toEqual([]);

    // A second SLO on the same indicator shares its buckets; another indicator gets its own.
    await stage.must('slo-define', sloBody({ name: 'strict', objective: 0.9999, window: { rolling: '7d' } }));
    await eventually(async () => expect((await stage.status('strict')).total).toBe(7 * 1440 * 100));
    const { stored, recomputed } = await stage.buckets();
    expect(stored).toBe(recomputed);

    const { points } = (
      await stage.must<SloHistory>('slo-history', {
        slo: 'checkout-availability',
        from: new Date(now - DAY).toISOString(),
        to: new Date(now + DAY).toISOString(),
        step: '12h',
      })
    ).data;
    expect(points.map(({ good, total }) => total - good)).toEqual([0, 0, 1000, 0]);
    expect(points[3]?.budgetRemaining).toBeLessThan(points[1]?.budgetRemaining as number);
  });

  test('an SLO over values and histograms counts what is within its bound', async () => {
    await stage.startService();
    await stage.must('sli-define', { service: 'checkout', name: 'latency', unit: 'ms' });
    const at = stage.clock.now().getTime();
    await stage.record([{ kind: 'values', at: [at, at], value: [120, 900], count: [9, 1] }], {
      sli: 'latency',
    });
    await stage.record([{ kind: 'histogram', at: [at], bounds: [100, 500], counts: [[5, 4, 1]] }], {
      sli: 'latency',
    });
    const indicator = { kind: 'threshold', op: 'lte', value: 0.5, unit: 's' };
    await stage.must('slo-define', sloBody({ name: 'fast', sli: 'latency', indicator, objective: 0.5 }));
    await eventually(async () => expect(await stage.status('fast')).toMatchObject({ good: 18, total: 20 }));
  });

  test('status as of a moment is what was known then: late data does not change it', async () => {
    await stage.startService();
    await stage.must('slo-define', sloBody());
    await stage.history(2 * DAY);
    await stage.settled();
    const then = stage.clock.now();
    const before = await stage.status();
    stage.clock.advance(MINUTE);
    await stage.measure([[then.getTime() - DAY, 0, 5000]]);
    await eventually(async () => expect((await stage.status()).total).toBe(before.total + 5000));
    const asOf = await stage.must<SloStatus>('slo-status', {
      slo: 'checkout-availability',
      asOf: then.toISOString(),
    });
    expect({ ...asOf.data, alerts: [] }).toEqual({ ...before, alerts: [] });
    const unknown = await stage.ask('slo-status', {
      slo: 'checkout-availability',
      asOf: '2020-01-01T00:00:00Z',
    });
    expect(unknown).toMatchObject({ ok: false, problem: { status: 404 } });
  });
});

describe('a restart', () => {
  test('in the middle of an outage neither doubles an alert nor loses its end', async () => {
    await stage.startService();
    await stage.must('slo-define', sloBody({ window: { rolling: '30d' } }));
    await stage.history(3 * DAY);
    await stage.settled();
    await fail(5);
    await eventually(async () => expect(await stage.alerts()).toContain('fired page fast 1'));
    await stage.stopServices();
    const during = await stage.alerts();

    // Still failing: it does not fire again.
    await fail(2);
    await stage.startService();
    await stage.settled();
    stage.clock.advance(20_000);
    await eventually(async () => expect((await stage.status()).alerts[0]?.state).toBe('firing'));
    const fires = (await stage.alerts()).filter((alert) => alert === 'fired page fast 1');
    expect(fires).toHaveLength(1);
    expect((await stage.alerts()).slice(0, during.length)).toEqual(during);

    // Over while nobody was looking: it resolves.
    await stage.stopServices();
    await recover(30);
    await stage.startService();
    await eventually(async () => expect(await stage.alerts()).toContain('resolved page fast 1'));
    await stage.settled();
    // What was measured meanwhile was counted before anything was decided: nobody was told of a silence.
    expect((await stage.transitions()).filter(({ type }) => type.startsWith('rule'))).toEqual([]);
    const { stored, recomputed } = await stage.buckets();
    expect(stored).toBe(recomputed);
  });

  test('reads buckets, not the journal', async () => {
    await stage.startService();
    await stage.must('slo-define', sloBody());
    await stage.history(31 * DAY);
    await stage.settled();
    const before = await stage.status();
    await stage.stopServices();
    const { rows } = await stage.log.pool.query('select sum(position) as read from evaluator.checkpoints');
    await stage.startService();
    expect(await stage.status()).toEqual(before);
    expect(
      (await stage.log.pool.query('select sum(position) as read from evaluator.checkpoints')).rows,
    ).toEqual(rows);
    expect(before.total).toBe(30 * 1440 * 100);
  });
});

describe('absent data', () => {
  test('an SLI silent for ten cadences is an alert of its own, and speaks again', async () => {
    await stage.startService();
    await stage.must('slo-define', sloBody());
    await stage.history(DAY);
    await stage.settled();
    stage.clock.advance(9 * MINUTE);
    stage.clock.advance(2 * MINUTE);
    const fired = await eventually(async () => {
      const rule = (await stage.transitions()).find((event) => event.type === 'rule.alert.fired');
      expect(rule).toBeDefined();
      return rule;
    });
    expect(fired).toMatchObject({
      stream: 'rule:absent/checkout/availability',
      data: { kind: 'absent', service: 'checkout', severity: 'ticket', n: 1, declare: null },
    });
    expect((await stage.status()).frozen?.reason).toContain('3 cadences of 1m');
    await stage.measure([[stage.clock.now().getTime(), 100, 100]]);
    await eventually(async () =>
      expect((await stage.transitions()).map((event) => event.type)).toEqual([
        'rule.alert.fired',
        'rule.alert.resolved',
      ]),
    );
  });

  test('what was not heard of because Bellwether was stopped is not called silent as it starts', async () => {
    await stage.startService();
    await stage.must('slo-define', sloBody());
    await stage.history(DAY);
    await stage.settled();
    await stage.stopServices();
    stage.clock.advance(30 * MINUTE);
    await stage.startService();
    await eventually(async () => expect((await stage.status()).frozen?.reason).toContain('3 cadences of 1m'));
    // What was measured meanwhile comes now.
    await stage.measure([[stage.clock.now().getTime(), 100, 100]]);
    await stage.settled();
    stage.clock.advance(2 * MINUTE);
    await stage.settled();
    expect(await stage.transitions()).toEqual([]);
    // Nothing else does: that is silence.
    stage.clock.advance(10 * MINUTE);
    await eventually(async () =>
      expect((await stage.transitions()).map(({ type }) => type)).toEqual(['rule.alert.fired']),
    );
  });
});
