import { createDatabase, type TestDatabase } from '@bellwether/testing';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import { type AppendRequest, CommandConflict, EventLog, migrate, TogetherRefused } from './index.js';
import { event } from './testing/events.fixture.js';

// Generous: the machine may be busy with other tests.
jest.setTimeout(60_000);

const JOURNALS = ['a', 'b', 'c'];

let database: TestDatabase;
let log: EventLog;
let other: EventLog;

beforeAll(async () => {
  database = await createDatabase();
  await migrate(database.url, { journals: JOURNALS });
  log = EventLog.open({ connectionString: database.url });
  other = EventLog.open({ connectionString: database.url });
}, 60_000);

afterAll(async () => {
  await log?.close();
  await other?.close();
  await database?.drop();
});

/** A command for a journal, with its content. */
const request = (journal: string, command: string, content = 'x'): AppendRequest => ({
  journal,
  stream: `${journal}:together`,
  expectedVersion: 'any',
  events: [event(), event()],
  commandId: command,
  commandHash: content,
});

const heads = async () => Object.fromEntries(await log.heads());

test('requests for several journals are appended together, in the order of none', async () => {
  const appended: [string, number][] = [];
  const telling = EventLog.open({
    connectionString: database.url,
    onAppended: (...told) => appended.push(told),
  });
  const before = await heads();
  const results = await telling.appendTogether([
    request('c', 'first-c'),
    request('a', 'first-a'),
    request('c', 'more-c'),
  ]);
  const after = await heads();
  expect(results.map(({ firstPosition, lastPosition }) => [firstPosition, lastPosition])).toEqual([
    [before.c! + 1, before.c! + 2],
    [before.a! + 1, before.a! + 2],
    [before.c! + 3, before.c! + 4],
  ]);
  expect(after).toEqual({ a: before.a! + 2, b: before.b!, c: before.c! + 4 });
  expect(appended).toEqual([
    ['a', after.a],
    ['c', after.c],
  ]);
  await telling.close();
});

test('a command that was appended before answers as it did then', async () => {
  const [one] = await log.appendTogether([request('b', 'known')]);
  const [again, fresh] = await log.appendTogether([request('b', 'known'), request('a', 'fresh')]);
  expect(again).toEqual({ ...one, duplicate: true });
  expect(fresh).toMatchObject({ duplicate: false });
  expect(await log.append(request('a', 'fresh'))).toEqual({ ...fresh, duplicate: true });
});

test('nothing of them is there when one is refused, which is named', async () => {
  await log.append(request('b', 'taken'));
  const before = await heads();
  const refused = log.appendTogether([
    request('c', 'c-1'),
    request('a', 'a-1'),
    request('b', 'taken', 'otherwise'),
  ]);
  await expect(refused).rejects.toThrow(TogetherRefused);
  await expect(refused).rejects.toMatchObject({ index: 2, cause: expect.any(CommandConflict) });
  expect(await heads()).toEqual(before);
  expect(await log.recordedCommand('a-1')).toBeNull();
  // Positions that were given back are given out again: there is no gap.
  const [next] = await log.appendTogether([request('c', 'c-1')]);
  expect(next?.firstPosition).toBe(before.c! + 1);
});

test('what takes the same commands for other journals at the same time waits for nobody for ever', async () => {
  for (let round = 0; round < 10; round += 1) {
    const [x, y] = [`x-${round}`, `y-${round}`];
    const outcomes = await Promise.allSettled([
      log.appendTogether([request('a', x), request('b', y), request('c', `one-${round}`)]),
      other.appendTogether([request('c', `two-${round}`), request('a', y), request('b', x)]),
      log.append(request('c', x, 'single')),
    ]);
    const taken = outcomes.map(({ status }) => status === 'fulfilled');
    expect(taken.filter(Boolean)).toHaveLength(1);
    const there = async (command: string) => (await log.recordedCommand(command)) !== null;
    expect([await there(`one-${round}`), await there(`two-${round}`)]).toEqual(taken.slice(0, 2));
  }
  expect(await log.verify({ expected: JOURNALS })).toMatchObject({ ok: true });
});

test('each is there whole and once, though connections are cut at any moment', async () => {
  const admin = new pg.Client(database.url);
  await admin.connect();
  // With each that is done the next ones are cut, wherever they are.
  const cut = () =>
    admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and random() < 0.5`,
    );
  const cuts: Promise<unknown>[] = [];
  const done = await Promise.all(
    Array.from({ length: 60 }, async (_, i) => {
      const requests = [request('b', `cut-b-${i}`), request('a', `cut-a-${i}`)];
      const results = await (i % 2 === 0 ? log : other).appendTogether(requests);
      cuts.push(cut());
      return { i, results };
    }),
  );
  await Promise.all(cuts);
  await admin.end();
  for (const { i, results } of done) {
    expect([i, results.map(({ duplicate }) => duplicate)]).toEqual([i, [false, false]]);
  }
  const ids = done.flatMap(({ results }) => results.flatMap(({ events }) => events.map(({ id }) => id)));
  const recorded = await Promise.all(['a', 'b'].map((journal) => log.readJournal(journal, { after: 0 })));
  const all = recorded.flat().map(({ id }) => id);
  expect(ids.filter((id) => all.filter((each) => each === id).length !== 1)).toEqual([]);
  expect(await log.verify({ expected: JOURNALS })).toMatchObject({ ok: true });
});

test('whoever has waited as long as those ahead may is not made to wait as long again', async () => {
  const away = EventLog.open({
    connectionString: 'postgres://nobody@127.0.0.1:1/none',
    retryForMs: 0,
  });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 50 }, (_, i) => away.appendTogether([request('a', `away-${i}`)])),
  );
  expect(
    new Set(outcomes.map((each) => (each.status === 'rejected' ? each.reason.name : each.status))),
  ).toEqual(new Set(['LogUnavailable']));
  // The first of them asked, for as long as it may; the others had waited for it.
  const asked = outcomes.filter((each) => each.status === 'rejected' && each.reason.cause !== undefined);
  expect(asked).toHaveLength(1);
  await away.close();
});

test('more than may wait is refused at once', async () => {
  const small = EventLog.open({ connectionString: database.url, maxWaitingCharacters: 10 });
  const outcomes = await Promise.allSettled([
    small.appendTogether([request('a', 'room-1')]),
    small.appendTogether([request('a', 'room-2')]),
  ]);
  expect(outcomes).toMatchObject([
    { status: 'fulfilled' },
    { status: 'rejected', reason: { name: 'Overloaded' } },
  ]);
  await small.close();
});

test('each has a command id, and none has that of another', async () => {
  const { commandId: _, ...without } = request('a', 'x');
  await expect(log.appendTogether([without])).rejects.toThrow(RangeError);
  await expect(log.appendTogether([request('a', 'same'), request('b', 'same')])).rejects.toThrow(RangeError);
  expect(await log.appendTogether([])).toEqual([]);
});
