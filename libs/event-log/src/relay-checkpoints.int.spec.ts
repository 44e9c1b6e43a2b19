import { createDatabase, type TestDatabase } from '@bellwether/testing';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { EventLog, type Leadership } from './index.js';
import { RelayCheckpoints, RelaySuperseded } from './relay-checkpoints.js';

// Generous: the machine may be busy with other tests.
jest.setTimeout(60_000);

let database: TestDatabase;
let log: EventLog;
let checkpoints: RelayCheckpoints;

beforeAll(async () => {
  database = await createDatabase({ migrate: true });
  log = EventLog.open({ connectionString: database.url });
  const session: Pick<Leadership, 'query'> = { query: (query) => log.pool.query(query) };
  checkpoints = new RelayCheckpoints(session, 'relay');
}, 60_000);

afterAll(async () => {
  await log?.close();
  await database?.drop();
});

test('a checkpoint goes on from where it is', async () => {
  expect(await checkpoints.load('control')).toBeNull();
  await checkpoints.reset('control', { position: 5, incarnation: 'first' });
  await checkpoints.advance('control', 'first', 5, 9);
  expect(await checkpoints.load('control')).toEqual({ position: 9, incarnation: 'first' });
});

test.each([
  ['another position', 'first', 4],
  ['another copy, though its position is the same', 'other', 5],
])('one at %s was moved by another relay, and is left alone', async (_, incarnation, from) => {
  await checkpoints.reset('control', { position: 5, incarnation: 'first' });
  await expect(checkpoints.advance('control', incarnation, from, 9)).rejects.toThrow(RelaySuperseded);
  expect(await checkpoints.load('control')).toEqual({ position: 5, incarnation: 'first' });
});
