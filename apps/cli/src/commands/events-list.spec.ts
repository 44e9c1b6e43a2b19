import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeServer } from '../fake-server.fixture.js';

/** A log of 200 events, of which every fiftieth is of an incident; the api lists as the real one does. */
const HEAD = 200;
const event = (position: number) => ({
  position,
  time: '2026-11-22T10:00:00.000Z',
  type: position % 50 === 0 ? 'bellwether.incident.declared.v1' : 'bellwether.page.requested.v1',
  subject: 's',
  actor: 'a',
});
const log = Array.from({ length: HEAD }, (_, n) => event(n + 1));

let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.reset();
  server.answer = ({ url }) => {
    const { pathname, searchParams: query } = new URL(url, server.url);
    if (pathname === '/v1/system') return { status: 200, body: { head: HEAD } };
    const from = Number(query.get('cursor') ?? query.get('after'));
    const limit = Number(query.get('limit'));
    const type = query.get('type');
    const wanted = log.filter(
      (each) => each.position > from && (type === null || each.type.includes(type.replace('*', ''))),
    );
    const items = wanted.slice(0, limit);
    const more = wanted.length > items.length;
    return { status: 200, body: { items, nextCursor: more ? String(items.at(-1)?.position) : null } };
  };
});

const positions = (out: string) => out.split('\n').map((line) => Number(line.trim().split(' ')[0]));

describe('events list', () => {
  test('shows the oldest, and says how to go on', async () => {
    const { out, err } = await server.run('events', 'list');
    expect(positions(out)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    expect(err).toBe('there are more: go on with --after 50, or see the newest with --last 50');
    const rest = await server.run('events', 'list', '--after', '150');
    expect([positions(rest.out).at(-1), rest.err]).toEqual([200, '']);
  });

  test('tells whoever runs a program that there is more, beside what the program reads', async () => {
    const { out, err } = await server.run('events', 'list', '--limit', '2', '-o', 'json');
    expect([(JSON.parse(out) as unknown[]).length, err]).toEqual([
      2,
      expect.stringMatching(/^there are more: go on with --after 2,/),
    ]);
  });

  test('--last shows the newest', async () => {
    const { out, err } = await server.run('events', '--last', '3');
    expect([positions(out), err]).toEqual([[198, 199, 200], '']);
    expect(server.requests.map(({ url }) => url)).toEqual(['/v1/system', '/v1/events?after=197&limit=3']);
  });

  test('--last looks back as far as a filter needs, and no further', async () => {
    const { out } = await server.run('events', '--last', '2', '--type', 'incident');
    expect(positions(out)).toEqual([150, 200]);
    const after = server.requests
      .slice(1)
      .map(({ url }) => new URL(url, server.url).searchParams.get('after'));
    expect(after).toEqual(['198', '190', '158', '30']);
    expect(positions((await server.run('events', '--last', '9', '--type', 'incident')).out)).toEqual([
      50, 100, 150, 200,
    ]);
  });

  test('--last is in place of --after and --limit', async () => {
    for (const other of ['--after', '--limit'])
      expect(await server.run('events', '--last', '2', other, '1')).toMatchObject({ code: 2 });
    expect(server.requests).toEqual([]);
  });
});
