import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ManualClock } from '@bellwether/contracts';
import { createDatabase, type TestDatabase } from '@bellwether/testing';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { archiveSegments, EventLog, migrate, type ScanStreamOptions } from './index.js';
import { event } from './testing/events.fixture.js';

// Generous: the machine may be busy with other tests.
jest.setTimeout(60_000);

const journal = 'measurement-00';
const clock = new ManualClock('2026-01-01T00:00:00.000Z');
let database: TestDatabase;
let log: EventLog;

beforeAll(async () => {
  database = await createDatabase();
  await migrate(database.url, { journals: ['control', journal], segmentSize: 10 });
  log = EventLog.open({
    connectionString: database.url,
    clock,
    poolSize: 2,
    upcasters: [{ type: 'scanned', from: 1, upcast: (data) => ({ ...(data as object), upcast: true }) }],
  });
  // Two streams in turn, over several segments, one event an hour.
  for (let i = 0; i < 40; i += 1) {
    await log.append({
      journal,
      stream: `measurement:${i % 2}`,
      expectedVersion: 'any',
      events: [{ ...event(i), type: i === 4 ? 'scanned' : 'incident.note-added' }],
    });
    clock.advance(60 * 60 * 1000);
  }
});
afterAll(async () => {
  await log?.close();
  await database?.drop();
});

async function scan(stream: string, options?: ScanStreamOptions) {
  const pages: { names: unknown[]; done: number; of: number }[] = [];
  for await (const { events, done, of } of log.scanStream(stream, options)) {
    pages.push({ names: events.map(({ data }) => (data as { name: unknown }).name), done, of });
  }
  return pages;
}
const names = async (stream: string, options?: ScanStreamOptions) =>
  (await scan(stream, options)).flatMap((page) => page.names);
const evens = Array.from({ length: 20 }, (_, i) => 2 * i);

test('gives all events of a stream in order, page by page, and says how far it is', async () => {
  expect(await scan('measurement:0', { page: 8 })).toEqual([
    { names: evens.slice(0, 8), done: 8, of: 20 },
    { names: evens.slice(8, 16), done: 16, of: 20 },
    { names: evens.slice(16), done: 20, of: 20 },
  ]);
  expect(await scan('measurement:none')).toEqual([]);
});

test('brings what was recorded in an older shape to the latest one', async () => {
  for await (const { events } of log.scanStream('measurement:0')) {
    expect(events.filter(({ data }) => 'upcast' in (data as object))).toEqual([
      { type: 'scanned', data: { name: 4, upcast: true } },
    ]);
  }
});

test.each([
  [0, 0],
  [5, 3],
  [6, 3],
  [38, 19],
  [39, 20],
])('what was recorded before hour %i is left out', async (hour, left) => {
  const recordedFrom = new Date(Date.parse('2026-01-01T00:00:00.000Z') + hour * 60 * 60 * 1000);
  expect(await names('measurement:0', { recordedFrom, page: 3 })).toEqual(evens.slice(left));
});

test('what is appended while it is read is not in it', async () => {
  const seen: unknown[] = [];
  for await (const { events } of log.scanStream('measurement:1', { page: 7 })) {
    seen.push(...events.map(({ data }) => (data as { name: unknown }).name));
    await log.append({ journal, stream: 'measurement:1', expectedVersion: 'any', events: [event('late')] });
  }
  expect(seen).toEqual(evens.map((even) => even + 1));
  expect((await names('measurement:1')).slice(20)).toEqual(['late', 'late', 'late']);
});

test('whoever stops halfway, or fails, takes no connection along', async () => {
  for (let i = 0; i < 5; i += 1) {
    for await (const { done } of log.scanStream('measurement:0', { page: 2 })) {
      expect(done).toBe(2);
      break;
    }
    await expect(
      (async () => {
        for await (const _ of log.scanStream('measurement:0')) throw new Error('the reader fails');
      })(),
    ).rejects.toThrow('the reader fails');
  }
  expect(await names('measurement:0')).toEqual(evens);
});

test('what is archived is passed over', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'scan-'));
  try {
    await archiveSegments(database.url, { before: new Date('2026-01-01T21:00:00.000Z'), directory });
    expect(await scan('measurement:0')).toEqual([{ names: evens.slice(10), done: 10, of: 10 }]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
