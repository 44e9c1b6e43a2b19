import { LogStreams } from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Rehearsal, webhookSecret } from './testing/rehearsal.fixture.js';

jest.setTimeout(60_000);

let rehearsal: Rehearsal;
beforeAll(async () => {
  rehearsal = await Rehearsal.start();
});
afterAll(() => rehearsal.stop());

const hook = {
  id: 'hook',
  kind: 'webhook',
  address: 'http://127.0.0.1:9/p',
  secret: webhookSecret,
  verified: true,
};
const responder = { role: 'responder' } as const;

describe('a user', () => {
  test('is created, replaced, and left alone when nothing changes', async () => {
    const ada = { name: 'ada', contactMethods: [hook] };
    expect(await rehearsal.ask('user-define', ada)).toMatchObject({
      ok: true,
      status: 201,
      version: 1,
      warnings: [],
    });
    expect(await rehearsal.ask('user-define', ada)).toMatchObject({
      ok: true,
      status: 200,
      version: 1,
      position: 0,
    });
    const renamed = { ...ada, displayName: 'Ada' };
    expect(await rehearsal.ask('user-define', renamed, { expect: 1 })).toMatchObject({
      status: 200,
      version: 2,
    });
    expect(await rehearsal.refused('user-define', ada, { expect: 1 })).toBe(412);
    expect(await rehearsal.refused('user-define', { name: 'new' }, { expect: 1 })).toBe(412);
  });

  test('has secrets that are sealed in the log and never shown', async () => {
    const reply = await rehearsal.ask('user-define', { name: 'grace', contactMethods: [hook] });
    expect(JSON.stringify(reply)).not.toContain(webhookSecret);
    expect(reply).toMatchObject({ data: { contactMethods: [{ secret: 'sealed' }] } });
    const [event] = await rehearsal.log.readStream(LogStreams.user('grace'));
    expect(JSON.stringify(event)).not.toContain(webhookSecret);
    expect(event!.data).toMatchObject({ contactMethods: [{ secret: expect.stringMatching(/^sealed:v1:/) }] });
    // What was shown may be put back.
    const shown = { name: 'grace', contactMethods: [{ ...hook, secret: 'sealed' }] };
    expect(await rehearsal.ask('user-define', shown)).toMatchObject({ status: 200, version: 1 });
  });

  test('with a secret that can be guessed is taken, with a warning that does not repeat it', async () => {
    const secret = `whsec_${Buffer.from('letmein').toString('base64')}`;
    const reply = await rehearsal.ask('user-define', { name: 'alan', contactMethods: [{ ...hook, secret }] });
    expect(reply).toMatchObject({
      status: 201,
      warnings: [expect.stringMatching(/^contactMethods[.]0[.]secret has 7 bytes, .* 24 to 64 /)],
    });
    expect(JSON.stringify(reply)).not.toContain(secret.slice(6));
    // Where it stays as it is, nothing is known of it any more.
    const kept = { name: 'alan', contactMethods: [{ ...hook, secret: 'sealed' }] };
    expect(await rehearsal.ask('user-define', kept)).toMatchObject({ version: 1, warnings: [] });
  });

  test('with the longest secret there may be is stored', async () => {
    const secret = `whsec_${Buffer.alloc(111, 7).toString('base64')}`;
    const given = { name: 'niklaus', contactMethods: [{ ...hook, secret }] };
    expect(await rehearsal.ask('user-define', given)).toMatchObject({ status: 201, warnings: [] });
  });

  test.each([
    ['that is no secret', 'hunter2!'],
    ['that is sealed already', `sealed:v1:${'a'.repeat(40)}`],
    ['to keep where none is', 'sealed'],
  ])('with a secret %s is refused', async (_, secret) => {
    const given = { name: 'edsger', contactMethods: [{ ...hook, secret }] };
    expect(await rehearsal.ask('user-define', given)).toMatchObject({
      ok: false,
      problem: { status: 400, errors: [{ path: 'contactMethods.0.secret' }] },
    });
    expect(await rehearsal.log.streamVersion(LogStreams.user('edsger'))).toBe(0);
  });

  test('is verified by an admin only, and again when the address changes', async () => {
    const own = (address: string, verified: boolean) => ({
      name: 'barbara',
      contactMethods: [{ id: 'hook', kind: 'webhook', address, verified }],
    });
    const [one, two] = ['http://127.0.0.1:9/1', 'http://127.0.0.1:9/2'];
    expect(await rehearsal.refused('user-define', own(one, true), responder)).toBe(403);
    expect(await rehearsal.ask('user-define', own(one, false), responder)).toMatchObject({
      status: 201,
      warnings: [
        expect.stringContaining('not verified'),
        expect.stringMatching(/^contact method hook has no secret: .*no webhook-signature/),
        expect.stringContaining('cannot be reached'),
      ],
    });
    await rehearsal.does('user-define', own(one, true));
    await rehearsal.does('user-define', { ...own(one, true), displayName: 'Barbara' }, responder);
    expect(await rehearsal.refused('user-define', own(two, true), responder)).toBe(403);
    expect(await rehearsal.refused('user-define', own(one, true), { role: 'viewer' })).toBe(403);
  });

  test('that does not fit is refused with every fault', async () => {
    const reply = await rehearsal.ask('user-define', {
      name: 'Ada.',
      contactMethods: [{ id: 'x', kind: 'fax' }],
    });
    expect(reply).toMatchObject({ ok: false, problem: { status: 400 } });
    expect(reply.ok ? [] : reply.problem.errors?.map((fault) => fault.path)).toEqual([
      'name',
      'contactMethods.0.kind',
    ]);
  });
});

test('the same request again gets the first answer', async () => {
  const once = { id: 'http:user:ada:k1', hash: 'h1' };
  const first = await rehearsal.ask('user-define', { name: 'ken' }, { ...once, expect: 0 });
  await rehearsal.does('user-define', { name: 'ken', displayName: 'Ken' });
  expect(await rehearsal.ask('user-define', { name: 'ken' }, { ...once, expect: 0 })).toEqual(first);
  expect(await rehearsal.refused('user-define', { name: 'ken' }, { ...once, hash: 'h2' })).toBe(409);
});

test('a policy may name what is not there yet, with a warning; its secrets are sealed', async () => {
  const policy = {
    name: 'pay',
    steps: [
      {
        targets: [
          { kind: 'schedule', name: 'later' },
          { kind: 'user', name: 'nobody' },
          { kind: 'webhook', address: 'http://127.0.0.1:9/t', secret: webhookSecret },
          { kind: 'webhook', address: 'http://127.0.0.1:9/unsigned' },
          { kind: 'webhook', address: 'http://127.0.0.1:9/weak', secret: 'whsec_dGVzdA==' },
        ],
        timeoutMinutes: 5,
      },
    ],
  };
  const reply = await rehearsal.ask('policy-define', policy);
  expect(reply).toMatchObject({
    status: 201,
    data: { steps: [{ targets: [{}, {}, { secret: 'sealed' }, {}, { secret: 'sealed' }] }] },
    warnings: [
      'schedule later is not defined yet',
      'user nobody is not defined yet',
      expect.stringMatching(/^steps[.]0[.]targets[.]3 has no secret: /),
      expect.stringMatching(/^steps[.]0[.]targets[.]4[.]secret has 4 bytes, /),
    ],
  });
  const [event] = await rehearsal.log.readStream(LogStreams.policy('pay'));
  expect(JSON.stringify(event)).not.toContain(webhookSecret);
  expect(await rehearsal.refused('policy-define', policy, responder)).toBe(403);
});

describe('a schedule', () => {
  const schedule = {
    name: 'primary',
    timeZone: 'Europe/Berlin',
    layers: [
      {
        name: 'week',
        rotation: { type: 'weekly', length: 1, start: '2026-11-02T09:00', participants: ['ada', 'zoe'] },
      },
    ],
  };
  const over = {
    schedule: 'primary',
    kind: 'replace',
    user: 'grace',
    replaces: 'ada',
    from: '2026-12-01T09:00:00Z',
    to: '2026-12-02T09:00:00Z',
    reason: 'a day off',
  };

  test('has layers in other zones; one that is none is refused', async () => {
    const [layer] = schedule.layers;
    const inZone = (timeZone: string) => ({
      ...schedule,
      name: 'abroad',
      layers: [{ ...layer, rotation: { ...layer!.rotation, timeZone } }],
    });
    const first = await rehearsal.ask('schedule-define', inZone('Asia/Tokyo'));
    expect(first).toMatchObject({
      status: 201,
      version: 1,
      data: { layers: [{ rotation: { timeZone: 'Asia/Tokyo' } }] },
    });
    expect(await rehearsal.ask('schedule-define', inZone('Asia/Seoul'), { expect: 1 })).toMatchObject({
      status: 200,
      version: 2,
    });
    expect(await rehearsal.ask('schedule-define', inZone('Asia/Atlantis'))).toMatchObject({
      problem: { status: 400, errors: [{ path: 'layers.0.rotation.timeZone' }] },
    });
  });

  test('warns of people who are not there and of gaps', async () => {
    expect(await rehearsal.ask('schedule-define', schedule)).toMatchObject({
      status: 201,
      warnings: ['user zoe is not defined yet'],
    });
    const office = structuredClone(schedule) as typeof schedule & { layers: { restrictions?: object[] }[] };
    office.name = 'office';
    office.layers[0]!.restrictions = [{ days: ['mon'], from: '09:00', to: '17:00' }];
    expect(await rehearsal.ask('schedule-define', office)).toMatchObject({
      warnings: [expect.anything(), expect.stringMatching(/^nobody is on call from 2026-11-2/)],
    });
    const [layer] = schedule.layers;
    const twice = { ...schedule, name: 'twice', layers: [layer, { ...layer, name: 'other' }, layer] };
    expect(await rehearsal.ask('schedule-define', twice)).toMatchObject({
      status: 201,
      warnings: [expect.anything(), expect.stringMatching(/^layers[.]2[.]name: another layer is named/)],
    });
  });

  test('is overridden; a second override of the same people and time is refused until the first is withdrawn', async () => {
    const once = { id: 'http:user:ada:o1', hash: 'h' };
    const reply = await rehearsal.ask<{ id: string }>('override', over, once);
    expect(reply).toMatchObject({
      ok: true,
      status: 201,
      version: 1,
      data: { ...over, by: 'ada', from: '2026-12-01T09:00:00.000Z', to: '2026-12-02T09:00:00.000Z' },
    });
    expect(await rehearsal.ask('override', over, once)).toEqual(reply);
    expect(await rehearsal.ask('override', over, { ...once, expect: 2 })).toEqual(reply);
    const later = { ...over, from: '2026-12-05T09:00:00Z', to: '2026-12-06T09:00:00Z' };
    expect(await rehearsal.refused('override', later, { expect: 2 })).toBe(412);
    const clash = { ...over, kind: 'add', replaces: undefined, from: '2026-12-01T20:00:00Z' };
    expect(await rehearsal.refused('override', clash)).toBe(409);
    const id = reply.ok ? reply.data.id : '';
    expect(await rehearsal.refused('override-withdraw', { schedule: 'primary', id }, { expect: 2 })).toBe(
      412,
    );
    const withdrawn = await rehearsal.ask('override-withdraw', { schedule: 'primary', id }, { expect: 1 });
    const { data } = reply as unknown as { data: object };
    expect(withdrawn).toMatchObject({
      status: 200,
      version: 1,
      data: { ...data, withdrawnBy: 'ada', withdrawnAt: rehearsal.clock.now().toISOString() },
    });
    rehearsal.clock.advance(1_000);
    expect(await rehearsal.ask('override-withdraw', { schedule: 'primary', id }, { expect: 1 })).toEqual(
      withdrawn,
    );
    expect(await rehearsal.ask('override', clash)).toMatchObject({ status: 201 });
    expect(await rehearsal.refused('override', { ...over, schedule: 'none' })).toBe(404);
    expect(await rehearsal.refused('override-withdraw', { schedule: 'primary', id: 'none' })).toBe(404);
  });

  test('is overridden with a warning where that changes nothing', async () => {
    const past = { ...over, from: '2020-01-01T00:00:00Z', to: '2020-01-02T00:00:00Z' };
    expect(await rehearsal.ask('override', past)).toMatchObject({
      status: 201,
      warnings: expect.arrayContaining([expect.stringMatching(/^to: is in the past/)]),
    });
    const own = { ...over, from: '2028-01-01T00:00:00Z', to: '2028-01-02T00:00:00Z', replaces: over.user };
    expect(await rehearsal.ask('override', own)).toMatchObject({
      status: 201,
      warnings: expect.arrayContaining([expect.stringMatching(/^replaces: is /)]),
    });
    const to = { from: '2028-02-01T00:00:00Z', to: '2028-02-02T00:00:00Z' };
    expect(await rehearsal.ask('override', { ...over, ...to, replaces: 'nobodyy' })).toMatchObject({
      status: 201,
      warnings: [
        'user nobodyy is not defined yet',
        'replaces: nobodyy is not on call on primary then: the override changes nothing',
      ],
    });
    const off = { schedule: 'primary', kind: 'remove', user: 'barbara', reason: '' };
    expect(await rehearsal.ask('override', { ...off, ...to })).toMatchObject({
      warnings: ['user: barbara is not on call on primary then: the override changes nothing'],
    });
  });

  test('that leaves nobody on call is warned about, with when', async () => {
    // Ada's seventh week: the others are Zoe's.
    const off = { schedule: 'primary', kind: 'remove', user: 'ada', reason: '' };
    const span = { from: '2026-12-15T10:00:00.000Z', to: '2026-12-15T11:00:00.000Z' };
    expect(await rehearsal.ask('override', { ...off, ...span })).toMatchObject({
      status: 201,
      warnings: [`nobody is on call from ${span.from} to ${span.to}`],
    });
  });

  test('two overrides that conflict, asked for at once: one is refused', async () => {
    const at = { from: '2027-01-01T09:00:00Z', to: '2027-01-02T09:00:00Z' };
    const replies = await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        rehearsal.ask('override', { ...over, ...at, user: `stand-in-${n}` }),
      ),
    );
    expect(replies.map((reply) => (reply.ok ? 201 : reply.problem.status)).sort()).toEqual([
      201, 409, 409, 409, 409, 409,
    ]);
  });
});

test('a token is shown once; the log keeps its hash', async () => {
  const once = { id: 'http:key:bootstrap:t1', hash: 'h' };
  const reply = await rehearsal.ask<{ id: string; token: string }>(
    'token-create',
    { name: 'ci', role: 'publisher' },
    once,
  );
  if (!reply.ok) throw new Error(reply.problem.detail);
  const { id, token } = reply.data;
  const [event] = await rehearsal.log.readStream(LogStreams.token(id));
  expect(event!.data).toMatchObject({
    id,
    name: 'ci',
    role: 'publisher',
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(JSON.stringify(event)).not.toContain(token);
  expect(await rehearsal.refused('token-create', { name: 'ci', role: 'publisher' }, once)).toBe(409);
  expect(await rehearsal.refused('token-create', { name: 'x', role: 'admin' }, responder)).toBe(403);
  const past = { name: 'ci', role: 'publisher', expiresAt: '2020-01-01T00:00:00Z' };
  expect(await rehearsal.refused('token-create', past)).toBe(422);
  await rehearsal.does('token-revoke', { id });
  await rehearsal.does('token-revoke', { id });
  expect(await rehearsal.typesOf(LogStreams.token(id))).toEqual(['token.created', 'token.revoked']);
  expect(await rehearsal.refused('token-revoke', { id: 'none' })).toBe(404);
});
