import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { FakeServer } from './fake-server.fixture.js';

let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
});
afterAll(() => server.stop());

type Build = { id: string; endedAt: string | null; error: string | null };
interface Shown {
  lastBuild: Build | null;
  building: { position: number; head: number } | null;
  halted: { position: number; error: string } | null;
  parkedKeys: number;
  parked: { key: string; position: number; error: string }[];
}

const at = '2026-11-22T10:00:00.000Z';
const under = (id: string): Shown => ({
  lastBuild: { id, endedAt: null, error: null },
  building: { position: 5, head: 10 },
  halted: null,
  parkedKeys: 0,
  parked: [],
});
const over = (id: string, error: string | null = null): Shown => ({
  lastBuild: { id, endedAt: at, error },
  building: null,
  halted: null,
  parkedKeys: 0,
  parked: [],
});

/** What the server shows of the read models, one look after another; the last one for good. */
let looks: Record<string, Shown[]>;
const shown = (name: string) => {
  const states = looks[name] ?? [];
  const state = states.length > 1 ? states.shift() : states[0];
  return { name, version: 1, position: 10, ...state };
};

beforeEach(() => {
  server.reset();
  server.pause = async () => {};
  server.answer = ({ method, url }) => {
    if (url.startsWith('/v1/system/projections/'))
      return { status: 202, body: shown(url.split('/')[4] as string) };
    if (method === 'POST') return { status: 202, body: {} };
    const buckets = { partitionsToRebuild: 0, building: 0, series: 3, done: 0, of: 0 };
    // The look at which read models there are is none of those of a build.
    const known = server.requests.length === 1;
    const names = Object.keys(looks);
    return {
      status: 200,
      body: {
        head: 10,
        buckets,
        services: [],
        projections: names.map((n) => (known ? { name: n } : shown(n))),
      },
    };
  };
});

test('a rebuild is waited for until it has ended', async () => {
  looks = { pages: [under('b1'), under('b1'), over('b1')] };
  expect(await server.run('rebuild', 'pages')).toMatchObject({ code: 0, out: 'pages: rebuilt' });
});

test('one that failed is 1 and says why, to programs too', async () => {
  looks = { pages: [under('b1'), over('b1', 'event 7 (page.requested): no step')] };
  const err = 'error: pages is not rebuilt: event 7 (page.requested): no step';
  expect(await server.run('rebuild', 'pages')).toMatchObject({ code: 1, out: '', err });
  server.reset();
  looks = { pages: [over('b1', 'no room')] };
  const { code, out } = await server.run('rebuild', 'pages', '-o', 'json');
  expect([code, JSON.parse(out)]).toEqual([
    1,
    { rebuilt: [], failed: [{ name: 'pages', error: 'no room' }] },
  ]);
});

test('the others are rebuilt all the same', async () => {
  looks = { incidents: [over('b1', 'no room')], pages: [over('b2')] };
  expect(await server.run('rebuild')).toMatchObject({
    code: 1,
    out: 'pages: rebuilt\nbuckets: rebuilt',
    err: 'error: incidents is not rebuilt: no room',
  });
});

test('a build that the api no longer knows of is not taken for one that is done', async () => {
  for (const after of [{ ...over('b1'), lastBuild: null }, over('b2')]) {
    server.reset();
    looks = { pages: [under('b1'), after] };
    expect(await server.run('rebuild', 'pages')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(
        /^error: pages is not rebuilt: the api was started again, or another rebuild/,
      ),
    });
  }
});

test('one that stands still behind the build is not well', async () => {
  looks = { pages: [under('b1'), { ...over('b1'), halted: { position: 11, error: 'no step' } }] };
  expect(await server.run('rebuild', 'pages')).toMatchObject({
    code: 1,
    err: 'error: pages is not rebuilt: it stands still before event 11: no step',
  });
});

test('one that parks a key again is not well, and it is said which', async () => {
  const parked = [{ key: 'INC-7', position: 7, error: 'no title' }];
  looks = { incidents: [{ ...over('b1'), parkedKeys: 3, parked }] };
  expect(await server.run('rebuild', 'incidents')).toMatchObject({
    code: 1,
    err: 'error: incidents is not rebuilt: the new tables are in place, but 3 of their keys are parked, the first before event 7 of INC-7: no title',
  });
});

test('parked keys are shown with the read models', async () => {
  const parked = [{ key: 'INC-7', position: 7, error: 'no title' }];
  looks = { incidents: [{ ...over('b1'), parkedKeys: 3, parked }], pages: [over('b2')] };
  server.reset();
  server.requests.push({ method: 'GET', url: '/', headers: {}, body: undefined });
  const { out } = await server.run('system');
  expect(out).toMatch(/^incidents .*live but for 3 parked$/m);
  expect(out).toMatch(/^pages .*live$/m);
  expect(out).toMatch(/^incidents +INC-7 +7 +no title$/m);
  expect(out).toContain('and 2 more');
});
