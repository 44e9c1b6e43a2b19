import { LogStreams, type User } from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import {
  minute,
  notificationOf,
  Rehearsal,
  traceparent,
  webhookSecret,
} from './testing/rehearsal.fixture.js';

jest.setTimeout(60_000);

let rehearsal: Rehearsal;
beforeAll(async () => {
  rehearsal = await Rehearsal.start({}, { callTimeoutMs: 2000 });
});
afterAll(() => rehearsal.stop());

/** A person with these webhooks, in this order, paged by the first. */
const person = (name: string, addresses: string[]) =>
  rehearsal.does('user-define', {
    name,
    contactMethods: addresses.map((address, place) => ({
      id: `hook${place}`,
      kind: 'webhook',
      address,
      secret: webhookSecret,
      verified: true,
    })),
    rules: [{ urgency: 'high', afterMinutes: 0, method: 'hook0' }],
  });
const failuresOf = async (page: string) =>
  (await rehearsal.log.readStream(LogStreams.page(page)))
    .filter((event) => event.type === 'page.failed')
    .map((event) => event.data as { error: string; statusCode: number | null; retryAt: string | null });

describe('a receiver that fails', () => {
  test('is called again after each pause, under one key, until it takes the page', async () => {
    const receiver = await rehearsal.receiver();
    receiver.answerNext(500, 302, 'reset', 'hang', { status: 429 });
    await person('ada', [receiver.url()]);
    await rehearsal.policy([{ users: ['ada'], timeoutMinutes: 600 }]);
    await rehearsal.declare('INC-1');
    for (const [calls, pause] of [1, 5, 15, 60, 300].entries()) {
      await receiver.received(calls + 1);
      const page = await rehearsal.until('INC-1-P1', ({ deliveries }) => deliveries[0]?.lastError !== null);
      expect(page.deliveries[0]?.state).toBe('pending');
      await rehearsal.quiet();
      rehearsal.clock.advance(pause * 1000 - 1);
      await rehearsal.quiet();
      expect(receiver.requests).toHaveLength(calls + 1);
      rehearsal.clock.advance(1);
    }
    await receiver.received(6);
    const page = await rehearsal.until('INC-1-P1', ({ deliveries }) => deliveries[0]?.state === 'delivered');
    expect(page.deliveries[0]).toMatchObject({ attempts: 6 });
    expect(new Set(receiver.requests.map((request) => request.headers['webhook-id']))).toEqual(
      new Set(['INC-1-P1_c1_s1_ada_r0']),
    );
    expect(receiver.requests.map((request) => notificationOf(request).page.attempt)).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
    // Without a collector the trace goes on as it came; each line of the log belongs to the story.
    expect(new Set(receiver.requests.map(({ headers }) => headers.traceparent))).toEqual(
      new Set([traceparent]),
    );
    const told = rehearsal.said.filter((line) => line.page === 'INC-1-P1');
    expect(told.map(({ message, attempt, correlationId }) => [message, attempt, correlationId])).toEqual([
      ...[1, 2, 3, 4, 5].map((attempt) => ['a page was not taken', attempt, 'story-incident:INC-1']),
      ['a page was delivered', 6, 'story-incident:INC-1'],
    ]);
    expect(JSON.stringify(told)).not.toContain(receiver.url());
    expect((await failuresOf('INC-1-P1')).map(({ error }) => error)).toEqual([
      'status 500',
      'status 302: redirects are not followed',
      expect.stringMatching(/ECONNRESET|socket hang up/),
      'no answer within 2 s',
      'status 429',
    ]);
  });

  test('twice: the person’s next method is used as well', async () => {
    const [broken, working] = [await rehearsal.receiver(), await rehearsal.receiver()];
    broken.answerAlways(503);
    await person('grace', [broken.url(), working.url()]);
    await rehearsal.policy([{ users: ['grace'], timeoutMinutes: 600 }]);
    await rehearsal.declare('INC-2');
    await broken.received(1);
    await rehearsal.quiet();
    expect(working.requests).toHaveLength(0);
    rehearsal.clock.advance(1000);
    await working.received(1);
    expect(working.requests[0]!.headers['webhook-id']).toBe('INC-2-P1_c1_s1_grace_r0_hook1');
    await rehearsal.quiet();
    rehearsal.clock.advance(5000);
    await broken.received(3);
    await rehearsal.quiet();
    expect(working.requests).toHaveLength(1);
  });

  test('with 410: the method is disabled, and the next one used at once', async () => {
    const [gone, working] = [await rehearsal.receiver(), await rehearsal.receiver()];
    gone.answerAlways(410);
    await person('edsger', [gone.url(), working.url()]);
    await rehearsal.policy([{ users: ['edsger'], timeoutMinutes: 600 }]);
    await rehearsal.declare('INC-3');
    await working.received(1);
    await rehearsal.quiet();
    rehearsal.clock.advance(60 * minute);
    await rehearsal.quiet();
    expect(gone.requests).toHaveLength(1);
    const users = await rehearsal.log.readStream(LogStreams.user('edsger'));
    const { contactMethods } = users.at(-1)!.data as User;
    expect(contactMethods.map(({ disabled = false }) => disabled)).toEqual([true, false]);
    await rehearsal.declare('INC-4');
    await working.received(2);
    expect(gone.requests).toHaveLength(1);
  });

  test('is not called again once somebody acknowledged', async () => {
    const receiver = await rehearsal.receiver();
    receiver.answerAlways(500);
    await person('barbara', [receiver.url()]);
    await rehearsal.policy([{ users: ['barbara'], timeoutMinutes: 600 }]);
    await rehearsal.declare('INC-5');
    await receiver.received(1);
    await rehearsal.quiet();
    await rehearsal.does('page-acknowledge', { page: 'INC-5-P1' });
    rehearsal.clock.advance(10 * minute);
    await rehearsal.quiet();
    expect(receiver.requests).toHaveLength(1);
  });

  test('by not being there', async () => {
    const receiver = await rehearsal.receiver();
    const address = receiver.url();
    await receiver.stop();
    await person('ken', [address]);
    await rehearsal.policy([{ users: ['ken'], timeoutMinutes: 600 }]);
    await rehearsal.declare('INC-6');
    const page = await rehearsal.until('INC-6-P1', ({ deliveries }) => deliveries[0]?.lastError !== null);
    expect(page.deliveries[0]!.lastError).toContain('ECONNREFUSED');
  });
});

test('a policy’s own webhook is signed with its own secret', async () => {
  const receiver = await rehearsal.receiver();
  const target = { kind: 'webhook', address: receiver.url('/team'), secret: webhookSecret };
  await rehearsal.does('policy-define', { name: 'team', steps: [{ targets: [target], timeoutMinutes: 5 }] });
  await rehearsal.declare('INC-50', { escalationPolicy: 'team' });
  const [request] = await receiver.received(1);
  expect(request!.headers['webhook-signature']).toMatch(/^v1,/);
  const page = await rehearsal.page('INC-50-P1');
  expect(page.deliveries).toMatchObject([{ user: null, method: 'webhook', kind: 'webhook' }]);
});

test('round-robin: one target after the other, over pages', async () => {
  const receiver = await rehearsal.receiver();
  for (const name of ['ada', 'grace', 'ken']) await rehearsal.user(name, receiver.url(`/${name}`));
  const targets = ['ada', 'grace', 'ken'].map((name) => ({ kind: 'user', name }));
  await rehearsal.does('policy-define', {
    name: 'turns',
    steps: [{ targets, timeoutMinutes: 5, assign: 'round-robin' }],
  });
  for (let n = 60; n < 64; n += 1) {
    await rehearsal.declare(`INC-${n}`, { escalationPolicy: 'turns' });
    await receiver.received(n - 59);
  }
  expect(receiver.requests.map((request) => request.url)).toEqual(['/ada', '/grace', '/ken', '/ada']);
});

test('tables that are lost are rebuilt from the log: nothing is sent twice, and what is due still is', async () => {
  const receiver = await rehearsal.receiver();
  await rehearsal.user('ada', receiver.url('/ada'));
  await rehearsal.user('grace', receiver.url('/grace'));
  await rehearsal.policy([{ users: ['ada'] }, { users: ['grace'] }], { name: 'kept' });
  await rehearsal.declare('INC-70', { escalationPolicy: 'kept' });
  await receiver.received(1);
  await rehearsal.quiet();
  const due = async () =>
    (
      await rehearsal.log.pool.query(
        'select page, key, kind, lane, due_at from paging.due order by page, key',
      )
    ).rows;
  const before = await due();
  await rehearsal.stopServices();
  await rehearsal.log.pool.query('drop schema paging cascade');
  await rehearsal.startService({}, { callTimeoutMs: 2000 });
  await rehearsal.quiet();
  expect(await due()).toEqual(before);
  expect(receiver.requests).toHaveLength(1);
  rehearsal.clock.advance(5 * minute);
  await receiver.received(2);
  expect(receiver.requests[1]!.url).toBe('/grace');
});

test('sessions with Postgres that are cut are made again: what is due is done', async () => {
  const receiver = await rehearsal.receiver();
  await rehearsal.user('ada', receiver.url());
  await rehearsal.policy([{ users: ['ada'] }, { users: ['ada'] }], { name: 'cut' });
  await rehearsal.declare('INC-75', { escalationPolicy: 'cut' });
  await receiver.received(1);
  await rehearsal.quiet();
  const administrator = new pg.Client({ connectionString: rehearsal.database.url });
  await administrator.connect();
  await administrator.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'bellwether paging claims'`,
  );
  await administrator.end();
  rehearsal.clock.advance(5 * minute);
  await receiver.received(2);
});

test('two instances share the work and send each page once', async () => {
  const receiver = await rehearsal.receiver();
  await rehearsal.user('ada', receiver.url());
  await rehearsal.policy([{ users: ['ada'] }], { name: 'shared' });
  await rehearsal.startService({}, { callTimeoutMs: 2000 });
  for (let n = 80; n < 100; n += 1) await rehearsal.declare(`INC-${n}`, { escalationPolicy: 'shared' });
  await receiver.received(20);
  await rehearsal.quiet();
  const keys = receiver.requests.map((request) => request.headers['webhook-id']);
  expect(keys).toHaveLength(20);
  expect(new Set(keys).size).toBe(20);
});
