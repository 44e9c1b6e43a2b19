import { randomBytes } from 'node:crypto';
import { createDatabase, eventually, type TestDatabase } from '@bellwether/testing';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { EventLog, migrate, type RecordedEvent, Relay } from './index.js';
import { event, positions } from './testing/events.fixture.js';
import { MemoryCopy } from './testing/memory-copy.fixture.js';

// Generous: the machine may be busy with other tests.
jest.setTimeout(60_000);

const KIB = 1024;
const journals = ['control', 'measurement-00'];
let database: TestDatabase;
let log: EventLog;

/** 30 events of 400 KiB: some as the database can press them together, others as it cannot. Then a hundred small ones. */
const LARGE = 30;
const EVENTS = 130;
const random = randomBytes(300 * KIB).toString('base64');
const repeated = 'availability '.repeat(31_508);

beforeAll(async () => {
  database = await createDatabase();
  await migrate(database.url, { journals });
  log = EventLog.open({ connectionString: database.url });
  for (let i = 0; i < LARGE; i += 1) await append([event(i % 2 === 0 ? random : repeated)]);
  await append(Array.from({ length: EVENTS - LARGE }, () => event()));
}, 60_000);

afterAll(async () => {
  await log?.close();
  await database?.drop();
});

const append = (events: ReturnType<typeof event>[]) =>
  log.append({ journal: 'control', stream: 'incident:large', expectedVersion: 'any', events });

const dense = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const sizes = (pages: RecordedEvent[][]) => pages.map((page) => page.length);

describe('a page', () => {
  test.each([
    ['one event, whatever its size', 1, 1],
    ['the event that reaches its bytes', 400 * KIB, 1],
    ['the one after, when that does', 401 * KIB, 2],
    ['as many as it takes', 2000 * KIB, 5],
  ])('ends after %s', async (_, bytes, expected) => {
    const { events, full } = await log.readPage('control', { after: 2, limit: 500, bytes });
    expect(positions(events)).toEqual(dense(3, 2 + expected));
    expect(full).toBe(true);
  });

  test('ends after its number of events, and at the end of the journal', async () => {
    const read = async (after: number, limit: number) => {
      const { events, full } = await log.readPage('control', { after, limit });
      return [events.length, full];
    };
    expect(await read(LARGE, 99)).toEqual([99, true]);
    expect(await read(LARGE, 100)).toEqual([100, true]);
    expect(await read(LARGE, 101)).toEqual([100, false]);
    expect(await read(EVENTS, 10)).toEqual([0, false]);
  });
});

test('a follower goes from page to page at once, though none has its number of events', async () => {
  const over = new AbortController();
  const pages: RecordedEvent[][] = [];
  // It has heard of no append, so nothing but a page that says that more follows makes it read on within an hour.
  const other = EventLog.open({ connectionString: database.url });
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(30_000)]);
  for await (const page of other.follow('control', { after: 0, signal, pollMs: 3_600_000 })) {
    pages.push(page);
    if (page.at(-1)!.position === EVENTS) over.abort();
  }
  expect(pages.flatMap(positions)).toEqual(dense(1, EVENTS));
  expect(sizes(pages)).toEqual([11, 11, 108]);
  await other.close();
});

test('a relay has two megabytes under way and the event that ends them', async () => {
  const windows: RecordedEvent[][] = [];
  const copy = new MemoryCopy(journals);
  const relay = new Relay({
    log,
    journals,
    pollMs: 20,
    target: {
      incarnation: () => copy.incarnation(),
      clear: (journal) => copy.clear(journal),
      publish: async (events) => {
        windows.push(events);
        await copy.publish(events);
      },
    },
  });
  relay.start();
  await eventually(() => expect(copy.held('control')).toEqual(dense(1, EVENTS)));
  await relay.stop();
  expect(sizes(windows)).toEqual([6, 6, 6, 6, 6, 100]);
});

test('what is verified is read in pages of four megabytes', async () => {
  const seen: number[] = [];
  const report = await log.verify({
    expected: journals,
    onProgress: ({ position }) => seen.push(position),
  });
  expect(report).toMatchObject({ ok: true, journals: [{ checked: EVENTS }, { checked: 0 }] });
  expect(seen).toEqual([11, 22, EVENTS]);
});
