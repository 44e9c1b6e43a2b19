import { LogStreams, type Page, pageNotification } from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { minute, notificationOf, Rehearsal, webhookSecret } from './testing/rehearsal.fixture.js';

jest.setTimeout(60_000);

describe('an incident is declared', () => {
  let rehearsal: Rehearsal;
  beforeAll(async () => {
    rehearsal = await Rehearsal.start();
  }, 60_000);
  afterAll(() => rehearsal.stop());

  test('the first step is paged at once, by a signed webhook as the contract says', async () => {
    const receiver = await rehearsal.receiver();
    await rehearsal.user('ada', receiver.url('/page'));
    await rehearsal.policy([{ users: ['ada'] }]);
    const declared = await rehearsal.declare('INC-1');
    const [request] = await receiver.received(1);
    expect(request).toMatchObject({ method: 'POST', url: '/page' });
    expect(request!.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': 'INC-1-P1_c1_s1_ada_hook',
    });
    expect(() => new Webhook(webhookSecret).verify(request!.body, request!.headers)).not.toThrow();
    expect(pageNotification.strict().parse(request!.json)).toEqual({
      type: 'page.requested',
      page: {
        id: 'INC-1-P1',
        incident: 'INC-1',
        title: 'checkout burns its budget',
        severity: 'sev2',
        service: 'checkout',
        step: 1,
        attempt: 1,
        acknowledgeUrl: expect.stringMatching(/^http:\/\/bellwether\.test\/a\/INC-1-P1~ada~/),
        explainUrl: 'http://bellwether.test/v1/explain/INC-1-P1',
      },
    });
    const page = await rehearsal.until('INC-1-P1', ({ deliveries }) => deliveries[0]?.state === 'delivered');
    expect(page).toMatchObject({
      status: 'open',
      policy: 'default',
      nextAction: { kind: 'none', at: new Date(rehearsal.clock.now().getTime() + 5 * minute).toISOString() },
      deliveries: [{ user: 'ada', method: 'hook', attempts: 1, state: 'delivered', lastError: null }],
    });
    const events = await rehearsal.log.readStream(LogStreams.page('INC-1-P1'));
    expect(events.map((event) => event.type)).toEqual(['page.requested', 'page.attempted', 'page.delivered']);
    expect(events[0]!.meta).toMatchObject({ causationId: declared, actor: 'service:paging' });
    expect(events[1]!.meta.causationId).toBe(events[0]!.id);
    expect(new Set(events.map((event) => event.meta.correlationId))).toEqual(
      new Set(['story-incident:INC-1']),
    );
  });

  test('it is acknowledged by the link of the page, without a session', async () => {
    const receiver = await rehearsal.receiver();
    await rehearsal.user('grace', receiver.url());
    await rehearsal.policy([{ users: ['grace'] }, { users: ['ada'] }]);
    await rehearsal.declare('INC-2');
    const [request] = await receiver.received(1);
    const link = notificationOf(request).page.acknowledgeUrl.split('/a/')[1]!;
    const stranger = { actor: 'key:link', role: 'viewer' } as const;
    const acknowledge = { page: 'INC-2-P1', via: 'link', link };
    const page = await rehearsal.does<Page>('page-acknowledge', acknowledge, stranger);
    expect(page).toMatchObject({ status: 'acknowledged', acknowledgedBy: 'grace' });
    expect(await rehearsal.does('page-acknowledge', acknowledge, stranger)).toMatchObject({
      acknowledgedBy: 'grace',
    });
    // What is said with one that changes nothing is kept nowhere: whoever says it hears so.
    expect(
      await rehearsal.ask('page-acknowledge', { ...acknowledge, note: 'me, too' }, stranger),
    ).toMatchObject({
      status: 200,
      warnings: [expect.stringMatching(/^note: is not kept, since grace has acknowledged already/)],
    });
    expect(await rehearsal.refused('page-acknowledge', { ...acknowledge, page: 'INC-1-P1' }, stranger)).toBe(
      403,
    );
    expect(await rehearsal.refused('page-acknowledge', { ...acknowledge, link: `${link}x` }, stranger)).toBe(
      403,
    );
    expect(await rehearsal.refused('page-acknowledge', { page: 'INC-2-P1' }, stranger)).toBe(403);
    rehearsal.clock.advance(25 * 3_600_000);
    expect(await rehearsal.refused('page-acknowledge', acknowledge, stranger)).toBe(403);
    await rehearsal.resolve('INC-1');
    await rehearsal.resolve('INC-2');
    await rehearsal.quiet();
  });

  test('its policy is its own, else its service’s, else the installation’s; one that is missing is passed over', async () => {
    const receiver = await rehearsal.receiver();
    await rehearsal.user('edsger', receiver.url());
    for (const name of ['slo-policy', 'service-policy']) {
      await rehearsal.policy([{ users: ['edsger'] }], { name });
    }
    await rehearsal.append(LogStreams.service('cart'), 'service.defined', {
      name: 'cart',
      description: '',
      tier: 3,
      dependsOn: [],
      escalationPolicy: 'service-policy',
      runbooks: [],
      links: [],
    });
    await rehearsal.policy([{ users: ['edsger'] }]);
    const policies: (string | null)[] = [];
    for (const [incident, more] of [
      ['INC-11', { services: ['cart'], escalationPolicy: 'slo-policy' }],
      ['INC-12', { services: ['cart'] }],
      ['INC-13', { services: ['cart'], escalationPolicy: 'missing' }],
      ['INC-14', { services: [] }],
    ] as const) {
      await rehearsal.declare(incident, { ...more, services: [...more.services] });
      policies.push((await rehearsal.until(`${incident}-P1`, () => true)).policy);
    }
    expect(policies).toEqual(['slo-policy', 'service-policy', 'service-policy', 'default']);
  });

  test('the console method prints', async () => {
    await rehearsal.user('barbara', '', {
      contactMethods: [{ id: 'print', kind: 'console', verified: true }],
    });
    await rehearsal.policy([{ users: ['barbara'] }]);
    await rehearsal.declare('INC-20');
    await rehearsal.until('INC-20-P1', ({ deliveries }) => deliveries[0]?.state === 'delivered');
    expect(rehearsal.printed).toEqual([
      expect.stringMatching(
        /^PAGE INC-20-P1 \[sev2\] checkout: checkout burns its budget → barbara · acknowledge: http/,
      ),
    ]);
  });

  test('whoever is on call when the step runs is paged', async () => {
    const receiver = await rehearsal.receiver();
    await rehearsal.user('ada', receiver.url('/ada'));
    await rehearsal.user('grace', receiver.url('/grace'));
    const today = rehearsal.clock.now().toISOString().slice(0, 10);
    await rehearsal.does('schedule-define', {
      name: 'primary',
      timeZone: 'UTC',
      layers: [
        {
          name: 'day',
          rotation: { type: 'hourly', length: 1, start: `${today}T00:00`, participants: ['ada', 'grace'] },
        },
      ],
    });
    await rehearsal.does('policy-define', {
      name: 'default',
      repeat: 1,
      steps: [{ targets: [{ kind: 'schedule', name: 'primary' }], timeoutMinutes: 60 }],
    });
    await rehearsal.declare('INC-30');
    await receiver.received(1);
    await rehearsal.quiet();
    rehearsal.clock.advance(60 * minute);
    await receiver.received(2);
    const paths = receiver.requests.map((request) => request.url);
    expect(new Set(paths)).toEqual(new Set(['/ada', '/grace']));
  });
});

describe('a page that nobody answers', () => {
  let rehearsal: Rehearsal;
  beforeAll(async () => {
    rehearsal = await Rehearsal.start({ BELLWETHER_FALLBACK_TARGET: 'user:boss' });
  }, 60_000);
  afterAll(() => rehearsal.stop());

  test('goes through the steps as time passes, then to the fallback; the call of each is one', async () => {
    const receiver = await rehearsal.receiver();
    for (const name of ['ada', 'grace', 'boss']) await rehearsal.user(name, receiver.url(`/${name}`));
    await rehearsal.policy(
      [{ users: ['ada'] }, { users: ['nobody'] }, { users: ['grace'], timeoutMinutes: 10 }],
      {
        repeat: 1,
      },
    );
    await rehearsal.declare('INC-1');
    await receiver.received(1);
    await rehearsal.quiet();
    for (const [after, calls] of [
      [5, 2],
      [10, 3],
      [5, 4],
      [10, 5],
    ] as const) {
      rehearsal.clock.advance(after * minute);
      await receiver.received(calls);
      await rehearsal.quiet();
    }
    rehearsal.clock.advance(600 * minute);
    await rehearsal.quiet();
    expect(receiver.requests.map((request) => request.url)).toEqual([
      '/ada',
      '/grace',
      '/ada',
      '/grace',
      '/boss',
    ]);
    expect(await rehearsal.page('INC-1-P1')).toMatchObject({
      status: 'exhausted',
      nextAction: null,
      cycle: 2,
    });
    const types = await rehearsal.typesOf(LogStreams.page('INC-1-P1'));
    expect(types.filter((type) => type === 'page.requested')).toHaveLength(5);
    expect(types.filter((type) => type === 'page.exhausted')).toHaveLength(1);
    const skipped = (await rehearsal.log.readStream(LogStreams.page('INC-1-P1'))).filter(
      ({ type, data }) => type === 'page.escalated' && (data as { reason: string }).reason === 'empty-step',
    );
    expect(skipped.map((event) => event.data)).toMatchObject([
      { from: 2, step: 3, cycle: 1 },
      { from: 2, step: 3, cycle: 2 },
    ]);
  });

  test('acknowledged and not resolved: a reminder, and the escalation goes on', async () => {
    const receiver = await rehearsal.receiver();
    await rehearsal.user('ada', receiver.url('/ada'));
    await rehearsal.policy([{ users: ['ada'] }, { users: ['ada'] }], { ackTimeoutMinutes: 30 });
    await rehearsal.declare('INC-2');
    await receiver.received(1);
    await rehearsal.does('page-acknowledge', { page: 'INC-2-P1' });
    await rehearsal.quiet();
    rehearsal.clock.advance(29 * minute);
    await rehearsal.quiet();
    expect(receiver.requests).toHaveLength(1);
    rehearsal.clock.advance(minute);
    await receiver.received(2);
    await rehearsal.quiet();
    expect(await rehearsal.page('INC-2-P1')).toMatchObject({
      status: 'open',
      nextAction: { kind: 'escalate', step: 2 },
    });
  });

  test('escalated and reassigned by hand', async () => {
    const receiver = await rehearsal.receiver();
    for (const name of ['ada', 'grace', 'edsger']) await rehearsal.user(name, receiver.url(`/${name}`));
    await rehearsal.policy([{ users: ['ada'] }, { users: ['grace'] }]);
    await rehearsal.declare('INC-3');
    await receiver.received(1);
    const escalated = await rehearsal.does<Page>('page-escalate', { page: 'INC-3-P1' });
    expect(escalated).toMatchObject({ step: 2, nextAction: { kind: 'none' } });
    await receiver.received(2);
    expect(await rehearsal.refused('page-escalate', { page: 'INC-3-P1', step: 3 })).toBe(422);
    expect(await rehearsal.refused('page-escalate', { page: 'INC-3-P1' }, { expect: 1 })).toBe(412);
    expect(await rehearsal.refused('page-reassign', { page: 'INC-3-P1', users: ['nobody'] })).toBe(422);
    await rehearsal.does('page-reassign', { page: 'INC-3-P1', users: ['edsger'], note: 'knows it' });
    await receiver.received(3);
    expect(receiver.requests.map((request) => request.url)).toEqual(['/ada', '/grace', '/edsger']);
    expect(await rehearsal.ask('page-escalate', { page: 'INC-99-P1' })).toMatchObject({
      problem: { status: 404, detail: 'page INC-99-P1 does not exist' },
    });
  });

  test('a command with the key of an earlier one has its effect once', async () => {
    const receiver = await rehearsal.receiver();
    await rehearsal.user('ada', receiver.url());
    await rehearsal.policy([{ users: ['ada'] }]);
    await rehearsal.declare('INC-4');
    await receiver.received(1);
    const once = { id: 'http:user:ada:once', hash: 'a' };
    await rehearsal.does('page-escalate', { page: 'INC-4-P1' }, once);
    await rehearsal.does('page-escalate', { page: 'INC-4-P1' }, once);
    expect(await rehearsal.refused('page-escalate', { page: 'INC-4-P1' }, { ...once, hash: 'b' })).toBe(409);
    await rehearsal.quiet();
    expect(receiver.requests).toHaveLength(2);
  });
});

describe('an incident ends', () => {
  let rehearsal: Rehearsal;
  beforeAll(async () => {
    rehearsal = await Rehearsal.start();
  }, 60_000);
  afterAll(() => rehearsal.stop());

  test('its page is cancelled, nobody is paged any more, and those who were are told', async () => {
    const receiver = await rehearsal.receiver();
    await rehearsal.user('ada', receiver.url('/ada'));
    await rehearsal.user('grace', receiver.url('/grace'));
    await rehearsal.policy([{ users: ['ada'] }, { users: ['grace'] }]);
    await rehearsal.declare('INC-1');
    await receiver.received(1);
    await rehearsal.quiet();
    const resolved = await rehearsal.resolve('INC-1');
    await receiver.received(2);
    rehearsal.clock.advance(60 * minute);
    await rehearsal.quiet();
    expect(receiver.requests.map((request) => [request.url, notificationOf(request).type])).toEqual([
      ['/ada', 'page.requested'],
      ['/ada', 'page.resolved'],
    ]);
    expect(receiver.requests[1]!.headers['webhook-id']).toBe('INC-1-P1_c1_s1_ada_hook_end');
    const page = await rehearsal.page('INC-1-P1');
    expect(page).toMatchObject({ status: 'cancelled', nextAction: null });
    expect(page.deliveries).toHaveLength(1);
    const events = await rehearsal.log.readStream(LogStreams.page('INC-1-P1'));
    expect(events.find((event) => event.type === 'page.cancelled')?.data).toMatchObject({
      reason: 'resolved',
      cause: resolved,
    });
    expect(await rehearsal.refused('page-acknowledge', { page: 'INC-1-P1' })).toBe(409);
  });

  test('and is reopened: a page of its own', async () => {
    const receiver = await rehearsal.receiver();
    await rehearsal.user('ada', receiver.url());
    await rehearsal.policy([{ users: ['ada'] }]);
    await rehearsal.append(LogStreams.incident('INC-1'), 'incident.reopened', {
      incident: 'INC-1',
      reason: 'again',
    });
    await receiver.received(1);
    expect(notificationOf(receiver.requests[0]).page.id).toBe('INC-1-P2');
    expect(await rehearsal.page('INC-1-P1')).toMatchObject({ status: 'cancelled' });
    await rehearsal.append(LogStreams.incident('INC-1'), 'incident.merged', {
      incident: 'INC-1',
      into: 'INC-7',
    });
    await rehearsal.until('INC-1-P2', ({ status }) => status === 'cancelled');
    // Those who were paged are told; it is not to reach the next test's receiver.
    await receiver.received(2);
    expect(receiver.requests[1]?.json).toMatchObject({ type: 'page.resolved' });
  });

  test('while the service was away: it pages nobody for what is over, and once for what is not', async () => {
    const receiver = await rehearsal.receiver();
    await rehearsal.user('ada', receiver.url());
    await rehearsal.policy([{ users: ['ada'] }]);
    await rehearsal.stopServices();
    await rehearsal.declare('INC-2');
    await rehearsal.resolve('INC-2');
    await rehearsal.declare('INC-3');
    await rehearsal.resolve('INC-3');
    await rehearsal.append(LogStreams.incident('INC-3'), 'incident.reopened', {
      incident: 'INC-3',
      reason: 'again',
    });
    await rehearsal.startService();
    await rehearsal.quiet();
    expect(receiver.requests.map((request) => notificationOf(request).page.id)).toEqual(['INC-3-P1']);
  });

  test('an alert that fires again, or comes by a merge, has an exhausted page sent again', async () => {
    const receiver = await rehearsal.receiver();
    await rehearsal.user('ada', receiver.url('/ada'));
    await rehearsal.policy([{ users: ['ada'] }]);
    await rehearsal.declare('INC-5');
    await rehearsal.quiet();
    const incident = LogStreams.incident('INC-5');
    const at = rehearsal.clock.now().toISOString();
    const alert = { kind: 'rule', name: 'pay', service: 'pay', severity: 'page', tier: null } as const;
    const firing = { ...alert, state: 'firing', firedAt: at, resolvedAt: null, eventId: 'f' } as const;
    const absorbed = { incident: 'INC-5', merged: 'INC-6', services: ['pay'] };
    const exhausted = async (calls: number) => {
      await receiver.received(calls);
      await rehearsal.quiet();
      rehearsal.clock.advance(5 * minute);
      await rehearsal.until('INC-5-P1', ({ status }) => status === 'exhausted');
      await rehearsal.quiet();
    };
    await exhausted(1);
    const onTrial = { ...firing, declares: false } as const;
    for (const alerts of [[], [onTrial]]) {
      await rehearsal.append(incident, 'incident.absorbed', { ...absorbed, alerts });
      await rehearsal.quiet();
    }
    expect(receiver.requests).toHaveLength(1);
    await rehearsal.append(incident, 'incident.absorbed', { ...absorbed, alerts: [firing] });
    await exhausted(2);
    await rehearsal.append(incident, 'incident.status-changed', {
      incident: 'INC-5',
      ...{ from: 'monitoring', to: 'investigating', note: 'it fires', at, automatic: true },
    });
    await exhausted(3);
    await rehearsal.resolve('INC-5');
    await receiver.received(4);
  });

  test('severity raised to urgent sends the page again; nobody in command pages the next step', async () => {
    const receiver = await rehearsal.receiver();
    const rules = [{ urgency: 'high', afterMinutes: 0, method: 'hook' }];
    await rehearsal.user('ada', receiver.url('/ada'), { rules });
    await rehearsal.user('grace', receiver.url('/grace'));
    await rehearsal.policy([{ users: ['ada'] }, { users: ['grace'] }]);
    await rehearsal.declare('INC-4', { severity: 'sev3' });
    await receiver.received(1);
    await rehearsal.append(LogStreams.incident('INC-4'), 'incident.severity-changed', {
      incident: 'INC-4',
      from: 'sev3',
      to: 'sev1',
      reason: 'all of it',
    });
    await receiver.received(2);
    expect(notificationOf(receiver.requests[1]).page.severity).toBe('sev1');
    const since = rehearsal.clock.now().toISOString();
    await rehearsal.append(LogStreams.incident('INC-4'), 'incident.command-vacant', {
      incident: 'INC-4',
      since,
    });
    await receiver.received(3);
    expect(receiver.requests.map((request) => request.url)).toEqual(['/ada', '/ada', '/grace']);
  });
});
