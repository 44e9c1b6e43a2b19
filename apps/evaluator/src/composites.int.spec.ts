import {
  measurementPartition,
  type SloAlertFired,
  type SloHistory,
  type SloStatus,
} from '@bellwether/contracts';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { StatusReader } from './status/status-reader.js';
import { DAY, eventually, MINUTE, Rehearsal, sloBody } from './testing/rehearsal.fixture.js';

// Real servers, on a machine that may be busy.
jest.setTimeout(120_000);

const HOUR = 60 * MINUTE;
let stage: Rehearsal;
beforeEach(async () => {
  stage = await Rehearsal.start();
});
afterEach(() => stage.stop());

const quiet = { alerting: { preset: 'none' } };
/** SLOs of services whose measurements are in different partitions, and what they are together. */
const part = (service: string, overrides: object = {}) =>
  sloBody({ name: `${service}-availability`, service, objective: 0.95, ...quiet, ...overrides });
const journey = (overrides: object = {}) => ({
  name: 'journey',
  service: 'shop',
  objective: 0.9,
  indicator: { kind: 'composite', of: [{ slo: 'cart-availability' }, { slo: 'pay-availability' }] },
  budgeting: { method: 'ratio-timeslices' },
  window: { rolling: '30d' },
  ...quiet,
  ...overrides,
});

/** A point a minute over the `millis` before now. */
async function measure(service: string, millis: number, good: number, total = 100): Promise<void> {
  const now = stage.clock.now().getTime();
  const points: [number, number, number][] = [];
  for (let at = now - millis; at < now; at += MINUTE) points.push([at, good, total]);
  for (let i = 0; i < points.length; i += 1000) await stage.measure(points.slice(i, i + 1000), { service });
}

const told = ({ good, total }: SloStatus) => [Math.round(good * 1e6) / 1e6, total];
const shown = async (slo: string, expected: unknown) =>
  await eventually(async () => {
    const status = await stage.status(slo);
    expect([status.backfill, told(status)]).toEqual([null, expected]);
    return status;
  });

describe('a composite', () => {
  test('is 90 % of 95 % and 95 %, wherever its components are held, and after everything', async () => {
    expect(measurementPartition('cart', 'availability')).not.toBe(
      measurementPartition('pay', 'availability'),
    );
    await stage.startService();
    await stage.must('slo-define', part('cart'));
    await stage.must('slo-define', part('pay'));
    const { warnings } = await stage.must('slo-define', journey());
    expect(warnings).toEqual(['service: shop is not defined yet']);
    await measure('cart', DAY, 95);
    await measure('pay', DAY, 95);
    const status = await shown('journey', [0.9 * 1440, 1440]);
    expect(status.sli).toBeCloseTo(0.9, 9);
    expect(status.budget.consumed).toBeCloseTo(1, 8);
    expect(status).toMatchObject({ coverage: 1, service: 'shop' });
    // Cells that were stored between two readings are counted at once; that they are fresh is taken with the next look.
    await eventually(async () => expect(await stage.status('journey')).toMatchObject({ frozen: null }));
    const now = stage.clock.now().getTime();

    // Judged otherwise; defined after its data; made of another composite.
    const anyBad = { budgeting: { method: 'timeslices', sliceTarget: 0.96, slice: '2m' } };
    await stage.must('slo-define', journey({ name: 'any-bad', ...anyBad }));
    const of = [
      { slo: 'journey', weight: 0.5 },
      { slo: 'cart-availability', weight: 2 },
    ];
    await stage.must('slo-define', journey({ name: 'outer', indicator: { kind: 'composite', of } }));
    await stage.must('slo-define', journey({ name: 'events', budgeting: { method: 'occurrences' } }));
    await shown('any-bad', [0, 720]);
    await shown('outer', [Math.round((1 - 0.05 - 0.1) * 1440 * 1e6) / 1e6, 1440]);
    await shown('events', [190 * 1440, 200 * 1440]);

    // Late, in the middle of the day, where minutes are counted anew.
    await stage.measure([[now - 12 * HOUR, 1900, 1900]], { service: 'pay' });
    await shown(
      'journey',
      [0.9 * 1439 + (1 - 0.05 - 5 / 2000), 1440].map((n) => Math.round(n * 1e6) / 1e6),
    );
    await stage.stopServices();
    await stage.startService();
    const after = await shown(
      'journey',
      [0.9 * 1439 + (1 - 0.05 - 5 / 2000), 1440].map((n) => Math.round(n * 1e6) / 1e6),
    );

    const history = await stage.must<SloHistory>('slo-history', {
      slo: 'journey',
      from: new Date(now - 2 * HOUR).toISOString(),
      to: new Date(now).toISOString(),
      step: '1h',
    });
    expect(history.data.points.map(({ good, total }) => [Math.round(good * 1e6) / 1e6, total])).toEqual([
      [54, 60],
      [54, 60],
    ]);
    expect(history.data.points[1]?.budgetRemaining).toBeCloseTo(after.budget.remaining as number, 9);
    stage.clock.advance(1);
    const asOf = new Date(now).toISOString();
    for (const slo of ['journey', 'outer', 'any-bad', 'events']) {
      const then = await stage.must<SloStatus>('slo-status', { slo, asOf });
      expect([slo, told(then.data)]).toEqual([slo, told(await stage.status(slo))]);
    }
    // Another instance, which may not hold its partition.
    const other = await stage.startInstance('two');
    const reader = new StatusReader(other, stage.log);
    expect(told(await reader.now('journey'))).toEqual(told(after));
  });

  test('alerts with the component that it was, once, whoever holds it, and is held by absent data', async () => {
    const one = await stage.startInstance('one');
    await stage.define(part('cart', { missingData: 'good' }));
    await stage.define(part('pay'));
    await stage.define(
      journey({
        sli: undefined,
        objective: 0.99,
        budgeting: { method: 'timeslices' },
        alerting: { preset: 'google-sre' },
      }),
    );
    await measure('cart', DAY, 100);
    await measure('pay', DAY, 100);
    await stage.settled();
    let failing = { id: '', position: 0, journal: '' };
    for (let i = 0; i < 12; i++) {
      const at = stage.clock.now().getTime();
      await stage.measure([[at, 100, 100]], { service: 'cart' });
      failing = await stage.measure([[at, 50, 100]], { service: 'pay' });
      stage.clock.advance(MINUTE);
    }
    const fired = await eventually(async () => {
      const found = (await stage.transitions()).find(({ data }) => (data as SloAlertFired).tier === 'fast');
      if (found === undefined) throw new Error('nothing fired yet');
      return found;
    });
    const { components, evidence, startedAt } = fired.data as SloAlertFired;
    expect(fired.stream).toBe('slo:journey');
    expect(components?.map(({ slo }) => slo)).toEqual(['pay-availability', 'cart-availability']);
    expect(components?.[1]).toMatchObject({ weight: 1, good: components?.[1]?.total });
    expect(components?.[0]?.good).toBeLessThan(components?.[0]?.total as number);
    expect(evidence?.journal).toBe(failing.journal);
    expect(Date.parse(startedAt)).toBeGreaterThan(stage.clock.now().getTime() - 15 * MINUTE);

    // Another instance takes over while it fires: not again, and not over while a component is silent.
    const two = await stage.startInstance('two');
    await stage.kill(one);
    await two.renewLeases();
    stage.clock.advance(6 * MINUTE);
    for (let i = 0; i < 10; i++) {
      await stage.measure([[stage.clock.now().getTime(), 100, 100]], { service: 'cart' });
      stage.clock.advance(MINUTE);
    }
    await stage.settled();
    const partition = measurementPartition('shop', 'journey');
    const frozen = await eventually(async () => {
      const status = await two.liveStatus('journey', partition);
      expect(`${status?.frozen?.reason}`).toMatch(/^pay-availability: no measurement/);
      return status;
    });
    expect(frozen?.alerts[0]?.state).toBe('firing');
    const pages = async () => (await stage.alerts()).filter((each) => each.includes('page fast'));
    expect(await pages()).toEqual(['fired page fast 1']);
    // It speaks again, and has been well: the alert is over.
    await measure('pay', 16 * MINUTE, 100);
    await measure('cart', 16 * MINUTE, 100);
    stage.clock.advance(20_000);
    await eventually(async () =>
      expect(await pages()).toEqual(['fired page fast 1', 'resolved page fast 1']),
    );
  });

  test('is refused a circle, warned of what is not there, and goes on without what is retired', async () => {
    await stage.startService();
    const of = (...slos: string[]) => ({
      indicator: { kind: 'composite', of: slos.map((slo) => ({ slo })) },
    });
    const first = await stage.must('slo-define', journey());
    expect(first.warnings).toEqual([
      'service: shop is not defined yet',
      'indicator.of.0.slo: SLO cart-availability is not defined yet',
      'indicator.of.1.slo: SLO pay-availability is not defined yet',
    ]);
    expect(await stage.status('journey')).toMatchObject({
      state: 'no-data',
      backfill: null,
      components: [
        { slo: 'cart-availability', weight: 1, known: false },
        { slo: 'pay-availability', weight: 1, known: false },
      ],
    });
    await stage.must('slo-define', journey({ name: 'outer', ...of('journey', 'cart-availability') }));
    expect(await stage.ask('slo-define', journey(of('cart-availability', 'outer')))).toMatchObject({
      ok: false,
      problem: {
        status: 422,
        errors: [
          { path: 'indicator.of.1.slo', message: expect.stringContaining('journey → outer → journey') },
        ],
      },
    });
    await stage.must('slo-define', part('cart'));
    await stage.must('slo-define', part('pay'));
    await measure('cart', HOUR, 100);
    await measure('pay', HOUR, 0);
    await shown('journey', [0, 60]);
    await shown('outer', [0, 60]);
    const retired = await stage.must('slo-retire', { slo: 'pay-availability' });
    expect(retired.warnings).toEqual(['SLO journey is made of it, and goes on without it']);
    await shown('journey', [60, 60]);
    const events = {
      name: 'events',
      budgeting: { method: 'occurrences' },
      ...of('cart-availability', 'journey'),
    };
    expect((await stage.must('slo-define', journey(events))).warnings).toContain(
      'indicator.of.1.slo: journey counts slices of time: each of them is one event',
    );
  });
});
