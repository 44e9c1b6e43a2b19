import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { eventually, freePort, guard, temporaryFolder } from '@bellwether/testing';
import { afterEach, expect, test } from '@jest/globals';
import { processesOf } from './processes-of.fixture.js';
import { checkout } from './settings.js';

/** Everything that was started, to be ended whatever happens. */
const started: ReturnType<typeof spawn>[] = [];

/** `npm start`, or what it runs, with a data folder and ports of its own. */
async function start(file: string, ...args: string[]) {
  const dataDir = path.join(temporaryFolder('start'), 'data');
  const child = spawn(file, args, {
    cwd: checkout,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      TMPDIR: process.env.TMPDIR,
      BELLWETHER_DATA_DIR: dataDir,
      BELLWETHER_API_PORT: String(await freePort()),
      BELLWETHER_INGEST_PORT: String(await freePort()),
      BELLWETHER_NATS_PORT: String(await freePort()),
    },
  });
  started.push(child);
  guard().watch(child.pid as number);
  const run = { child, dataDir, output: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      run.output += text;
    });
  }
  const url = await eventually(
    () => {
      const line = run.output.match(/^bellwether ready: (.*)$/m);
      if (!line || child.exitCode !== null) throw new Error(`not ready (${child.exitCode}):\n${run.output}`);
      return line[1] as string;
    },
    { timeoutMs: 180_000 },
  );
  return { ...run, url, output: () => run.output };
}

afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    guard().unwatch(child.pid as number);
  }
}, 60_000);

const script = path.join(checkout, 'infra/local/bin/start.mjs');

test('serves when it says so, and SIGTERM to what npm started ends everything', async () => {
  const { child, dataDir, url, output } = await start('node', script);
  const token = readFileSync(path.join(dataDir, 'token'), 'utf8').trim();
  const answer = await fetch(`${url}/v1/services`, { headers: { authorization: `Bearer ${token}` } });
  expect(answer.status).toBe(200);
  expect((await fetch(`${url}/v1/services`)).status).toBe(401);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(output()).toMatch(/[|] stopped\n$/);
  expect(output()).not.toMatch(/killed/);
  expect(processesOf(dataDir)).toEqual([]);
}, 300_000);

test('SIGINT to npm alone, as a program sends it, ends everything', async () => {
  const { child, dataDir, output } = await start('npm', 'start');
  child.kill('SIGINT');
  await once(child, 'exit');
  expect(output()).toMatch(/[|] stopped\n$/);
  expect(processesOf(dataDir)).toEqual([]);
}, 300_000);

test('kill -9 of what npm started, and of npm itself, leaves nothing running', async () => {
  for (const [file, argument] of [
    ['node', script],
    ['npm', 'start'],
  ] as const) {
    const { child, dataDir } = await start(file, argument);
    const { services } = JSON.parse(readFileSync(path.join(dataDir, 'run.json'), 'utf8')) as {
      services: Record<string, { pid: number }>;
    };
    child.kill('SIGKILL');
    await eventually(
      () => {
        expect(processesOf(dataDir)).toEqual([]);
        for (const { pid } of Object.values(services)) expect(() => process.kill(pid, 0)).toThrow();
      },
      { timeoutMs: 60_000 },
    );
  }
}, 600_000);
