import {
  type Backtest,
  LogStreams,
  measurementPartition,
  type PointColumns,
  type Problem,
  partitionJournal,
  sloDefinition,
} from '@bellwether/contracts';
import { planSlo, Recording, runBacktest } from '@bellwether/slo';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ADMIN, Rig } from './rig.fixture.js';

jest.setTimeout(60_000);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const definition = {
  name: 'checkout-availability',
  service: 'checkout',
  sli: 'availability',
  objective: 0.99,
  indicator: { kind: 'ratio' },
  budgeting: { method: 'occurrences' },
  window: { rolling: '1d' },
};
let rig: Rig;
/** Of the last measured minute. */
let end: number;
let points: { at: number; good: number; total: number }[];
const iso = (at: number): string => new Date(at).toISOString();

/** Two days of minutes that end now: a fault of 20 minutes three hours ago, and a blip an hour ago. */
beforeAll(async () => {
  rig = await Rig.start();
  end = Math.floor(rig.clock.now().getTime() / MINUTE) * MINUTE;
  points = Array.from({ length: 48 * 60 }, (_, i) => {
    const at = end - (48 * 60 - i) * MINUTE + 7_000;
    const before = end - at;
    const bad =
      before <= 3 * HOUR && before > 3 * HOUR - 20 * MINUTE ? 60 : before === HOUR - 7_000 ? 100 : 0;
    return { at, good: 100 - bad, total: 100 };
  });
  // Recorded when they were measured, and not in order: every tenth late.
  const late = points.filter((_, i) => i % 10 === 9);
  const messages = [
    ...chunks(
      points.filter((_, i) => i % 10 !== 9),
      100,
    ),
    ...chunks(late, 25),
  ];
  const now = rig.clock.now();
  rig.clock.set(iso(end - 48 * HOUR));
  for (const message of messages) await measure('availability', message);
  rig.clock.set(now.toISOString());
  await rig.put('/v1/services/checkout', {});
  await rig.put(`/v1/slos/${definition.name}`, definition);
});
afterAll(() => rig?.stop());

const columnsOf = (message: typeof points): PointColumns[] => [
  {
    kind: 'counts',
    at: message.map(({ at }) => at),
    good: message.map(({ good }) => good),
    total: message.map(({ total }) => total),
  },
];

async function measure(sli: string, message: typeof points): Promise<void> {
  await rig.append(
    LogStreams.measurement('checkout', sli),
    'measurement.recorded',
    {
      service: 'checkout',
      sli,
      identity: `${sli} ${message[0]?.at}`,
      points: message.length,
      columns: columnsOf(message),
    },
    { journal: partitionJournal(measurementPartition('checkout', sli)) },
  );
}

function* chunks<T>(all: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < all.length; i += size) yield all.slice(i, i + size);
}

const span = () => ({ from: iso(end - 6 * HOUR), to: iso(end) });
const ask = <T = Backtest>(body: object, options = {}) =>
  rig.post<T>('/v1/backtests', { ...span(), ...body }, options);

// Each of these starts a thread from source, which takes its time: few of them say much.
describe('a backtest', () => {
  let named: Backtest;
  const incidents = [{ from: '', to: '', name: 'the bank' }];
  const asked = { incidents, points: 50 };

  test('is what the same points give without the log, in whatever order they came; whoever may read may ask', async () => {
    incidents[0] = { from: iso(end - 3 * HOUR), to: iso(end - 3 * HOUR + 20 * MINUTE), name: 'the bank' };
    const token = await rig.token('viewer');
    const { status, body } = await ask({ ...asked, slo: definition.name }, { token });
    expect(status).toBe(200);
    named = body;

    const planned = planSlo(sloDefinition.parse(definition));
    if (!planned.ok) throw new Error('must be good');
    const own = { from: end - 6 * HOUR, to: end };
    const recording = new Recording(planned.plan, own);
    recording.take(columnsOf(points));
    const options = { span: own, points: 50, incidents, grace: 5 * MINUTE };
    const expected = { ...runBacktest(planned.plan, recording, options), warnings: planned.warnings };
    expect(named).toEqual(JSON.parse(JSON.stringify(expected)));
    expect(named.alerts.map(({ severity, tier }) => `${severity} ${tier}`)).toContain('page fast');
    expect(named.score).toMatchObject({ truePositives: 1, recall: 1, incidents: [{ name: 'the bank' }] });
    expect(named.points.length).toBeLessThanOrEqual(50);
    expect(named.recorded).toMatchObject({ minutes: 48 * 60, unfit: 0 });
    expect((await ask({ slo: definition.name }, { token: await rig.token('publisher') })).status).toBe(403);
  });

  test('tells those who wait how far it is, then answers the same; so does the definition itself', async () => {
    const response = await fetch(`${rig.url}/v1/backtests`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${ADMIN}`,
        'content-type': 'application/json',
        accept: 'text/event-stream',
      },
      body: JSON.stringify({ ...span(), ...asked, slo: definition }),
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const events = (await response.text())
      .split('\n\n')
      .map((text) => /^event: (.*)\ndata: (.*)$/.exec(text))
      .filter((found) => found !== null)
      .map(([, event, data]) => ({ event, data: JSON.parse(data as string) as unknown }));
    const progress = events.slice(0, -1);
    expect(progress.length).toBeGreaterThanOrEqual(2);
    for (const { event, data } of progress) {
      const phase = expect.stringMatching(/^(reading|evaluating)$/);
      expect([event, data]).toEqual([
        'progress',
        { phase, done: expect.any(Number), of: expect.any(Number) },
      ]);
    }
    expect(events.at(-1)).toEqual({ event: 'result', data: named });
  });

  test('of another definition says what that one would have done, until now at most, and defines nothing', async () => {
    const lax = { ...definition, name: 'lax', objective: 0.5 };
    const { body } = await ask({ slo: lax, to: iso(end + 48 * HOUR) });
    expect([body.alerts, body.to]).toEqual([[], rig.clock.now().toISOString()]);
    expect(body.status).toMatchObject({ slo: 'lax', objective: 0.5, asOf: body.to });
    expect(body.warnings).toContain(`to: taken as ${body.to}: nothing was measured in the future`);
    expect((await rig.get('/v1/slos/lax')).status).toBe(404);
    // The clock of whoever asks up to now may be ahead.
    const { body: now } = await ask({ slo: lax, to: iso(rig.clock.now().getTime() + 20_000) });
    expect(now.warnings).not.toContainEqual(expect.stringContaining('to: taken as'));
  });

  test('goes back no further than anything can have been measured, and says so', async () => {
    const earliest = iso(end - 48 * HOUR - 400 * 24 * HOUR);
    const { status, body } = await ask({ slo: definition.name, from: '1500-01-01T00:00:00Z' });
    expect([status, body.from]).toEqual([200, earliest]);
    expect(body.warnings).toContainEqual(expect.stringContaining(`from: taken as ${earliest}`));
    expect(body.recorded.minutes).toBe(48 * 60);
  });

  test('has the corrections of the SLO, and those that are tried', async () => {
    const fault = { from: iso(end - 3 * HOUR), to: iso(end - 3 * HOUR + 20 * MINUTE) };
    await rig.append(LogStreams.slo(definition.name), 'slo.corrected', {
      slo: definition.name,
      service: 'checkout',
      id: 'c1',
      change: 'added',
      effect: 'exclude',
      reason: 'it was announced',
      by: 'user:ada',
      ...fault,
    });
    const blip = { effect: 'good', reason: 'the probe', from: iso(end - HOUR), to: iso(end - HOUR + MINUTE) };
    const { body } = await ask({ slo: definition.name, corrections: [blip] });
    expect(body.alerts).toEqual([]);
    expect(body.status).toMatchObject({ corrections: 2, correctedMinutes: { exclude: 20, good: 1 } });
    expect(body.status.budget.consumed).toBe(0);
    expect((await ask({ slo: definition.name, corrections: [{ ...blip, to: blip.from }] })).status).toBe(400);
  });

  test('reads values by the unit of the SLI', async () => {
    await rig.put('/v1/slis/checkout/success', { unit: 'percent' });
    const at = points.map((point) => point.at);
    await rig.append(
      LogStreams.measurement('checkout', 'success'),
      'measurement.recorded',
      {
        service: 'checkout',
        sli: 'success',
        identity: 'success',
        points: at.length,
        columns: [{ kind: 'values', at, value: points.map(({ good }) => good) }],
      },
      { journal: partitionJournal(measurementPartition('checkout', 'success')) },
    );
    const times = ({ alerts }: Backtest) =>
      alerts.map(({ tier, firedAt, resolvedAt }) => [tier, firedAt, resolvedAt]);
    const valued = await ask({ ...asked, slo: { ...definition, name: 'checkout-success', sli: 'success' } });
    expect(times(valued.body)).toEqual(times(named));
  });
});

describe('refused is', () => {
  const refusal = async (body: object) => {
    const { status, body: problem } = await ask<Problem>(body);
    return { status, errors: problem.errors, detail: problem.detail };
  };

  test('an SLO that there is not', async () => {
    expect(await refusal({ slo: 'checkout-nothing' })).toMatchObject({ status: 404 });
  });

  test('a definition that cannot be, by the name of its field', async () => {
    const faulty = { ...definition, missingData: 'bad' };
    expect(await refusal({ slo: faulty })).toMatchObject({
      status: 422,
      errors: [{ path: 'slo.missingData' }],
    });
    const { objective, ...without } = definition;
    expect(await refusal({ slo: without })).toMatchObject({
      status: 400,
      errors: [{ path: 'slo.objective', message: 'is required' }],
    });
    expect(await refusal({ slo: { ...definition, objective: 1, servise: 'x' } })).toMatchObject({
      status: 400,
      errors: [{ path: 'slo.objective' }, { path: 'slo.servise' }],
    });
    expect(await refusal({ slo: 7 })).toMatchObject({ status: 400, errors: [{ path: 'slo' }] });
  });

  test('an SLO made of SLOs, with what can be asked for instead', async () => {
    const indicator = { kind: 'composite', of: [{ slo: 'checkout-availability' }, { slo: 'pay' }] };
    const { sli, ...journey } = { ...definition, name: 'journey', indicator };
    const message =
      'must not be of a composite; ask for a backtest of a component: checkout-availability, pay';
    expect(await refusal({ slo: journey })).toMatchObject({
      status: 422,
      errors: [{ path: 'slo.indicator.kind', message }],
    });
    await rig.put('/v1/slos/journey', journey);
    expect(await refusal({ slo: 'journey' })).toMatchObject({
      status: 422,
      errors: [{ path: 'slo', message }],
    });
  });

  test('an SLI that was never measured, with what may have been meant', async () => {
    await rig.put('/v1/slis/checkout/availability', {});
    expect(await refusal({ slo: { ...definition, sli: 'availabilty' } })).toMatchObject({
      status: 422,
      detail: 'nothing was ever measured of checkout/availabilty',
      errors: [{ path: 'slo.sli', message: 'has no measurements; of checkout there is availability' }],
    });
  });

  test('a span that is empty, or to come', async () => {
    expect(await refusal({ slo: definition.name, to: iso(end - 6 * HOUR) })).toMatchObject({
      status: 400,
      errors: [{ path: 'to', message: 'must be after from' }],
    });
    expect(
      await refusal({ slo: definition.name, from: iso(end + 2 * HOUR), to: iso(end + 3 * HOUR) }),
    ).toMatchObject({
      status: 422,
      errors: [{ path: 'from' }],
    });
    expect(
      await refusal({ slo: definition.name, from: '1500-01-01T00:00:00Z', to: '1600-01-01T00:00:00Z' }),
    ).toMatchObject({ status: 422, errors: [{ path: 'from' }] });
    expect(
      await refusal({ slo: definition.name, incidents: [{ from: iso(end), to: iso(end - HOUR) }] }),
    ).toMatchObject({
      status: 400,
      errors: [{ path: 'incidents.0.to', message: 'must not be before from' }],
    });
  });
});
