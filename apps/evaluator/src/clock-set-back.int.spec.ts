import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { DAY, eventually, MINUTE, Rehearsal, sloBody } from './testing/rehearsal.fixture.js';

// Real servers, on a machine that may be busy.
jest.setTimeout(120_000);

let stage: Rehearsal;
beforeAll(async () => {
  stage = await Rehearsal.start();
});
afterAll(() => stage.stop());

test('data far ahead of a clock that went back harms nothing', async () => {
  await stage.startService();
  const percentile = { kind: 'percentile', p: 0.95, op: 'lte', value: 0.5, unit: 's' };
  await stage.must('sli-define', { service: 'checkout', name: 'latency', unit: 's' });
  await stage.must(
    'slo-define',
    sloBody({
      name: 'far',
      sli: 'latency',
      objective: 0.9,
      indicator: percentile,
      budgeting: { method: 'timeslices', slice: '1h' },
      window: { rolling: '200d' },
      alerting: { windows: [{ severity: 'page', tier: 'fast', long: '6h', short: '2h', burn: 2 }] },
    }),
  );
  await stage.must('slo-define', sloBody({ window: { rolling: '200d' } }));
  const start = stage.clock.now().getTime() + 17 * MINUTE;
  stage.clock.set(start);
  const value = async (at: number, each: number) => {
    await stage.record([{ kind: 'values', at: [at], value: [each] }], { sli: 'latency' });
    await stage.measure([[at, each > 0.5 ? 0 : 10, 10]]);
  };
  for (let hour = 5; hour >= 0; hour--) await value(start - hour * 60 * MINUTE, 0.2);
  stage.clock.set(start + 118 * DAY);
  for (let minute = 4; minute >= 0; minute--) await value(start + 118 * DAY - minute * MINUTE, 0.2);
  await stage.settled();
  await stage.status('far');
  stage.clock.set(start);
  const seen = async () => [await stage.status('far'), await stage.status()];
  expect(await seen()).toMatchObject([
    { asOf: stage.clock.now().toISOString(), good: 6, total: 6 },
    { total: 60, good: 60 },
  ]);
  // It goes on being evaluated: a fault fires.
  for (let hour = 1; hour <= 6; hour++) {
    stage.clock.set(start + hour * 60 * MINUTE);
    await value(stage.clock.now().getTime(), 0.9);
    await stage.settled();
  }
  await eventually(async () => {
    const fired = (await stage.alerts()).filter((alert) => alert === 'fired page fast 1');
    expect(fired).toHaveLength(2);
  });
  await stage.stopServices();
  await stage.startService();
  expect(await seen()).toMatchObject([
    { good: 6, total: 12 },
    { good: 60, total: 120 },
  ]);
  const { stored, recomputed } = await stage.buckets();
  expect(stored).toBe(recomputed);
});

test('an SLI falls silent by a clock that went back since the start, once the minute after that is over', async () => {
  await stage.stopServices();
  const before = stage.clock.now().getTime();
  stage.clock.set(before + 118 * DAY);
  await stage.startService();
  stage.clock.set(before);
  await stage.must('slo-define', sloBody({ name: 'quiet', sli: 'quiet' }));
  for (let minute = 0; minute < 3; minute++) {
    await stage.measure([[stage.clock.now().getTime(), 1, 1]], { sli: 'quiet' });
    stage.clock.advance(MINUTE);
  }
  await stage.settled();
  await eventually(async () => expect((await stage.status('quiet')).total).toBe(3));
  stage.clock.advance(10 * MINUTE);
  await eventually(async () =>
    expect(await stage.log.readStream('rule:absent/checkout/quiet')).toMatchObject([
      { type: 'rule.alert.fired', data: { n: 1, cadence: '1m' } },
    ]),
  );
});
