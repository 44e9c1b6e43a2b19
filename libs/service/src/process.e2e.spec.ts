import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { forkSource } from '@bellwether/testing';
import { describe, expect, jest, test } from '@jest/globals';

// Real processes, which read their sources when they start, on a machine that may be busy.
jest.setTimeout(120_000);

const enough = {
  DATABASE_URL: 'postgres://127.0.0.1/none',
  NATS_URL: 'nats://127.0.0.1:1',
  BELLWETHER_LOG_LEVEL: 'info',
};

interface Process {
  child: ChildProcess;
  /** Standard output and error so far. */
  output: () => string;
  ready: Promise<{ adminPort: number }>;
  ended: Promise<number | null>;
}

function start(env: Record<string, string> = enough): Process {
  const child = forkSource(path.join(import.meta.dirname, 'echo-service.fixture.ts'), { env, stdio: 'pipe' });
  let text = '';
  // Not "close": a child whose channel was disconnected never emits it.
  const parts: Promise<unknown>[] = [once(child, 'exit')];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    stream.on('data', (chunk) => {
      text += chunk;
    });
    parts.push(once(stream, 'end'));
  }
  return {
    child,
    output: () => text,
    ready: new Promise((resolve) => {
      child.on(
        'message',
        (message: { type: string; adminPort: number }) => message.type === 'ready' && resolve(message),
      );
    }),
    ended: Promise.all(parts).then(() => child.exitCode),
  };
}

describe('a service as a process', () => {
  test('tells its supervisor when it is ready, and drains on SIGTERM', async () => {
    const { child, ready, ended, output } = start();
    const { adminPort } = await ready;
    expect((await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status).toBe(200);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(output()).toMatch(/"draining"[\s\S]*"closed"/);
  });

  test('drains on SIGINT', async () => {
    const { child, ready, ended } = start();
    await ready;
    child.kill('SIGINT');
    expect(await ended).toBe(0);
  });

  test('ends by itself when its supervisor is gone', async () => {
    const { child, ready, ended, output } = start();
    await ready;
    child.disconnect();
    expect(await ended).toBe(0);
    expect(output()).toContain('the supervisor is gone');
  });

  test.each([
    ['fail', 'the disk is gone'],
    ['throw', 'nobody caught this'],
  ])('ends with code 1 on "%s", and says why', async (message, why) => {
    const { child, ready, ended, output } = start();
    await ready;
    child.send(message);
    expect(await ended).toBe(1);
    expect(output()).toContain(why);
  });

  test('that lacks variables names them all, without a stack, and ends with code 78', async () => {
    const { ended, output } = start({ DATABASE_URL: '', NATS_URL: '' });
    expect(await ended).toBe(78);
    expect(output()).toMatch(
      /^The environment of this service is not complete:\n {2}DATABASE_URL: is not set\. Expected: .*\n {2}NATS_URL: is not set/,
    );
    expect(output()).not.toMatch(/ {4}at /);
  });
});
