import { createHmac } from 'node:crypto';
import { LogStreams, type Route, routes } from '@bellwether/contracts';
import { linkHmac, signAcknowledgeLink } from '@bellwether/oncall';
import { eventually } from '@bellwether/testing';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ADMIN, Rig } from './rig.fixture.js';
import { pageRequested } from './stories.fixture.js';

jest.setTimeout(60_000);

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
});
afterAll(() => rig?.stop());

const api = (Object.entries(routes) as [string, Route][]).filter(([, route]) => route.app === 'api');
const EXAMPLES: Record<string, string> = {
  name: 'nothing',
  service: 'nothing',
  sli: 'nothing',
  id: 'INC-404',
  eventId: '019b0000-0000-7000-8000-000000000000',
  link: 'nothing',
  file: 'nothing',
};
const pathOf = ({ path, tag }: Route) =>
  path.replace(/\{(\w+)\}/g, (_, name: string) =>
    tag === 'pages' && name === 'id' ? 'INC-404-P1' : (EXAMPLES[name] as string),
  );

describe('every route of the table', () => {
  test.each(api)('%s is served', async (_, route) => {
    if (route.path === '/v1/stream') return;
    const { status, headers, body } = await rig.ask<{ detail?: string } | string>(
      route.method,
      pathOf(route),
      {
        ...(route.body ? { body: {} } : {}),
      },
    );
    expect(status).not.toBe(405);
    // A 404 says what was looked for, and never that there is no route.
    if (status === 404 && headers.get('content-type')?.includes('problem'))
      expect((body as { detail: string }).detail).not.toContain('nothing at this path');
    // A stand-in that does not know the command is not there, as far as the caller can tell.
    if (status !== 503) expect(status).toBeLessThan(500);
    else expect((body as { detail: string }).detail).toContain('does not answer');
  });

  test.each(api.filter(([, { access }]) => access !== 'public' && access !== 'signed-link'))(
    '%s needs a token',
    async (_, route) => {
      for (const token of [null, 'wrong', `${ADMIN}x`]) {
        const { status, headers } = await rig.ask(route.method, pathOf(route), { token });
        expect(status).toBe(401);
        expect(headers.get('www-authenticate')).toMatch(/^Bearer/);
        expect(headers.get('content-type')).toContain('problem+json');
      }
    },
  );

  test('asks for the role that it says', async () => {
    const tokens = {
      publisher: await rig.token('publisher'),
      viewer: await rig.token('viewer'),
      responder: await rig.token('responder'),
    };
    const ranks = ['publisher', 'viewer', 'responder', 'admin'];
    for (const [name, route] of api) {
      if (!ranks.includes(route.access) || route.path === '/v1/stream') continue;
      for (const [role, token] of Object.entries(tokens)) {
        const { status } = await rig.ask(route.method, pathOf(route), {
          token,
          ...(route.body ? { body: {} } : {}),
        });
        // A responder without a person may put no user: see below.
        if (name === 'putUser' && role === 'responder') continue;
        const enough = ranks.indexOf(role) >= ranks.indexOf(route.access) && role !== 'publisher';
        expect([name, role, status === 403]).toEqual([name, role, !enough]);
      }
    }
  });
});

test('every served route is in the table', async () => {
  const { body } = await rig.get<{ paths: Record<string, Record<string, { operationId?: string }>> }>(
    '/openapi.json',
  );
  const documented = new Set(
    Object.entries(body.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    ),
  );
  const served = rig.routes.filter(({ method }) => method !== 'HEAD' && method !== 'OPTIONS');
  expect(served.length).toBeGreaterThan(60);
  const unknown = served
    .map(({ method, url }) => `${method} ${url}`)
    .filter((route) => !documented.has(route));
  expect(unknown).toEqual([]);
});

describe('tokens', () => {
  test('are created, used, listed without their hashes, and revoked', async () => {
    const created = await rig.post<{ id: string; token: string }>('/v1/tokens', {
      name: 'dashboard',
      role: 'viewer',
      expiresAt: '2026-12-01T00:00:00Z',
    });
    expect(created.status).toBe(201);
    const { id, token } = created.body;
    expect((await rig.get('/v1/slos', { token })).status).toBe(200);
    const list = await rig.get<{ items: object[] }>('/v1/tokens?limit=500');
    expect(list.body.items).toContainEqual({
      id,
      name: 'dashboard',
      role: 'viewer',
      user: null,
      createdAt: rig.clock.now().toISOString(),
      createdBy: 'key:bootstrap',
      expiresAt: '2026-12-01T00:00:00.000Z',
      revokedAt: null,
    });
    const events = await rig.get('/v1/events?type=token.created');
    for (const shown of [list.body, events.body]) {
      expect(JSON.stringify(shown)).not.toContain(token);
      expect(JSON.stringify(shown)).not.toMatch(/"hash":"[0-9a-f]{64}"/);
    }
    expect((await rig.get('/v1/tokens', { token })).status).toBe(403);
    expect((await rig.ask('DELETE', `/v1/tokens/${id}`)).status).toBe(200);
    await eventually(async () => expect((await rig.get('/v1/slos', { token })).status).toBe(401));
    expect((await rig.ask('DELETE', '/v1/tokens/unknown')).status).toBe(404);
  });

  test('are known to an instance that starts later, and forgotten when they were revoked', async () => {
    const good = await rig.token('viewer');
    const { body } = await rig.post<{ id: string; token: string }>('/v1/tokens', {
      name: 'x',
      role: 'viewer',
    });
    await rig.ask('DELETE', `/v1/tokens/${body.id}`);
    const other = await rig.another();
    try {
      const ask = (token: string) =>
        fetch(`http://127.0.0.1:${other.httpPort}/v1/slos`, {
          headers: { authorization: `Bearer ${token}` },
        });
      expect((await ask(good)).status).toBe(200);
      expect((await ask(body.token)).status).toBe(401);
      // From the answer on that tells them, whichever instance it came from.
      for (let i = 0; i < 20; i++) expect((await ask(await rig.token('viewer'))).status).toBe(200);
    } finally {
      await other.stop();
    }
  });

  test('of a person speak for that person, who may change how they are reached and nobody else’s', async () => {
    const token = await rig.token('responder', 'ada');
    expect((await rig.get('/v1/whoami', { token })).body).toMatchObject({
      actor: 'user:ada',
      role: 'responder',
    });
    expect((await rig.put('/v1/users/ada', { displayName: 'Ada' }, { token })).status).toBe(201);
    expect((await rig.put('/v1/users/grace', { displayName: 'Grace' }, { token })).status).toBe(403);
  });
});

describe('a signed link', () => {
  let page: string;
  const sign = (more: { user?: string | null; expiresAt?: number } = {}) =>
    signAcknowledgeLink(
      { page, user: 'ada', expiresAt: rig.clock.now().getTime() + 3_600_000, ...more },
      linkHmac(rig.secretKey),
    );

  beforeAll(async () => {
    const { body } = await rig.post<{ id: string }>('/v1/incidents', {
      title: 'Checkout <script>alert(1)</script>',
      severity: 'sev2',
      services: ['checkout'],
    });
    page = `${body.id}-P1`;
    await rig.append(LogStreams.page(page), 'page.requested', pageRequested(body.id));
  });

  test('shows the incident and a button without a session, and changes nothing', async () => {
    const { status, headers, body } = await rig.get<string>(`/a/${sign()}`, { token: null });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toContain('<button type="submit">Acknowledge</button>');
    expect(body).toContain('Checkout &lt;script&gt;');
    expect(body).not.toContain('<script>');
    expect((await rig.get(`/v1/pages/${page}`)).body).toMatchObject({ status: 'open' });
  });

  test('that was changed, or signed by another key, is not valid', async () => {
    const forged = signAcknowledgeLink(
      { page, user: 'ada', expiresAt: rig.clock.now().getTime() + 3_600_000 },
      (text) => createHmac('sha256', 'another key').update(text).digest('base64url'),
    );
    for (const link of [forged, sign().replace('~ada~', '~eve~'), `${sign()}x`, 'x', '%00', "'--"]) {
      for (const method of ['GET', 'POST']) {
        const { status, body } = await rig.ask<string>(method, `/a/${link}`, { token: null });
        expect([link, status]).toEqual([link, 404]);
        expect(body).toContain('not valid');
      }
    }
    expect((await rig.get(`/v1/pages/${page}`)).body).toMatchObject({ status: 'open' });
  });

  test('that has expired says so', async () => {
    const { status, body } = await rig.ask<string>(
      'POST',
      `/a/${sign({ expiresAt: rig.clock.now().getTime() - 1000 })}`,
      {
        token: null,
      },
    );
    expect(status).toBe(410);
    expect(body).toContain('expired');
  });

  test('acknowledges for whom it was sent to; a second time is harmless', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    for (let i = 0; i < 2; i += 1) {
      const { status, body } = await rig.ask<string>('POST', `/a/${sign()}`, {
        token: null,
        headers,
        body: '',
      });
      expect(status).toBe(200);
      expect(body).toContain('Acknowledged by <strong>ada</strong>');
      expect(body).not.toContain('<button');
    }
    expect((await rig.get(`/v1/pages/${page}`)).body).toMatchObject({
      status: 'acknowledged',
      acknowledgedBy: 'user:ada',
    });
  });

  test('of a page that ended, of an incident that is open again, names the page to answer', async () => {
    const incident = page.split('-P')[0] as string;
    const ended = { page, incident, reason: 'resolved' } as never;
    await rig.append(LogStreams.page(page), 'page.cancelled', ended);
    const shown = async () => (await rig.get<string>(`/a/${sign()}`, { token: null })).body;
    await eventually(async () => expect(await shown()).toContain('is open again.</p>'));
    await rig.append(LogStreams.page(`${incident}-P2`), 'page.requested', {
      ...pageRequested(incident),
      page: `${incident}-P2`,
    });
    await eventually(async () => expect(await shown()).toContain(`${incident}-P2 is the page to answer.`));
  });
});

describe('the documents', () => {
  test('are given to whoever has a token, in a browser by its password', async () => {
    const basic = { authorization: `Basic ${Buffer.from(`me:${ADMIN}`).toString('base64')}` };
    for (const path of [
      '/docs',
      '/docs/swagger-ui.css',
      '/docs/initializer.js',
      '/openapi.json',
      '/asyncapi.json',
    ]) {
      expect((await rig.get(path)).status).toBe(200);
      expect((await rig.get(path, { token: null, headers: basic })).status).toBe(200);
      const refused = await rig.get(path, { token: null });
      expect(refused.status).toBe(401);
      expect(refused.headers.get('www-authenticate')).toContain('Basic realm="bellwether"');
    }
    // Only the documents: a browser sends such a header by itself, and must not be made to write with it.
    expect((await rig.get('/v1/slos', { token: null, headers: basic })).status).toBe(401);
  });

  test('name their versions', async () => {
    expect((await rig.get('/openapi.json')).body).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'Bellwether' },
    });
    const host = rig.bus.nc.getServer();
    expect((await rig.get('/asyncapi.json')).body).toMatchObject({
      asyncapi: '3.0.0',
      servers: { nats: { host } },
    });
  });

  test('are where a browser is sent that asks for nothing else', async () => {
    const ask = (accept: string, token: string | null = ADMIN) =>
      fetch(`${rig.url}/`, {
        redirect: 'manual',
        headers: { accept, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
      });
    for (const accept of ['text/html,application/xhtml+xml,*/*;q=0.8', '*/*']) {
      const sent = await ask(accept);
      expect([sent.status, sent.headers.get('location')]).toEqual([302, '/docs']);
    }
    const asked = await ask('text/html', null);
    expect([asked.status, asked.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('Basic'),
    ]);
    const json = await ask('application/json');
    expect([json.status, json.headers.get('content-type')]).toEqual([
      404,
      expect.stringContaining('problem+json'),
    ]);
  });

  test('ask nothing of another host', async () => {
    const page = await rig.get<string>('/docs');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
    const addresses = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] as string);
    expect(addresses.length).toBeGreaterThan(2);
    for (const address of addresses) {
      expect(address).toMatch(/^\/docs\//);
      expect((await rig.get(address)).status).toBe(200);
    }
    expect((await rig.get('/docs/..%2f..%2fpackage.json')).status).toBe(404);
    expect((await rig.get('/docs/constructor')).status).toBe(404);
  });
});
