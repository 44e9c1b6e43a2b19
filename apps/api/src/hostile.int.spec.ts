import { connect } from 'node:net';
import { CommandServer } from '@bellwether/bus';
import { CommandRefused, type Fault, Subjects, type SystemState } from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ADMIN, Rig } from './rig.fixture.js';

jest.setTimeout(60_000);

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start({ commandTimeoutMs: 1_000 });
});
afterAll(() => rig?.stop());

const head = async () => (await rig.log.head('control')).position;

/** A request as raw bytes, since clients refuse to send what these tests are about. */
function raw(text: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(rig.api.httpPort as number, '127.0.0.1', () => socket.end(text));
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('idempotency', () => {
  test('the same key and body get the first answer, with another body 409', async () => {
    const headers = { 'idempotency-key': 'declare-once' };
    const incident = { title: 'once', severity: 'sev3', services: ['checkout'] };
    const first = await rig.post<{ id: string }>('/v1/incidents', incident, { headers });
    await rig.post(`/v1/incidents/${first.body.id}/notes`, { text: 'it has moved on since' });
    const position = await head();
    const again = await rig.post('/v1/incidents', incident, { headers });
    expect([again.status, again.body, again.headers.get('etag')]).toEqual([
      201,
      first.body,
      first.headers.get('etag'),
    ]);
    // Whatever the order of its keys.
    const reordered = await rig.post(
      '/v1/incidents',
      Object.fromEntries(Object.entries(incident).reverse()),
      { headers },
    );
    expect(reordered.body).toEqual(first.body);
    const other = await rig.post('/v1/incidents', { ...incident, title: 'twice' }, { headers });
    expect(other.status).toBe(409);
    expect(other.body.type).toContain('idempotency-conflict');
    const elsewhere = await rig.put('/v1/services/elsewhere', {}, { headers });
    expect(elsewhere.status).toBe(409);
    expect(await head()).toBe(position);
  });

  test('many at once declare one', async () => {
    const headers = { 'idempotency-key': 'together' };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => rig.put('/v1/services/together', { tier: 1 }, { headers })),
    );
    expect(new Set(answers.map(({ status }) => status)).size).toBeLessThanOrEqual(2);
    expect((await rig.log.readStream('service:together')).length).toBe(1);
  });

  test('keys of two callers are two keys', async () => {
    const token = await rig.token('admin');
    const headers = { 'idempotency-key': 'mine' };
    expect((await rig.put('/v1/services/mine', {}, { headers })).status).toBe(201);
    expect((await rig.put('/v1/services/yours', {}, { headers, token })).status).toBe(201);
  });

  test('a key is any text of any length, and not empty', async () => {
    const put = (key: string) =>
      rig.put('/v1/services/keyed', { tier: 1 }, { headers: { 'idempotency-key': key } });
    const long = 'x'.repeat(5_000);
    expect([(await put(long)).status, (await put(`${long}y`)).status, (await put('a b')).status]).toEqual([
      201, 200, 200,
    ]);
    expect(await put(long)).toMatchObject({ status: 201 });
    expect(await put('')).toMatchObject({ status: 400, body: { errors: [{ path: 'Idempotency-Key' }] } });
  });
});

describe('a service that does not answer', () => {
  test('is 503 with Retry-After when nobody is there', async () => {
    await rig.services.stop();
    try {
      const { status, headers, body } = await rig.put('/v1/services/alone', {});
      expect(status).toBe(503);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(body.detail).toContain('nothing was done');
      // What is read goes on.
      expect((await rig.get('/v1/services')).status).toBe(200);
      const system = await rig.get<{ services: { name: string; state: string }[] }>('/v1/system');
      expect(system.body.services).toContainEqual({ name: 'incident', state: 'silent', deadLetters: null });
    } finally {
      await rig.services.start();
    }
  });

  describe('or answers in its own way', () => {
    // The stand-ins are of the same queue group, and would be asked in its place.
    beforeAll(() => rig.services.stop());
    afterAll(() => rig.services.start());

    test('is 504 when it takes the command and says nothing', async () => {
      const silent = rig.bus.nc.subscribe(Subjects.command('evaluator', 'slo-history'), {
        callback: () => {},
      });
      try {
        const { status, body } = await rig.get('/v1/slos/none/history', { headers: {} });
        expect([status, body.title]).toEqual([504, 'No answer in time']);
      } finally {
        silent.unsubscribe();
      }
    });

    test('is refused with the words of what refuses', async () => {
      const refusing = new CommandServer({ bus: rig.bus, service: 'evaluator' });
      refusing.serve('slo-history', async () => {
        throw CommandRefused.refused('a rule says no', [{ path: 'step', message: 'is odd' }]);
      });
      await refusing.ready();
      try {
        const { status, body } = await rig.get('/v1/slos/none/history');
        expect([status, body.detail, body.errors]).toEqual([
          422,
          'a rule says no',
          [{ path: 'step', message: 'is odd' }],
        ]);
      } finally {
        await refusing.stop();
      }
    });
  });
});

describe('hostile input', () => {
  const put = (body: string | Buffer, contentType = 'application/json') =>
    fetch(`${rig.url}/v1/services/hostile`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${ADMIN}`, 'content-type': contentType },
      body: body as BodyInit,
    });

  test.each<[string, string | Buffer, number]>([
    ['not JSON', '{"tier":', 400],
    ['nothing where a body is needed to be an object', 'null', 400],
    ['an array', '[]', 400],
    ['deep JSON', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, 400],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), 400],
    ['UTF-16', Buffer.from('{"tier":1}', 'utf16le'), 400],
    ['NaN', '{"tier":NaN}', 400],
    ['a number beyond all', '{"tier":1e308}', 400],
    ['a prototype', '{"__proto__":{"tier":1}}', 400],
    ['NUL in text', '{"description":"a\\u0000b"}', 400],
    ['a lone surrogate', '{"description":"a\\ud800b"}', 400],
    ['SQL in a name', `{"dependsOn":["x'; drop table log.events; --"]}`, 400],
    ['wildcards of the bus in a name', '{"dependsOn":["a.>","*"]}', 400],
    ['an unknown field', '{"nmae":"x"}', 400],
    ['2 MiB', `{"description":"${'x'.repeat(2_000_000)}"}`, 413],
  ])('%s is refused whole', async (_, body, status) => {
    const before = await head();
    const response = await put(body);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ status });
    expect(await head()).toBe(before);
  });

  test.each([
    'text/plain',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
  ])('%s is not taken', async (contentType) => {
    expect((await put('{"tier":1}', contentType)).status).toBe(415);
  });

  test('free-form parts hold nothing that the log cannot keep', async () => {
    const { status, body } = await rig.put('/v1/slis/checkout/odd', {
      source: { deep: [{ text: 'a\u0000b' }] },
    });
    expect(status).toBe(400);
    expect(body.errors).toEqual([
      { path: 'source.deep.0.text', message: 'must not contain NUL or lone surrogates' },
    ]);
  });

  test.each([
    '/v1/services/UPPER',
    '/v1/services/a.b',
    '/v1/services/%3E',
    '/v1/services/..%2f',
    `/v1/services/${'x'.repeat(64)}`,
  ])('%s names nothing', async (path) => {
    expect((await rig.get(path)).status).toBe(400);
  });

  test.each(['/v1/services/%zz', '/v1/services/%ff'])('%s is no path', async (path) => {
    const answer = await raw(
      `GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ADMIN}\r\nconnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain('application/problem+json');
  });

  test.each([
    ['/v1/events?key=%00', 'query.key'],
    ['/v1/events?correlation=a%00b', 'query.correlation'],
  ])('%s is refused: no text holds NUL', async (path, field) => {
    const { status, body } = await rig.get(path);
    expect([status, (body.errors as Fault[])[0]]).toEqual([
      400,
      { path: field, message: 'must not contain NUL or lone surrogates' },
    ]);
  });

  test('a cursor that was made up of the mark of a list and NUL is none', async () => {
    let headers = new Headers();
    for (const name of ['cursor-a', 'cursor-b'])
      ({ headers } = await rig.put(`/v1/services/${name}`, { tier: 1 }));
    expect(headers.get('etag')).not.toBeNull();
    await rig.get(`/v1/services/cursor-b?minVersion=${headers.get('etag')}`);
    const page = await rig.get<{ nextCursor: string }>('/v1/services?limit=1');
    const [mark] = JSON.parse(Buffer.from(page.body.nextCursor, 'base64url').toString()) as [string];
    const made = Buffer.from(JSON.stringify([mark, 'a\u0000'])).toString('base64url');
    const { status, body } = await rig.get(`/v1/services?limit=1&cursor=${made}`);
    expect([status, (body.errors as Fault[])[0]?.path]).toEqual([400, 'query.cursor']);
  });

  test('headers cannot be split', async () => {
    const { status, headers } = await rig.get('/v1/services?cursor=x%0d%0aset-cookie:%20a=b');
    expect(status).toBe(400);
    expect(headers.get('set-cookie')).toBeNull();
    const correlation = await rig.get('/v1/services', { headers: { 'x-correlation-id': 'a;b' } });
    expect(correlation.headers.get('x-correlation-id')).not.toBe('a;b');
  });

  test('a header that fills memory is refused', async () => {
    const answer = await raw(`GET /v1/services HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 431 /);
  });

  test('unknown paths are 404, known ones with another method 405', async () => {
    expect((await rig.get('/v1/nothing')).status).toBe(404);
    const { status, headers } = await rig.ask('DELETE', '/v1/services/checkout');
    expect(status).toBe(405);
    expect(headers.get('allow')).toContain('PUT');
  });
});

describe('operation', () => {
  test('a read model is rebuilt beside the one in use', async () => {
    await rig.put('/v1/services/rebuilt', { tier: 1 });
    const before = await rig.get('/v1/services');
    const { status, body } = await rig.post('/v1/system/projections/resources/rebuild', undefined);
    expect(status).toBe(202);
    expect(body).toMatchObject({ name: 'resources', version: 1 });
    expect((await rig.get('/v1/services')).body).toEqual(before.body);
    expect((await rig.post('/v1/system/projections/nothing/rebuild', undefined)).status).toBe(404);
  });

  test('dead letters are shown by key, and tried again', async () => {
    const server = new CommandServer({ bus: rig.bus, service: 'paging' });
    const letter = (position: number, error: string | null) => ({
      consumer: 'paging',
      key: 'INC-1',
      position,
      eventId: `event-${position}`,
      type: 'incident.declared',
      error,
      parkedAt: '2026-11-22T10:00:00.000Z',
      attempts: 1,
    });
    server.serve('dlq-list', async () => ({ items: [letter(7, 'cannot'), letter(9, null)], more: 12 }));
    server.serve('dlq-retry', async ({ data }) => ({
      items: [{ key: (data as { key: string }).key, replayed: 1, remaining: 1, error: 'still cannot' }],
    }));
    await server.ready();
    try {
      const { body } = await rig.get<{ items: object[]; notListed: number }>(
        '/v1/system/dead-letters?service=paging',
      );
      expect(body.notListed).toBe(12);
      expect(body.items).toEqual([
        {
          service: 'paging',
          consumer: 'paging',
          key: 'INC-1',
          events: 2,
          position: 7,
          type: 'incident.declared',
          eventId: 'event-7',
          error: 'cannot',
          attempts: 1,
          parkedAt: '2026-11-22T10:00:00.000Z',
        },
      ]);
      const { body: system } = await rig.get<SystemState>('/v1/system');
      expect(system.services).toContainEqual({ name: 'paging', state: 'answering', deadLetters: 14 });
      const retried = await rig.post('/v1/system/dead-letters/paging/retry', { key: 'INC-1' });
      expect(retried.body).toEqual({ replayed: 1, remaining: 1, error: 'still cannot' });
      expect((await rig.post('/v1/system/dead-letters/nobody/retry', {})).status).toBe(404);
    } finally {
      await server.stop();
    }
  });

  test('health needs no token', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics'])
      expect((await rig.get(path, { token: null })).status).toBe(200);
  });
});
