import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeServer } from '../fake-server.fixture.js';

let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.reset();
  server.answer = ({ body }) => ({
    status: 201,
    body: { ...(body as object), id: 'b7ae', by: 'ada', warnings: [] },
  });
});

const take = (...rest: string[]) => server.run('oncall', 'take', 'primary', 'bob', ...rest);

describe('oncall take', () => {
  test.each([
    ['now', ['--for', '4h'], 'bob is on primary until 2026-11-22T14:00:00.000Z (override b7ae)'],
    [
      'later',
      ['--from', '2026-11-23T08:00:00Z', '--for', '1h'],
      'bob will be on primary from 2026-11-23T08:00:00Z until 2026-11-23T09:00:00.000Z (override b7ae)',
    ],
    [
      'in the past',
      ['--from', '2026-11-20T08:00:00Z', '--for', '1h'],
      'bob was on primary from 2026-11-20T08:00:00Z until 2026-11-20T09:00:00.000Z (override b7ae)',
    ],
    [
      'in the place of somebody, while that is one',
      ['--replaces', 'eve', '--until', '2026-11-22T12:00:00Z'],
      'bob is on primary whenever eve would be, until 2026-11-22T12:00:00Z (override b7ae)',
    ],
    [
      'in the place of somebody, in the past',
      ['--replaces', 'eve', '--from', '2026-11-20T08:00:00Z', '--for', '1h'],
      'bob was on primary whenever eve would have been, from 2026-11-20T08:00:00Z until 2026-11-20T09:00:00.000Z (override b7ae)',
    ],
  ])('says who is on call %s', async (_, options, says) => {
    expect(await take(...options)).toEqual({ code: 0, out: says, err: '' });
  });

  test('says what the api answered, not what it was asked', async () => {
    server.answer = () => ({
      status: 201,
      body: {
        id: 'x',
        schedule: 'primary',
        user: 'bob',
        from: '2026-11-22T09:00:00.000Z',
        to: '2027-01-01T00:00:00.000Z',
      },
    });
    expect((await take('--until', '2027-01-01T01:00:00+01:00')).out).toBe(
      'bob is on primary until 2027-01-01T00:00:00.000Z (override x)',
    );
  });

  test('warns of what the api warns of', async () => {
    server.answer = ({ body }) => ({
      status: 201,
      body: { ...(body as object), id: 'x', warnings: ['user nobodyy is not defined yet'] },
    });
    expect(await take('--replaces', 'nobodyy', '--for', '4h')).toMatchObject({
      code: 0,
      err: 'warning: user nobodyy is not defined yet',
    });
  });

  test('is until a time or for a length, and not for both or neither', async () => {
    await take('--from', '2026-11-23T20:00:00+01:00', '--for', '4h');
    expect(server.requests[0]?.body).toMatchObject({
      kind: 'add',
      from: '2026-11-23T20:00:00+01:00',
      to: '2026-11-23T23:00:00.000Z',
    });
    for (const [options, says] of [
      [[], /until when/],
      [['--for', '4h', '--until', '2026-11-24T00:00:00Z'], /until when/],
      [['--for', 'long'], /"long" is not a duration/],
      [['--until', 'tomorrow'], /"tomorrow" must be an RFC 3339 time/],
      [['--until', '2026-11-22T09:00:00Z'], /--until must be after 2026-11-22T10:00:00.000Z/],
      [['--for', '4h', '--replaces', ''], /replaces: must be a lower-case DNS label/],
    ] as const)
      expect(await take(...options)).toMatchObject({ code: 2, err: expect.stringMatching(says) });
    expect(server.requests).toHaveLength(1);
  });
});

describe('oncall overrides', () => {
  const item = {
    id: 'b7ae',
    schedule: 'primary',
    kind: 'replace',
    user: 'bob',
    replaces: 'eve',
    from: '2026-11-22T09:00:00.000Z',
    to: '2026-11-22T12:00:00.000Z',
    reason: 'dentist',
    by: 'ada',
  };

  test('lists those that hold now or later', async () => {
    server.answer = () => ({ status: 200, body: { items: [item], nextCursor: null } });
    const { code, out } = await server.run('oncall', 'overrides', 'primary');
    expect(code).toBe(0);
    expect(out).toMatch(/^ID +KIND +USER +REPLACES +FROM +TO +BY +REASON\n/);
    expect(out).toMatch(
      /\nb7ae +replace +bob +eve +2026-11-22T09.* \(1 h ago\) .* \(in 2 h\) +ada +dentist$/,
    );
    expect(server.requests[0]?.url).toBe('/v1/schedules/primary/overrides?from=2026-11-22T10%3A00%3A00.000Z');
  });

  test('of a past time are those that held then or later', async () => {
    server.answer = () => ({ status: 200, body: { items: [], nextCursor: null } });
    const at = '2026-11-01T00:00:00Z';
    expect((await server.run('oncall', 'overrides', 'primary', '--as-of', at)).out).toBe('no overrides');
    const { searchParams } = new URL(server.requests[0]?.url ?? '', server.url);
    expect(Object.fromEntries(searchParams)).toEqual({ from: at, asOf: at });
  });
});

test('oncall withdraw ends one', async () => {
  server.answer = () => ({
    status: 200,
    body: { id: 'b7ae', withdrawnBy: 'ada', withdrawnAt: '2026-11-22T10:00:00.000Z', warnings: [] },
  });
  expect(await server.run('oncall', 'withdraw', 'primary', 'b7ae')).toMatchObject({
    code: 0,
    out: 'override b7ae of primary is withdrawn since 2026-11-22T10:00:00.000Z (by ada)',
  });
  expect(server.requests).toMatchObject([{ method: 'DELETE', url: '/v1/schedules/primary/overrides/b7ae' }]);
});
