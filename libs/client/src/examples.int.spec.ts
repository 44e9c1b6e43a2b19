import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Bus, connectBus } from '@bellwether/bus';
import { Streams } from '@bellwether/contracts';
import { eventually, forkSource, startNats, type TestNats } from '@bellwether/testing';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { answerReceipts, FakeHttp, FakeLog } from './fake-bellwether.fixture.js';

const folder = path.resolve(import.meta.dirname, '../examples');
const scratch = mkdtempSync(path.join(tmpdir(), 'bellwether-examples-'));
let nats: TestNats;
let bus: Bus;

beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ servers: nats.url, name: 'test', log: { info() {}, warn() {}, error() {} } });
  await bus.reconcile();
});
afterAll(async () => {
  await bus?.drain();
  await nats?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

/** Runs an example as a program of its own. */
function run(
  example: string,
  env: Record<string, string>,
): { child: ChildProcess; output: () => string; ended: Promise<number | null> } {
  const child = forkSource(path.join(folder, example), { env, stdio: 'pipe' });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      text += chunk;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { child, output: () => text, ended };
}

describe('the examples of the README', () => {
  test('are the files that are compiled and run here, to the letter', () => {
    const readme = readFileSync(path.resolve(folder, '../README.md'), 'utf8');
    const shown = [...readme.matchAll(/\(`examples\/([a-z-]+\.ts)`\):\n\n```ts\n([\s\S]*?)```/g)];
    expect(shown.map(([, name]) => name).sort()).toEqual(readdirSync(folder).sort());
    for (const [, name, text] of shown)
      expect(text).toBe(readFileSync(path.join(folder, name as string), 'utf8'));
  });

  test('publish.ts', async () => {
    const stop = answerReceipts(bus, ({ id }) => ({
      identity: id,
      status: 'accepted',
      points: 1,
      position: 1,
    }));
    const { output, ended } = run('publish.ts', { NATS_URL: nats.url });
    expect({ code: await ended, output: output() }).toEqual({
      code: 0,
      output: 'published, 0 points left\n',
    });
    const { state } = await bus.jsm.streams.info(Streams.SLI, { subjects_filter: 'sli.checkout.>' });
    expect(state.subjects).toEqual({ 'sli.checkout.availability': 1, 'sli.checkout.latency': 1 });
    stop();
  }, 30_000);

  test('publish-http.ts', async () => {
    // The token is made known after the first attempt.
    const ingest = await FakeHttp.listen(() =>
      ingest.seen.length === 1 ? { status: 401 } : { status: 202, body: { accepted: 1, duplicates: 0 } },
    );
    const env = { BELLWETHER_INGEST_URL: ingest.url, BELLWETHER_TOKEN: 'tok' };
    const { output, ended } = run('publish-http.ts', env);
    expect({ code: await ended, output: output() }).toEqual({
      code: 0,
      output: expect.stringMatching(
        /^checkout\/availability, attempt 1: TokenRefused: .*\npublished, 0 points left\n$/,
      ),
    });
    expect(ingest.seen.map(({ url }) => url)).toEqual([
      '/v1/measurements/checkout/availability',
      '/v1/measurements/checkout/availability',
      '/v1/measurements/checkout/latency',
    ]);
    await ingest.close();
  }, 30_000);

  test('subscribe.ts', async () => {
    const log = new FakeLog(bus);
    const api = await FakeHttp.listen((request) => log.page(request));
    await log.append('incident.declared', 'INC-1');
    const { child, output, ended } = run('subscribe.ts', {
      NATS_URL: nats.url,
      BELLWETHER_URL: api.url,
      BELLWETHER_TOKEN: 'tok',
      POSITION_FILE: path.join(scratch, 'position'),
    });
    await eventually(() => expect(output()).toContain('1 bellwether.incident.declared.v1 INC-1\n'));
    await log.append('slo.defined', 'checkout-availability');
    await log.append('incident.resolved', 'INC-1');
    await eventually(() => expect(output()).toContain('3 bellwether.incident.resolved.v1 INC-1\n'));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(readFileSync(path.join(scratch, 'position'), 'utf8')).toBe('3\n');
    await api.close();
  }, 30_000);
});
