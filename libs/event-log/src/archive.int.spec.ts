import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { ManualClock } from '@bellwether/contracts';
import { createDatabase, type TestDatabase } from '@bellwether/testing';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { archiveSegments, EventLog, migrate, verifyArchive } from './index.js';
import { event, positions, versions } from './testing/events.fixture.js';
import { query } from './testing/own-server.fixture.js';

// Generous: the machine may be busy with other tests.
jest.setTimeout(60_000);

let database: TestDatabase;
let directory: string;
let log: EventLog;
const clock = new ManualClock('2026-01-01T00:00:00.000Z');
const journal = 'measurement-00';

beforeAll(async () => {
  database = await createDatabase();
  await migrate(database.url, { journals: ['control', journal], segmentSize: 10 });
  directory = await mkdtemp(path.join(os.tmpdir(), 'archive-'));
  log = EventLog.open({ connectionString: database.url, clock });
  for (let day = 0; day < 34; day += 1) {
    for (const into of ['control', journal]) {
      await log.append({ journal: into, stream: `${into}:1`, expectedVersion: 'any', events: [event(day)] });
    }
    clock.advance(24 * 60 * 60 * 1000);
  }
}, 60_000);

afterAll(async () => {
  await log?.close();
  await database?.drop();
  await rm(directory, { recursive: true, force: true });
});

test('segments are made ahead of need and sealed with their time span and boundary hash', async () => {
  const { rows } = await log.pool.query(
    `select first_position::int as first, end_position::int as end, last_hash is not null as sealed,
            first_recorded_at as since, last_recorded_at as until
       from log.segments where journal = $1 order by first_position`,
    [journal],
  );
  expect(rows.map(({ first, end, sealed }) => [first, end, sealed])).toEqual([
    [1, 11, true],
    [11, 21, true],
    [21, 31, true],
    [31, 41, false],
  ]);
  expect([rows[1].since, rows[1].until]).toEqual([
    new Date('2026-01-11T00:00:00.000Z'),
    new Date('2026-01-20T00:00:00.000Z'),
  ]);
});

test('a segment that does not verify is not archived, and stays where it is', async () => {
  const tampered = async (change: string) => {
    await query(
      database.url,
      `alter table log.events_measurement_00_p1 disable trigger immutable;
       update log.events_measurement_00_p1 set ${change} where journal = '${journal}' and position = 4;
       alter table log.events_measurement_00_p1 enable trigger immutable`,
    );
  };
  const before = new Date('2026-01-15T00:00:00.000Z');
  await tampered(`type = 'changed'`);
  await expect(archiveSegments(database.url, { before, directory })).rejects.toThrow(
    `${journal} is not archived: position 4 does not verify`,
  );
  expect(await readdir(directory)).toEqual(['measurement-00-1.jsonl.gz.partial']);
  expect(positions(await log.readJournal(journal, { after: 0, limit: 4 }))).toEqual([1, 2, 3, 4]);
  expect(await log.archivedUntil(journal)).toBe(0);
  await tampered(`type = 'incident.note-added'`);
});

test('old segments of measurements go to files, and the chain still verifies over the boundary', async () => {
  const before = new Date('2026-01-25T00:00:00.000Z');
  expect(await archiveSegments(database.url, { before, directory })).toEqual(
    [1, 11].map((firstPosition) => ({
      journal,
      firstPosition,
      lastPosition: firstPosition + 9,
      file: path.join(directory, `${journal}-${firstPosition}.jsonl.gz`),
    })),
  );
  expect(await archiveSegments(database.url, { before, directory })).toEqual([]);
  expect((await readdir(directory)).sort()).toEqual([
    'measurement-00-1.jsonl.gz',
    'measurement-00-11.jsonl.gz',
  ]);
  const report = await log.verify({ expected: ['control', journal] });
  expect(report.ok).toBe(true);
  expect(report.journals).toMatchObject([
    { journal: 'control', from: 1, checked: 34 },
    { journal, from: 21, checked: 14 },
  ]);
  expect(positions(await log.readJournal(journal, { after: 0 }))[0]).toBe(21);
  const { events, full } = await log.readPage(journal, { after: 3, limit: 4 });
  expect([positions(events), full]).toEqual([[21, 22, 23, 24], true]);
  // A page of a stream is full as long as there are events, whatever is archived of it.
  const page = (from: number, limit: number) => log.readStream(`${journal}:1`, { from, limit });
  expect(versions(await page(1, 3))).toEqual([21, 22, 23]);
  expect(versions(await page(19, 4))).toEqual([21, 22, 23, 24]);
  expect(versions(await page(33, 3))).toEqual([33, 34]);
  const until = new Date('2026-01-22T12:00:00.000Z');
  expect(versions(await log.readStream(`${journal}:1`, { limit: 5, recordedUntil: until }))).toEqual([
    21, 22,
  ]);
  expect(await log.positionAt(journal, new Date('2026-01-22T12:00:00.000Z'))).toBe(22);
  // The stream goes on where it was.
  const { version } = await log.append({
    journal,
    stream: `${journal}:1`,
    expectedVersion: 34,
    events: [event()],
  });
  expect(version).toBe(35);
});

test('an archive file verifies, and a changed one names the position', async () => {
  const file = path.join(directory, `${journal}-11.jsonl.gz`);
  expect(await verifyArchive(database.url, file)).toBeNull();
  const lines = gunzipSync(await readFile(file))
    .toString()
    .split('\n');
  const changed = lines.with(3, lines[3]!.replace('\\"name\\":13', '\\"name\\":14'));
  expect(changed).not.toEqual(lines);
  await writeFile(file, gzipSync(changed.join('\n')));
  expect(await verifyArchive(database.url, file)).toBe(14);
  await writeFile(file, gzipSync(lines.slice(0, 5).join('\n')));
  expect(await verifyArchive(database.url, file)).toBe(15);
});

test('commands of measurements are forgotten after a time, those of the control journal are kept', async () => {
  const request = (into: string) => ({
    journal: into,
    stream: `${into}:commands`,
    expectedVersion: 'any' as const,
    events: [event()],
    commandId: `once ${into}`,
  });
  await log.append(request('control'));
  await log.append(request(journal));
  expect(await log.pruneCommands(clock.now())).toBe(0);
  expect((await log.append(request(journal))).duplicate).toBe(true);
  clock.advance(1000);
  expect(await log.pruneCommands(clock.now())).toBe(1);
  expect((await log.append(request('control'))).duplicate).toBe(true);
  expect((await log.append(request(journal))).duplicate).toBe(false);
});
