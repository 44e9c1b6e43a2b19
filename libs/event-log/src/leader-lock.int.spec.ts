import { createDatabase, eventually, type TestDatabase } from '@bellwether/testing';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { EventLog, tryToLead } from './index.js';

// Generous: the machine may be busy with other tests.
jest.setTimeout(60_000);

let database: TestDatabase;
let log: EventLog;

beforeAll(async () => {
  database = await createDatabase({ migrate: true });
  log = EventLog.open({ connectionString: database.url });
}, 60_000);

afterAll(async () => {
  await log?.close();
  await database?.drop();
});

test('one leads until it gives the lead back', async () => {
  const one = await tryToLead(log.pool, 'test');
  expect(one).not.toBeNull();
  expect(await tryToLead(log.pool, 'test')).toBeNull();
  const other = await tryToLead(log.pool, 'another name');
  expect(other).not.toBeNull();
  other!.release();
  one!.release();
  const next = await eventually(async () => {
    const leader = await tryToLead(log.pool, 'test');
    if (leader === null) throw new Error('nobody gave the lead back');
    return leader;
  });
  next.release();
});

test('a leader that hangs is ended by the server: its session says nothing for ten seconds at most', async () => {
  const leader = await tryToLead(log.pool, 'hanging');
  const { rows } = await leader!.query({ text: "select current_setting('idle_session_timeout') as after" });
  leader!.release();
  expect(rows).toEqual([{ after: '10s' }]);
});
