import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { FakeServer } from '../fake-server.fixture.js';

let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
});
afterAll(() => server.stop());
beforeEach(() => server.reset());

test('retire ends an SLO, and says what goes on without it', async () => {
  const warnings = ['SLO journey is made of it, and goes on without it'];
  server.answer = () => ({ status: 200, body: { name: 'checkout', warnings } });
  expect(await server.run('slo', 'retire', 'checkout')).toEqual({
    code: 0,
    out: 'checkout is retired',
    err: 'warning: SLO journey is made of it, and goes on without it',
  });
  expect(server.requests).toMatchObject([{ method: 'DELETE', url: '/v1/slos/checkout' }]);
});
