import type { Delivery, Page } from '@bellwether/contracts';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { FakeServer } from './fake-server.fixture.js';

let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
});
afterAll(() => server.stop());
beforeEach(() => server.reset());

const delivery = (change: Partial<Delivery>): Delivery => ({
  user: 'ada',
  method: 'hook',
  kind: 'webhook',
  idempotencyKey: 'k',
  step: 1,
  cycle: 1,
  dueAt: '2026-11-22T09:00:00.000Z',
  attempts: 1,
  state: 'delivered',
  lastError: null,
  ...change,
});
const page: Page = {
  id: 'INC-1-P1',
  incident: 'INC-1',
  title: 'checkout is slow',
  severity: 'sev2',
  service: 'checkout',
  status: 'open',
  urgency: 'high',
  policy: 'shop',
  step: 2,
  cycle: 2,
  requestedAt: '2026-11-22T09:00:00.000Z',
  acknowledgedAt: null,
  acknowledgedBy: null,
  nextAction: null,
  deliveries: [
    delivery({}),
    delivery({ cycle: 2, dueAt: '2026-11-22T09:30:00.000Z' }),
    delivery({
      user: null,
      method: 'hooks.example.org',
      step: 2,
      state: 'pending',
      dueAt: '2026-11-22T10:00:30.000Z',
    }),
  ],
  version: 3,
};
const rows = (out: string) => out.split('\n').map((line) => line.trim().split(/\s{2,}/));

test('deliveries of a page are told apart by step, cycle and when they are due', async () => {
  server.answer = () => ({ status: 200, body: page });
  const { out } = await server.run('page', 'show', 'INC-1-P1');
  expect(rows(out).slice(-4)).toEqual([
    ['USER', 'METHOD', 'STEP', 'CYCLE', 'DUE', 'STATE', 'ATTEMPTS', 'LAST ERROR'],
    ['ada', 'hook (webhook)', '1', '1', '2026-11-22T09:00:00.000Z (1 h ago)', 'delivered', '1', '–'],
    ['ada', 'hook (webhook)', '1', '2', '2026-11-22T09:30:00.000Z (30 min ago)', 'delivered', '1', '–'],
    ['–', 'hooks.example.org (webhook)', '2', '1', '2026-11-22T10:00:30.000Z (in 30 s)', 'pending', '1', '–'],
  ]);
});

test('a list of pages says who was paged, each once', async () => {
  server.answer = () => ({ status: 200, body: { items: [page], nextCursor: null } });
  const [head, row] = rows((await server.run('page', 'list')).out);
  expect(row?.[head?.indexOf('PAGED') as number]).toBe('ada, hooks.example.org');
});

test.each([
  ['escalate in 4 min', { kind: 'escalate', step: 3 }],
  ['exhausted in 4 min', { kind: 'none', step: null }],
] as const)('what comes next for a page is shown: %s', async (says, next) => {
  const nextAction = { ...next, at: '2026-11-22T10:04:00.000Z' };
  server.answer = () => ({ status: 200, body: { items: [{ ...page, nextAction }], nextCursor: null } });
  const [head, row] = rows((await server.run('page', 'list')).out);
  expect(row?.[head?.indexOf('NEXT') as number]).toBe(says);
});

test('of a page for which nothing comes, nothing is shown', async () => {
  const nextAction = { kind: 'none', at: null, step: null } as const;
  server.answer = () => ({ status: 200, body: { items: [{ ...page, nextAction }], nextCursor: null } });
  const [head, row] = rows((await server.run('page', 'list')).out);
  expect(row?.[head?.indexOf('NEXT') as number]).toBe('–');
});

test('who is on call is asked of another time, and as it was known then', async () => {
  server.answer = () => ({ status: 200, body: { items: [], nextCursor: null } });
  await server.run('oncall', 'who');
  await server.run('oncall', 'who', '--as-of', '2026-11-22T08:00:00Z');
  await server.run('oncall', 'who', '--at', '2026-11-22T09:00:00Z', '--as-of', '2026-11-22T08:00:00Z');
  expect(server.requests.map(({ url }) => url)).toEqual([
    '/v1/oncall',
    '/v1/oncall?at=2026-11-22T08%3A00%3A00Z&asOf=2026-11-22T08%3A00%3A00Z',
    '/v1/oncall?at=2026-11-22T09%3A00%3A00Z&asOf=2026-11-22T08%3A00%3A00Z',
  ]);
});

test('who is on call and cannot be paged is marked', async () => {
  const contact = (name: string, verified: boolean) => ({
    name,
    contactMethods: [{ id: 'hook', kind: 'webhook', address: 'https://example.org', verified }],
  });
  server.answer = ({ url }) => ({
    status: 200,
    body: {
      items: url.startsWith('/v1/users')
        ? [contact('ada', true), contact('grace', false)]
        : [
            { schedule: 'pay', users: ['ada', 'grace', 'linus'], until: null },
            { schedule: 'web', users: [], until: null },
          ],
      nextCursor: null,
    },
  });
  const { out } = await server.run('oncall', 'who', '--as-of', '2026-11-22T08:00:00Z');
  expect(rows(out).slice(1)).toEqual([
    ['pay', 'ada, grace (unreachable), linus (unreachable)', '–'],
    ['web', 'nobody', '–'],
  ]);
  expect(server.requests.at(-1)?.url).toBe('/v1/users?asOf=2026-11-22T08%3A00%3A00Z');
});

test('shifts show the hours in which nobody is on call', async () => {
  const shift = (from: string, to: string) => ({ from, to, users: ['ada'], layer: 'day', override: null });
  const items = [
    shift('2026-11-22T09:00:00.000Z', '2026-11-22T17:00:00.000Z'),
    shift('2026-11-23T09:00:00.000Z', '2026-11-23T10:00:00.000Z'),
  ];
  server.answer = ({ url }) => ({
    status: 200,
    body: { items: url.startsWith('/v1/users') ? [] : items, nextCursor: null },
  });
  const from = '2026-11-22T08:00:00Z';
  const { out } = await server.run('oncall', 'shifts', 'pay', '--from', from, '--days', '2');
  expect(rows(out).slice(1)).toEqual([
    ['2026-11-22T08:00:00.000Z', '2026-11-22T09:00:00.000Z', 'nobody', '–'],
    ['2026-11-22T09:00:00.000Z', '2026-11-22T17:00:00.000Z', 'ada (unreachable)', 'day'],
    ['2026-11-22T17:00:00.000Z', '2026-11-23T09:00:00.000Z', 'nobody', '–'],
    ['2026-11-23T09:00:00.000Z', '2026-11-23T10:00:00.000Z', 'ada (unreachable)', 'day'],
    ['2026-11-23T10:00:00.000Z', '2026-11-24T08:00:00.000Z', 'nobody', '–'],
  ]);
});

test('the help of the gate says which token a pipeline needs', async () => {
  expect((await server.run('gate', '--help')).out).toMatch(
    /bellwether token create --name deploy --role viewer/,
  );
});
