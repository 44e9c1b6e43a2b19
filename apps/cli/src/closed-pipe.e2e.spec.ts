import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { forkSource } from '@bellwether/testing';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const folder = mkdtempSync(path.join(tmpdir(), 'bellwether-closed-pipe-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Both ends of a pipe, as a shell makes it between two programs. */
function pipe(name: string): { reader: number; writer: number } {
  const file = path.join(folder, name);
  execFileSync('mkfifo', [file]);
  const reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: openSync(file, constants.O_WRONLY) };
}

/** The command as a process that prints to a pipe; how it ends, and what it says beside. */
function bellwether(writer: number, argv: string[], url = ''): Promise<{ code: number; err: string }> {
  const child = forkSource(path.join(import.meta.dirname, 'main.ts'), {
    args: argv,
    env: { BELLWETHER_URL: url, BELLWETHER_TOKEN: 'secret', NO_COLOR: '1' },
    stdio: 'pipe',
    stdout: writer,
  });
  closeSync(writer);
  const err = text(child.stderr as NodeJS.ReadableStream);
  return once(child, 'close').then(async ([code]) => ({ code: code as number, err: await err }));
}

/** As a shell has it of `yes | head -1`. */
const ENDED_QUIETLY = { code: 141, err: '' };

test('whoever reads the help has gone', async () => {
  const { reader, writer } = pipe('help');
  closeSync(reader);
  expect(await bellwether(writer, ['--help'])).toEqual(ENDED_QUIETLY);
});

/** A server whose list of events is longer than a pipe holds, and whose stream says what the test sends. */
const streams: ServerResponse[] = [];
const server = createServer((request, response) => {
  if (request.url?.startsWith('/v1/stream')) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    streams.push(response);
    response.write(message(1));
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  if (request.url === '/v1/system') return void response.end('{"head":0}');
  response.end(JSON.stringify({ items: Array.from({ length: 500 }, (_, i) => event(i)), nextCursor: null }));
});
const event = (position: number) => ({
  position,
  type: 'bellwether.incident.declared.v1',
  time: '2026-11-22T10:00:00.000Z',
  subject: 'INC-1'.repeat(50),
  actor: 'user:ada',
});
const message = (position: number) => `id: ${position}\ndata: ${JSON.stringify(event(position))}\n\n`;
let url = '';
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** Reads the first of what comes out of a pipe, and goes. */
async function head(reader: number): Promise<string> {
  const stream = new Socket({ fd: reader, readable: true, writable: false });
  const [chunk] = await once(stream, 'data');
  stream.destroy();
  await once(stream, 'close');
  return String(chunk);
}

test('whoever reads a long list goes in its midst', async () => {
  const { reader, writer } = pipe('list');
  const ended = bellwether(writer, ['events', 'list', '--limit', '500', '-o', 'json'], url);
  expect(await head(reader)).toMatch(/^\[/);
  expect(await ended).toEqual(ENDED_QUIETLY);
});

test('whoever follows the log goes: the next event ends it', async () => {
  const { reader, writer } = pipe('tail');
  const ended = bellwether(writer, ['events', 'tail'], url);
  expect(await head(reader)).toMatch(/incident\.declared/);
  streams.at(-1)?.write(message(2));
  expect(await ended).toEqual({ ...ENDED_QUIETLY, err: 'the log after position 0, live; Ctrl-C ends it\n' });
});
