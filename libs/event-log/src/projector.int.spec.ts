import { ManualClock } from '@bellwether/contracts';
import { createDatabase, eventually, type TestDatabase } from '@bellwether/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type pg from 'pg';
import { EventLog, type Projection, Projector } from './index.js';
import { event } from './testing/events.fixture.js';

// Generous: the machine may be busy with other tests.
jest.setTimeout(60_000);

let database: TestDatabase;
let log: EventLog;
let names = 0;
let name: string;

beforeAll(async () => {
  database = await createDatabase({ migrate: true });
  const { migrate } = await import('./index.js');
  await migrate(database.url);
  log = EventLog.open({ connectionString: database.url });
  await append(20);
}, 60_000);

afterAll(async () => {
  await log?.close();
  await database?.drop();
});

beforeEach(() => {
  names += 1;
  name = `notes${names}`;
});

async function append(count: number, data: unknown = { name: 'x' }): Promise<number> {
  const { lastPosition } = await log.append({
    journal: 'control',
    stream: `incident:${count}`,
    expectedVersion: 'any',
    events: Array.from({ length: count }, () => ({ ...event(), data })),
  });
  return lastPosition;
}

/** A row an event; says which build put it there. */
function notes(over: Partial<Projection> & { text?: string } = {}): Projection {
  const { text = 'v1', ...rest } = over;
  return {
    name,
    version: 1,
    async create(tx, schema) {
      await tx.query(`create table ${schema}.notes (position bigint primary key, made_by text not null)`);
    },
    async apply(tx, { position, data }, schema) {
      if ((data as { poison?: boolean }).poison) throw new Error(`cannot take ${position}`);
      await tx.query(`insert into ${schema}.notes values ($1, $2)`, [position, text]);
    },
    ...rest,
  };
}

async function rows(projector: Projector): Promise<{ count: number; max: number; by: string[] }> {
  const { rows: found } = await log.pool.query(
    `select count(*)::int as count, max(position)::int as max, array_agg(distinct made_by order by made_by) as by
       from ${projector.schemaOf(name)}.notes`,
  );
  return found[0];
}

async function started(projection: Projection, owner = 'test'): Promise<Projector> {
  const projector = new Projector(log, { owner, projections: [projection], batch: 8 });
  await projector.start();
  return projector;
}

test('takes what is there, follows, and answers when a position is reached', async () => {
  const { position: head } = await log.head('control');
  const projector = await started(notes());
  expect(projector.schemaOf(name)).toBe(`test_${name}_v1`);
  expect(await rows(projector)).toEqual({ count: head, max: head, by: ['v1'] });
  const position = await append(3);
  expect(await projector.waitFor(position, 5_000)).toBe(true);
  expect(await projector.waitFor(position, 5_000, name)).toBe(true);
  expect(await projector.waitFor(position + 1, 5)).toBe(false);
  expect(projector.position(name)).toBe(position);
  expect(projector.state()).toEqual([{ name, version: 1, position, head: position, parked: [] }]);
  await projector.stop();
});

test('goes on where it stopped', async () => {
  await (await started(notes())).stop();
  await append(2);
  const again = await started(notes({ text: 'second run' }));
  const { position } = await log.head('control');
  expect(await rows(again)).toEqual({ count: position, max: position, by: ['second run', 'v1'] });
  await again.stop();
});

test('two processes with one projection take each event once', async () => {
  const [one, two] = await Promise.all([started(notes({ text: 'one' })), started(notes({ text: 'two' }))]);
  for (let i = 0; i < 20; i += 1) await append(1);
  const { position } = await log.head('control');
  expect(await one.waitFor(position, 10_000)).toBe(true);
  expect(await two.waitFor(position, 10_000)).toBe(true);
  expect(await rows(one)).toMatchObject({ count: position, max: position });
  await Promise.all([one.stop(), two.stop()]);
});

test('a new version is built beside the old one, which its process goes on with', async () => {
  const old = await started(notes());
  const projector = await started(notes({ version: 2, text: 'v2' }));
  const position = await append(1);
  expect(await projector.waitFor(position, 5_000)).toBe(true);
  expect(await old.waitFor(position, 5_000)).toBe(true);
  expect([old.schemaOf(name), projector.schemaOf(name)]).toEqual([`test_${name}_v1`, `test_${name}_v2`]);
  expect(await rows(projector)).toEqual({ count: position, max: position, by: ['v2'] });
  expect(await rows(old)).toEqual({ count: position, max: position, by: ['v1'] });
  await Promise.all([old.stop(), projector.stop()]);
});

test('tables of an older version, or of before a rebuild, are dropped when nothing was put into them for a day', async () => {
  const old = await started(notes());
  await (await started(notes({ version: 2 }))).stop();
  const current = await started(notes({ version: 2 }));
  await current.rebuild(name);
  await current.stop();
  const [v1, v2] = [`test_${name}_v1`, `test_${name}_v2`];
  const schemas = async () => {
    const { rows: found } = await log.pool.query<{ nspname: string }>(
      'select nspname from pg_namespace where nspname like $1 order by nspname',
      [`test\\_${name}\\_%`],
    );
    return found.map(({ nspname }) => nspname);
  };
  const startAgain = async () => (await started(notes({ version: 2 }))).stop();

  // Superseded two days ago, and its process goes on with it.
  await log.pool.query(
    `update test.projections set superseded_at = clock_timestamp() - interval '2 days' where schema_name = $1`,
    [v1],
  );
  await startAgain();
  expect(await schemas()).toEqual([v1, v2, `${v2}_b`]);
  const position = await append(1);
  expect(await old.waitFor(position, 5_000)).toBe(true);
  expect(await rows(old)).toMatchObject({ count: position });
  await old.stop();

  await log.pool.query(
    `update test.projections set updated_at = clock_timestamp() - interval '2 days' where schema_name = any($1)`,
    [[v1, v2]],
  );
  await startAgain();
  expect(await schemas()).toEqual([`${v2}_b`]);
});

test('what only readers need is made with the first tables, and at the end of a build', async () => {
  const made: [string, number][] = [];
  const projector = await started(
    notes({
      async index(tx, schema) {
        const found = await tx.query(`select count(*)::int as count from ${schema}.notes`);
        made.push([schema, found.rows[0].count]);
      },
    }),
  );
  const { position } = await log.head('control');
  await projector.rebuild(name);
  expect(made).toEqual([
    [`test_${name}_v1`, 0],
    [`test_${name}_v1_b`, position],
  ]);
  await projector.stop();
});

describe('a rebuild', () => {
  test('is swapped at once: whoever reads meanwhile sees all rows, of the one build or of the other', async () => {
    let text = 'first';
    const projector = await started({
      ...notes(),
      async apply(tx: pg.PoolClient, { position }, schema) {
        await tx.query(`insert into ${schema}.notes values ($1, $2)`, [position, text]);
      },
    });
    text = 'second';
    let over = false;
    const progress: number[] = [];
    const reading = (async () => {
      const seen = new Set<string>();
      let least = 0;
      while (!over) {
        const { count, by } = await rows(projector);
        expect(count).toBeGreaterThanOrEqual(least);
        least = count;
        seen.add(by.join());
      }
      return seen;
    })();
    const writing = (async () => {
      for (let i = 0; i < 30; i += 1) await append(1);
    })();
    await projector.rebuild(name, ({ position, head }) => progress.push(position / head));
    await writing;
    const { position } = await log.head('control');
    expect(await projector.waitFor(position, 10_000)).toBe(true);
    over = true;
    // Some rows the live tables took before the swap; after it none of theirs is left.
    expect([...(await reading)].filter((by) => by === 'second').length).toBeLessThanOrEqual(1);
    expect(projector.schemaOf(name)).toBe(`test_${name}_v1_b`);
    expect(await rows(projector)).toEqual({ count: position, max: position, by: ['second'] });
    expect(progress.at(-1)).toBe(1);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    await projector.rebuild(name);
    expect(projector.schemaOf(name)).toBe(`test_${name}_v1`);
    await projector.stop();
  });

  test('by another process is noticed with the next event', async () => {
    const [one, two] = await Promise.all([started(notes()), started(notes())]);
    await one.rebuild(name);
    const position = await append(1);
    expect(await two.waitFor(position, 10_000)).toBe(true);
    await eventually(() => expect(two.schemaOf(name)).toBe(one.schemaOf(name)));
    expect(await rows(two)).toMatchObject({ count: position });
    await Promise.all([one.stop(), two.stop()]);
  });

  test('is told of while it runs, and what became of it when it has ended', async () => {
    const clock = new ManualClock('2026-11-22T10:00:00.000Z');
    const startedAt = clock.now();
    let broken = false;
    const projection: Projection = {
      ...notes(),
      async apply(_tx, { position }) {
        if (broken && position === 3) throw new Error('cannot take it');
      },
    };
    const projector = new Projector(log, { owner: 'test', projections: [projection], clock, batch: 8 });
    await projector.start();
    const lastBuild = () => projector.state()[0]!.lastBuild;
    expect(lastBuild()).toBeUndefined();
    const building = projector.rebuild(name);
    const under = lastBuild();
    expect(under).toEqual({ id: expect.any(String), startedAt, endedAt: null, error: null });
    expect(projector.state()[0]!.building).toBeDefined();
    await expect(projector.rebuild(name)).rejects.toThrow('is being rebuilt already');
    clock.advance(5_000);
    await building;
    expect(lastBuild()).toEqual({ ...under, endedAt: clock.now() });

    broken = true;
    const read = projector.schemaOf(name);
    await expect(projector.rebuild(name)).rejects.toThrow('cannot take it');
    const failed = lastBuild();
    expect(failed).toMatchObject({
      endedAt: clock.now(),
      error: expect.stringMatching(/^event 3 \(.+\): cannot take it$/),
    });
    expect(failed?.id).not.toBe(under?.id);
    expect(projector.state()[0]!.building).toBeUndefined();
    expect(projector.schemaOf(name)).toBe(read);
    await projector.stop();
  });

  test('that was interrupted starts over', async () => {
    const projector = await started(notes());
    const failing = notes({
      create: () => Promise.reject(new Error('no room')),
    });
    const other = new Projector(log, { owner: 'test', projections: [failing] });
    await other.start();
    await expect(other.rebuild(name)).rejects.toThrow('no room');
    await projector.rebuild(name);
    const { position } = await log.head('control');
    expect(await rows(projector)).toMatchObject({ count: position });
    await Promise.all([other.stop(), projector.stop()]);
  });
});

test('an event that a projection cannot take halts it there, and nothing else; a rebuild with the mended code goes on', async () => {
  const owner = 'poisoned';
  const errors: unknown[] = [];
  let mended = false;
  const journal = 'measurement-07';
  const poisoned: Projection = {
    ...notes({ journal }),
    async apply(tx, recorded, schema) {
      if (!mended && (recorded.data as { poison?: boolean }).poison) throw new Error('cannot take it');
      await tx.query(`insert into ${schema}.notes values ($1, 'x')`, [recorded.position]);
    },
  };
  const healthy: Projection = { ...notes({ journal }), name: 'healthy', apply: async () => {} };
  const lags = new Map<string, number>();
  const halts = new Map<string, boolean>();
  const projector = new Projector(log, {
    owner,
    projections: [poisoned, healthy],
    metrics: {
      lag: (consumer, events) => void lags.set(consumer, events),
      halted: (consumer, halted) => void halts.set(consumer, halted),
      parked: () => {},
    },
    onError: (_, at) => errors.push(at),
  });
  const put = async (data: unknown) =>
    (
      await log.append({
        journal,
        stream: 'm:poison',
        expectedVersion: 'any',
        events: [{ ...event(), data }],
      })
    ).lastPosition;
  await projector.start();
  for (const data of [{}, {}, { poison: true }, {}]) await put(data);
  await eventually(() =>
    expect(projector.state()).toEqual([
      {
        name,
        version: 1,
        position: 2,
        head: 4,
        parked: [],
        halted: { position: 3, error: 'cannot take it' },
      },
      { name: 'healthy', version: 1, position: 4, head: 4, parked: [] },
    ]),
  );
  expect(errors).toEqual([{ projection: name, position: 3, outcome: 'halted' }]);
  expect(Object.fromEntries(lags)).toEqual({ [`${owner}-${name}`]: 2, [`${owner}-healthy`]: 0 });
  expect(Object.fromEntries(halts)).toEqual({ [`${owner}-${name}`]: true, [`${owner}-healthy`]: false });
  expect(await rows(projector)).toMatchObject({ count: 2 });
  expect(await projector.waitFor(4, 5, name)).toBe(false);

  // It keeps its place over a restart, too.
  await projector.stop();
  const again = new Projector(log, { owner, projections: [poisoned] });
  await again.start();
  expect(again.state()[0]).toMatchObject({ position: 2, halted: { position: 3 } });

  mended = true;
  await again.rebuild(name);
  await put({});
  expect(await again.waitFor(5, 5_000, name)).toBe(true);
  expect(again.state()[0]!.halted).toBeUndefined();
  expect(await rows(again)).toMatchObject({ count: 5 });
  await again.stop();
});

describe('events that say nothing to a projection', () => {
  const picky = (text?: string) =>
    notes({ takes: ({ data }) => (data as { wanted?: boolean }).wanted === true, ...(text && { text }) });
  /** Where the database says that it is. */
  const checkpoint = async (projector: Projector) => {
    const { rows } = await log.pool.query<{ position: string; updated_at: Date }>(
      'select position, updated_at from test.projections where schema_name = $1',
      [projector.schemaOf(name)],
    );
    return rows[0] && [Number(rows[0].position), rows[0].updated_at.getTime()];
  };

  test('are passed over without a word to the database, and again after a restart', async () => {
    const first = await started(picky('first'));
    const wanted = await append(2, { wanted: true });
    expect(await first.waitFor(wanted, 10_000)).toBe(true);
    const before = await checkpoint(first);
    expect(before?.[0]).toBe(wanted);
    const passed = await append(30);
    expect(await first.waitFor(passed, 10_000)).toBe(true);
    expect(first.state()[0]).toMatchObject({ position: passed, head: passed });
    expect(await checkpoint(first)).toEqual(before);
    await first.stop();

    const again = await started(picky('again'));
    expect([again.position(name), await checkpoint(again)]).toEqual([passed, before]);
    const more = await append(1, { wanted: true });
    expect(await again.waitFor(more, 10_000)).toBe(true);
    expect(await checkpoint(again)).toEqual([more, expect.any(Number)]);
    expect(await rows(again)).toEqual({ count: 3, max: more, by: ['again', 'first'] });
    await again.rebuild(name);
    const last = await append(1, { wanted: true });
    expect(await again.waitFor(last, 10_000)).toBe(true);
    expect(await rows(again)).toEqual({ count: 4, max: last, by: ['again'] });
    await again.stop();
  });

  test('do not make two processes take one that does twice', async () => {
    const [one, two] = await Promise.all([started(picky('one')), started(picky('two'))]);
    let last = 0;
    for (let i = 0; i < 20; i += 1) {
      if (i % 3 > 0) await append(i % 3);
      last = await append(1, { wanted: true });
    }
    expect(await one.waitFor(last, 10_000)).toBe(true);
    expect(await two.waitFor(last, 10_000)).toBe(true);
    const { rows: found } = await log.pool.query<{ n: string }>(
      `select count(*) as n from log.events where journal = 'control' and data->>'wanted' = 'true'`,
    );
    expect(await rows(one)).toMatchObject({ count: Number(found[0]?.n), max: last });
    await Promise.all([one.stop(), two.stop()]);
  });

  test('move the checkpoint when it is far behind, so that a start has little to read', async () => {
    const projector = await started(picky());
    const behind = await append(1_500);
    expect(await projector.waitFor(behind, 30_000)).toBe(true);
    expect(behind - ((await checkpoint(projector))?.[0] ?? 0)).toBeLessThan(1_000);
    await projector.stop();
  });
});

test('names that cannot be names of schemas are refused', () => {
  const projector =
    (projections: Projection[], owner = 'test') =>
    () =>
      new Projector(log, { owner, projections });
  expect(projector([{ ...notes(), name: 'a; drop' }])).toThrow(RangeError);
  expect(projector([notes()], 'A')).toThrow(RangeError);
  expect(projector([notes(), notes()])).toThrow(RangeError);
  expect(projector([notes({ version: 0 })])).toThrow(RangeError);
});
