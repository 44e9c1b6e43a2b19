import { randomUUID } from 'node:crypto';
import { createDatabase, type TestDatabase } from '@bellwether/testing';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { APPEND_STATEMENT, batchParameters } from './batch.js';
import { EventLog, migrate } from './index.js';
import { storable } from './storable.js';
import { event } from './testing/events.fixture.js';

// Generous: the machine may be busy with other tests.
jest.setTimeout(60_000);

let database: TestDatabase;
let log: EventLog;

beforeAll(async () => {
  database = await createDatabase();
  await migrate(database.url, { journals: ['control'] });
  log = EventLog.open({ connectionString: database.url });
}, 60_000);

afterAll(async () => {
  await log?.close();
  await database?.drop();
});

test('a batch that arrives when a later one of its appender is in the log appends nothing: it was given up', async () => {
  // What an appender sends, in the order in which a slow network can bring it: it gave the first batch up for want of
  // an answer, and told its callers so.
  const appender = randomUUID();
  const sendingOf = (number: number) => {
    const request = {
      journal: 'control',
      stream: `late:${number}`,
      expectedVersion: 'any' as const,
      events: [event()],
    };
    const batch = [{ request, events: storable(request) }];
    return () => log.pool.query(APPEND_STATEMENT, batchParameters('control', appender, number, null, batch));
  };
  const [givenUp, next] = [sendingOf(1), sendingOf(2)];
  await next();
  const head = await log.head('control');
  await expect(givenUp()).rejects.toMatchObject({ code: 'BW002' });
  expect(await log.head('control')).toEqual(head);
  expect(await log.readStream('late:1')).toEqual([]);
  // The second sending of the one that is there is still known by its number, and nobody else's is in the way.
  expect((await next()).rows).toMatchObject([{ landed: true }]);
  expect(await log.head('control')).toEqual(head);
});
