import type {
  GoldenSignals,
  Rule,
  RuleAlertFired,
  RuleAlertResolved,
  RuleStatus,
} from '@bellwether/contracts';
import type { RecordedEvent } from '@bellwether/event-log';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { DAY, eventually, MINUTE, Rehearsal } from './testing/rehearsal.fixture.js';

// Real servers, on a machine that may be busy.
jest.setTimeout(120_000);

let stage: Rehearsal;
beforeAll(async () => {
  stage = await Rehearsal.start();
  await stage.startService();
});
afterAll(() => stage.stop());

const RUNBOOK = 'https://runbooks.example.org/rules';
const define = (body: Partial<Rule> & Pick<Rule, 'name' | 'sli'>) =>
  stage.must<Rule>('rule-define', {
    service: 'checkout',
    aggregate: 'mean',
    window: '1m',
    op: 'gt',
    threshold: 90,
    severity: 'page',
    summary: `${body.name} is too high`,
    runbookUrl: RUNBOOK,
    ...body,
  });
const status = async (rule: string): Promise<RuleStatus> =>
  (await stage.must<RuleStatus>('rule-status', { rule })).data;
const value = (sli: string, measured: number) =>
  stage.record([{ kind: 'values', at: [stage.clock.now().getTime()], value: [measured] }], { sli });
const now = (): string => stage.clock.now().toISOString();

/** What was appended about a rule's alert, oldest first. */
async function alerts(rule: string): Promise<RecordedEvent[]> {
  const events = await stage.log.readStream(`rule:${rule}`);
  return events.filter(({ type }) => type.startsWith('rule.alert.'));
}
const told = async (rule: string): Promise<string[]> =>
  (await alerts(rule)).map(
    ({ type, data }) => `${type.slice('rule.alert.'.length)} ${(data as RuleAlertFired).n}`,
  );

test('a rule fires when it has held for so long by the clock, also across a restart, once, and resolves once', async () => {
  await stage.must('sli-define', { service: 'checkout', name: 'latency', unit: 'ms' });
  const reply = await define({
    name: 'slow',
    sli: 'latency',
    aggregate: 'p95',
    threshold: 1,
    unit: 's',
    for: '5m',
    clear: { margin: 0.2 },
    escalationPolicy: 'pay',
  });
  expect(reply).toMatchObject({
    status: 201,
    version: 1,
    warnings: ['service: checkout is not defined yet', 'escalationPolicy: pay is not defined yet'],
  });
  await value('latency', 200);
  await eventually(async () =>
    expect(await status('slow')).toMatchObject({
      state: 'inactive',
      value: expect.closeTo(0.2, 2),
      unit: 's',
    }),
  );
  stage.clock.advance(2 * MINUTE);
  const began = now();
  await value('latency', 1400);
  await eventually(async () =>
    expect(await status('slow')).toMatchObject({ state: 'pending', since: began, pendingSince: began }),
  );
  for (let minute = 0; minute < 3; minute++) {
    stage.clock.advance(MINUTE);
    await value('latency', 1400);
  }
  await stage.stopServices();
  await stage.startService();
  const pending = await eventually(async () => {
    const found = await status('slow');
    expect(found).toMatchObject({ state: 'pending', pendingSince: began, backfill: null });
    return found;
  });
  stage.clock.advance(2 * MINUTE - 1);
  const tipped = await value('latency', 1500);
  await stage.settled();
  expect(await status('slow')).toMatchObject({ state: 'pending' });
  expect(await told('slow')).toEqual([]);

  stage.clock.advance(1);
  expect(now()).toBe(pending.firesAt);
  const [fired] = await eventually(async () => {
    expect(await told('slow')).toEqual(['fired 1']);
    return alerts('slow');
  });
  expect(fired).toMatchObject({
    data: {
      rule: 'slow',
      kind: 'threshold',
      service: 'checkout',
      severity: 'page',
      declare: 'sev2',
      escalationPolicy: 'pay',
      runbookUrl: RUNBOOK,
      startedAt: began,
      eventTime: pending.firesAt,
      measured: {
        aggregate: 'p95',
        op: 'gt',
        threshold: 1,
        clear: 0.8,
        unit: 's',
        value: expect.closeTo(1.5, 1),
      },
      evidence: { journal: tipped.journal, position: tipped.position, eventId: tipped.id },
    } satisfies Partial<Record<keyof RuleAlertFired, unknown>>,
    meta: { causationId: tipped.id, actor: 'service:evaluator' },
  });

  // Between the threshold and what clears it nothing changes; a restart does not tell it anew, either.
  stage.clock.advance(3 * MINUTE);
  await value('latency', 900);
  await stage.stopServices();
  await stage.startService();
  await eventually(async () =>
    expect(await status('slow')).toMatchObject({
      state: 'firing',
      since: pending.firesAt,
      value: expect.closeTo(0.9, 2),
    }),
  );
  for (let minute = 0; minute < 2; minute++) {
    stage.clock.advance(MINUTE);
    await value('latency', 700);
  }
  const [, resolved] = await eventually(async () => {
    expect(await told('slow')).toEqual(['fired 1', 'resolved 1']);
    return alerts('slow');
  });
  expect(resolved?.data).toMatchObject({
    n: 1,
    reason: 'recovered',
    firedAt: pending.firesAt as string,
  } satisfies Partial<RuleAlertResolved>);
  expect(resolved?.meta.correlationId).toBe(fired?.meta.correlationId);
  expect(await status('slow')).toMatchObject({
    state: 'resolved',
    since: (resolved as RecordedEvent).occurredAt.toISOString(),
  });
  // As of before it fired: what was measured then, by the log alone.
  const before = new Date(Date.parse(pending.firesAt as string) - 1).toISOString();
  const { data } = await stage.must<RuleStatus>('rule-status', { rule: 'slow', asOf: before });
  expect(data).toMatchObject({
    state: 'pending',
    asOf: before,
    pendingSince: null,
    value: expect.closeTo(1.5, 1),
  });
});

test('a rule that is retired resolves what fires, and is gone; defined anew it begins anew', async () => {
  await define({ name: 'hot', sli: 'cpu', for: '0s' });
  await value('cpu', 97);
  await eventually(async () => expect(await told('hot')).toEqual(['fired 1']));
  await stage.must('rule-retire', { rule: 'hot' });
  expect(await told('hot')).toEqual(['fired 1', 'resolved 1']);
  expect((await alerts('hot')).at(-1)?.data).toMatchObject({ reason: 'retired' });
  expect(await stage.ask('rule-status', { rule: 'hot' })).toMatchObject({ problem: { status: 404 } });
  expect(await stage.ask('rule-retire', { rule: 'hot' })).toMatchObject({ problem: { status: 404 } });
  expect(await define({ name: 'hot', sli: 'cpu', for: '1h' })).toMatchObject({ status: 201, version: 3 });
  await eventually(async () =>
    expect(await status('hot')).toMatchObject({ state: 'pending', pendingSince: now() }),
  );
});

test('a rule that cannot be evaluated as it is asked for is refused by its field', async () => {
  const reply = await stage.ask('rule-define', {
    name: 'wrong',
    service: 'checkout',
    sli: 'latency',
    aggregate: 'ratio',
    window: '90s',
    op: 'lt',
    threshold: 99,
    severity: 'page',
    summary: 'wrong',
    runbookUrl: RUNBOOK,
  });
  expect(reply).toMatchObject({
    problem: {
      status: 422,
      detail: 'rule wrong is refused: window must be a whole number of minutes, at least 1m',
      errors: [{ path: 'window' }, { path: 'threshold' }],
    },
  });
});

test('three days of values are read anew after a restart, and every aggregate sees the same buckets', async () => {
  const origin = stage.clock.now().getTime();
  const at: number[] = [];
  const values: number[] = [];
  // Four days: 1, 2, … in turn, and in the last three not above 1000.
  for (let minute = 0; minute < 4 * 1440; minute += 2) {
    at.push(origin + minute * MINUTE);
    values.push(minute < 1440 ? 5000 : 1 + (minute % 1000));
  }
  stage.clock.advance(4 * DAY);
  for (let i = 0; i < at.length; i += 1000) {
    const [times, some] = [at.slice(i, i + 1000), values.slice(i, i + 1000)];
    await stage.record([{ kind: 'values', at: times, value: some }], { sli: 'backlog' });
  }
  const aggregates = ['min', 'max', 'p50', 'mean', 'rate'] as const;
  for (const aggregate of aggregates) {
    await define({ name: aggregate, sli: 'backlog', aggregate, window: '3d', op: 'gt', threshold: 1e6 });
  }
  const seen = async () => {
    const all = await Promise.all(aggregates.map((rule) => status(rule)));
    for (const { backfill } of all) expect(backfill).toBeNull();
    return Object.fromEntries(all.map(({ rule, value }) => [rule, value]));
  };
  const first = await eventually(seen);
  const window = values.filter((_, i) => (at[i] as number) >= stage.clock.now().getTime() - 3 * DAY);
  const sorted = [...window].sort((a, b) => a - b);
  expect(first).toEqual({
    min: expect.closeTo(1, 1),
    max: expect.closeTo(999, -1),
    p50: expect.closeTo(sorted[sorted.length / 2 - 1] as number, -1),
    mean: window.reduce((sum, each) => sum + each, 0) / window.length,
    rate: 1 / 120,
  });
  await stage.stopServices();
  await stage.startService();
  stage.clock.advance(1);
  expect(await eventually(seen)).toEqual(first);
  // The window slides: what leaves it is read from where it is stored.
  stage.clock.advance(DAY / 2);
  const { max, ...later } = await eventually(seen);
  expect(max).toBe(first.max);
  expect(later).toMatchObject({ min: expect.closeTo(1, 1) });
  await stage.settled();
  const { stored, recomputed } = await stage.buckets();
  expect(stored).toBe(recomputed);
});

test('golden signals are measured from the buckets that there are, and from the log where there are none', async () => {
  const service = 'signalled';
  const signals = async (data: object = {}): Promise<GoldenSignals> =>
    (await stage.must<GoldenSignals>('golden-signals', { service, ...data })).data;
  const at = stage.clock.now().getTime();
  expect(await stage.ask('golden-signals', { service })).toMatchObject({ problem: { status: 404 } });
  expect(
    await stage.ask('service-define', { name: service, goldenSignals: { latency: { window: '1s' } } }),
  ).toMatchObject({ problem: { status: 422, errors: [{ path: 'goldenSignals.latency.window' }] } });
  const saturation = { sli: 'disk', threshold: 0.7 };
  const defined = await stage.must('service-define', { name: service, goldenSignals: { saturation } });
  expect(defined.warnings).toEqual(['goldenSignals.saturation.sli: signalled/disk is not defined yet']);
  expect((await signals()).status).toBe('unknown');

  const times = [0, 1, 2, 3, 4].map((minute) => at + minute * MINUTE);
  for (const [sli, unit] of [
    ['latency', 'ms'],
    ['availability', 'count'],
    ['disk', 'percent'],
  ])
    await stage.must('sli-define', { service, name: sli, unit });
  await stage.record([{ kind: 'values', at: times, value: times.map(() => 1500) }], {
    service,
    sli: 'latency',
  });
  await stage.record([{ kind: 'values', at: times, value: times.map(() => 60) }], { service, sli: 'disk' });
  await stage.measure(
    times.map((time) => [time, 120, 120] as const),
    { service },
  );
  stage.clock.advance(5 * MINUTE);
  const expected = {
    status: 'critical',
    latency: { status: 'critical', value: expect.closeTo(1.5, 1), unit: 's', threshold: 1 },
    traffic: { status: 'ok', value: 2, unit: '1/s' },
    errors: { status: 'ok', value: 0, unit: 'ratio' },
    saturation: { status: 'ok', value: 0.6, threshold: 0.7, sli: 'disk' },
  };
  const measuredAt = now();
  const byLog = await signals();
  expect(byLog).toMatchObject(expected);
  await define({ name: 'p95', service, sli: 'latency', aggregate: 'p95', window: '1m' });
  await define({ name: 'disk', service, sli: 'disk', aggregate: 'mean' });
  await define({
    name: 'available',
    service,
    sli: 'availability',
    aggregate: 'ratio',
    op: 'lt',
    threshold: 0.9,
  });
  await eventually(async () => {
    for (const rule of ['p95', 'disk', 'available']) expect((await status(rule)).backfill).toBeNull();
  });
  expect(await signals()).toEqual(byLog);
  stage.clock.advance(30 * MINUTE);
  expect(await signals()).toMatchObject({ status: 'unknown', latency: { value: null } });
  expect(await signals({ asOf: measuredAt })).toEqual(byLog);
});

test('an SLI that a rule alone looks at is missed when it falls silent', async () => {
  await define({ name: 'heard', sli: 'pulse' });
  for (let minute = 0; minute < 3; minute++) {
    await value('pulse', 50);
    stage.clock.advance(MINUTE);
  }
  await stage.settled();
  stage.clock.advance(10 * MINUTE);
  await eventually(async () => expect(await told('absent/checkout/pulse')).toEqual(['fired 1']));
  expect(await told('heard')).toEqual([]);
  await value('pulse', 50);
  await eventually(async () =>
    expect(await told('absent/checkout/pulse')).toEqual(['fired 1', 'resolved 1']),
  );
});

test('what a killed instance left pending fires on the one that takes over, in time and once', async () => {
  await define({ name: 'taken-over', sli: 'load', for: '5m' });
  await stage.stopServices();
  const one = await stage.startInstance('one');
  const began = now();
  await value('load', 95);
  await eventually(async () => {
    const { rows } = await stage.log.pool.query(
      'select rule, since::float8 as since from evaluator.pending_rules',
    );
    expect(rows).toContainEqual({ rule: 'taken-over', since: Date.parse(began) });
  });
  await stage.kill(one);
  const [two, three] = await Promise.all([stage.startInstance('two'), stage.startInstance('three')]);
  for (let minute = 0; minute < 5; minute++) {
    stage.clock.advance(MINUTE);
    await value('load', 95);
    await Promise.all([two.renewLeases(), three.renewLeases()]);
  }
  const [fired] = await eventually(async () => {
    expect(await told('taken-over')).toEqual(['fired 1']);
    return alerts('taken-over');
  });
  expect(fired?.data).toMatchObject({ startedAt: began, eventTime: now() });
  await eventually(async () => {
    const { rowCount } = await stage.log.pool.query(
      `select from evaluator.pending_rules where rule = 'taken-over'`,
    );
    expect(rowCount).toBe(0);
  });
});
