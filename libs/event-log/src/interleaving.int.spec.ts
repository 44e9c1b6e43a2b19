import { createDatabase, type TestDatabase } from '@bellwether/testing';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EventLog, migrate, type RecordedEvent, VersionConflict } from './index.js';
import { event, positions } from './testing/events.fixture.js';

let database: TestDatabase;
let round = 0;
const JOURNALS = ['control', 'measurement-00'];

beforeAll(async () => {
  database = await createDatabase();
  await migrate(database.url, { journals: JOURNALS, segmentSize: 50 });
}, 60_000);

afterAll(() => database?.drop());

/** What one writer does, one after the other: append so many events to that stream, knowing its version or not. */
interface Step {
  journal: string;
  stream: number;
  events: number;
  checked: boolean;
  command: number | undefined;
}

const step: fc.Arbitrary<Step> = fc.record({
  journal: fc.constantFrom(...JOURNALS),
  stream: fc.integer({ min: 0, max: 3 }),
  events: fc.integer({ min: 1, max: 4 }),
  checked: fc.boolean(),
  command: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
});
const writers = fc.array(fc.array(step, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 8 });

interface Seen {
  id: string;
  position: number;
  version: number;
}

async function write(log: EventLog, name: string, steps: Step[]): Promise<Seen[]> {
  const written: Seen[] = [];
  for (const { journal, stream, events, checked, command } of steps) {
    const streamName = `${name}:${journal}:${stream}`;
    const request = {
      journal,
      stream: streamName,
      events: Array.from({ length: events }, () => event()),
      ...(command === undefined ? {} : { commandId: `${streamName}:${command}` }),
    };
    for (;;) {
      const expectedVersion = checked ? await log.streamVersion(streamName) : ('any' as const);
      try {
        const result = await log.append({ ...request, expectedVersion });
        if (!result.duplicate) written.push(...result.events);
        break;
      } catch (error) {
        if (!(error instanceof VersionConflict)) throw error;
      }
    }
  }
  return written;
}

/** Reads along until a position, page by page of any size, as a subscriber does. */
async function follow(
  log: EventLog,
  journal: string,
  after: number,
  until: Promise<number>,
): Promise<RecordedEvent[]> {
  const over = new AbortController();
  const seen: RecordedEvent[] = [];
  let last = Number.POSITIVE_INFINITY;
  const look = () => {
    if ((seen.at(-1)?.position ?? after) >= last) over.abort();
  };
  void until.then((position) => {
    last = position;
    look();
    log.nudge(journal);
  });
  for await (const page of log.follow(journal, { after, signal: over.signal, pollMs: 20, batch: 7 })) {
    seen.push(...page);
    look();
  }
  return seen;
}

test('N writers over M streams, in any interleaving: dense positions, dense versions, each reader sees each event once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(writers, fc.integer({ min: 1, max: 3 }), async (plan, processes) => {
      round += 1;
      const name = `r${round}`;
      // Each has appenders of its own, as each process has.
      const logs = Array.from({ length: processes }, () =>
        EventLog.open({ connectionString: database.url, poolSize: 4 }),
      );
      try {
        const reader = logs[0]!;
        const before = await Promise.all(
          JOURNALS.map(async (journal) => (await reader.head(journal)).position),
        );
        const done = Promise.withResolvers<void>();
        const reading = JOURNALS.map((journal, i) =>
          follow(
            logs.at(-1)!,
            journal,
            before[i]!,
            done.promise.then(async () => (await reader.head(journal)).position),
          ),
        );
        const written = (
          await Promise.all(plan.map((steps, i) => write(logs[i % processes]!, name, steps)))
        ).flat();
        done.resolve();
        const read = await Promise.all(reading);
        for (const [i, journal] of JOURNALS.entries()) {
          const head = await reader.head(journal);
          const dense = Array.from({ length: head.position - before[i]! }, (_, n) => before[i]! + n + 1);
          expect(positions(read[i]!)).toEqual(dense);
          expect(head.recordedAt ?? null).toEqual(read[i]!.at(-1)?.recordedAt ?? head.recordedAt ?? null);
          const versions = new Map<string, number>();
          for (const recorded of read[i]!) {
            expect(recorded.version).toBe((versions.get(recorded.stream) ?? 0) + 1);
            versions.set(recorded.stream, recorded.version);
          }
          for (const [stream, version] of versions) {
            expect(await reader.streamVersion(stream)).toBe(version);
            expect((await reader.readStream(stream)).map((e) => e.version)).toEqual(
              Array.from({ length: version }, (_, n) => n + 1),
            );
          }
        }
        // What callers were told is what is there, no more and no less.
        const told = written.map(({ id, position, version }) => `${id} ${position} ${version}`).sort();
        const there = read
          .flat()
          .map(({ id, position, version }) => `${id} ${position} ${version}`)
          .sort();
        expect(told).toEqual(there);
        const commands = await reader.pool.query<{ twice: number }>(
          `select count(*) - count(distinct command_id) as twice from log.commands where command_id like $1`,
          [`${name}:%`],
        );
        expect(Number(commands.rows[0]!.twice)).toBe(0);
      } finally {
        await Promise.all(logs.map((log) => log.close()));
      }
    }),
    { numRuns: 25 },
  );
  const log = EventLog.open({ connectionString: database.url });
  expect((await log.verify({ expected: JOURNALS })).ok).toBe(true);
  await log.close();
}, 120_000);

test('a reader never sees past an append that has not committed, and a rolled-back one gives its positions back', async () => {
  const log = EventLog.open({ connectionString: database.url });
  const other = await log.pool.connect();
  const before = (await log.head('control')).position;
  // An append by hand, left open: the journal is locked, others wait, readers do not.
  await other.query('begin');
  await other.query(
    `select log.append('control', gen_random_uuid(), 1, null, array['open:1'], array[1], array[-1]::bigint[], array[1],
       null, null, null, null, null, array[gen_random_uuid()::text], array['t'], array[1], array['{}'], array['{}'],
       array['2026-01-01T00:00:00.000Z'])`,
  );
  const waiting = log.append({
    journal: 'control',
    stream: 'open:2',
    expectedVersion: 'any',
    events: [event()],
  });
  expect(await log.readJournal('control', { after: before })).toEqual([]);
  await other.query('rollback');
  other.release();
  expect((await waiting).firstPosition).toBe(before + 1);
  expect(await log.streamVersion('open:1')).toBe(0);
  expect((await log.verify({ expected: JOURNALS })).ok).toBe(true);
  await log.close();
});
