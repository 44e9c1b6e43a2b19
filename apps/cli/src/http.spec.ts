import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { FakeServer } from './fake-server.fixture.js';

let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
  server.answer = () => ({
    status: 504,
    body: {
      type: 't',
      title: 'No answer',
      status: 504,
      detail:
        'paging did not answer in time; repeat the request with the same Idempotency-Key to learn what became of it',
    },
  });
});
afterAll(() => server.stop());

test('a read that was not answered in time is simply tried again', async () => {
  expect(await server.run('status', 'checkout')).toMatchObject({
    code: 1,
    err: 'error: No answer (504): paging did not answer in time; try again',
  });
});

test.each([
  ['page show INC-1-P1', ['page', 'ack', 'INC-1-P1']],
  ['incident show INC-1', ['incident', 'resolve', 'INC-1', '-m', 'done']],
  ['incident list', ['incident', 'declare', 'all is dark']],
  ['get slo checkout', ['slo', 'retire', 'checkout']],
  ['oncall overrides shop', ['oncall', 'take', 'shop', 'ada', '--until', '2026-11-23T00:00:00Z']],
])('a command that was not answered in time may have been done: look with %s', async (look, argv) => {
  expect((await server.run(...argv)).err).toBe(
    `error: No answer (504): paging did not answer in time. It may have been done all the same: look with "bellwether ${look}" before you repeat it`,
  );
});

test('where no command shows it, that is all', async () => {
  expect((await server.run('token', 'create', '--name', 'a', '--role', 'viewer')).err).toMatch(
    /done all the same: look before you repeat it$/,
  );
});
