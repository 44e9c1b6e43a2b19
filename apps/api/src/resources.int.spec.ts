import { type PrometheusRules, prometheusRules } from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Rig } from './rig.fixture.js';

jest.setTimeout(60_000);

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
});
afterAll(() => rig?.stop());

const checkout = { team: 'pay', tier: 1, dependsOn: ['stock'] };
const slo = {
  service: 'checkout',
  sli: 'availability',
  objective: 0.999,
  indicator: { kind: 'ratio' },
  budgeting: { method: 'occurrences' },
  window: { rolling: '30d' },
};

describe('a resource', () => {
  test('is created, read, replaced and listed', async () => {
    const created = await rig.put('/v1/services/checkout', checkout);
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ name: 'checkout', ...checkout, warnings: [] });
    expect(created.headers.get('etag')).toBe('"1"');

    const read = await rig.get('/v1/services/checkout');
    expect(read.status).toBe(200);
    expect(read.headers.get('etag')).toBe('"1"');
    expect(read.body).toEqual({
      name: 'checkout',
      description: '',
      team: 'pay',
      tier: 1,
      dependsOn: ['stock'],
      runbooks: [],
      links: [],
    });

    const replaced = await rig.put('/v1/services/checkout', { ...read.body, tier: 2 });
    expect(replaced.status).toBe(200);
    expect(replaced.headers.get('etag')).toBe('"2"');
    expect((await rig.get('/v1/services')).body).toEqual({
      items: [{ ...read.body, tier: 2 }],
      nextCursor: null,
    });
  });

  test('is put again as a PUT answered it', async () => {
    const { body } = await rig.put('/v1/services/again', { ...checkout, name: 'again' });
    expect(body).toHaveProperty('warnings');
    expect(await rig.put('/v1/services/again', { ...body, tier: 3 })).toMatchObject({
      status: 200,
      body: { tier: 3 },
    });
    expect((await rig.put('/v1/services/again', { ...body, warnings: 'none' })).status).toBe(400);
  });

  test('whose name differs from the path is refused', async () => {
    const { status, body } = await rig.put('/v1/services/checkout', { ...checkout, name: 'other' });
    expect(status).toBe(400);
    expect(body.errors).toEqual([
      { path: 'name', message: 'must be "checkout", as in the path, or be left out' },
    ]);
  });

  test('is refused as a whole, with every fault', async () => {
    const { status, headers, body } = await rig.put('/v1/slos/broken', {
      ...slo,
      objective: 2,
      window: { rolling: '30 days' },
      unknown: true,
    });
    expect(status).toBe(400);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect((body.errors as { path: string }[]).map(({ path }) => path).sort()).toEqual(
      expect.arrayContaining(['objective']),
    );
    expect((await rig.get('/v1/slos/broken')).status).toBe(404);
  });

  test('is not wiped by a PUT without a body', async () => {
    await rig.put('/v1/services/kept', { team: 'pay', tier: 1 });
    for (const options of [{}, { body: '' }, { headers: { 'content-type': 'application/json' } }])
      expect(await rig.ask('PUT', '/v1/services/kept', options)).toMatchObject({
        status: 400,
        body: { detail: 'a JSON body is required' },
      });
    expect(await rig.get('/v1/services/kept')).toMatchObject({
      status: 200,
      body: { name: 'kept', team: 'pay', tier: 1 },
    });
  });

  test('an SLI has two names', async () => {
    expect((await rig.put('/v1/slis/checkout/availability', { unit: 'count' })).status).toBe(201);
    expect((await rig.get('/v1/slis/checkout/availability')).body).toMatchObject({
      service: 'checkout',
      name: 'availability',
    });
    expect((await rig.get<{ items: unknown[] }>('/v1/slis')).body.items).toHaveLength(1);
  });

  test('that is grouped by a label has a status for each of its values', async () => {
    const { status, body } = await rig.put('/v1/slos/regions', { ...slo, groupBy: { label: 'region' } });
    expect([status, body.groupBy]).toEqual([201, { label: 'region', cap: 50, alerts: 'both' }]);
    expect((await rig.get('/v1/slos/regions/status?group=eu%20west')).body.group).toEqual({
      label: 'region',
      value: 'eu west',
    });
    expect((await rig.get('/v1/slos/regions/status')).body.group).toBeUndefined();
    for (const group of ['', 'x'.repeat(257), '%00']) {
      expect(await rig.get(`/v1/slos/regions/status?group=${group}`)).toMatchObject({
        status: 400,
        body: { errors: [{ path: 'query.group' }] },
      });
    }
    const wrong = { ...slo, groupBy: { label: 'region', cap: 501 } };
    expect(await rig.put('/v1/slos/wrong', wrong)).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'groupBy.cap' }] },
    });
    await rig.ask('DELETE', '/v1/slos/regions');
  });

  test('is retired, and stays known for the past', async () => {
    await rig.put('/v1/slos/checkout-availability', slo);
    const before = rig.clock.now().toISOString();
    rig.clock.advance(60_000);
    const retired = await rig.ask('DELETE', '/v1/slos/checkout-availability');
    expect(retired.status).toBe(200);
    expect((await rig.get('/v1/slos/checkout-availability')).status).toBe(404);
    expect((await rig.get<{ items: unknown[] }>('/v1/slos')).body.items).toEqual([]);
    const then = encodeURIComponent(before);
    expect((await rig.get(`/v1/slos/checkout-availability?asOf=${then}`)).status).toBe(200);
    expect((await rig.get<{ items: unknown[] }>(`/v1/slos?asOf=${then}`)).body.items).toHaveLength(1);
    expect((await rig.ask('DELETE', '/v1/slos/checkout-availability')).status).toBe(404);
    const again = await rig.put('/v1/slos/checkout-availability', slo);
    expect(again.headers.get('etag')).toBe('"3"');
  });
});

describe('what was known then', () => {
  test('is answered by recorded time', async () => {
    await rig.put('/v1/services/past', { tier: 3 });
    const first = rig.clock.now().toISOString();
    rig.clock.advance(1_000);
    await rig.put('/v1/services/past', { tier: 4 });
    const asOf = await rig.get(`/v1/services/past?asOf=${first}`);
    expect(asOf.body).toMatchObject({ tier: 3 });
    expect(asOf.headers.get('etag')).toBe('"1"');
    expect((await rig.get('/v1/services/past')).body).toMatchObject({ tier: 4 });
    expect((await rig.get('/v1/services/past?asOf=2020-01-01T00:00:00Z')).status).toBe(404);
  });

  test('takes an offset whose plus sign was not encoded', async () => {
    const local = new Date(rig.clock.now().getTime() + 3_600_000).toISOString().replace('Z', '+01:00');
    expect((await rig.get(`/v1/services/past?asOf=${local}`)).status).toBe(200);
  });

  test('asks for no time to come, and says so', async () => {
    for (const path of [
      '/v1/services/past',
      '/v1/services',
      '/v1/slos/any/status',
      '/v1/incidents',
      '/v1/oncall',
    ])
      expect(await rig.get(`${path}?asOf=2030-01-01T00:00:00Z`)).toMatchObject({
        status: 400,
        body: {
          errors: [{ path: 'query.asOf', message: expect.stringContaining('must not be in the future') }],
        },
      });
    // A caller whose clock is ahead asks of now.
    for (const path of ['/v1/services/past', '/v1/services', '/v1/oncall'])
      expect(await rig.get(`${path}?asOf=2026-11-22T10:04:59Z`)).toMatchObject({
        status: 200,
        body: (await rig.get<object>(path)).body,
      });
    expect(await rig.get('/v1/services/past?asOf=soon')).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'query.asOf', message: expect.stringContaining('RFC 3339') }] },
    });
  });
});

describe('versions', () => {
  test('If-Match takes the current one only', async () => {
    await rig.put('/v1/services/versioned', {});
    const stale = await rig.put('/v1/services/versioned', {}, { headers: { 'if-match': '"7"' } });
    expect(stale.status).toBe(412);
    expect(stale.body.detail).toContain('current version is 1');
    expect(
      (await rig.put('/v1/services/versioned', { tier: 1 }, { headers: { 'if-match': '"1"' } })).status,
    ).toBe(200);
    expect((await rig.put('/v1/services/versioned', {}, { headers: { 'if-match': '*' } })).status).toBe(200);
    expect((await rig.put('/v1/services/nothing', {}, { headers: { 'if-match': '*' } })).status).toBe(412);
    expect((await rig.put('/v1/services/versioned', {}, { headers: { 'if-match': 'W/"3"' } })).status).toBe(
      412,
    );
    expect((await rig.put('/v1/services/versioned', {}, { headers: { 'if-match': '3' } })).status).toBe(400);
  });

  test('If-None-Match: * creates only', async () => {
    const headers = { 'if-none-match': '*' };
    expect((await rig.put('/v1/services/once', {}, { headers })).status).toBe(201);
    expect(await rig.put('/v1/services/once', { tier: 1 }, { headers })).toMatchObject({
      status: 412,
      body: { detail: 'If-None-Match: * creates only, and this exists already, at version 1' },
    });
  });

  test('If-None-Match on a read answers 304 while nothing changed', async () => {
    await rig.put('/v1/services/cached', {});
    const same = await rig.get('/v1/services/cached', { headers: { 'if-none-match': '"1"' } });
    expect(same.status).toBe(304);
    expect((await rig.get('/v1/services/cached', { headers: { 'if-none-match': '"0"' } })).status).toBe(200);
  });

  test('minVersion waits for what exists and refuses what does not', async () => {
    await rig.put('/v1/services/fresh', {});
    for (const version of ['1', '"1"', '%221%22', 'W/"1"'])
      expect((await rig.get(`/v1/services/fresh?minVersion=${version}`)).status).toBe(200);
    const ahead = await rig.get('/v1/services/fresh?minVersion=9');
    expect(ahead.status).toBe(409);
    expect(ahead.body.detail).toContain('at version 1');
    expect((await rig.get('/v1/services/fresh?minVersion="9"')).status).toBe(409);
    expect((await rig.get('/v1/services/unheard?minVersion=1')).status).toBe(404);
    for (const version of ['"1', '1"', '"-1"', '""', '*'])
      expect((await rig.get(`/v1/services/fresh?minVersion=${version}`)).status).toBe(400);
  });

  test('a write on one instance is seen on another with the ETag as minVersion', async () => {
    const other = await rig.another();
    try {
      for (let version = 1; version <= 20; version += 1) {
        const { headers } = await rig.put('/v1/services/seen', { tier: (version % 4) + 1 });
        const etag = headers.get('etag') ?? '';
        expect(etag).toBe(`"${version}"`);
        const response = await fetch(
          `http://127.0.0.1:${other.httpPort}/v1/services/seen?minVersion=${encodeURIComponent(etag)}`,
          {
            headers: { authorization: 'Bearer admin-token-of-the-tests' },
          },
        );
        expect(await response.json()).toMatchObject({ tier: (version % 4) + 1 });
      }
    } finally {
      await other.stop();
    }
  });
});

describe('lists', () => {
  test('are paged without gaps or repeats', async () => {
    const names = Array.from({ length: 7 }, (_, i) => `paged-${i}`);
    for (const name of names) await rig.put(`/v1/users/${name}`, {});
    const found: string[] = [];
    let cursor = '';
    do {
      const { body } = await rig.get<{ items: { name: string }[]; nextCursor: string | null }>(
        `/v1/users?limit=3${cursor}`,
      );
      expect(body.items.length).toBeLessThanOrEqual(3);
      found.push(...body.items.map(({ name }) => name));
      cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
    } while (cursor !== '');
    expect(found).toEqual(names);
  });

  test('refuse cursors that are not theirs', async () => {
    const { body } = await rig.get<{ nextCursor: string }>('/v1/users?limit=1');
    expect((await rig.get(`/v1/services?cursor=${body.nextCursor}`)).status).toBe(400);
    expect((await rig.get('/v1/users?cursor=abc')).status).toBe(400);
    expect((await rig.get("/v1/users?cursor=';drop table x--")).status).toBe(400);
    expect((await rig.get(`/v1/users?cursor=${Buffer.from('["x",{}]').toString('base64url')}`)).status).toBe(
      400,
    );
  });

  test.each(['0', '501', '-1', '1.5', '1e2', 'ten', ''])('refuse limit=%s', async (limit) => {
    const { status, body } = await rig.get(`/v1/services?limit=${limit}`);
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ path: 'query.limit' }]);
  });

  test('refuse parameters they do not know, so that a misspelt filter shows', async () => {
    expect((await rig.get('/v1/services?lmit=3')).status).toBe(400);
    expect((await rig.get('/v1/services?limit=3&limit=4')).status).toBe(400);
  });
});

test('secrets are shown nowhere', async () => {
  const contactMethods = [
    { id: 'hook', kind: 'webhook', address: 'http://127.0.0.1:9/page', secret: 'whsec_dG9wLXNlY3JldA==' },
  ];
  const put = await rig.put('/v1/users/ada', { contactMethods });
  expect(put.status).toBe(201);
  const shown = [
    put,
    await rig.get('/v1/users/ada'),
    await rig.get('/v1/users'),
    await rig.get('/v1/events?type=user.defined'),
    await rig.get('/v1/events'),
  ];
  for (const { body } of shown) {
    expect(JSON.stringify(body)).not.toMatch(/whsec|sealed:v1/);
  }
  expect((await rig.get('/v1/users/ada')).body).toMatchObject({ contactMethods: [{ secret: 'sealed' }] });
});

test('an SLO’s status is asked of the evaluator', async () => {
  await rig.put('/v1/slos/asked', slo);
  const { status, body } = await rig.get('/v1/slos/asked/status');
  expect(status).toBe(200);
  expect(body).toMatchObject({ slo: 'asked', state: 'no-data', sli: null });
  expect((await rig.get('/v1/slos/unknown/status')).status).toBe(404);
});

describe('rules for Prometheus', () => {
  beforeAll(async () => {
    await rig.put('/v1/slis/ruled/availability', {
      source: {
        prometheus: { url: 'http://127.0.0.1:9090', bad: 'bad[{{.window}}]', total: 'all[{{.window}}]' },
      },
    });
    await rig.put('/v1/slos/ruled', { ...slo, service: 'ruled' });
    await rig.put('/v1/slos/unruled', { ...slo, service: 'unruled' });
  });

  test('alert as the SLO does, with what they cannot say', async () => {
    const { status, body } = await rig.get<PrometheusRules>('/v1/slos/ruled/prometheus-rules');
    expect(status).toBe(200);
    expect(prometheusRules.parse(body).groups.map(({ name }) => name)).toEqual([
      'bellwether:ruled',
      'bellwether:ruled:budget',
      'bellwether-sli:ruled/availability',
    ]);
    expect(body.notes).toEqual([expect.stringMatching(/^SLO ruled: missingData: /)]);
  });

  test('are a rules file as YAML', async () => {
    const { headers, body } = await rig.get('/v1/slos/ruled/prometheus-rules', {
      headers: { accept: 'application/yaml' },
    });
    expect(headers.get('content-type')).toBe('application/yaml; charset=utf-8');
    expect(body).toMatch(/^# SLO ruled: missingData: .*\ngroups:\n {2}- name: bellwether:ruled\n/);
  });

  test('are none for an SLI that is published, and 404 for no SLO', async () => {
    expect((await rig.get('/v1/slos/unruled/prometheus-rules')).body).toEqual({
      groups: [],
      notes: [expect.stringMatching(/^SLO unruled: sli: unruled\/availability is not among these/)],
    });
    expect((await rig.get('/v1/slos/nothing/prometheus-rules')).status).toBe(404);
  });
});

describe('a threshold rule', () => {
  const rule = {
    service: 'checkout',
    sli: 'latency',
    aggregate: 'p95',
    window: '5m',
    op: 'gt',
    threshold: 1,
    severity: 'page',
    summary: 'checkout answers slowly',
    runbookUrl: 'https://runbooks.example.org/checkout-slow',
  };

  test('without a runbook is refused, with the reason', async () => {
    const { runbookUrl: _, ...without } = rule;
    expect(await rig.put('/v1/rules/without', without)).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'runbookUrl', message: expect.stringContaining('say what to do about it') }] },
    });
  });

  test('names its service on its own, in its SLI, or in both', async () => {
    const { service: _, ...without } = rule;
    const { body: defined } = await rig.put('/v1/rules/twice-named', rule);
    for (const body of [
      { ...rule, sli: 'checkout/latency' },
      { ...without, sli: 'checkout/latency' },
    ])
      expect(await rig.put('/v1/rules/twice-named', body)).toMatchObject({ status: 200, body: defined });
    for (const [body, path] of [
      [without, 'service'],
      [{ ...rule, sli: 'search/latency' }, 'service'],
      [{ ...rule, sli: 'checkout/latency/p95' }, 'sli'],
      [{ ...rule, sli: '/latency' }, 'sli'],
    ] as const)
      expect(await rig.put('/v1/rules/twice-named', body)).toMatchObject({
        status: 400,
        body: { errors: [{ path }] },
      });
    await rig.ask('DELETE', '/v1/rules/twice-named');
  });

  test('is defined, listed by its service, asked for its state, and retired', async () => {
    expect(await rig.put('/v1/rules/checkout-slow', rule)).toMatchObject({
      status: 201,
      body: { name: 'checkout-slow', ...rule, for: '0s', labels: {}, warnings: [] },
    });
    await rig.put('/v1/rules/search-slow', { ...rule, service: 'search' });
    const list = await rig.get<{ items: { name: string }[] }>('/v1/rules?service=checkout');
    expect(list.body.items.map(({ name }) => name)).toEqual(['checkout-slow']);
    expect((await rig.get('/v1/rules/checkout-slow/status?minVersion=1')).body).toMatchObject({
      rule: 'checkout-slow',
      state: 'inactive',
      value: null,
      threshold: 1,
    });
    expect((await rig.get('/v1/rules/unknown/status')).status).toBe(404);
    expect(await rig.ask('DELETE', '/v1/rules/checkout-slow')).toMatchObject({ status: 200, body: rule });
    expect((await rig.get('/v1/rules/checkout-slow')).status).toBe(404);
  });
});

test('golden signals are asked of the evaluator; what nothing is known of is unknown', async () => {
  await rig.put('/v1/services/signalled', { goldenSignals: { latency: { threshold: 0.5 } } });
  const { status, body } = await rig.get('/v1/services/signalled/golden-signals?minVersion=1');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    service: 'signalled',
    status: 'unknown',
    latency: { status: 'unknown', value: null, unit: 's', threshold: 1 },
    traffic: { status: 'unknown', value: null, unit: '1/s', threshold: null },
    errors: { status: 'unknown', value: null, unit: 'ratio', threshold: 0.01 },
    saturation: { status: 'unknown', value: null, unit: 'ratio', threshold: 0.8 },
  });
  expect((await rig.get('/v1/services/unheard-of/golden-signals')).status).toBe(404);
});
