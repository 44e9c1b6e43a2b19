import { createDatabase, type TestDatabase } from '@bellwether/testing';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Registry } from 'prom-client';
import {
  CommandConflict,
  EventLog,
  type NewEvent,
  Overloaded,
  RequirementFailed,
  StaleVersion,
  StreamElsewhere,
  StreamExists,
  StreamMissing,
  UnknownJournal,
  UnstorableEvent,
} from './index.js';
import { event, positions } from './testing/events.fixture.js';

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

const append = (stream: string, expectedVersion: 'any' | 'no-stream' | 'stream-exists' | number, more = {}) =>
  log.append({ journal: 'control', stream, expectedVersion, events: [event()], ...more });

test('its sessions say whose they are', async () => {
  const named = EventLog.open({ connectionString: database.url, name: 'ingest' });
  const { rows } = await named.pool.query("select current_setting('application_name') as name");
  await named.close();
  expect(rows).toEqual([{ name: 'bellwether ingest' }]);
});

describe('what comes back', () => {
  test('positions are dense over the journal, versions over the stream', async () => {
    const before = await log.head('control');
    const first = await append('incident:A', 'no-stream', { events: [event('a'), event('b')] });
    const second = await append('incident:B', 'no-stream');
    const third = await append('incident:A', 2);
    expect(first).toMatchObject({
      firstPosition: before.position + 1,
      lastPosition: before.position + 2,
      version: 2,
      duplicate: false,
    });
    expect([second.firstPosition, third.firstPosition]).toEqual([before.position + 3, before.position + 4]);
    expect([second.version, third.version]).toEqual([1, 3]);
    expect(first.events.map(({ position, version }) => [position, version])).toEqual([
      [before.position + 1, 1],
      [before.position + 2, 2],
    ]);
    expect(await log.streamVersion('incident:A')).toBe(3);
  });

  test('what was appended is what is read', async () => {
    const given: NewEvent = {
      id: '0198C3F0-0000-7000-8000-0000000000AB',
      type: 'incident.note-added',
      schema: 3,
      data: { text: 'café ☕ 🔥 "quoted" \\u0000 as text', nested: { n: 1.5, list: [null, true] } },
      meta: {
        correlationId: 'c',
        causationId: 'b',
        actor: 'user:ada',
        source: '/bellwether/incident',
        traceparent: '00-1-2-01',
      },
      occurredAt: new Date('2026-02-03T04:05:06.007Z'),
    };
    const { firstPosition } = await append('incident:read', 'no-stream', { events: [given] });
    const [read] = await log.readStream('incident:read');
    expect(read).toEqual({
      journal: 'control',
      position: firstPosition,
      id: given.id!.toLowerCase(),
      stream: 'incident:read',
      version: 1,
      type: given.type,
      schema: 3,
      data: given.data,
      meta: given.meta,
      occurredAt: given.occurredAt,
      recordedAt: expect.any(Date),
    });
    expect(await log.readAt('control', firstPosition)).toEqual(read);
    expect(await log.readAt('control', firstPosition + 1_000)).toBeNull();
    expect(await log.readPositions('control', [firstPosition + 1_000, firstPosition])).toEqual([read]);
    expect(await log.readPositions('control', [])).toEqual([]);
  });
});

describe('an expected version', () => {
  test('that is stale is refused with what it is', async () => {
    await append('slo:stale', 'no-stream');
    const error = await append('slo:stale', 4).catch((e) => e);
    expect(error).toBeInstanceOf(StaleVersion);
    expect(error).toMatchObject({ name: 'StaleVersion', stream: 'slo:stale', expected: 4, actual: 1 });
  });

  test('of none is refused where there is a stream, as number 0 is', async () => {
    await append('slo:exists', 'no-stream');
    await expect(append('slo:exists', 'no-stream')).rejects.toThrow(StreamExists);
    await expect(append('slo:exists', 0)).rejects.toThrow(StreamExists);
  });

  test('of some is refused where there is none', async () => {
    await expect(append('slo:none', 'stream-exists')).rejects.toThrow(StreamMissing);
    await expect(append('slo:none', 2)).rejects.toThrow(StreamMissing);
    expect(await log.readStream('slo:none')).toEqual([]);
  });

  test('below 0 is a mistake of the caller, not "any"', async () => {
    await expect(append('slo:negative', -1)).rejects.toThrow(RangeError);
  });

  test('"any" and "stream-exists" take what is there', async () => {
    await append('slo:any', 'any');
    await append('slo:any', 'any');
    expect((await append('slo:any', 'stream-exists')).version).toBe(3);
  });
});

describe('requirements', () => {
  test('hold over streams: an incident number follows the one before it', async () => {
    await append('incident:INC-1', 'no-stream', {
      require: [{ stream: 'incident:INC-0', version: 'no-stream' }],
    });
    await append('incident:INC-2', 'no-stream', { require: [{ stream: 'incident:INC-1', version: 1 }] });
    const error = await append('incident:INC-4', 'no-stream', {
      require: [
        { stream: 'incident:INC-2', version: 1 },
        { stream: 'incident:INC-3', version: 1 },
      ],
    }).catch((e) => e);
    expect(error).toBeInstanceOf(RequirementFailed);
    expect(error).toMatchObject({ stream: 'incident:INC-3', expected: 1, actual: 0 });
    expect(await log.streamVersion('incident:INC-4')).toBe(0);
  });

  test('see what the same batch has appended before', async () => {
    const results = await Promise.allSettled([
      append('page:r', 'no-stream'),
      append('page:s', 'no-stream', { require: [{ stream: 'page:r', version: 1 }] }),
      append('page:t', 'no-stream', { require: [{ stream: 'page:r', version: 'no-stream' }] }),
    ]);
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  });

  test('do not reach into another journal, whose lock is not held', async () => {
    await log.append({ journal: 'measurement-01', stream: 'm:1', expectedVersion: 'any', events: [event()] });
    await expect(append('page:u', 'any', { require: [{ stream: 'm:1', version: 1 }] })).rejects.toThrow(
      StreamElsewhere,
    );
    await expect(append('m:1', 'any')).rejects.toThrow(StreamElsewhere);
  });
});

describe('a command', () => {
  test('given again answers the first result and appends nothing', async () => {
    const first = await append('incident:cmd', 'no-stream', { commandId: 'c1', events: [event(), event()] });
    const again = await append('incident:cmd', 'no-stream', { commandId: 'c1', events: [event(), event()] });
    expect(again).toEqual({ ...first, duplicate: true });
    expect(await log.streamVersion('incident:cmd')).toBe(2);
  });

  test('twice at once is appended once', async () => {
    const results = await Promise.all(
      Array.from({ length: 5 }, () => append('incident:twice', 'no-stream', { commandId: 'c2' })),
    );
    expect(results.filter((result) => !result.duplicate)).toHaveLength(1);
    expect(new Set(results.map((result) => result.firstPosition)).size).toBe(1);
  });

  test('with another content is a conflict; without a hash it is the same command', async () => {
    await append('incident:hash', 'no-stream', { commandId: 'c3', commandHash: 'one' });
    await expect(append('incident:hash', 'any', { commandId: 'c3', commandHash: 'two' })).rejects.toThrow(
      CommandConflict,
    );
    expect((await append('incident:hash', 'any', { commandId: 'c3', commandHash: 'one' })).duplicate).toBe(
      true,
    );
    expect((await append('incident:hash', 'any', { commandId: 'c3' })).duplicate).toBe(true);
  });

  test('taken by another journal at the same moment is a conflict', async () => {
    const other = { journal: 'measurement-02', stream: 'm:2', expectedVersion: 'any' as const };
    const results = await Promise.allSettled([
      log.append({ ...other, events: [event()], commandId: 'c4' }),
      append('incident:c4', 'any', { commandId: 'c4' }),
    ]);
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = results.find((result) => result.status === 'rejected')!;
    expect(refused.reason).toBeInstanceOf(CommandConflict);
  });
});

describe('in a batch', () => {
  test('one conflict fails one caller', async () => {
    await append('slo:batch', 'no-stream');
    const before = await log.head('control');
    const results = await Promise.allSettled([
      append('slo:batch', 1),
      append('slo:batch', 1),
      append('slo:batch', 2),
      append('slo:batch', 'no-stream'),
      append('slo:batch-other', 'no-stream'),
    ]);
    expect(results.map((result) => result.status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    const added = await log.readJournal('control', { after: before.position });
    expect(positions(added)).toEqual([1, 2, 3].map((n) => before.position + n));
  });

  test('a refusal at its start shifts nothing', async () => {
    const [refused, first, second] = await Promise.allSettled([
      append('slo:shift', 7, { events: [event(), event()] }),
      append('slo:shift', 'no-stream', { events: [event('one'), event('two')], commandId: 'shift' }),
      append('slo:shift-other', 'no-stream', { events: [event('three')] }),
    ]);
    expect([refused!.status, first!.status, second!.status]).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect((await log.readStream('slo:shift')).map((read) => read.data)).toEqual([
      { name: 'one' },
      { name: 'two' },
    ]);
    const again = await append('slo:shift', 'any', { commandId: 'shift' });
    expect(again.events).toEqual((first as PromiseFulfilledResult<typeof again>).value.events);
  });

  test('data that the database refuses fails its caller alone', async () => {
    // Over the 2704 bytes of an index row, however well it compresses is not known before it is tried.
    const long = `slo:${Array.from({ length: 1000 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7919) % 20_000))).join('')}`;
    const results = await Promise.allSettled(
      Array.from({ length: 9 }, (_, i) => append(i === 4 ? long : `slo:bisect-${i}`, 'no-stream')),
    );
    expect(results.map((result) => result.status === 'fulfilled')).toEqual(
      Array.from({ length: 9 }, (_, i) => i !== 4),
    );
    const refused = results[4] as PromiseRejectedResult;
    expect(refused.reason).toBeInstanceOf(UnstorableEvent);
    expect((await log.verify({ journals: ['control'] })).ok).toBe(true);
  });
});

describe('what cannot be stored', () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  test.each([
    ['NUL in the data', { data: { text: 'a\0b' } }],
    ['a lone surrogate in the data', { data: { text: 'a\ud800b' } }],
    ['a lone surrogate after a backslash', { data: { text: '\\\ud800' } }],
    ['NUL in a key', { data: { 'a\0': 1 } }],
    ['no data', { data: undefined }],
    ['a circle', { data: circular }],
    ['a big integer', { data: { n: 1n } }],
    ['NUL in the type', { type: 'a\0' }],
    ['a line break in the type', { type: 'a\nb' }],
    ['no type', { type: '' }],
    ['no time', { occurredAt: new Date(Number.NaN) }],
    ['a time before the calendar', { occurredAt: new Date(-8.64e15) }],
    ['schema 0', { schema: 0 }],
    ['no UUID', { id: 'INC-1' }],
  ])('%s', async (_, wrong) => {
    const before = await log.head('control');
    await expect(
      append('slo:unstorable', 'any', { events: [{ ...event(), ...wrong } as NewEvent] }),
    ).rejects.toThrow(UnstorableEvent);
    expect(await log.head('control')).toEqual(before);
  });

  test('no event at all, or a stream without a name', async () => {
    await expect(append('slo:empty', 'any', { events: [] })).rejects.toThrow(UnstorableEvent);
    await expect(append('', 'any')).rejects.toThrow(UnstorableEvent);
  });

  test('an unknown journal', async () => {
    await expect(
      log.append({ journal: 'nowhere', stream: 's', expectedVersion: 'any', events: [event()] }),
    ).rejects.toThrow(UnknownJournal);
  });
});

test('more waiting than allowed is refused at once, and what waits is appended', async () => {
  const small = EventLog.open({ connectionString: database.url, maxWaitingEvents: 3 });
  const request = (i: number) => ({
    journal: 'control',
    stream: `slo:waiting-${i}`,
    expectedVersion: 'no-stream' as const,
    events: [event()],
  });
  const results = await Promise.allSettled(Array.from({ length: 5 }, (_, i) => small.append(request(i))));
  expect(results.map((result) => result.status)).toEqual([
    'fulfilled',
    'fulfilled',
    'fulfilled',
    'rejected',
    'rejected',
  ]);
  expect((results[4] as PromiseRejectedResult).reason).toBeInstanceOf(Overloaded);
  await small.append(request(5));
  await small.close();
  await expect(small.append(request(6))).rejects.toThrow('closed');
});

test('more characters waiting than allowed are refused the same, however few events they are', async () => {
  const small = EventLog.open({ connectionString: database.url, maxWaitingCharacters: 1000 });
  const request = (name: string) => ({
    journal: 'control',
    stream: 'slo:waiting',
    expectedVersion: 'any' as const,
    events: [event(name)],
  });
  const results = await Promise.allSettled(
    ['x'.repeat(1000), 'y'].map((name) => small.append(request(name))),
  );
  expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected']);
  expect((results[1] as PromiseRejectedResult).reason).toBeInstanceOf(Overloaded);
  await small.append(request('y'));
  await small.close();
});

test('what is counted is what was appended, and each append is timed', async () => {
  const metrics = new Registry();
  const counted = EventLog.open({ connectionString: database.url, metrics });
  const request = (more: object) =>
    counted.append({
      journal: 'control',
      stream: 'slo:counted',
      expectedVersion: 'any',
      events: [event(), event()],
      ...more,
    });
  const results = await Promise.allSettled([
    request({ commandId: 'counted' }),
    request({}),
    request({ expectedVersion: 'no-stream' }),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect((await request({ commandId: 'counted' })).duplicate).toBe(true);
  await counted.close();
  const text = await metrics.metrics();
  expect(text).toContain('event_appended_total{journal="control"} 4\n');
  expect(text).toContain('event_append_seconds_count{journal="control"} 2\n');
});

test('one request of more events than a batch goes as a batch of its own', async () => {
  const { firstPosition, lastPosition } = await append('slo:large', 'no-stream', {
    events: Array.from({ length: 2500 }, () => event()),
  });
  expect(lastPosition - firstPosition).toBe(2499);
  expect(await log.readStream('slo:large', { from: 2499 })).toHaveLength(2);
});

test('the time of recording is the given clock, and never runs backwards', async () => {
  const journal = 'measurement-03';
  const times = ['2026-03-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z', '2026-03-01T00:00:00.001Z'];
  for (const time of times) {
    const clocked = EventLog.open({ connectionString: database.url, clock: { now: () => new Date(time) } });
    await clocked.append({ journal, stream: 'm:clock', expectedVersion: 'any', events: [event()] });
    await clocked.close();
  }
  const events = await log.readJournal(journal, { after: 0 });
  expect(events.map((e) => e.recordedAt.toISOString())).toEqual([times[0], times[0], times[2]]);
  expect(await log.positionAt(journal, new Date('2026-02-28T00:00:00Z'))).toBe(0);
  expect(await log.positionAt(journal, new Date(times[0]!))).toBe(2);
  expect(await log.positionAt(journal, new Date('2027-01-01T00:00:00Z'))).toBe(3);
  const until = await log.readJournal(journal, { after: 0, recordedUntil: new Date(times[0]!) });
  expect(positions(until)).toEqual([1, 2]);
  expect(await log.readStream('m:clock', { recordedUntil: new Date(times[1]!) })).toEqual([]);
});
