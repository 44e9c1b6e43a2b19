import { createDatabase, eventually, type TestDatabase } from '@bellwether/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { EventLog, migrate, type Projection, Projector, type ProjectorOptions } from './index.js';
import { event } from './testing/events.fixture.js';

// Generous: the machine may be busy with other tests.
jest.setTimeout(60_000);

let database: TestDatabase;
let log: EventLog;
let names = 0;
let name: string;
let journal: string;
let running: Projector[];

beforeAll(async () => {
  database = await createDatabase({ migrate: true });
  await migrate(database.url);
  log = EventLog.open({ connectionString: database.url });
}, 60_000);

afterAll(async () => {
  await log?.close();
  await database?.drop();
});

beforeEach(() => {
  name = `things${names}`;
  // A journal of each test's own, so that positions are small numbers.
  journal = `measurement-${String(names).padStart(2, '0')}`;
  names += 1;
  running = [];
});

afterEach(() => Promise.all(running.map((projector) => projector.stop())));

/** What an event says: a word that cannot be taken, or one that can. */
type Word = 'bad' | (string & {});

async function say(key: string, word: Word): Promise<number> {
  const { lastPosition } = await log.append({
    journal,
    stream: `${name}:${key}`,
    expectedVersion: 'any',
    events: [{ ...event(), data: { word } }],
  });
  return lastPosition;
}

/** The words of each key, in order; `bad` is refused unless that is mended. */
function things(over: Partial<Projection> & { mended?: () => boolean } = {}): Projection {
  const { mended = () => false, ...rest } = over;
  return {
    name,
    version: 1,
    journal,
    keyOf: ({ stream }) => stream.slice(name.length + 1),
    async create(tx, schema) {
      await tx.query(`create table ${schema}.things (key text primary key, words text not null)`);
    },
    async apply(tx, { stream, data }, schema) {
      const { word } = data as { word: Word };
      if (word === 'bad' && !mended()) throw new Error('cannot take it');
      await tx.query(
        `insert into ${schema}.things as t values ($1, $2)
         on conflict (key) do update set words = t.words || ' ' || excluded.words`,
        [stream.slice(name.length + 1), word],
      );
    },
    ...rest,
  };
}

async function started(projection: Projection, more: Partial<ProjectorOptions> = {}): Promise<Projector> {
  const projector = new Projector(log, { owner: 'test', projections: [projection], ...more });
  await projector.start();
  running.push(projector);
  return projector;
}

async function words(projector: Projector): Promise<Record<string, string>> {
  const { rows } = await log.pool.query<{ key: string; words: string }>(
    `select key, words from ${projector.schemaOf(name)}.things order by key`,
  );
  return Object.fromEntries(rows.map((row) => [row.key, row.words]));
}

async function tell(projector: Projector, story: [key: string, word: Word][]): Promise<void> {
  let position = 0;
  for (const [key, word] of story) position = await say(key, word);
  expect(await projector.waitFor(position, 10_000)).toBe(true);
}

test('an event that cannot be taken parks its key: its later events are passed over, all others are taken', async () => {
  const failures: unknown[] = [];
  const gauges = new Map<string, number>();
  const projector = await started(things(), {
    onError: (error, at) => failures.push([(error as Error).message, at]),
    metrics: {
      lag: () => {},
      halted: (consumer, halted) => expect([consumer, halted]).toEqual([`test-${name}`, false]),
      parked: (consumer, keys) => void gauges.set(consumer, keys),
    },
  });
  await tell(projector, [
    ['a', 'one'],
    ['b', 'one'],
    ['b', 'bad'],
    ['a', 'two'],
    ['b', 'three'],
    ['c', 'one'],
  ]);
  expect(await words(projector)).toEqual({ a: 'one two', b: 'one', c: 'one' });
  const parked = { key: 'b', position: 3, error: 'cannot take it' };
  expect(projector.state()).toEqual([{ name, version: 1, position: 6, head: 6, parked: [parked] }]);
  expect([projector.parked(name, 'b'), projector.parked(name, 'a')]).toEqual([parked, undefined]);
  expect(failures).toEqual([['cannot take it', { projection: name, position: 3, outcome: 'parked' }]]);
  expect(Object.fromEntries(gauges)).toEqual({ [`test-${name}`]: 1 });

  // Over a restart, and in another process, too: the key would else be taken up in the middle.
  const again = await started(things({ mended: () => true }));
  await tell(again, [
    ['b', 'four'],
    ['a', 'three'],
  ]);
  expect(await words(again)).toEqual({ a: 'one two three', b: 'one', c: 'one' });
  expect(again.state()[0]!.parked).toEqual([parked]);
});

test('a page with such an event has the same effect as its events one by one', async () => {
  const story: [string, Word][] = [
    ['a', 'one'],
    ['b', 'bad'],
    ['b', 'two'],
    ['a', 'two'],
    ['c', 'bad'],
    ['a', 'three'],
  ];
  for (const [key, word] of story) await say(key, word);
  const whole = await started(things());
  const single = await started({ ...things(), version: 2 }, { batch: 1 });
  expect(await words(whole)).toEqual({ a: 'one two three' });
  expect(await words(single)).toEqual(await words(whole));
  expect(single.state()[0]!.parked).toEqual(whole.state()[0]!.parked);
  expect(whole.state()[0]!.parked.map(({ key, position }) => [key, position])).toEqual([
    ['b', 2],
    ['c', 5],
  ]);
});

test('a rebuild parks it again as long as the cause is there, and is the way out when it is not', async () => {
  let mended = false;
  const projector = await started(things({ mended: () => mended }));
  await tell(projector, [
    ['a', 'one'],
    ['b', 'bad'],
    ['b', 'two'],
  ]);
  const before = [await words(projector), projector.state()[0]!.parked];
  await projector.rebuild(name);
  expect([await words(projector), projector.state()[0]!.parked]).toEqual(before);
  expect(projector.state()[0]!.lastBuild).toMatchObject({ error: null });

  mended = true;
  await projector.rebuild(name);
  expect(projector.state()[0]!.parked).toEqual([]);
  await tell(projector, [['b', 'three']]);
  expect(await words(projector)).toEqual({ a: 'one', b: 'bad two three' });
});

test('one that comes while a rebuild is about to be swapped in parks its key there too', async () => {
  let build = false;
  const projector: Projector = await started(
    things({
      async index() {
        if (!build) return;
        await say('b', 'bad');
        const position = await say('a', 'two');
        await eventually(() => expect(projector.position(name)).toBe(position));
      },
    }),
  );
  await tell(projector, [
    ['a', 'one'],
    ['b', 'one'],
  ]);
  build = true;
  await projector.rebuild(name);
  expect(projector.schemaOf(name)).toBe(`test_${name}_v1_b`);
  expect(projector.state()[0]!.parked).toEqual([{ key: 'b', position: 3, error: 'cannot take it' }]);
  await tell(projector, [
    ['b', 'three'],
    ['a', 'three'],
  ]);
  expect(await words(projector)).toEqual({ a: 'one two three', b: 'one' });
});

test('what is wrong with the tables is wrong for every key, and halts', async () => {
  const projector = await started(things());
  await tell(projector, [['a', 'one']]);
  await log.pool.query(`alter table ${projector.schemaOf(name)}.things rename to gone`);
  const position = await say('a', 'two');
  await eventually(() =>
    expect(projector.state()[0]).toMatchObject({ position: position - 1, parked: [], halted: { position } }),
  );
});

test('an event that has no key halts, and so does a projection that has none', async () => {
  for (const projection of [things({ keyOf: () => null }), (({ keyOf, ...rest }) => rest)(things())]) {
    const projector = await started(projection, { owner: `t${running.length}` });
    const position = await say('b', 'bad');
    await eventually(() =>
      expect(projector.state()[0]).toMatchObject({ parked: [], halted: { error: 'cannot take it' } }),
    );
    expect(projector.position(name)).toBeLessThan(position);
  }
});

test('tables of before keys could be parked are taken over', async () => {
  const { keyOf, ...before } = things();
  const old = await started(before);
  await tell(old, [['a', 'one']]);
  await old.stop();
  const projector = await started(things());
  await tell(projector, [
    ['b', 'bad'],
    ['a', 'two'],
  ]);
  expect(await words(projector)).toEqual({ a: 'one two' });
  expect(projector.state()[0]!.parked).toMatchObject([{ key: 'b' }]);
});
