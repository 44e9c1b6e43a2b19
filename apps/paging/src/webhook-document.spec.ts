import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PageNotification } from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Caller } from './caller.js';

const folder = mkdtempSync(path.join(tmpdir(), 'bellwether-receiver-'));
const document = readFileSync(path.resolve(import.meta.dirname, '../../../docs/on-call.md'), 'utf8');
const secret = /PAGER_SECRET=(\S+) node receiver/.exec(document)?.[1] ?? '';
const notification: PageNotification = {
  type: 'page.requested',
  page: {
    id: 'INC-2-P1',
    incident: 'INC-2',
    title: 'payments hang',
    severity: 'sev3',
    service: 'payment',
    step: 1,
    attempt: 1,
    runbookUrl: 'https://runbooks.example.org/payment',
    acknowledgeUrl: 'http://127.0.0.1:8080/a/x',
    explainUrl: 'http://127.0.0.1:8080/v1/explain/INC-2-P1',
  },
};
let receiver: ChildProcess;
let printed = '';

const line = async (count: number) => {
  while (printed.split('\n').length <= count) await once(receiver.stdout as NodeJS.ReadableStream, 'data');
  return printed.split('\n')[count - 1];
};

beforeAll(() => {
  const [, source = ''] = /```js\n(\/\/ receiver\.mjs\n[\s\S]*?)```/.exec(document) ?? [];
  writeFileSync(path.join(folder, 'receiver.mjs'), source);
  receiver = spawn(process.execPath, [path.join(folder, 'receiver.mjs')], {
    env: { ...process.env, PAGER_SECRET: secret, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  receiver.stdout?.on('data', (chunk) => {
    printed += chunk;
  });
});
afterAll(() => {
  receiver?.kill();
  rmSync(folder, { recursive: true, force: true });
});

describe('the receiver of docs/on-call.md', () => {
  const send = async (signedWith: string, clock = new Date(), id = 'INC-2-P1_c1_s1_ada_hook') => {
    const address = (await line(1))?.replace('listening on ', '') ?? '';
    const caller = new Caller({
      timeoutMs: 5000,
      privateAddresses: 'allow',
      print: () => {},
      wireClock: { now: () => clock },
    });
    return caller.call({ id, notification, kind: 'webhook', address, secret: signedWith });
  };

  test('takes what the paging service sends, and tells it once', async () => {
    expect(await send(secret)).toEqual({ kind: 'delivered', statusCode: 204 });
    expect(await send(secret)).toEqual({ kind: 'delivered', statusCode: 204 });
    expect(await send(secret, new Date(), 'another')).toMatchObject({ kind: 'delivered' });
    expect(await line(2)).toBe('page.requested INC-2-P1 sev3: payments hang');
    await line(3);
    expect(printed.trim().split('\n')).toHaveLength(3);
  });

  test('refuses another key, and an old call that is sent again', async () => {
    const other = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
    expect(await send(other)).toMatchObject({ kind: 'failed', statusCode: 401 });
    expect(await send(secret, new Date(Date.now() - 600_000))).toMatchObject({ statusCode: 401 });
  });

  test('and the document names the fields that there are', () => {
    const [, body = ''] = /\n(\{"type":"page\.requested".*\})\n/.exec(document) ?? [];
    const shown = JSON.parse(body) as PageNotification;
    expect(Object.keys(shown.page)).toEqual(Object.keys(notification.page));
  });
});
