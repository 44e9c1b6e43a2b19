import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { run } from '../program.js';

const event = (position: number) =>
  `id: ${position}\ndata: ${JSON.stringify({ position, time: '2026-11-22T10:00:00Z', type: 'bellwether.page.requested.v1', subject: 'INC-1-P1', actor: 'a' })}\n\n`;

/** Breaks off after the first event, once. */
let asked = 0;
const server = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  asked++;
  if (asked > 1) return void response.end(event(Number(request.headers['last-event-id']) + 1));
  // An end, not a reset, which could overtake the event.
  response.write(event(7), () => response.socket?.end());
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

test('tail says that the connection was lost, and that it is there again', async () => {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(['events', 'tail', '--after', '6', '--limit', '2'], {
    env: { BELLWETHER_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    output: { out: (t) => void out.push(t), err: (t) => void err.push(t), interactive: false },
    cwd: '/',
    pause: async () => {},
  });
  expect([code, out.length]).toEqual([0, 2]);
  expect(err.map(stripVTControlCharacters)).toEqual([
    'connection lost; trying again after position 7',
    'connected again',
  ]);
});
