import { createDatabase, RecordingTracer, type TestDatabase } from '@bellwether/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { EventLog, StreamMissing } from './index.js';
import { event } from './testing/events.fixture.js';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let database: TestDatabase;
let log: EventLog;
let tracer: RecordingTracer;

beforeAll(async () => {
  database = await createDatabase({ migrate: true });
});
beforeEach(async () => {
  await log?.close();
  tracer = new RecordingTracer();
  log = EventLog.open({ connectionString: database.url, tracer });
});
afterAll(async () => {
  await log?.close();
  await database?.drop();
});

const traced = (name?: string) => {
  const given = event(name);
  return { ...given, meta: { ...given.meta, traceparent } };
};

test('an append is a span of the trace of its events, which follow from it', async () => {
  const { lastPosition } = await log.append({
    journal: 'control',
    stream: 'incident:A',
    expectedVersion: 'no-stream',
    events: [traced('a'), traced('b')],
    commandId: 'once',
  });
  const [span] = tracer.spans;
  expect(span).toMatchObject({
    name: `append ${traced().type}`,
    kind: 'client',
    parent: traceparent,
    attributes: {
      'db.system.name': 'postgresql',
      'bellwether.journal': 'control',
      'bellwether.stream': 'incident:A',
      'bellwether.events': 2,
    },
    outcome: { attributes: { 'bellwether.position': lastPosition, 'bellwether.duplicate': false } },
  });
  const recorded = await log.readStream('incident:A');
  expect(recorded.map(({ meta }) => meta.traceparent)).toEqual([span?.traceparent, span?.traceparent]);
});

test('a repeat is a span of its own, and leaves the record as it was', async () => {
  const request = {
    journal: 'control',
    stream: 'incident:B',
    expectedVersion: 'any' as const,
    commandId: 'twice',
  };
  await log.append({ ...request, events: [traced()] });
  await log.append({ ...request, events: [traced()] });
  const [first, second] = tracer.spans;
  expect(second?.outcome).toMatchObject({ attributes: { 'bellwether.duplicate': true } });
  expect((await log.readStream('incident:B')).map(({ meta }) => meta.traceparent)).toEqual([
    first?.traceparent,
  ]);
});

test('one that is refused says why', async () => {
  await expect(
    log.append({ journal: 'control', stream: 'incident:C', expectedVersion: 7, events: [traced()] }),
  ).rejects.toThrow(StreamMissing);
  expect(tracer.spans[0]?.outcome?.error).toBeInstanceOf(StreamMissing);
});
