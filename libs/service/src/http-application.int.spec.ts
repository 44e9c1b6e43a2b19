import { connect } from 'node:net';
import { CommandRefused, problemOf } from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Body, Controller, Get, HttpException, Param, Post, Put, Query } from '@nestjs/common';
import { z } from 'zod';
import { Caller, Public, Roles } from './auth.guard.js';
import { createLogger } from './logger.js';
import { HttpProblem } from './problem.js';
import { requestContext } from './request-context.js';
import { sampleConfig } from './sample-config.fixture.js';
import { type RunningService, runService } from './service.js';
import { hashToken, mintToken, type Principal, TokenAuthority } from './token-authority.js';
import { ZodBody } from './zod-body.pipe.js';

// Real servers on a busy machine.
jest.setTimeout(30_000);

const service = z.strictObject({ name: z.string().min(2), tier: z.int().min(1).max(4) });

@Controller('v1')
class ServicesController {
  @Get('services/:name')
  @Roles('viewer')
  read(@Param('name') name: string, @Caller() caller: Principal) {
    return { name, actor: caller.actor, correlationId: requestContext.getStore()?.correlationId };
  }

  @Put('services/:name')
  @Roles('responder')
  write(@Body(new ZodBody(service)) body: z.infer<typeof service>) {
    return { ...body, actor: requestContext.getStore()?.actor };
  }

  @Get('services')
  @Roles('viewer')
  list(@Query(new ZodBody(z.object({ limit: z.coerce.number().int().max(500) }))) query: { limit: number }) {
    return query;
  }

  @Post('forgotten')
  forgotten() {
    return {};
  }

  @Get('signed')
  @Public()
  signed() {
    return { open: true };
  }

  @Get('fails/:how')
  @Roles('viewer')
  fails(@Param('how') how: string): never {
    if (how === 'refused') throw CommandRefused.conflict('it is merged already');
    if (how === 'overload') throw HttpProblem.unavailable('the log is behind', 2);
    if (how === 'nest') throw new HttpException('gone fishing', 410);
    if (how === 'foreign')
      throw Object.assign(new Error('x'), { problem: problemOf(503, 'no-answer', 'later') });
    throw Object.assign(new Error('duplicate key value violates "events_pkey"'), {
      code: '23505',
      query: 'INSERT INTO log.events',
    });
  }
}

const logged: string[] = [];
let running: RunningService;
let base: string;

const authority = new TokenAuthority('admin-token');
/** What the service says of its tokens. */
let tokensKnown = async () => true;
/** A token that nobody knows, of the form that those have which are created. */
const { token: minted, hash } = mintToken();

beforeAll(async () => {
  for (const role of ['publisher', 'viewer', 'responder'] as const) {
    authority.apply({
      type: 'token.created',
      data: { id: role, name: role, role, hash: hashToken(`${role}-token`), expiresAt: null },
    });
  }
  running = await runService(
    {
      name: 'sample',
      config: sampleConfig(),
      build: async () => ({
        module: { module: class Sample {}, controllers: [ServicesController] },
        http: { host: '127.0.0.1', port: 0, authority, tokensKnown: () => tokensKnown(), bodyLimit: 4096 },
        ready: async () => null,
        close: async () => {},
      }),
    },
    { logger: createLogger({ BELLWETHER_LOG_LEVEL: 'error' }, { write: (line) => void logged.push(line) }) },
  );
  await running.becameReady;
  base = `http://127.0.0.1:${running.httpPort}`;
});
afterAll(() => running.stop());

async function call(path: string, init: RequestInit & { token?: string | null } = {}) {
  const { token = 'admin-token', ...rest } = init;
  const headers = new Headers(rest.headers);
  if (token !== null) headers.set('authorization', `Bearer ${token}`);
  const response = await fetch(base + path, { ...rest, headers });
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = text;
  }
  return { status: response.status, headers: response.headers, body: body as Record<string, unknown> };
}

const json = (body: unknown) => ({
  method: 'PUT',
  headers: { 'content-type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

describe('tokens and roles', () => {
  test('a request without a token is 401 and says how to send one', async () => {
    const { status, headers, body } = await call('/v1/services/checkout', { token: null });
    expect(status).toBe(401);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(headers.get('www-authenticate')).toContain('Bearer');
    expect(body).toMatchObject({
      status: 401,
      title: 'Not authenticated',
      detail: expect.stringContaining('Bearer'),
    });
  });

  test('a password, which a browser sends once it was asked for one, is not taken for a token that was revoked', async () => {
    const { status, body } = await call('/v1/services/checkout', {
      token: null,
      headers: { authorization: `Basic ${Buffer.from('me:secret').toString('base64')}` },
    });
    expect([status, body]).toEqual([
      401,
      expect.objectContaining({ detail: expect.stringContaining('in the documents by "Authorize"') }),
    ]);
  });

  test('an unknown token is 401, before its body is read', async () => {
    const { status, body } = await call('/v1/services/checkout', { ...json('{'), token: 'guess' });
    expect(status).toBe(401);
    expect(body.detail).toContain('not known');
  });

  test('an unknown token is 503 while the tokens cannot be read; a known one, and none, are answered as ever', async () => {
    tokensKnown = async () => false;
    try {
      const early = await call('/v1/services/checkout', { token: minted });
      expect(early).toMatchObject({ status: 503, body: { status: 503 } });
      expect(early.headers.get('retry-after')).toBe('1');
      for (const token of [null, 'guess', `${minted}x`])
        expect((await call('/v1/services/checkout', { token })).status).toBe(401);
      expect((await call('/v1/services/checkout')).status).toBe(200);
      expect((await call('/v1/signed', { token: minted })).status).toBe(200);
    } finally {
      tokensKnown = async () => true;
    }
  });

  test('a token that was created a moment ago is asked for before it is refused', async () => {
    expect((await call('/v1/services/checkout', { token: minted })).status).toBe(401);
    const data = { id: 'new', name: 'new', role: 'viewer', hash, expiresAt: null };
    tokensKnown = async () => {
      authority.apply({ type: 'token.created', data });
      return true;
    };
    expect((await call('/v1/services/checkout', { token: minted })).status).toBe(200);
  });

  test.each([
    ['publisher', 403, 403],
    ['viewer', 200, 403],
    ['responder', 200, 200],
    ['admin', 200, 200],
  ])('%s reads: %i, writes: %i', async (role, reads, writes) => {
    const token = `${role}-token`;
    expect((await call('/v1/services/checkout', { token })).status).toBe(reads);
    const write = await call('/v1/services/checkout', { ...json({ name: 'checkout', tier: 1 }), token });
    expect(write.status).toBe(writes);
  });

  test('a route that says nothing is for admins only', async () => {
    expect((await call('/v1/forgotten', { method: 'POST', token: 'responder-token' })).status).toBe(403);
    expect((await call('/v1/forgotten', { method: 'POST' })).status).toBe(201);
  });

  test('a public route needs none', async () => {
    expect((await call('/v1/signed', { token: null })).body).toEqual({ open: true });
  });
});

describe('stories', () => {
  test('the handler runs in the story of the request, after its body was read too', async () => {
    const read = await call('/v1/services/checkout', { headers: { 'x-correlation-id': 'story-7' } });
    expect(read.body).toEqual({ name: 'checkout', actor: 'key:bootstrap', correlationId: 'story-7' });
    expect(read.headers.get('x-correlation-id')).toBe('story-7');
    const write = await call('/v1/services/checkout', json({ name: 'checkout', tier: 1 }));
    expect(write.body.actor).toBe('key:bootstrap');
  });

  test('an id that could forge a log line or header is replaced', async () => {
    const { headers } = await call('/v1/signed', { headers: { 'x-correlation-id': 'a b"c' } });
    expect(headers.get('x-correlation-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('problems', () => {
  test('validation names every fault', async () => {
    const { status, body } = await call('/v1/services/checkout', json({ name: 'c', tier: 9, x: 1 }));
    expect(status).toBe(400);
    expect((body.errors as { path: string }[]).map(({ path }) => path).sort()).toEqual(['name', 'tier', 'x']);
    expect((await call('/v1/services?limit=many')).body).toMatchObject({
      status: 400,
      errors: [{ path: 'limit' }],
    });
  });

  test.each<[string, string | Uint8Array<ArrayBuffer>, number, RegExp]>([
    ['not JSON', '{"name": }', 400, /not JSON/],
    ['no body', '', 400, /not valid/],
    ['not UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 400, /UTF-8/],
    ['nested 65 deep', `${'['.repeat(65)}${']'.repeat(65)}`, 400, /deeper than 64/],
    ['nested a million deep', '['.repeat(4000), 400, /deeper/],
    ['a prototype key', '{"name":"checkout","tier":1,"__proto__":{"admin":true}}', 400, /__proto__/],
    ['an escaped prototype key', '{"name":"checkout","tier":1,"\\u005f_proto__":{}}', 400, /./],
    ['too large', JSON.stringify({ name: 'x'.repeat(5000) }), 413, /larger/],
  ])('a body that is %s', async (_, body, status, detail) => {
    const answer = await call('/v1/services/checkout', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.body).toMatchObject({ status, detail: expect.stringMatching(detail) });
  });

  test('a media type nobody reads is 415', async () => {
    for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded']) {
      const answer = await call('/v1/services/a', {
        method: 'PUT',
        headers: { 'content-type': type },
        body: 'a=1',
      });
      expect(answer).toMatchObject({ status: 415, body: { status: 415, title: 'Unsupported media type' } });
    }
  });

  test('a body that is not plain UTF-8 is 415, and not read as something else', async () => {
    for (const encoding of [
      { 'content-encoding': 'gzip' },
      { 'content-type': 'application/json; charset=utf-16' },
    ]) {
      const headers = { 'content-type': 'application/json', ...encoding };
      const answer = await call('/v1/services/a', { method: 'PUT', headers, body: '{"name":"a"}' });
      expect(answer).toMatchObject({ status: 415, body: { detail: expect.stringMatching(/^bodies are/) } });
    }
  });

  test('an unknown path is 404, a known one asked otherwise 405 with Allow', async () => {
    expect(await call('/v1/nothing')).toMatchObject({
      status: 404,
      body: { status: 404, title: 'Not found' },
    });
    const wrong = await call('/v1/services/checkout', { method: 'DELETE' });
    expect(wrong).toMatchObject({ status: 405, body: { status: 405 } });
    expect(wrong.headers.get('allow')).toBe('GET, HEAD, PUT');
    expect((await call('/v1/services/a', { method: 'OPTIONS' })).status).toBe(405);
  });

  test.each([
    ['refused', 409, null],
    ['overload', 503, '2'],
    ['nest', 410, null],
    ['foreign', 503, '1'],
  ])('an error that is %s', async (how, status, retryAfter) => {
    const answer = await call(`/v1/fails/${how}`);
    expect(answer.status).toBe(status);
    expect(answer.body.status).toBe(status);
    expect(answer.headers.get('retry-after')).toBe(retryAfter);
  });

  test('a fault of ours is logged with its story, and tells the caller nothing of the inside', async () => {
    logged.length = 0;
    const answer = await call('/v1/fails/badly', { headers: { 'x-correlation-id': 'story-9' } });
    expect(answer.status).toBe(500);
    expect(JSON.stringify(answer.body)).not.toMatch(/events_pkey|INSERT|stack|spec\.ts/);
    expect(logged.join()).toMatch(/events_pkey/);
    expect(JSON.parse(logged[0] as string)).toMatchObject({ correlationId: 'story-9' });
  });

  test('a malformed path is 400', async () => {
    const answer = await raw('GET /v1/services/%E0%A4%A HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('application/problem+json');
  });

  test.each([
    ['is not HTTP', 'HELLO\r\n\r\n', 400],
    ['has headers above the limit', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
  ])('a request that %s is answered before it is a request', async (_, request, status) => {
    const answer = await raw(request);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain('application/problem+json');
  });
});

describe('every answer', () => {
  test('carries the security headers', async () => {
    for (const path of ['/v1/signed', '/v1/nothing', '/v1/fails/badly']) {
      const { headers } = await call(path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });

  test('is counted by route, not by path', async () => {
    await call('/v1/services/one');
    await call('/v1/services/two');
    await call('/v1/nothing-like-this');
    const { body } = await call('/metrics', { token: null });
    const text = String(body);
    expect(text).toMatch(
      /http_requests_total\{method="GET",route="\/v1\/services\/:name",status="200",service="sample"\} [0-9]+/,
    );
    expect(text).toContain('route="none"');
    expect(text).not.toContain('nothing-like-this');
    expect(text).toMatch(/http_request_duration_seconds_bucket/);
    expect(text).toMatch(/http_active_connections\{service="sample"\} [1-9]/);
  });

  test('shows metrics on the admin port alone in production', async () => {
    const before = process.env.NODE_ENV;
    process.env.NODE_ENV = 'production';
    const service = await runService(
      {
        name: 'sample',
        config: sampleConfig(),
        build: async () => ({
          http: { host: '127.0.0.1', port: 0, authority },
          ready: async () => null,
          close: async () => {},
        }),
      },
      { logger: createLogger({ BELLWETHER_LOG_LEVEL: 'silent' }) },
    ).finally(() => {
      if (before === undefined) delete process.env.NODE_ENV;
      else process.env.NODE_ENV = before;
    });
    const ask = async (port: number | undefined, path: string) =>
      (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: 'Bearer admin-token' } }))
        .status;
    try {
      expect(await ask(service.httpPort, '/metrics')).toBe(404);
      expect(await ask(service.httpPort, '/healthz')).toBe(200);
      expect(await ask(service.adminPort, '/metrics')).toBe(200);
    } finally {
      await service.stop();
    }
  });

  test('of health needs no token', async () => {
    expect(await call('/healthz', { token: null })).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await call('/readyz', { token: null })).toMatchObject({
      status: 200,
      body: { status: 'ready', reasons: [] },
    });
  });
});

/** Sends bytes as they are and reads until the server closes. */
function raw(request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(running.httpPort as number, '127.0.0.1', () => socket.write(request));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}
