import { createDatabase, type TestDatabase } from '@bellwether/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import { EventLog, migrate } from './index.js';
import { event } from './testing/events.fixture.js';

// Generous: the machine may be busy with other tests.
jest.setTimeout(60_000);

let database: TestDatabase;
let log: EventLog;
let admin: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  await migrate(database.url, { journals: ['control', 'measurement-00'], segmentSize: 5 });
  log = EventLog.open({ connectionString: database.url });
  admin = new pg.Client(database.url);
  await admin.connect();
  for (const journal of ['control', 'measurement-00']) {
    for (let i = 0; i < 12; i += 1) {
      await log.append({
        journal,
        stream: `${journal}:${i % 3}`,
        expectedVersion: 'any',
        events: [event(`${i} é`)],
      });
    }
  }
}, 60_000);

afterAll(async () => {
  await admin?.end();
  await log?.close();
  await database?.drop();
});

/** What only somebody with the rights of a superuser, who switches the triggers off, can do. */
async function tamper(sql: string): Promise<void> {
  const { rows } = await admin.query<{ name: string }>(
    `select relid::regclass::text as name from pg_partition_tree('log.events')`,
  );
  for (const { name } of rows) await admin.query(`alter table ${name} disable trigger immutable`);
  await admin.query(sql);
}

beforeEach(() => admin.query('begin'));

/** The report as seen from within the transaction that tampers, which is then rolled back. */
async function verifyAndUndo() {
  const { verifyLog } = await import('./verify.js');
  try {
    return await verifyLog(admin as unknown as pg.Pool, {});
  } finally {
    await admin.query('rollback');
  }
}

test('an untouched log verifies', async () => {
  const seen: number[] = [];
  const report = await log.verify({ onProgress: ({ position }) => seen.push(position) });
  expect(report).toEqual({
    ok: true,
    journals: ['control', 'measurement-00'].map((journal) => ({
      journal,
      from: 1,
      head: 12,
      checked: 12,
      bad: null,
    })),
  });
  expect(seen).toEqual([12, 12]);
  await verifyAndUndo();
});

describe('the first bad position is named when', () => {
  test.each([
    ['data', `data = '{"name":"7  é"}'`],
    ['a space in the data', `data = '{"name": "6 é"}'`],
    ['meta', `meta = '{}'`],
    ['the type', `type = 'incident.declared'`],
    ['the schema', 'schema = 2'],
    ['the stream', `stream = 'control:9'`],
    ['the version', 'version = 40'],
    ['the id', 'event_id = gen_random_uuid()'],
    ['when it happened', `occurred_at = occurred_at + interval '1 ms'`],
    ['when it was recorded', `recorded_at = recorded_at + interval '1 ms'`],
    ['the hash', `hash = sha256(hash)`],
  ])('%s was changed', async (_, change) => {
    await tamper(`update log.events set ${change} where journal = 'control' and position = 7`);
    const report = await verifyAndUndo();
    expect(report.ok).toBe(false);
    expect(report.journals.map(({ journal, bad }) => [journal, bad?.position])).toEqual([
      ['control', 7],
      ['measurement-00', undefined],
    ]);
  });

  test('an event was removed', async () => {
    await tamper(`delete from log.events where journal = 'control' and position = 6`);
    expect((await verifyAndUndo()).journals[0]!.bad).toEqual({ position: 6, reason: 'missing' });
  });

  test('the newest were removed', async () => {
    await tamper(`delete from log.events where journal = 'control' and position >= 11`);
    expect((await verifyAndUndo()).journals[0]!.bad).toEqual({ position: 11, reason: 'missing' });
  });

  test('the newest were removed and the head was turned back', async () => {
    await tamper(`delete from log.events where journal = 'control' and position >= 12;
                  update log.head set position = 11 where journal = 'control'`);
    expect((await verifyAndUndo()).journals[0]!.bad?.position).toBe(11);
  });

  test('two were exchanged', async () => {
    await tamper(`update log.events set position = 13 where journal = 'control' and position = 8;
                  update log.events set position = 8 where journal = 'control' and position = 9;
                  update log.events set position = 9 where journal = 'control' and position = 13`);
    expect((await verifyAndUndo()).journals[0]!.bad?.position).toBe(8);
  });

  test('one was put behind the head', async () => {
    await tamper(`insert into log.events select journal, 13, event_id, stream, 99, type, schema, data, meta,
                  occurred_at, recorded_at, hash from log.events where journal = 'control' and position = 12`);
    expect((await verifyAndUndo()).journals[0]!.bad).toEqual({ position: 13, reason: 'beyond the head' });
  });

  test('the hash kept for a segment was changed', async () => {
    await tamper(
      `update log.segments set last_hash = sha256('') where journal = 'control' and end_position = 6`,
    );
    expect((await verifyAndUndo()).journals[0]!.bad?.position).toBe(5);
  });
});

test('an unknown journal is not fine', async () => {
  await admin.query('rollback');
  await expect(log.verify({ journals: ['nowhere'] })).rejects.toThrow('nowhere');
});
