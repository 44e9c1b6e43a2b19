import { eventually, startOwnPostgres, type TestPostgres } from '@bellwether/testing';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Rig } from './rig.fixture.js';

jest.setTimeout(60_000);

let postgres: TestPostgres;
let rig: Rig;
beforeAll(async () => {
  postgres = await startOwnPostgres();
  rig = await Rig.start({ databaseUrl: postgres.url() });
});
afterAll(async () => {
  await rig?.stop();
  await postgres?.stop();
});

test('while the database is away reads are 503; afterwards they go on, and nothing is missing', async () => {
  await rig.put('/v1/services/before', { tier: 1 });
  await postgres.kill();
  const away = await rig.get('/v1/services/before');
  expect(away.status).toBe(503);
  expect(away.headers.get('retry-after')).toBe('1');
  expect(away.body.detail).toBe('the database cannot be reached at the moment');
  expect((await rig.get('/healthz')).status).toBe(200);

  await postgres.start();
  const after = await eventually(
    async () => {
      const put = await rig.put(
        '/v1/services/after',
        { tier: 1 },
        { headers: { 'idempotency-key': 'after' } },
      );
      expect(put.status).toBe(201);
      return put;
    },
    { timeoutMs: 30_000 },
  );
  expect(after.headers.get('etag')).toBe('"1"');
  expect((await rig.get('/v1/services/after?minVersion=1')).status).toBe(200);
  expect((await rig.get('/v1/services/before?minVersion=1')).status).toBe(200);
});
