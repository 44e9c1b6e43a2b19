import { createDatabase, type TestDatabase, temporaryFolder } from '@bellwether/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import { chainHash, hashedEvent, STORED_COLUMNS, type StoredRow } from './chain.js';
import { archiveSegments, EventLog, migrate, type VerifyOptions } from './index.js';
import { asText } from './rows.js';
import { event } from './testing/events.fixture.js';

// Generous: the machine may be busy with other tests.
jest.setTimeout(60_000);

let database: TestDatabase;
let log: EventLog;
let admin: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  await migrate(database.url, { journals: expected, segmentSize: 5 });
  log = EventLog.open({ connectionString: database.url });
  admin = new pg.Client(database.url);
  await admin.connect();
  for (const journal of expected) {
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

const expected = ['control', 'measurement-00'];

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
async function verifyAndUndo(options: VerifyOptions = { expected }) {
  const { verifyLog } = await import('./verify.js');
  try {
    return await verifyLog(admin as unknown as pg.Pool, options);
  } finally {
    await admin.query('rollback');
  }
}

test('an untouched log verifies', async () => {
  const seen: number[] = [];
  const report = await log.verify({ expected, onProgress: ({ position }) => seen.push(position) });
  expect(report).toEqual({
    ok: true,
    journals: expected.map((journal) => ({
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

  test('one was recorded before the one before it, by who could make its hash', async () => {
    const { rows } = await admin.query<StoredRow>({
      text: `select ${STORED_COLUMNS} from log.events where journal = 'control' and position > 10 order by position`,
      rowMode: 'array',
      types: asText,
    });
    const [before, last] = rows as [StoredRow, StoredRow];
    const recordedAt = new Date('2020-01-01T00:00:00.000Z');
    const forged = chainHash(Buffer.from(before[10]!, 'hex'), {
      ...hashedEvent('control', last),
      recordedAt,
    });
    const hash = `decode('${forged.toString('hex')}', 'hex')`;
    await tamper(`update log.events set recorded_at = '${recordedAt.toISOString()}', hash = ${hash}
                   where journal = 'control' and position = 12;
                  update log.head set hash = ${hash} where journal = 'control'`);
    expect((await verifyAndUndo()).journals[0]!.bad).toEqual({
      position: 12,
      reason: 'recorded before the event before it',
    });
  });

  test('the hash kept for a segment was changed', async () => {
    await tamper(
      `update log.segments set last_hash = sha256('') where journal = 'control' and end_position = 6`,
    );
    expect((await verifyAndUndo()).journals[0]!.bad?.position).toBe(5);
  });
});

describe('a journal whose head is gone is not fine', () => {
  const headless = { ok: false, bad: { position: 1, reason: 'the journal has no head' } };

  test('whether all heads are, or one', async () => {
    await admin.query('truncate log.head cascade');
    const none = await verifyAndUndo();
    expect({ ok: none.ok, bad: none.journals[1]!.bad }).toEqual(headless);
    expect(none.journals.map(({ journal }) => journal)).toEqual(expected);

    await admin.query('begin');
    await admin.query(`delete from log.segments where journal = 'control';
                       delete from log.head where journal = 'control'`);
    const one = await verifyAndUndo();
    expect({ ok: one.ok, bad: one.journals[0]!.bad }).toEqual(headless);
    expect(one.journals[1]!.bad).toBeNull();
  });

  test('though the contracts do not know it', async () => {
    await admin.query('truncate log.head cascade');
    const { journals } = await verifyAndUndo({ expected: [] });
    expect(journals.map(({ journal, bad }) => [journal, bad])).toEqual(
      expected.map((journal) => [journal, headless.bad]),
    );
  });

  test('though nothing of it is left', async () => {
    const { ok, journals } = await verifyAndUndo({});
    expect(ok).toBe(false);
    expect(journals).toHaveLength(17);
    expect(journals.find(({ journal }) => journal === 'measurement-15')!.bad).toEqual(headless.bad);
  });
});

test('an unknown journal is not fine', async () => {
  await admin.query('rollback');
  await expect(log.verify({ journals: ['nowhere'] })).rejects.toThrow('nowhere');
});

test('what is archived while it runs is not missing', async () => {
  await admin.query('rollback');
  const directory = temporaryFolder('verify');
  const { verifyLog } = await import('./verify.js');
  // Where the log is archived already is asked for before the first page is.
  let archived = 0;
  const pool = {
    async query(query: pg.QueryConfig | string, values?: unknown[]) {
      const text = typeof query === 'string' ? query : query.text;
      if (text.startsWith(`select ${STORED_COLUMNS}`) && archived === 0) {
        archived = (await archiveSegments(database.url, { before: new Date(), directory })).length;
      }
      return await admin.query(query as string, values);
    },
  } as unknown as pg.Pool;
  expect(await verifyLog(pool, { journals: ['measurement-00'], expected })).toEqual({
    ok: true,
    journals: [{ journal: 'measurement-00', from: 11, head: 12, checked: 2, bad: null }],
  });
  expect(archived).toBe(2);
});
