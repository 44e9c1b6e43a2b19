import type { Incident } from '@bellwether/contracts';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Rehearsal } from './testing/rehearsal.fixture.js';

jest.setTimeout(60_000);

let stage: Rehearsal;
beforeEach(async () => {
  stage = await Rehearsal.start();
});
afterEach(() => stage?.stop());

const checkout = { title: 'checkout is slow', severity: 'sev3', services: ['checkout'] };
const minutes = (count: number) => count * 60_000;
const noteOf = async () => (await stage.events()).find((event) => event.type === 'incident.note-added');

describe('a command', () => {
  test('answers with the new incident, its version and the position of its event', async () => {
    const reply = await stage.ask('declare', checkout);
    expect(reply).toMatchObject({
      ok: true,
      status: 201,
      version: 1,
      position: 1,
      data: {
        id: 'INC-1',
        ...checkout,
        status: 'investigating',
        commander: null,
        declaredAt: '2026-11-22T10:00:00.000Z',
        version: 1,
      },
    });
    const [declared] = await stage.events();
    expect(declared).toMatchObject({
      stream: 'incident:INC-1',
      meta: { actor: 'user:ada', correlationId: declared?.meta.causationId },
    });
  });

  test('that resolves what still fires says so; ten minutes later the incident is open again', async () => {
    await stage.alertFires();
    await stage.settled();
    const resolve = { incident: 'INC-1', status: 'resolved', note: 'looks fixed' };
    expect(await stage.ask('set-status', resolve)).toMatchObject({
      ok: true,
      data: { status: 'resolved' },
      warnings: [
        expect.stringMatching(/^still firing: .*; if it does at 2026-11-22T10:10:00.000Z, the incident/),
      ],
    });
    stage.clock.advance(minutes(10));
    await stage.until(({ status }) => status === 'investigating');
    expect((await stage.events()).at(-1)).toMatchObject({
      type: 'incident.reopened',
      data: { reason: expect.stringContaining('still firing 10 min after it was resolved') },
    });
  });

  test('is carried out with a warning when it names what there is not', async () => {
    expect(await stage.ask('declare', checkout)).toMatchObject({
      ok: true,
      warnings: ['service checkout is not defined yet', expect.stringContaining('nobody is paged')],
    });
    const incident = 'INC-1';
    const warned = [
      await stage.ask('assign-role', { incident, role: 'scribe', user: 'bob' }),
      await stage.ask('assign-role', { incident, role: 'scribe', user: null }),
      await stage.ask('add-responder', { incident, user: 'bob' }),
      await stage.ask('add-service', { incident, service: 'ghost' }),
    ];
    const user = ['user bob is not defined yet'];
    expect(warned.map((reply) => reply.ok && reply.warnings)).toEqual([
      user,
      [],
      user,
      ['service ghost is not defined yet'],
    ]);
  });

  test('of each kind changes the incident', async () => {
    const incident = 'INC-1';
    await stage.does('declare', checkout);
    stage.clock.advance(minutes(5));
    await stage.does('set-severity', { incident, severity: 'sev2', reason: 'all regions' });
    await stage.does('assign-role', { incident, role: 'commander', user: 'ada' });
    await stage.does('add-responder', { incident, user: 'grace' });
    await stage.does('add-service', { incident, service: 'payments' });
    await stage.does('add-note', { incident, text: 'error rate 20 %', links: ['https://grafana/d/1'] });
    await stage.does('correct-note', { incident, note: (await noteOf())?.id, text: 'error rate 2 %' });
    await stage.does('publish-update', {
      incident,
      audience: 'public',
      text: 'on it',
      nextUpdateAt: '2026-11-22T12:35:00+02:00',
    });
    await stage.does('set-status', { incident, status: 'identified', note: 'bad deploy' });
    const identified = await stage.does('set-status', {
      incident,
      status: 'monitoring',
      note: 'rolled back',
    });
    expect(identified).toMatchObject({
      severity: 'sev2',
      status: 'monitoring',
      roles: { commander: 'ada' },
      commander: 'ada',
      responders: ['ada', 'grace'],
      services: ['checkout', 'payments'],
      nextUpdateAt: '2026-11-22T10:35:00.000Z',
      version: 10,
    });
    const at = '2026-11-22T10:03:00Z';
    const resolved = await stage.does('set-status', { incident, status: 'resolved', note: 'holds', at });
    expect(resolved).toMatchObject({ status: 'resolved', timeToResolveMinutes: 3, nextUpdateAt: null });
    expect(await stage.does('reopen', { incident, reason: 'it is back' })).toMatchObject({
      status: 'investigating',
      resolvedAt: null,
      timeToResolveMinutes: null,
      version: 12,
    });
    expect(await stage.incident()).toMatchObject({ notes: [{ versions: [{}, { text: 'error rate 2 %' }] }] });
  });

  test('that was given before has its effect once, and the first answer', async () => {
    const once = { id: 'http:user:ada:key-1', hash: 'a'.repeat(64) };
    const first = await stage.ask('declare', checkout, once);
    expect(await stage.ask('declare', checkout, once)).toEqual(first);

    const resolve = { incident: 'INC-1', status: 'resolved', note: 'fixed' };
    const resolved = await stage.ask('set-status', resolve, { id: 'http:user:ada:key-2' });
    await stage.does('reopen', { incident: 'INC-1', reason: 'it is back' });
    expect(await stage.ask('set-status', resolve, { id: 'http:user:ada:key-2' })).toEqual(resolved);
    expect(await stage.events()).toHaveLength(3);
  });

  test('of the same id with other content is a conflict', async () => {
    await stage.ask('declare', checkout, { id: 'http:user:ada:key-1', hash: 'a' });
    const other = await stage.ask('declare', checkout, { id: 'http:user:ada:key-1', hash: 'b' });
    expect(other).toMatchObject({ ok: false, problem: { status: 409 } });
  });

  test('that is already fulfilled answers without an event', async () => {
    await stage.does('declare', checkout);
    const same = await stage.ask('set-severity', { incident: 'INC-1', severity: 'sev3', reason: 'sure' });
    expect(same).toMatchObject({ ok: true, status: 200, version: 1, position: 0 });
    expect(await stage.events()).toHaveLength(1);
  });
});

describe('refused, and without an event', () => {
  const refused = async (status: number, name: string, data: object, over: object = {}) => {
    const before = await stage.events();
    const reply = await stage.ask(name, data, over);
    expect(reply).toMatchObject({ ok: false, problem: { status, type: expect.stringMatching(/^urn:/) } });
    expect(await stage.events()).toEqual(before);
  };
  const incident = 'INC-1';

  test('what is malformed', async () => {
    await refused(400, 'declare', { ...checkout, severity: 'sev9' });
    await refused(400, 'declare', { ...checkout, title: '' });
    await refused(400, 'set-status', { incident: 'INC-01', status: 'resolved', note: 'x' });
    await refused(400, 'set-status', { incident, status: 'resolved' });
    await refused(400, 'add-note', { incident, text: 'nul \u0000' });
    await refused(400, 'assign-role', { incident, role: 'king', user: 'ada' });
  });

  test('what is not there', async () => {
    await refused(404, 'set-status', { incident, status: 'resolved', note: 'x' });
    await stage.does('declare', checkout);
    await refused(404, 'correct-note', { incident, note: 'nothing', text: 'x' });
  });

  test('what is impossible', async () => {
    await stage.does('declare', checkout);
    await refused(409, 'set-status', { incident, status: 'mitigated', note: 'x' });
    expect(await stage.ask('set-status', { incident, status: 'mitigated', note: 'x' })).toMatchObject({
      problem: { errors: [{ path: 'status', message: expect.stringContaining('investigating') }] },
    });
    await refused(409, 'reopen', { incident, reason: 'x' });
    await refused(409, 'merge', { incident, into: incident });
    await stage.does('set-status', { incident, status: 'resolved', note: 'x' });
    await refused(409, 'set-status', { incident, status: 'identified', note: 'x' });
    await refused(409, 'set-status', { incident, status: 'resolved', note: 'x' });
  });

  test('what a rule forbids', async () => {
    await refused(422, 'declare', { ...checkout, startedAt: '2026-11-22T10:00:01Z' });
    await stage.does('declare', checkout);
    await refused(422, 'set-status', { incident, status: 'resolved', note: 'x', at: '2026-11-22T09:59:59Z' });
    await refused(422, 'set-status', { incident, status: 'resolved', note: 'x', at: '2026-11-22T10:00:01Z' });
    await refused(422, 'publish-update', {
      incident,
      audience: 'public',
      text: 'x',
      nextUpdateAt: '2026-11-22T10:00:00Z',
    });
    await refused(422, 'merge', { incident, into: 'INC-7' });
  });

  test("somebody else's note", async () => {
    await stage.does('declare', checkout);
    await stage.does('add-note', { incident, text: 'mine' });
    const note = (await noteOf())?.id;
    await refused(403, 'correct-note', { incident, note, text: 'yours' }, { actor: 'user:grace' });
  });

  test('what takes another role', async () => {
    await refused(403, 'declare', checkout, { role: 'viewer' });
    await refused(403, 'declare', checkout, { role: 'publisher' });
  });

  test('what was decided on an older version', async () => {
    await stage.does('declare', checkout);
    await stage.does('add-note', { incident, text: 'one' }, { expect: 1 });
    await refused(412, 'set-severity', { incident, severity: 'sev1', reason: 'x' }, { expect: 1 });
  });
});

describe('at once', () => {
  test('declarations by hand get numbers without gaps', async () => {
    const declared = await Promise.all(Array.from({ length: 20 }, () => stage.does('declare', checkout)));
    const numbers = declared.map(({ id }: Incident) => Number(id.slice(4))).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  test('notes of many people all arrive', async () => {
    await stage.does('declare', checkout);
    await Promise.all(
      Array.from({ length: 30 }, (_, i) => stage.does('add-note', { incident: 'INC-1', text: `note ${i}` })),
    );
    expect((await stage.incident()).notes).toHaveLength(30);
  });

  test('of two merges into each other one is refused', async () => {
    await stage.does('declare', checkout);
    await stage.does('declare', checkout);
    const merges = await Promise.all([
      stage.ask('merge', { incident: 'INC-1', into: 'INC-2' }),
      stage.ask('merge', { incident: 'INC-2', into: 'INC-1' }),
    ]);
    expect(merges.map((reply) => (reply.ok ? 200 : reply.problem.status)).sort()).toEqual([200, 409]);
  });
});

describe('merging', () => {
  test('hands services, alerts and severity to the incident that goes on', async () => {
    await stage.alertFires({ declare: 'sev1' });
    await stage.settled();
    await stage.does('declare', { ...checkout, services: ['payments'] });
    const merged = await stage.does('merge', { incident: 'INC-1', into: 'INC-2' });
    expect(merged).toMatchObject({ mergedInto: 'INC-2', status: 'resolved' });
    await stage.settled();
    expect(await stage.incident('INC-2')).toMatchObject({
      severity: 'sev1',
      services: ['payments', 'checkout'],
      absorbed: ['INC-1'],
      alerts: [{ name: 'checkout-availability', state: 'firing' }],
    });

    await stage.alertFires({ tier: 'slow' });
    await stage.alertResolves();
    await stage.alertResolves({ tier: 'slow' });
    await stage.settled();
    expect(await stage.incidents()).toMatchObject([
      { id: 'INC-1', alerts: [{ state: 'resolved' }] },
      {
        id: 'INC-2',
        status: 'monitoring',
        alerts: [{ state: 'resolved' }, { tier: 'slow', state: 'resolved' }],
      },
    ]);
  });

  test('through a chain reaches the last one', async () => {
    await stage.alertFires();
    await stage.settled();
    await stage.does('declare', checkout);
    await stage.does('declare', checkout);
    await stage.stopServices();
    await stage.startService();
    await stage.does('merge', { incident: 'INC-2', into: 'INC-3' });
    await stage.ask('merge', { incident: 'INC-1', into: 'INC-2' });
    await stage.does('merge', { incident: 'INC-1', into: 'INC-3' });
    await stage.settled();
    expect(await stage.incident('INC-3')).toMatchObject({ absorbed: ['INC-2', 'INC-1'], alerts: [{}] });
  });
});
