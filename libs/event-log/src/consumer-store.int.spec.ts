import type { EventEnvelope } from '@bellwether/contracts';
import { createDatabase, type TestDatabase } from '@bellwether/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { CheckpointMoved, EventLog, migrate, PgConsumerStore } from './index.js';

// Generous: the machine may be busy with other tests.
jest.setTimeout(60_000);

let database: TestDatabase;
let log: EventLog;
let store: PgConsumerStore;
let consumers = 0;
let consumer: string;

beforeAll(async () => {
  database = await createDatabase();
  await migrate(database.url, { journals: ['control'] });
  log = EventLog.open({ connectionString: database.url });
  store = new PgConsumerStore(log.pool, 'paging');
  await Promise.all([store.migrate(), store.migrate(), new PgConsumerStore(log.pool, 'paging').migrate()]);
  await log.pool.query('create table paging.done (consumer text, what text)');
}, 60_000);

afterAll(async () => {
  await log?.close();
  await database?.drop();
});

beforeEach(() => {
  consumers += 1;
  consumer = `c${consumers}`;
});

const envelope = (position: number) =>
  ({ id: `e${position}`, position, data: { position } }) as unknown as EventEnvelope;

const done = async (): Promise<string[]> => {
  const { rows } = await log.pool.query('select what from paging.done where consumer = $1', [consumer]);
  return rows.map((row) => row.what);
};

const work = (what: string) => async (tx: { query: typeof log.pool.query }) => {
  await tx.query('insert into paging.done values ($1, $2)', [consumer, what]);
};

describe('the checkpoint', () => {
  test('of a new consumer is 0, and moves with the work', async () => {
    expect(await store.load(consumer)).toBe(0);
    await store.commit(consumer, 0, 3, work('a'));
    await store.commit(consumer, 3, 4, work('b'));
    expect(await store.load(consumer)).toBe(4);
    expect(await done()).toEqual(['a', 'b']);
  });

  test('stays when the work fails, and so does nothing of the work', async () => {
    await store.commit(consumer, 0, 3, work('a'));
    const failing = store.commit(consumer, 3, 4, async (tx) => {
      await work('b')(tx);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await store.load(consumer)).toBe(3);
    expect(await done()).toEqual(['a']);
  });

  test('that another instance moved refuses the work, before it runs', async () => {
    await store.commit(consumer, 0, 3, work('a'));
    for (const from of [0, 2, 4]) {
      const late = await store.commit(consumer, from, 5, work('late')).catch((error) => error);
      expect(late).toBeInstanceOf(CheckpointMoved);
      expect(late.name).toBe('CheckpointMoved');
    }
    await expect(store.commit(`${consumer}-new`, 2, 5, work('late'))).rejects.toThrow(CheckpointMoved);
    expect(await done()).toEqual(['a']);
  });

  test('is moved by one of two instances at the same event', async () => {
    for (const from of [0, 1]) {
      const results = await Promise.allSettled(
        [1, 2, 3].map(() => store.commit(consumer, from, from + 1, work('x'))),
      );
      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    }
    expect(await done()).toEqual(['x', 'x']);
  });
});

describe('parked events', () => {
  const park = (key: string, positions: [number, string | null][]) =>
    log.pool.connect().then(async (tx) => {
      for (const [position, error] of positions)
        await store.park(tx, consumer, key, envelope(position), error);
      tx.release();
    });

  test('are listed in the order of the log', async () => {
    await park('INC-2', [
      [5, 'broken'],
      [7, null],
    ]);
    await park('INC-1', [[6, 'too']]);
    await park('INC-1', [[6, 'once more']]);
    expect(await store.parkedKeys(consumer)).toEqual(new Set(['INC-1', 'INC-2']));
    expect(await store.list(consumer)).toEqual(
      [
        { key: 'INC-2', position: 5, error: 'broken', attempts: 1 },
        { key: 'INC-1', position: 6, error: 'too', attempts: 1 },
        { key: 'INC-2', position: 7, error: null, attempts: 0 },
      ].map((entry) => ({ ...entry, consumer, event: envelope(entry.position), parkedAt: expect.any(Date) })),
    );
    expect(await store.list('nobody')).toEqual([]);
    expect((await store.list()).length).toBeGreaterThanOrEqual(3);
  });

  test('are replayed in order, and gone', async () => {
    await park('INC-1', [
      [5, 'broken'],
      [7, null],
      [9, null],
    ]);
    const seen: number[] = [];
    const result = await store.retry(consumer, 'INC-1', async (tx, event) => {
      seen.push(event.position);
      await work(`${event.position}`)(tx);
    });
    expect(result).toEqual({ replayed: 3, remaining: 0 });
    expect(seen).toEqual([5, 7, 9]);
    expect(await done()).toEqual(['5', '7', '9']);
    expect(await store.parkedKeys(consumer)).toEqual(new Set());
    expect(await store.retry(consumer, 'INC-1', async () => {})).toEqual({ replayed: 0, remaining: 0 });
  });

  test('stop at the first that fails again, whose error is kept', async () => {
    await park('INC-1', [
      [5, 'broken'],
      [7, null],
      [9, null],
    ]);
    const result = await store.retry(consumer, 'INC-1', async (tx, event) => {
      await work(`${event.position}`)(tx);
      if (event.position === 7) throw new Error('still broken');
    });
    expect(result).toEqual({ replayed: 1, remaining: 2, error: 'still broken' });
    expect(await done()).toEqual(['5']);
    expect(
      (await store.list(consumer)).map(({ position, error, attempts }) => [position, error, attempts]),
    ).toEqual([
      [7, 'still broken', 1],
      [9, null, 0],
    ]);
  });
});
