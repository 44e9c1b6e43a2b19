import { createDatabase, type TestDatabase } from '@bellwether/testing';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { EventLog } from './index.js';
import { event } from './testing/events.fixture.js';

jest.setTimeout(60_000);

let database: TestDatabase;
let log: EventLog;
beforeAll(async () => {
  database = await createDatabase({ migrate: true });
  log = EventLog.open({ connectionString: database.url });
});
afterAll(async () => {
  await log?.close();
  await database?.drop();
});

test('a command is found with what it led to, and only after it was carried out', async () => {
  expect(await log.recordedCommand('http:user:ada:1')).toBeNull();
  await log.append({
    journal: 'control',
    stream: 'incident:A',
    expectedVersion: 'any',
    events: [event('a')],
  });
  const { lastPosition } = await log.append({
    journal: 'control',
    stream: 'incident:A',
    expectedVersion: 'any',
    events: [event('b'), event('c')],
    commandId: 'http:user:ada:1',
    commandHash: 'of the request',
  });
  expect(await log.recordedCommand('http:user:ada:1')).toEqual({
    hash: 'of the request',
    journal: 'control',
    lastPosition,
    version: 3,
  });
});

test('the hashes of many commands are looked up at once, in whichever journal they are', async () => {
  const append = (journal: string, stream: string, commandId: string, commandHash?: string) =>
    log.append({
      journal,
      stream,
      expectedVersion: 'any',
      events: [event()],
      commandId,
      ...(commandHash === undefined ? {} : { commandHash }),
    });
  await append('control', 'incident:B', 'reaction:1');
  await append('measurement-03', 'measurement:a/b', 'measurement:1', 'abc');
  expect(await log.commandHashes(['reaction:1', 'measurement:1', 'measurement:2'])).toEqual(
    new Map([
      ['reaction:1', null],
      ['measurement:1', 'abc'],
    ]),
  );
  expect(await log.commandHashes([])).toEqual(new Map());
});
