import { randomUUID } from 'node:crypto';
import {
  CONTROL_JOURNAL,
  LogStreams,
  type SloDefinition,
  type SloStatus,
  sloDefinition,
} from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { eventually, MINUTE, Rehearsal, sloBody } from './testing/rehearsal.fixture.js';

// Real servers, on a machine that may be busy.
jest.setTimeout(120_000);

let stage: Rehearsal;
beforeAll(async () => {
  stage = await Rehearsal.start();
  await stage.startService();
});
afterAll(() => stage.stop());

describe('defining', () => {
  test('a new resource is 201 at version 1, a change 200 at the next, the same again changes nothing', async () => {
    const service = { name: 'checkout', team: 'pay', tier: 1 };
    expect(await stage.must('service-define', service)).toMatchObject({
      status: 201,
      version: 1,
      warnings: [],
    });
    expect(await stage.must('service-define', { ...service, tier: 2 })).toMatchObject({
      status: 200,
      version: 2,
    });
    const { position } = await stage.log.head('control');
    expect(await stage.must('service-define', { ...service, tier: 2 })).toMatchObject({
      status: 200,
      version: 2,
    });
    expect((await stage.log.head('control')).position).toBe(position);
    expect(await stage.must('sli-define', { service: 'checkout', name: 'availability' })).toMatchObject({
      status: 201,
      data: { service: 'checkout', name: 'availability', unit: 'count' },
    });
  });

  test('answers the whole resource with its defaults', async () => {
    const { data, status } = await stage.must<SloDefinition>('slo-define', sloBody({ name: 'whole' }));
    expect(status).toBe(201);
    expect(data).toMatchObject({
      alerting: { preset: 'google-sre' },
      missingData: 'freeze',
      declare: { page: 'sev2', ticket: null },
      labels: {},
    });
  });

  test('a reference to something that is not defined yet is a warning', async () => {
    const reply = await stage.must(
      'slo-define',
      sloBody({ name: 'early', service: 'cart', sli: 'errors', escalationPolicy: 'nobody' }),
    );
    expect(reply.warnings).toEqual([
      'service: cart is not defined yet',
      'sli: cart/errors is not defined yet',
      'escalationPolicy: nobody is not defined yet',
    ]);
    expect((await stage.must('service-define', { name: 'shop', dependsOn: ['cart'] })).warnings).toEqual([
      'dependsOn: service cart is not defined yet',
    ]);
    const defined = await stage.must('sli-define', { service: 'shop', name: 'uptime', unit: '%' });
    expect(defined.warnings).toEqual([
      'unit: "%" is taken as it is written and never converted; "percent" would be',
    ]);
  });

  test('the same id has its effect once, and another content under it is a conflict', async () => {
    const id = randomUUID();
    const body = sloBody({ name: 'idempotent' });
    const first = await stage.must('slo-define', body, { id, hash: 'a' });
    expect(first).toMatchObject({ status: 201, version: 1 });
    await stage.must('slo-define', { ...body, objective: 0.99 });
    const again = await stage.must('slo-define', body, { id, hash: 'a' });
    expect(again).toMatchObject({ status: 201, version: 1, position: first.position });
    expect(await stage.ask('slo-define', body, { id, hash: 'b' })).toMatchObject({
      ok: false,
      problem: { status: 409 },
    });
  });

  test('If-Match names the version of the definition, which alerts do not move', async () => {
    const name = 'versioned';
    await stage.must('slo-define', sloBody({ name, sli: 'versioned' }));
    await stage.measure([[stage.clock.now().getTime(), 0, 1000]], { sli: 'versioned' });
    await eventually(async () => expect((await stage.alerts()).length).toBeGreaterThanOrEqual(4));
    expect(await stage.ask('slo-define', sloBody({ name, objective: 0.9 }), { expect: 7 })).toMatchObject({
      ok: false,
      problem: { status: 412, detail: expect.stringContaining('current version is 1') },
    });
    const id = randomUUID();
    const changed = sloBody({ name, sli: 'versioned', objective: 0.95 });
    expect(await stage.must('slo-define', changed, { expect: 1, id })).toMatchObject({
      status: 200,
      version: 2,
    });
    // A repeat of the request that went through gets its answer, although the version it names is an old one now.
    expect(await stage.must('slo-define', changed, { expect: 1, id })).toMatchObject({ version: 2 });
  });

  test('what is malformed is 400 with each fault, what makes no sense 422, and nothing is half defined', async () => {
    const { position } = await stage.log.head('control');
    expect(await stage.ask('slo-define', sloBody({ objective: 1, name: 'No' }))).toMatchObject({
      ok: false,
      problem: { status: 400, errors: [{ path: 'name' }, { path: 'objective' }] },
    });
    const window = { severity: 'page', tier: 'fast', long: '1h', short: '5m', burn: 2000 };
    for (const [body, path] of [
      [{ alerting: { windows: [window] } }, 'alerting.windows.0.burn'],
      [{ budgeting: { method: 'timeslices' } }, 'budgeting.sliceTarget'],
      [{ budgeting: { method: 'timeslices', slice: '30s', sliceTarget: 0.9 } }, 'budgeting.slice'],
      [{ indicator: { kind: 'mean', op: 'gte', value: 1 } }, 'indicator.kind'],
      [{ missingData: 'bad' }, 'missingData'],
    ] as const) {
      expect(await stage.ask('slo-define', sloBody(body))).toMatchObject({
        ok: false,
        problem: { status: 422, errors: [{ path }] },
      });
    }
    expect((await stage.log.head('control')).position).toBe(position);
  });

  test('commands at the same time for one SLO are all carried out, one after the other', async () => {
    const replies = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        stage.must('slo-define', sloBody({ name: 'busy', objective: 0.9 + i / 100 })),
      ),
    );
    expect(replies.map((reply) => reply.version).sort()).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe('redefining', () => {
  test('another indicator is back-filled, and the former one is forgotten', async () => {
    await stage.must('sli-define', { service: 'cart', name: 'latency', unit: 's' });
    const at = stage.clock.now().getTime();
    await stage.record([{ kind: 'values', at: [at, at, at], value: [0.1, 0.4, 0.9] }], {
      service: 'cart',
      sli: 'latency',
    });
    const body = (value: number) =>
      sloBody({
        name: 'cart-latency',
        service: 'cart',
        sli: 'latency',
        objective: 0.5,
        indicator: { kind: 'threshold', op: 'lte', value },
      });
    await stage.must('slo-define', body(0.5));
    await eventually(async () =>
      expect(await stage.status('cart-latency')).toMatchObject({ good: 2, total: 3 }),
    );
    await stage.must('slo-define', body(0.2));
    await eventually(async () =>
      expect(await stage.status('cart-latency')).toMatchObject({ good: 1, total: 3 }),
    );
    // In seconds until now; the same numbers as milliseconds are all within the bound.
    await stage.must('sli-define', { service: 'cart', name: 'latency', unit: 'ms' });
    await stage.must('slo-define', {
      ...body(0.2),
      indicator: { kind: 'threshold', op: 'lte', value: 0.2, unit: 's' },
    });
    await eventually(async () =>
      expect(await stage.status('cart-latency')).toMatchObject({ good: 3, total: 3 }),
    );
    await eventually(async () => {
      const { rows } = await stage.log.pool.query(
        `select indicator from evaluator.series where sli = 'cart/latency'`,
      );
      expect(rows).toEqual([{ indicator: 'threshold:lte:200' }]);
    });
  });

  test('a longer window finds the history that is there', async () => {
    const name = 'longer';
    const now = stage.clock.now().getTime();
    const points = [100, 60, 20, 0].map((days) => [now - days * 1440 * MINUTE, 9, 10] as const);
    await stage.measure(points, { sli: 'longer' });
    await stage.must('slo-define', sloBody({ name, sli: 'longer', window: { rolling: '7d' } }));
    await eventually(async () => expect((await stage.status(name)).total).toBe(10));
    for (const [rolling, total] of [
      ['30d', 20],
      ['90d', 30],
      ['120d', 40],
      ['3d', 10],
    ] as const) {
      await stage.must('slo-define', sloBody({ name, sli: 'longer', window: { rolling } }));
      await eventually(async () => expect((await stage.status(name)).total).toBe(total));
    }
  });
});

describe('retiring', () => {
  test('ends the SLO and its alerts; defined again, it goes on counting firings', async () => {
    const name = 'retired';
    const body = sloBody({ name, sli: 'retired' });
    await stage.must('slo-define', body);
    await stage.measure([[stage.clock.now().getTime(), 0, 1000]], { sli: 'retired' });
    const of = async () =>
      (await stage.transitions())
        .filter(({ data }) => (data as { slo?: string }).slo === name && 'tier' in (data as object))
        .map(
          ({ type, data }) => `${type} ${(data as { reason?: string }).reason} ${(data as { n: number }).n}`,
        );
    await eventually(async () => expect(await of()).toHaveLength(4));
    expect(await stage.must('slo-retire', { slo: name })).toMatchObject({ status: 200, version: 2 });
    expect((await of()).slice(4)).toEqual(Array(4).fill('slo.alert.resolved retired 1'));
    const [ended] = (await stage.log.readStream(LogStreams.slo(name))).filter(
      ({ type }) => type === 'slo.retired',
    );
    expect(ended?.data).toEqual({ slo: name, ...sloDefinition.parse(body) });
    expect(await stage.ask('slo-status', { slo: name })).toMatchObject({
      ok: false,
      problem: { status: 404 },
    });
    expect(await stage.ask('slo-retire', { slo: name })).toMatchObject({
      ok: false,
      problem: { status: 404 },
    });
    expect(await stage.must('slo-define', body)).toMatchObject({ status: 201, version: 3 });
    await eventually(async () =>
      expect((await of()).slice(8)).toEqual(Array(4).fill('slo.alert.fired undefined 2')),
    );
  });

  test('what was never defined is not found', async () => {
    for (const [name, data] of [
      ['slo-retire', { slo: 'nothing' }],
      ['slo-status', { slo: 'nothing' }],
      [
        'slo-history',
        { slo: 'nothing', from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z', step: '1h' },
      ],
    ] as const) {
      expect(await stage.ask(name, data)).toMatchObject({ ok: false, problem: { status: 404 } });
    }
  });
});

describe('reading', () => {
  test('an SLO without measurements has no data', async () => {
    await stage.must('slo-define', sloBody({ name: 'unmeasured', sli: 'unmeasured' }));
    await eventually(async () =>
      expect((await stage.must<SloStatus>('slo-status', { slo: 'unmeasured' })).data).toMatchObject({
        state: 'no-data',
        sli: null,
        total: 0,
        watermark: null,
        backfill: null,
      }),
    );
  });

  test('an SLI that is fetched says how its source answers', async () => {
    const prometheus = { url: 'http://127.0.0.1:9090', query: 'up' };
    const queries = { bad: 'sum(rate(bad[1m]))', total: 'sum(rate(all[1m])' };
    expect(
      await stage.must('sli-define', {
        service: 'fetched',
        name: 'doubtful',
        source: { prometheus: { url: prometheus.url, ...queries } },
      }),
    ).toMatchObject({
      warnings: [
        'service: fetched is not defined yet',
        'source.prometheus.total: has a ( that is not closed: Prometheus will refuse it',
        expect.stringMatching(
          /^source.prometheus: the queries are rates, .* say per: second, or use increase/,
        ),
      ],
    });
    await stage.must('sli-define', { service: 'fetched', name: 'up', unit: 'ratio', source: { prometheus } });
    await stage.must('slo-define', sloBody({ name: 'fetched', service: 'fetched', sli: 'up' }));
    expect((await stage.status('fetched')).source).toMatchObject({ state: 'waiting', since: null });
    const at = stage.clock.now().toISOString();
    await stage.log.append({
      journal: CONTROL_JOURNAL,
      stream: LogStreams.source('fetched', 'up'),
      expectedVersion: 'no-stream',
      events: [
        {
          type: 'sli.source-changed',
          data: {
            service: 'fetched',
            sli: 'up',
            kind: 'prometheus',
            state: 'failing',
            error: 'it does not answer',
            lastSuccessAt: null,
            at,
            n: 1,
          },
          occurredAt: stage.clock.now(),
          meta: {
            correlationId: 'test',
            causationId: null,
            actor: 'service:ingest',
            source: '/bellwether/ingest',
          },
        },
      ],
    });
    await eventually(async () => {
      expect((await stage.status('fetched')).source).toEqual({
        kind: 'prometheus',
        state: 'failing',
        since: at,
        lastSuccessAt: null,
        lastError: 'it does not answer',
      });
    });
  });

  test('a history that makes no sense is refused by its field', async () => {
    await stage.must('slo-define', sloBody({ name: 'history' }));
    const span = { slo: 'history', from: '2026-11-01T00:00:00Z', to: '2026-11-22T00:00:00Z' };
    for (const [data, path] of [
      [{ ...span, from: '2026-11-21T00:00:00Z', step: '90s' }, 'step'],
      [{ ...span, step: '1m' }, 'step'],
      [{ ...span, from: '2026-11-23T00:00:00Z', step: '1h' }, 'to'],
    ] as const) {
      expect(await stage.ask('slo-history', data)).toMatchObject({
        ok: false,
        problem: { status: 422, errors: [{ path }] },
      });
    }
  });

  test('all buckets are made anew when an admin asks for it', async () => {
    const state = async () => (await stage.must<{ partitionsToRebuild: number }>('buckets-state', {})).data;
    expect(await stage.ask('buckets-rebuild', {}, { role: 'viewer' })).toMatchObject({
      ok: false,
      problem: { status: 403 },
    });
    await stage.settled();
    const { stored } = await stage.buckets();
    await stage.must('buckets-rebuild', {});
    await eventually(async () =>
      expect(await state()).toMatchObject({ partitionsToRebuild: 0, building: 0 }),
    );
    expect((await stage.buckets()).stored).toBe(stored);
    const { rows } = await stage.log.pool.query('select min(generation) as oldest from evaluator.series');
    expect(rows[0].oldest).toBe(2);
  });
});
