import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { run } from '../program.js';

const content = (position: number) => ({
  position,
  time: '2026-11-22T10:00:00Z',
  type: 'bellwether.page.requested.v1',
  subject: 'INC-1-P1',
  actor: 'a',
});
const event = (position: number) => `id: ${position}\ndata: ${JSON.stringify(content(position))}\n\n`;

/** Breaks off after the first event, once. */
let asked = 0;
const server = createServer((request, response) => {
  if (request.url === '/v1/system') {
    response.writeHead(200, { 'content-type': 'application/json' });
    return void response.end('{"head":6}');
  }
  if (request.url?.startsWith('/v1/events?')) {
    response.writeHead(200, { 'content-type': 'application/json' });
    const after = Number(new URL(request.url, 'http://localhost').searchParams.get('after'));
    return void response.end(
      JSON.stringify({ items: [1, 2, 3, 4, 5, 6].filter((n) => n > after).map(content) }),
    );
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  asked++;
  const next = event(Number(request.headers['last-event-id']) + 1);
  if (asked > 1) return void response.end(next);
  // An end, not a reset, which could overtake the event.
  response.write(next, () => response.socket?.end());
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

/** Runs `events tail` and returns its exit code, the positions that it showed and what it said beside them. */
async function tail(...words: string[]) {
  asked = 0;
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(['events', 'tail', ...words], {
    env: { BELLWETHER_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    output: { out: (t) => void out.push(t), err: (t) => void err.push(t), interactive: false },
    cwd: '/',
    pause: async () => {},
  });
  return {
    code,
    shown: out.map((text) => Number.parseInt(stripVTControlCharacters(text), 10)),
    said: err.map(stripVTControlCharacters),
  };
}

test('tail says where it begins, that the connection was lost, and that it is there again', async () => {
  expect(await tail('--after', '6', '--limit', '2')).toEqual({
    code: 0,
    shown: [7, 8],
    said: [
      'the log after position 6, live; Ctrl-C ends it',
      'connection lost; trying again after position 7',
      'connected again',
    ],
  });
});

test('tail begins at the end of the log, which it asks for: nothing is lost when the connection is, before the first event', async () => {
  const { code, shown, said } = await tail('--limit', '1');
  expect([code, shown, said]).toEqual([0, [7], ['the log after position 6, live; Ctrl-C ends it']]);
});

test('tail begins with the newest events when it is asked to, and counts them', async () => {
  expect((await tail('--last', '2', '--limit', '3')).shown).toEqual([5, 6, 7]);
  expect((await tail('--last', '4', '--limit', '2')).shown).toEqual([3, 4]);
  expect((await tail('--last', '4', '--after', '2')).code).toBe(2);
});
