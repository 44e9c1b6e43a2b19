import { LogStreams } from '@bellwether/contracts';
import { fold, incidentEvent, incidentView } from '@bellwether/incident';
import { evolvePage, pageView } from '@bellwether/oncall';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Rig } from './rig.fixture.js';
import { pageEvent } from './stand-in-services.fixture.js';
import { burningStory, pageRequested } from './stories.fixture.js';

interface Body {
  id: string;
  version: number;
  status: string;
  [field: string]: unknown;
}

jest.setTimeout(60_000);

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
});
afterAll(() => rig?.stop());

async function declare(title: string, more: object = {}): Promise<Body> {
  const { body } = await rig.post<Body>('/v1/incidents', {
    title,
    severity: 'sev3',
    services: ['checkout'],
    ...more,
  });
  return body;
}

test('an incident is declared, worked on, resolved and reopened', async () => {
  const declared = await rig.post<Body>('/v1/incidents', {
    title: 'Checkout fails',
    severity: 'sev2',
    services: ['checkout'],
  });
  expect(declared.status).toBe(201);
  expect(declared.headers.get('location')).toBe('/v1/incidents/INC-1');
  expect(declared.headers.get('etag')).toBe('"1"');
  expect(declared.body).toMatchObject({ id: 'INC-1', status: 'investigating', version: 1, warnings: [] });

  const steps: [string, string, object][] = [
    ['POST', 'severity', { severity: 'sev1', reason: 'all of Europe' }],
    ['POST', 'roles', { role: 'commander', user: 'ada' }],
    ['POST', 'responders', { user: 'grace' }],
    ['POST', 'services', { service: 'stock' }],
    [
      'POST',
      'notes',
      { text: 'the deploy of 09:58 is a suspect', links: ['https://example.org/d/1'], pinned: true },
    ],
    ['POST', 'updates', { audience: 'public', text: 'We are on it' }],
    ['POST', 'status', { status: 'identified', note: 'bad deploy' }],
    ['POST', 'status', { status: 'resolved', note: 'rolled back' }],
  ];
  let version = 1;
  for (const [method, path, body] of steps) {
    rig.clock.advance(60_000);
    const answer = await rig.ask<Body>(method, `/v1/incidents/INC-1/${path}`, { body });
    expect([path, answer.status]).toEqual([path, 200]);
    expect(answer.body.version).toBeGreaterThan(version);
    version = answer.body.version;
    expect(answer.headers.get('etag')).toBe(`"${version}"`);
    const { warnings, ...state } = answer.body;
    expect(warnings).toEqual([]);
    expect((await rig.get(`/v1/incidents/INC-1?minVersion=${version}`)).body).toEqual(state);
  }
  const resolved = await rig.get<Body>('/v1/incidents/INC-1');
  expect(resolved.body).toMatchObject({
    status: 'resolved',
    severity: 'sev1',
    commander: 'ada',
    services: ['checkout', 'stock'],
    timeToResolveMinutes: 8,
  });

  const impossible = await rig.post('/v1/incidents/INC-1/status', { status: 'monitoring', note: 'x' });
  expect(impossible.status).toBe(409);
  const reopened = await rig.post<Body>('/v1/incidents/INC-1/reopen', { reason: 'it fails again' });
  expect(reopened.body).toMatchObject({ status: 'investigating', resolvedAt: null });
});

test('an unknown status names an impossible change; a missing note is malformed', async () => {
  const { id } = await declare('words');
  const unknown = await rig.post(`/v1/incidents/${id}/status`, { status: 'closed', note: 'done' });
  expect(unknown).toMatchObject({ status: 409, body: { errors: [{ path: 'status' }] } });
  const malformed = await rig.post(`/v1/incidents/${id}/status`, { status: 'closed' });
  expect(malformed.status).toBe(400);
  expect(malformed.body.errors).toEqual(expect.arrayContaining([expect.objectContaining({ path: 'note' })]));
  expect((await rig.get<Body>(`/v1/incidents/${id}`)).body.version).toBe(1);
});

test('a blank title is malformed', async () => {
  expect(await rig.post('/v1/incidents', { title: '  ', severity: 'sev3' })).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'title', message: 'must not be blank' }] },
  });
});

test('a command that builds on an old version is refused', async () => {
  const { id } = await declare('raced');
  const note = { text: 'first' };
  const headers = { 'if-match': '"1"' };
  expect((await rig.post(`/v1/incidents/${id}/notes`, note, { headers })).status).toBe(200);
  expect((await rig.post(`/v1/incidents/${id}/notes`, note, { headers })).status).toBe(412);
});

test('a note is corrected under the id of its event', async () => {
  const { id } = await declare('noted');
  await rig.post(`/v1/incidents/${id}/notes`, { text: 'wrnog' });
  const { body } = await rig.get<{ items: { eventId: string; kind: string }[] }>(
    `/v1/incidents/${id}/timeline?kind=note`,
  );
  const eventId = body.items[0]?.eventId as string;
  const corrected = await rig.put(`/v1/incidents/${id}/notes/${eventId}`, { text: 'wrong' });
  expect(corrected.status).toBe(200);
  const after = await rig.get<{ items: { text: string; correctedBy?: string }[] }>(
    `/v1/incidents/${id}/timeline?kind=note`,
  );
  expect(after.body.items.map(({ text }) => text)).toEqual(['wrnog', 'wrong']);
  expect(after.body.items[0]?.correctedBy).toBeDefined();
  expect((await rig.put(`/v1/incidents/${id}/notes/not-an-id`, { text: 'x' })).status).toBe(404);
});

describe('the past', () => {
  test('every version of an incident is the fold of the prefix of its stream', async () => {
    const { id } = await declare('prefixes');
    for (let i = 0; i < 5; i += 1) {
      rig.clock.advance(10_000);
      await rig.post(`/v1/incidents/${id}/responders`, { user: `user-${i}` });
    }
    const events = await rig.log.readStream(LogStreams.incident(id));
    expect(events).toHaveLength(6);
    for (const [i, event] of events.entries()) {
      const state = fold(events.slice(0, i + 1).map(incidentEvent));
      const asOf = event.recordedAt.toISOString();
      const { body } = await rig.get(`/v1/incidents/${id}?asOf=${asOf}`);
      expect(body).toEqual(state && incidentView(state));
      const list = await rig.get<{ items: Body[] }>(`/v1/incidents?asOf=${asOf}&limit=1`);
      expect(list.body.items).toEqual([body]);
    }
  });

  test('a list shows the states of then', async () => {
    const { id } = await declare('listed then');
    const then = rig.clock.now().toISOString();
    rig.clock.advance(10_000);
    await rig.post(`/v1/incidents/${id}/status`, { status: 'resolved', note: 'gone' });
    const open = async (asOf: string) =>
      (await rig.get<{ items: Body[] }>(`/v1/incidents?status=open${asOf}`)).body.items.map(
        (each) => each.id,
      );
    expect(await open('')).not.toContain(id);
    expect(await open(`&asOf=${then}`)).toContain(id);
    const known = await rig.get<{ items: Body[] }>(`/v1/incidents?status=open&asOf=${then}`);
    expect(known.body.items.find((each) => each.id === id)).toEqual(
      (await rig.get<Body>(`/v1/incidents/${id}?asOf=${then}`)).body,
    );
  });

  test('a page is the fold of its stream, too', async () => {
    const { id } = await declare('paged');
    await rig.append(LogStreams.page(`${id}-P1`), 'page.requested', pageRequested(id));
    const then = rig.clock.now().toISOString();
    rig.clock.advance(30_000);
    const acknowledged = await rig.post<Body>(`/v1/pages/${id}-P1/acknowledge`, undefined);
    expect(acknowledged.status).toBe(200);
    expect(acknowledged.body).toMatchObject({ status: 'acknowledged', acknowledgedBy: 'key:bootstrap' });

    const read = await rig.get<Body>(`/v1/pages/${id}-P1`);
    const events = await rig.log.readStream(LogStreams.page(`${id}-P1`));
    const state = events.map(pageEvent).reduce<ReturnType<typeof evolvePage> | null>(evolvePage, null);
    expect(read.body).toEqual(state && pageView(state, 2));
    expect(read.headers.get('etag')).toBe('"2"');
    expect((await rig.get(`/v1/pages/${id}-P1?asOf=${then}`)).body).toMatchObject({ status: 'open' });
    expect(JSON.stringify(read.body)).not.toContain('sealed:v1');

    const list = async (query: string) =>
      (await rig.get<{ items: Body[] }>(`/v1/pages?${query}`)).body.items.map((each) => each.id);
    expect(await list(`incident=${id}&status=acknowledged`)).toEqual([`${id}-P1`]);
    expect(await list(`incident=${id}&status=open`)).toEqual([]);
    expect(await list(`incident=${id}&status=open&asOf=${then}`)).toEqual([`${id}-P1`]);
    expect(await list(`incident=${id}&user=ada`)).toEqual([`${id}-P1`]);
    expect(await list(`incident=${id}&user=grace`)).toEqual([]);
  });
});

describe('the list', () => {
  test('filters by status, severity, service and when it was declared', async () => {
    rig.clock.advance(3_600_000);
    const from = rig.clock.now().toISOString();
    const first = await declare('a', { severity: 'sev1', services: ['search'] });
    rig.clock.advance(60_000);
    const second = await declare('b', { severity: 'sev4', services: ['search', 'cart'] });
    const to = rig.clock.now().toISOString();
    const ids = async (query: string) =>
      (await rig.get<{ items: Body[] }>(`/v1/incidents?${query}`)).body.items.map((each) => each.id);
    expect(await ids('service=search')).toEqual([second.id, first.id]);
    expect(await ids('service=search&severity=sev1,sev2')).toEqual([first.id]);
    expect(await ids('service=cart&status=investigating')).toEqual([second.id]);
    expect(await ids(`service=search&from=${from}`)).toEqual([second.id, first.id]);
    expect(await ids(`service=search&from=${from}&to=${to}`)).toEqual([first.id]);
    expect(await rig.get(`/v1/incidents?from=${to}&to=${from}`)).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'query.to' }] },
    });
    expect((await rig.get('/v1/incidents?status=bogus')).status).toBe(400);
    const page = await rig.get<{ items: Body[]; nextCursor: string }>('/v1/incidents?service=search&limit=1');
    expect(page.body.items.map((each) => each.id)).toEqual([second.id]);
    expect(await ids(`service=search&limit=1&cursor=${page.body.nextCursor}`)).toEqual([first.id]);
  });
});

test('a deploy shortly before is a suspect on the timeline and in the report; one of another service is not', async () => {
  const deploy = async (service: string, version: string) => {
    const at = rig.clock.now().toISOString();
    const data = { service, kind: 'deploy', version, at, actor: 'key:ci' } as const;
    await rig.append(LogStreams.change(service), 'change.recorded', data);
    rig.clock.advance(60_000);
  };
  await deploy('basket', 'v1');
  rig.clock.advance(3_600_000);
  await deploy('basket', 'v2');
  await deploy('reviews', 'v9');
  const { id } = await declare('after a deploy', { services: ['basket'] });
  rig.clock.advance(120_000);
  await deploy('basket', 'v1');
  interface Entry {
    text: string;
    suspect?: boolean;
  }
  const { body } = await rig.get<{ items: Entry[] }>(`/v1/incidents/${id}/timeline?kind=change`);
  expect(body.items).toMatchObject([
    { text: 'deploy of basket: v2 by key:ci', suspect: true },
    { text: 'deploy of basket: v1 by key:ci', suspect: false },
  ]);
  const report = await rig.get<{ suspects: Entry[] }>(`/v1/incidents/${id}/report`);
  expect(report.body.suspects.map(({ text }) => text)).toEqual(['deploy of basket: v2 by key:ci']);
});

describe('the report', () => {
  test('is JSON, or Markdown where that is asked for', async () => {
    const { id } = await declare('told');
    await rig.append(LogStreams.page(`${id}-P1`), 'page.requested', pageRequested(id));
    const json = await rig.get<{ incident: Body; pages: unknown[]; timeline: unknown[] }>(
      `/v1/incidents/${id}/report`,
    );
    expect(json.headers.get('content-type')).toContain('application/json');
    expect(json.body.incident.id).toBe(id);
    expect(json.body.pages).toHaveLength(1);
    expect(json.body.timeline).toHaveLength(2);
    const markdown = await rig.get<string>(`/v1/incidents/${id}/report`, {
      headers: { accept: 'text/markdown' },
    });
    expect(markdown.headers.get('content-type')).toBe('text/markdown; charset=utf-8');
    expect(markdown.body).toContain(id);
    expect(markdown.body).toMatch(/^# /);
  });

  test('has the budget that was spent from the start to the end, as the evaluator measured it', async () => {
    const id = 'INC-900';
    await burningStory(rig, id);
    const slo = 'checkout-availability';
    const budgets = async () => {
      const { status, body } = await rig.get<{ budgets: unknown[] }>(`/v1/incidents/${id}/report`);
      expect([status, body]).toMatchObject([200, { budgets: [{}] }]);
      return body.budgets;
    };
    const recorded = { slo, remainingAtFirst: 0.62, remainingAtLast: 0.62 };
    // The evaluator has nothing to say: what the alert recorded is all there is.
    expect(await budgets()).toEqual([
      { ...recorded, remainingAtStart: null, remainingAtEnd: null, spent: null },
    ]);
    // A history has whole minutes.
    const endOfMinute = () => new Date(Math.ceil(rig.clock.now().getTime() / 60_000) * 60_000).toISOString();
    const start = rig.clock.now().toISOString();
    rig.services.remaining.set(`${slo} ${start.slice(0, 17)}00.000Z`, 0.9);
    rig.clock.advance(600_000);
    rig.services.remaining.set(`${slo} ${endOfMinute()}`, 0.25);
    expect(await budgets()).toEqual([
      { ...recorded, remainingAtStart: 0.9, remainingAtEnd: 0.25, spent: expect.closeTo(0.65, 9) },
    ]);
    const resolvedAt = rig.clock.now().toISOString();
    const over = { incident: id, note: 'over', at: resolvedAt, automatic: false };
    await rig.append(LogStreams.incident(id), 'incident.resolved', over);
    rig.clock.advance(600_000);
    rig.services.remaining.set(`${slo} ${endOfMinute()}`, 0.8);
    expect(await budgets()).toMatchObject([{ remainingAtEnd: 0.25 }]);
    const markdown = await rig.get<string>(`/v1/incidents/${id}/report`, {
      headers: { accept: 'text/markdown' },
    });
    expect(markdown.body).toContain(`| ${slo} | 90 % | 62 % | 62 % | 25 % | 65 % |`);
  });

  test('of an incident that is not there is 404', async () => {
    expect((await rig.get('/v1/incidents/INC-999/report')).status).toBe(404);
    expect((await rig.get('/v1/incidents/INC-999/timeline')).status).toBe(404);
    for (const id of ['INC-0', 'nonsense', 'a.>'])
      expect(await rig.get(`/v1/incidents/${id}`)).toMatchObject({
        status: 404,
        body: { detail: `${id} does not exist: it must be an incident id such as INC-42` },
      });
    expect((await rig.get('/v1/pages/nonsense')).status).toBe(404);
    expect((await rig.post('/v1/incidents/nonsense/notes', { text: '' })).status).toBe(404);
  });
});

describe('on call', () => {
  const schedule = {
    timeZone: 'Europe/Berlin',
    layers: [
      {
        name: 'week',
        rotation: { type: 'weekly', length: 1, start: '2026-11-02T09:00', participants: ['ada', 'grace'] },
      },
    ],
  };

  test('is resolved from the schedule, its overrides and the time', async () => {
    expect((await rig.put('/v1/schedules/pay-primary', schedule)).status).toBe(201);
    const onCall = async (at: string) =>
      (
        await rig.get<{ items: { schedule: string; users: string[]; until: string }[] }>(
          `/v1/oncall?at=${at}`,
        )
      ).body.items;
    expect(await onCall('2026-11-03T12:00:00Z')).toEqual([
      { schedule: 'pay-primary', users: ['ada'], until: '2026-11-09T08:00:00.000Z' },
    ]);
    const override = {
      kind: 'replace',
      user: 'linus',
      replaces: 'ada',
      from: '2026-12-03T10:00:00Z',
      to: '2026-12-03T14:00:00Z',
      reason: 'dentist',
    };
    const made = await rig.post<{ id: string }>('/v1/schedules/pay-primary/overrides', override);
    expect(made.status).toBe(201);
    expect(made.headers.get('etag')).toBe('"1"');
    expect(made.body).toMatchObject({
      ...override,
      from: '2026-12-03T10:00:00.000Z',
      to: '2026-12-03T14:00:00.000Z',
    });
    expect((await onCall('2026-12-03T12:00:00Z'))[0]?.users).toEqual(['linus']);
    const overrides = '/v1/schedules/pay-primary/overrides';
    expect((await rig.get<{ items: unknown[] }>(overrides)).body.items).toHaveLength(1);
    // An override is no new definition: what builds on the schedule's version still holds.
    expect((await rig.get('/v1/schedules/pay-primary')).headers.get('etag')).toBe('"1"');

    const withdrawn = await rig.ask('DELETE', `${overrides}/${made.body.id}`);
    expect([withdrawn.status, withdrawn.headers.get('etag')]).toEqual([200, '"1"']);
    expect(withdrawn.body).toMatchObject({
      ...made.body,
      withdrawnBy: 'key:bootstrap',
      withdrawnAt: rig.clock.now().toISOString(),
    });
    expect((await rig.get<{ items: unknown[] }>(overrides)).body.items).toEqual([]);
    expect((await onCall('2026-12-03T12:00:00Z'))[0]?.users).toEqual(['ada']);
  });

  test('shifts follow one another', async () => {
    const span = 'from=2026-12-07T00:00:00Z&to=2026-12-21T00:00:00Z';
    const { body } = await rig.get<{ items: { from: string; to: string; users: string[] }[] }>(
      `/v1/schedules/pay-primary/shifts?${span}`,
    );
    expect(body.items.map(({ users }) => users[0])).toEqual(['ada', 'grace', 'ada']);
    for (const [i, shift] of body.items.slice(1).entries()) expect(shift.from).toBe(body.items[i]?.to);
    expect(
      (await rig.get('/v1/schedules/pay-primary/shifts?from=2026-12-07T00:00:00Z&to=2026-12-01T00:00:00Z'))
        .status,
    ).toBe(400);
    expect((await rig.get('/v1/schedules/nobody/shifts')).status).toBe(404);
  });

  test('shifts are paged as all lists are', async () => {
    type Shifts = { items: { from: string; to: string }[]; nextCursor: string | null };
    const span = '/v1/schedules/pay-primary/shifts?from=2026-12-07T00:00:00Z&to=2027-12-07T00:00:00Z';
    const found: Shifts['items'] = [];
    const sizes: number[] = [];
    let cursor = '';
    do {
      const { body } = await rig.get<Shifts>(`${span}${cursor}`);
      found.push(...body.items);
      sizes.push(body.items.length);
      cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
    } while (cursor !== '');
    expect(sizes).toEqual([50, 4]);
    expect(found).toEqual((await rig.get<Shifts>(`${span}&limit=500`)).body.items);
    const first = await rig.get<Shifts>(`${span}&limit=2`);
    expect(first.body.items).toEqual(found.slice(0, 2));
    const other = `/v1/schedules/pay-primary/shifts?cursor=${first.body.nextCursor}`;
    expect((await rig.get(other)).status).toBe(400);
  });
});
