import {
  CONTROL_JOURNAL,
  LogStreams,
  type RuleAlertFired,
  type RuleStatus,
  type SloStatus,
  sli as sliOf,
} from '@bellwether/contracts';
import type { RecordedEvent } from '@bellwether/event-log';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Evaluator } from './evaluator.js';
import { DAY, eventually, MINUTE, Rehearsal, sloBody } from './testing/rehearsal.fixture.js';

// Real servers, on a machine that may be busy.
jest.setTimeout(120_000);

/** The passage of time is looked at this often. */
const LOOK = 15_000;

let stage: Rehearsal;
beforeEach(async () => {
  stage = await Rehearsal.start();
});
afterEach(() => stage.stop());

const now = (): string => stage.clock.now().toISOString();

/** What was appended about the absent SLI, oldest first. */
const alerts = async (sli = 'availability'): Promise<RecordedEvent[]> =>
  await stage.log.readStream(LogStreams.rule(`absent/checkout/${sli}`));
const told = async (sli?: string): Promise<string[]> =>
  (await alerts(sli)).map(
    ({ type, data }) => `${type.slice('rule.alert.'.length)} ${(data as RuleAlertFired).n}`,
  );

/** Defines the SLI through the log alone, as an instance of the evaluator has no commands by itself. */
async function defineSli(definition: object = { cadence: '1m' }): Promise<void> {
  await stage.log.append({
    journal: CONTROL_JOURNAL,
    stream: LogStreams.sli('checkout', 'availability'),
    expectedVersion: 'any',
    events: [
      {
        type: 'sli.defined',
        data: sliOf.parse({ service: 'checkout', name: 'availability', ...definition }),
        occurredAt: stage.clock.now(),
        meta: { correlationId: 'test', causationId: null, actor: 'user:ada', source: '/test' },
      },
    ],
  });
}

/** Moves time, and waits until the instance has looked at what that changes. */
async function pass(instance: Evaluator, millis: number): Promise<void> {
  const { evaluations } = instance.context.metrics;
  const count = async () => (await evaluations.get()).values[0]?.value ?? 0;
  const before = await count();
  stage.clock.advance(millis);
  await instance.renewLeases();
  await eventually(async () => expect(await count()).toBeGreaterThan(before));
}

const source = {
  prometheus: { url: 'http://127.0.0.1:9', good: 'up == 1', total: 'up' },
  every: '1m',
};

describe('an SLI that was never measured', () => {
  test('is absent ten cadences after an SLO began to await it, whichever instance looks, and resolves with the first measurement', async () => {
    const one = await stage.startInstance('one');
    await defineSli({ source });
    stage.clock.advance(5 * MINUTE);
    await stage.define();
    const awaited = now();
    await pass(one, 10 * MINUTE - LOOK);
    await pass(one, LOOK);
    expect(await told()).toEqual([]);
    await stage.kill(one);
    const two = await stage.startInstance('two');
    // It has just begun to listen.
    await pass(two, LOOK);
    expect(await told()).toEqual([]);
    await pass(two, MINUTE);
    const [fired] = await eventually(async () => {
      expect(await told()).toEqual(['fired 1']);
      return alerts();
    });
    expect(fired).toMatchObject({
      data: {
        kind: 'absent',
        severity: 'ticket',
        startedAt: awaited,
        eventTime: now(),
        cadence: '1m',
        summary: 'checkout/availability has never been measured for more than 10 times its cadence of 1m',
      },
      meta: { causationId: null },
    });
    // Another definition is no measurement; a restart tells nothing anew.
    await defineSli({ source: { ...source, every: '5m' } });
    await pass(two, LOOK);
    await stage.kill(two);
    const three = await stage.startInstance('three');
    await pass(three, 2 * MINUTE);
    expect(await told()).toEqual(['fired 1']);
    await stage.measure([[stage.clock.now().getTime(), 1, 1]]);
    await eventually(async () => expect(await told()).toEqual(['fired 1', 'resolved 1']));
  });

  test('is awaited from when it got a source or a cadence, where that is later, and never without either', async () => {
    const one = await stage.startInstance('one');
    await defineSli({});
    await stage.define();
    for (let i = 0; i < 3; i++) await pass(one, DAY);
    expect(await told()).toEqual([]);
    await defineSli({ cadence: '5m' });
    const awaited = now();
    await pass(one, 40 * MINUTE);
    // What it is for is no other cadence.
    await defineSli({ cadence: '5m', description: 'answers in time' });
    await pass(one, 10 * MINUTE);
    expect(await told()).toEqual([]);
    await pass(one, LOOK);
    await eventually(async () => expect(await told()).toEqual(['fired 1']));
    expect((await alerts())[0]?.data).toMatchObject({ startedAt: awaited, cadence: '5m' });
  });

  test('is not absent while what comes is not read by its indicator, and is when that ends', async () => {
    const one = await stage.startInstance('one');
    await defineSli();
    await stage.define();
    for (let i = 0; i < 4; i++) {
      await pass(one, 5 * MINUTE);
      // Values are not read by a ratio of counts.
      await stage.record([{ kind: 'values', at: [stage.clock.now().getTime()], value: [7] }]);
    }
    await pass(one, 10 * MINUTE);
    expect(await told()).toEqual([]);
    await pass(one, LOOK);
    await eventually(async () => expect(await told()).toEqual(['fired 1']));
    await stage.record([{ kind: 'values', at: [stage.clock.now().getTime()], value: [7] }]);
    await pass(one, LOOK);
    await eventually(async () => expect(await told()).toEqual(['fired 1', 'resolved 1']));
  });

  test('is awaited from the same time where what was stored of definitions does not say when they were', async () => {
    const one = await stage.startInstance('one');
    await defineSli();
    stage.clock.advance(MINUTE);
    await stage.define();
    const awaited = now();
    await pass(one, 2 * MINUTE);
    await stage.define({ description: 'answers in time' });
    await pass(one, 2 * MINUTE);
    await stage.kill(one);
    const { rowCount } = await stage.log.pool.query(
      `update evaluator.registry set state = (state::jsonb - 'expectedSince' - 'readsSince')::json`,
    );
    expect(rowCount).toBe(2);
    const two = await stage.startInstance('two');
    await pass(two, 6 * MINUTE + LOOK);
    await eventually(async () => expect(await told()).toEqual(['fired 1']));
    expect((await alerts())[0]?.data).toMatchObject({ startedAt: awaited });
    const { rows } = await stage.log.pool.query<{ known: boolean }>(
      `select state::jsonb ?| array['expectedSince', 'readsSince'] as known from evaluator.registry
        where stream not like 'rule:%'`,
    );
    expect(rows).toEqual([{ known: true }, { known: true }]);
  });

  test('is absent to a rule that alone reads it, and no longer when that is retired', async () => {
    await stage.startService();
    await stage.must('sli-define', { service: 'checkout', name: 'depth', unit: 'jobs', cadence: '1m' });
    const rule = {
      name: 'deep',
      service: 'checkout',
      sli: 'depth',
      aggregate: 'mean',
      window: '1m',
      op: 'gt',
      threshold: 90,
      severity: 'page',
      summary: 'the queue is deep',
      runbookUrl: 'https://runbooks.example.org/rules',
    };
    await stage.must('rule-define', rule);
    stage.clock.advance(10 * MINUTE + LOOK);
    await eventually(async () => expect(await told('depth')).toEqual(['fired 1']));
    const ruleStatus = async (asOf?: string) =>
      (await stage.must<RuleStatus>('rule-status', { rule: 'deep', ...(asOf && { asOf }) })).data;
    const absent = { sli: 'checkout/depth', since: now(), cadence: '1m' };
    expect(await ruleStatus()).toMatchObject({ state: 'inactive', absent });
    stage.clock.advance(MINUTE);
    await stage.must('rule-retire', { rule: 'deep' });
    await eventually(async () => expect(await told('depth')).toEqual(['fired 1', 'resolved 1']));
    stage.clock.advance(MINUTE);
    expect(await ruleStatus(absent.since)).toMatchObject({ absent });
  });
});

test('an SLI that was measured is absent after ten cadences, and not before', async () => {
  const one = await stage.startInstance('one');
  await stage.define();
  await stage.history(DAY);
  const newest = stage.clock.now().getTime() - MINUTE;
  await stage.settled();
  await pass(one, 9 * MINUTE - LOOK);
  await pass(one, LOOK);
  expect(await told()).toEqual([]);
  // What was measured a minute ago was heard now, which is what counts.
  await pass(one, MINUTE);
  expect(await told()).toEqual([]);
  await pass(one, LOOK);
  await eventually(async () => expect(await told()).toEqual(['fired 1']));
  expect((await alerts())[0]?.data).toMatchObject({
    startedAt: new Date(newest).toISOString(),
    eventTime: now(),
  });
});

describe('an SLI that is absent', () => {
  const composite = {
    name: 'journey',
    sli: undefined,
    objective: 0.9,
    indicator: {
      kind: 'composite',
      of: [{ slo: 'checkout-availability' }, { slo: 'payments-availability' }],
    },
    budgeting: { method: 'timeslices', slice: '1m', sliceTarget: 0.9 },
  };
  const status = async (slo: string, options: { asOf?: string; group?: string } = {}) =>
    (await stage.must<SloStatus>('slo-status', { slo, ...options })).data;

  test('is told of by each SLO that it measures, now and as of then, until it is measured', async () => {
    await stage.startService();
    await stage.must('sli-define', { service: 'checkout', name: 'availability', cadence: '1m' });
    await stage.must('slo-define', sloBody({ groupBy: { label: 'region' } }));
    await stage.must('slo-define', sloBody(composite));
    await stage.measure([[stage.clock.now().getTime(), 1, 1]]);
    await stage.settled();
    const names = ['checkout-availability', 'journey'];
    for (const slo of names) expect((await status(slo)).absent).toBeNull();
    stage.clock.advance(10 * MINUTE + LOOK);
    await eventually(async () => expect(await told()).toEqual(['fired 1']));
    const absent = { sli: 'checkout/availability', since: now(), cadence: '1m' };
    for (const slo of names) expect(await status(slo)).toMatchObject({ absent, state: 'ok' });
    stage.clock.advance(MINUTE);
    await stage.measure([[stage.clock.now().getTime(), 1, 1]]);
    await eventually(async () => expect(await told()).toEqual(['fired 1', 'resolved 1']));
    stage.clock.advance(MINUTE);
    for (const slo of names) {
      expect((await status(slo)).absent).toBeNull();
      expect((await status(slo, { asOf: absent.since })).absent).toEqual(absent);
    }
  });

  test('asks for the most severe incident that tickets of its SLOs declare', async () => {
    await stage.startService();
    await stage.must('sli-define', { service: 'checkout', name: 'availability', cadence: '1m' });
    const ticket = (name: string, declared: string | null) =>
      stage.must(
        'slo-define',
        sloBody({
          name,
          declare: { page: 'sev1', ticket: declared },
          escalationPolicy: `policy-of-${name}`,
          runbookUrl: `https://runbooks.example.org/${name}`,
        }),
      );
    await ticket('a', null);
    await ticket('b', 'sev4');
    await ticket('c', 'sev3');
    await ticket('d', 'sev3');
    stage.clock.advance(10 * MINUTE + LOOK);
    await eventually(async () => expect(await told()).toEqual(['fired 1']));
    expect((await alerts())[0]?.data).toMatchObject({
      severity: 'ticket',
      declare: 'sev3',
      escalationPolicy: 'policy-of-c',
      runbookUrl: 'https://runbooks.example.org/c',
    });
  });
});
