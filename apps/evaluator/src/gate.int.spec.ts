import type { ChangeFreeze, GateOverride, SloPolicyEntered } from '@bellwether/contracts';
import { CONTROL_JOURNAL } from '@bellwether/contracts';
import type { RecordedEvent } from '@bellwether/event-log';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { DAY, eventually, MINUTE, Rehearsal, sloBody } from './testing/rehearsal.fixture.js';

jest.setTimeout(120_000);

let stage: Rehearsal;
beforeAll(async () => {
  stage = await Rehearsal.start();
  await stage.startService();
});
afterAll(() => stage?.stop());

const later = (millis: number) => new Date(stage.clock.now().getTime() + millis).toISOString();
async function events(prefix: string): Promise<RecordedEvent[]> {
  const all = await stage.log.readJournal(CONTROL_JOURNAL, { after: 0, limit: 10_000 });
  return all.filter(({ type }) => type.startsWith(prefix));
}

describe('an override of the gate', () => {
  test('is on record with who and why, and is withdrawn once', async () => {
    const body = { service: 'checkout', reason: 'the fix', until: later(2 * 60 * MINUTE) };
    const made = await stage.must<GateOverride>('gate-override', body, { id: 'override-1' });
    expect(made).toMatchObject({
      status: 201,
      data: { ...body, by: 'user:ada', withdrawnAt: null },
      warnings: ['service: checkout is not defined yet'],
    });
    const again = await stage.must<GateOverride>('gate-override', body, { id: 'override-1' });
    expect(again.data).toEqual(made.data);
    expect(await events('gate.overridden')).toHaveLength(1);

    const { id } = made.data;
    const ask = { service: 'checkout', id };
    const withdrawn = await stage.must<GateOverride>('gate-override-withdraw', ask, { actor: 'user:bob' });
    expect(withdrawn.data).toMatchObject({ id, withdrawnBy: 'user:bob' });
    const twice = await stage.must<GateOverride>('gate-override-withdraw', ask);
    expect(twice.data).toEqual(withdrawn.data);
    expect(await events('gate.override-withdrawn')).toHaveLength(1);
  });

  test.each([
    [-MINUTE, 'past'],
    [8 * DAY, 'too long'],
  ])('must end in time: %p ms from now is %s', async (millis) => {
    const body = { service: 'checkout', reason: 'why', until: later(millis) };
    expect(await stage.ask('gate-override', body)).toMatchObject({
      ok: false,
      problem: { status: 422, errors: [{ path: 'until' }] },
    });
  });

  test('that is not there cannot be withdrawn', async () => {
    expect(await stage.ask('gate-override-withdraw', { service: 'checkout', id: 'none' })).toMatchObject({
      problem: { status: 404 },
    });
  });
});

test('a decision of the gate is kept once, as it was first answered', async () => {
  const decision = {
    service: 'checkout',
    asOf: stage.clock.now().toISOString(),
    allow: true,
    overridden: false,
    reasons: [],
    budgets: [],
  };
  const ask = (allow: boolean) =>
    stage.must(
      'gate-record',
      { service: 'checkout', change: 'v1', decision: { ...decision, allow } },
      { id: 'd-1' },
    );
  expect((await ask(true)).data).toEqual(decision);
  expect((await ask(false)).data).toEqual(decision);
  expect((await events('gate.decided')).map(({ data }) => data)).toEqual([
    { service: 'checkout', change: 'v1', by: 'user:ada', decision },
  ]);
});

describe('a change freeze', () => {
  const freeze = {
    name: 'weekends',
    services: ['checkout'],
    reason: 'nobody is there',
    recurrence: {
      rrule: 'FREQ=WEEKLY;BYDAY=FR',
      start: '2026-01-02T17:00',
      duration: '3d',
      timeZone: 'Europe/Berlin',
    },
  };

  test('is defined, changed, taken away and defined anew', async () => {
    const made = await stage.must<ChangeFreeze>('freeze-define', freeze);
    expect(made).toMatchObject({ status: 201, version: 1, data: freeze });
    expect(made.warnings).toEqual(['services.0: checkout is not defined yet']);
    const changed = await stage.must('freeze-define', { ...freeze, services: '*' }, { expect: 1 });
    expect(changed).toMatchObject({ status: 200, version: 2, warnings: [] });
    expect(await stage.ask('freeze-retire', { freeze: 'weekends' }, { expect: 1 })).toMatchObject({
      problem: { status: 412 },
    });
    const gone = await stage.must('freeze-retire', { freeze: 'weekends' }, { id: 'end-1' });
    expect(gone).toMatchObject({ version: 3, data: { services: '*' } });
    const repeated = await stage.must('freeze-retire', { freeze: 'weekends' }, { id: 'end-1' });
    expect(repeated.data).toEqual(gone.data);
    expect(await stage.ask('freeze-retire', { freeze: 'weekends' })).toMatchObject({
      problem: { status: 404 },
    });
    expect(await stage.must('freeze-define', freeze)).toMatchObject({ status: 201, version: 4 });
  });

  test('is known after a restart', async () => {
    await stage.stopServices();
    await stage.startService();
    expect(await stage.must('freeze-define', freeze)).toMatchObject({ status: 200, version: 4 });
    expect(await stage.must('freeze-retire', { freeze: 'weekends' })).toMatchObject({ version: 5 });
    const [lifted, retired] = (await stage.log.readStream('freeze:weekends')).filter(
      ({ type }) => type === 'freeze.retired',
    );
    // Headers name the services that it was for; all of them have no name.
    expect(lifted?.meta).not.toHaveProperty('filters');
    expect(retired?.meta.filters).toEqual({ services: ['checkout'] });
    await stage.stopServices();
    await stage.startService();
    expect(await stage.ask('freeze-retire', { freeze: 'weekends' })).toMatchObject({
      problem: { status: 404 },
    });
  });

  test.each([
    [{ recurrence: { ...freeze.recurrence, rrule: 'FREQ=WEEKLY;BYDAY=XX' } }, 422, 'recurrence.rrule'],
    [{ recurrence: { ...freeze.recurrence, timeZone: 'Mars/Base' } }, 400, 'recurrence.timeZone'],
    [{ recurrence: undefined }, 400, 'from'],
    [{ from: '2026-11-22T10:00:00Z' }, 400, 'from'],
    [{ recurrence: undefined, from: '2026-11-22T10:00:00Z', to: '2026-11-22T10:00:00Z' }, 400, 'to'],
    [{ services: [] }, 400, 'services'],
  ])('is refused by field: %j', async (overrides, status, path) => {
    const reply = await stage.ask('freeze-define', { ...freeze, ...overrides });
    expect(reply).toMatchObject({ ok: false, problem: { status } });
    if (!reply.ok) expect(reply.problem.errors?.map((fault) => fault.path)).toContain(path);
  });
});

describe('the error-budget policy', () => {
  const steps = [
    { remainingBelow: 0.5, action: 'notify', declare: null },
    { remainingBelow: 0.1, action: 'freeze' },
  ];
  const policy = async () =>
    (await events('slo.policy')).map(({ type, data }) => {
      const { action, n } = data as SloPolicyEntered;
      return `${type.slice('slo.policy.'.length)} ${action} ${n}`;
    });

  test('enters steps as the budget goes, once, and says so in the status', async () => {
    await stage.must('service-define', { name: 'checkout', errorBudgetPolicy: { steps } });
    await stage.must('slo-define', sloBody({ escalationPolicy: 'pay', alerting: { preset: 'none' } }));
    await stage.history(2 * DAY);
    await stage.settled();
    expect(await policy()).toEqual([]);
    // 288,000 events at 99.9 % allow for 288 bad ones.
    const now = stage.clock.now().getTime();
    await stage.measure([[now - MINUTE, 0, 200]]);
    await eventually(async () => expect(await policy()).toEqual(['entered notify 1']));
    const { id, journal, position } = await stage.measure([[now - MINUTE, 0, 80]]);
    await eventually(async () => expect(await policy()).toEqual(['entered notify 1', 'entered freeze 1']));
    const from = { journal, position, eventId: id };
    const [crossed] = (await events('slo.budget.crossed')).slice(-1);
    expect([crossed?.data, crossed?.meta.causationId]).toMatchObject([
      { evidence: from, threshold: 0.1 },
      id,
    ]);
    const [, entered] = await events('slo.policy.entered');
    expect(entered?.data).toMatchObject({
      slo: 'checkout-availability',
      service: 'checkout',
      remainingBelow: 0.1,
      declare: 'sev4',
      evidence: from,
      escalationPolicy: 'pay',
      title: expect.stringMatching(
        /^checkout-availability: 2[.]\d+ % of the error budget is left [(]freeze below 10 %[)]$/,
      ),
    });
    const since = stage.clock.now().toISOString();
    expect(await stage.status()).toMatchObject({
      settled: true,
      policy: {
        from: 'service',
        withoutData: 'allow',
        steps: [
          { action: 'notify', remainingBelow: 0.5, since },
          { action: 'freeze', remainingBelow: 0.1, since },
        ],
      },
    });
  });

  test('is taken up where it was after a restart, and left when the budget recovers', async () => {
    await stage.stopServices();
    await stage.startService();
    // As many good events again, and the share that is spent is half of what it was.
    const now = stage.clock.now().getTime();
    await stage.measure([[now - MINUTE, 300_000, 300_000]]);
    await eventually(async () =>
      expect(await policy()).toEqual([
        'entered notify 1',
        'entered freeze 1',
        'left notify 1',
        'left freeze 1',
      ]),
    );
    const left = await events('slo.policy.left');
    const entered = await events('slo.policy.entered');
    for (const { data, meta } of left) {
      const { action } = data as { action: string };
      const begun = entered.find((event) => (event.data as SloPolicyEntered).action === action);
      expect(data).toMatchObject({ reason: 'recovered' });
      expect(meta.correlationId).toBe(begun?.meta.correlationId);
    }
  });

  test('that no longer names a step leaves it; so does an SLO that is retired', async () => {
    const now = stage.clock.now().getTime();
    await stage.measure([[now - MINUTE, 0, 1000]]);
    await eventually(async () =>
      expect((await policy()).slice(4).sort()).toEqual(['entered freeze 2', 'entered notify 2']),
    );
    await stage.must('service-define', {
      name: 'checkout',
      errorBudgetPolicy: { steps: steps.slice(1) },
    });
    stage.clock.advance(20_000);
    await eventually(async () => expect((await policy()).slice(6)).toEqual(['left notify 2']));
    await stage.must('slo-retire', { slo: 'checkout-availability' });
    expect((await policy()).slice(7)).toEqual(['left freeze 2']);
    expect(
      (await events('slo.policy.left')).slice(-2).map(({ data }) => (data as { reason: string }).reason),
    ).toEqual(['redefined', 'retired']);
  });
});
