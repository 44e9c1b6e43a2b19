import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { FakeServer } from './fake-server.fixture.js';

let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
});
afterAll(() => server.stop());
beforeEach(() => server.reset());

const parked = (key: string) => ({
  service: 'ingest',
  consumer: 'ingest',
  key,
  type: 'sli.checkout.availability',
  events: 1,
  position: Number(key),
  eventId: `DLQ/${key}`,
  error: 'good: must not be above total',
  attempts: 1,
  parkedAt: '2026-11-22T10:00:00.000Z',
});

function answer(notListed: number | undefined) {
  server.answer = ({ url }) => ({
    status: 200,
    body: url.includes('cursor=')
      ? { items: [parked('2')], nextCursor: null, notListed }
      : { items: [parked('1')], nextCursor: 'next', notListed },
  });
}

test('parked keys are listed over all pages, and none is said to be missing when none is', async () => {
  for (const none of [0, undefined]) {
    answer(none);
    const { out, err } = await server.run('dlq', 'list');
    expect(out.match(/sli\.checkout\.availability/g)).toHaveLength(2);
    expect(err).toBe('');
  }
});

test('more than are listed are told of, to programs too', async () => {
  answer(7_301);
  for (const format of ['table', 'json']) {
    const { out, err } = await server.run('dlq', 'list', '-o', format);
    expect(out).not.toContain('7301');
    expect(err).toMatch(
      /^warning: 7301 more are not listed; they show when earlier ones are retried or gone$/m,
    );
  }
});

test('a retry that is refused again is 1, and says why', async () => {
  const error = 'refused again: good: must not be above total';
  server.answer = () => ({ status: 200, body: { replayed: 0, remaining: 1, error } });
  expect(await server.run('dlq', 'retry', 'ingest', '7')).toMatchObject({
    code: 1,
    out: `replayed 0, remaining 1: ${error}`,
    err: 'error: 1 events of 7 are still parked',
  });
});
