import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { JOURNALS, ManualClock, measurementJournal } from '@bellwether/contracts';
import { EventLog, migrate, verifyArchive } from '@bellwether/event-log';
import { ConfigError, loadConfig, runService } from '@bellwether/service';
import {
  createDatabase,
  eventually,
  startNats,
  type TestDatabase,
  type TestNats,
  temporaryFolder,
} from '@bellwether/testing';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { build, relayConfig } from './index.js';

jest.setTimeout(60_000);

const DAY = 86_400_000;
const journal = measurementJournal('checkout', 'availability');
const directory = path.join(temporaryFolder('archive'), 'measurements');
const clockFile = path.join(temporaryFolder('clock'), 'offset');
let database: TestDatabase;
let nats: TestNats;
let log: EventLog;

beforeAll(async () => {
  [database, nats] = await Promise.all([createDatabase(), startNats()]);
  await migrate(database.url, { journals: [...JOURNALS], segmentSize: 10 });
  const clock = new ManualClock(new Date(Date.now() - 500 * DAY).toISOString());
  log = EventLog.open({ connectionString: database.url, clock });
  // Full segments that end 491, 401.5 and 391 days ago, and one in use; the control journal the same.
  for (const age of [...ages(500, 491), ...ages(410.5, 401.5), ...ages(400, 391), 1]) {
    clock.set(new Date(Date.now() - age * DAY));
    for (const into of [journal, 'control']) await append(into);
  }
});
afterAll(async () => {
  await log?.close();
  await nats?.stop();
  await database?.drop();
});

/** Ages in days of ten events, oldest first. */
const ages = (from: number, to: number) => Array.from({ length: 10 }, (_, i) => from - (i * (from - to)) / 9);

const append = (into: string) =>
  log.append({
    journal: into,
    stream: `${into}:1`,
    expectedVersion: 'any',
    events: [
      {
        type: 'incident.note-added',
        data: { incident: 'INC-1', text: 'x', at: '2026-01-01T00:00:00.000Z', links: [], pinned: false },
        meta: { correlationId: 'story', causationId: null, actor: 'user:ada', source: '/bellwether/test' },
        occurredAt: new Date(),
      },
    ],
  });

const environment = () => ({
  DATABASE_URL: database.url,
  NATS_URL: nats.url,
  BELLWETHER_LOG_LEVEL: 'silent',
  BELLWETHER_CLOCK_FILE: clockFile,
});

/** The relay, with the machine's time moved. */
async function start(env: Record<string, string>, offset = 0) {
  writeFileSync(clockFile, String(offset));
  const config = () => loadConfig(relayConfig, { ...environment(), ...env });
  const service = await runService({ name: 'relay', config, build });
  await service.becameReady;
  return service;
}

const archived = () => (existsSync(directory) ? readdirSync(directory).sort() : []);
const first = async () => (await log.readJournal(journal, { after: 0, limit: 1 }))[0]?.position;

test('a retention under which windows and late measurements would lose their ground is refused', () => {
  const refused = () =>
    loadConfig(relayConfig, { ...environment(), BELLWETHER_MEASUREMENT_RETENTION: '399d' });
  expect(refused).toThrow(ConfigError);
  expect(refused).toThrow(/BELLWETHER_MEASUREMENT_RETENTION.*at least 400d/);
});

test('without a folder all measurements stay', async () => {
  const relay = await start({});
  await eventually(async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${relay.adminPort}/metrics`)).text();
    expect(metrics).toMatch(/^relay_leader(\{.*\})? 1$/m);
  });
  await relay.stop();
  expect([archived(), await first()]).toEqual([[], 1]);
});

test('what is older than the retention goes to files, and more as time passes; the rest stays', async () => {
  const relay = await start({ BELLWETHER_ARCHIVE_DIR: directory });
  const [oldest, older, old] = [1, 11, 21].map((position) => `${journal}-${position}.jsonl.gz`);
  await eventually(() => expect(archived()).toEqual([oldest, older]), { timeoutMs: 20_000 });
  await eventually(async () => expect(await first()).toBe(21));
  // The last event of the third is 391 days old: as old as windows reach in nine days, and a day more is spared.
  writeFileSync(clockFile, String(10.5 * DAY));
  await eventually(() => expect(archived()).toEqual([oldest, older, old].sort()), { timeoutMs: 20_000 });
  await eventually(async () => expect(await first()).toBe(31));
  await relay.stop();
  for (const file of archived())
    expect([file, await verifyArchive(database.url, path.join(directory, file))]).toEqual([file, null]);
  expect(await log.verify()).toMatchObject({ ok: true });
  expect([await log.archivedUntil(journal), await log.archivedUntil('control')]).toEqual([30, 0]);
  expect((await log.readJournal('control', { after: 0, limit: 1 }))[0]?.position).toBe(1);
});
