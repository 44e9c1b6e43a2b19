import { ManualClock } from '@bellwether/contracts';
import { createDatabase, eventually, type TestDatabase } from '@bellwether/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import { EventLog, migrate, Relay, type RelayOptions } from './index.js';
import { event } from './testing/events.fixture.js';
import { MemoryCopy } from './testing/memory-copy.fixture.js';

// Generous: the machine may be busy with other tests.
jest.setTimeout(60_000);

const JOURNALS = ['control', 'measurement-00'];
const DAY_MS = 24 * 60 * 60 * 1000;

let database: TestDatabase;
let log: EventLog;
let copy: MemoryCopy;
let relays: Relay[];
let recoveries: [string, string, number][];
const clock = new ManualClock('2026-01-01T00:00:00.000Z');

beforeAll(async () => {
  database = await createDatabase();
  await migrate(database.url, { journals: JOURNALS });
  log = EventLog.open({ connectionString: database.url, clock });
  await append('control', 10);
  await append('measurement-00', 5);
}, 60_000);

afterAll(async () => {
  await log?.close();
  await database?.drop();
});

beforeEach(async () => {
  await log.pool.query(`update log.relay_checkpoints set relay = relay || ' of an earlier test'`);
  copy = new MemoryCopy(JOURNALS);
  relays = [];
  recoveries = [];
});

afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.stop()));
});

async function append(journal: string, count: number): Promise<number> {
  const events = Array.from({ length: count }, () => event());
  const { lastPosition } = await log.append({
    journal,
    stream: `${journal}:r`,
    expectedVersion: 'any',
    events,
  });
  return lastPosition;
}

function start(over: Partial<RelayOptions> = {}): Relay {
  const relay = new Relay({
    log,
    target: copy,
    journals: JOURNALS,
    name: `relay ${expect.getState().currentTestName}`.slice(0, 200),
    clock,
    window: 4,
    pollMs: 20,
    compareMs: 20,
    onRecovery: (...recovery) => recoveries.push(recovery),
    ...over,
  });
  relays.push(relay);
  relay.start();
  return relay;
}

const dense = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

async function heldUpToHead(from = 1): Promise<void> {
  for (const journal of JOURNALS) {
    const { position } = await log.head(journal);
    await eventually(() => expect(copy.held(journal)).toEqual(dense(from, position)));
  }
}

test('publishes every journal in order, and what is appended then', async () => {
  const relay = start();
  await heldUpToHead();
  await append('control', 9);
  await heldUpToHead();
  expect(relay.leading).toBe(true);
  await eventually(async () => {
    expect(relay.positions()).toEqual(Object.fromEntries((await log.heads()).entries()));
  });
  expect(recoveries).toEqual([]);
});

test('goes on after its checkpoint, without repeating', async () => {
  const first = start();
  await heldUpToHead();
  await first.stop();
  const { length } = copy.published.get('control')!;
  const added = 3;
  await append('control', added);
  start();
  await heldUpToHead();
  expect(copy.published.get('control')).toHaveLength(length + added);
});

test('a window that fails half-way is published again', async () => {
  copy.failNext(3);
  const errors: string[] = [];
  start({ onError: (error) => errors.push((error as Error).message) });
  await heldUpToHead();
  expect(errors).toEqual(['not acknowledged', 'not acknowledged', 'not acknowledged']);
});

test('a window that was stored and not noted is not published again', async () => {
  const name = 'relay of one window';
  const first = start({
    name,
    onStep: (step, journal) => void (step === 'published' && journal === 'control' && first.stop()),
  });
  await eventually(() => expect(copy.published.get('control')?.length ?? 0).toBeGreaterThan(0));
  await first.stop();
  start({ name });
  await heldUpToHead();
  const published = copy.published.get('control') ?? [];
  expect(new Set(published.map(({ id }) => id)).size).toBe(published.length);
});

describe('a copy that', () => {
  test('was wiped and made anew gets everything again', async () => {
    start();
    await heldUpToHead();
    copy.replace();
    await heldUpToHead();
    expect(recoveries.map(([, reason, after]) => [reason, after])).toEqual([
      ['new copy', 0],
      ['new copy', 0],
    ]);
    await append('control', 2);
    await heldUpToHead();
  });

  test('was wiped while no relay ran, too', async () => {
    const relay = start();
    await heldUpToHead();
    await relay.stop();
    copy.replace();
    start();
    await heldUpToHead();
  });

  test('is of another log gets everything', async () => {
    start();
    await heldUpToHead();
    const foreign = { ...copy.published.get('control')![0]!, id: 'foreign', position: 9999 };
    copy.replace([foreign]);
    const { position } = await log.head('control');
    await eventually(() => expect(copy.held('control')).toEqual(dense(1, position)));
  });

  test('lost its newest events gets those', async () => {
    start();
    await heldUpToHead();
    const { length } = copy.published.get('control')!;
    copy.shorten('control', length - 3);
    await heldUpToHead();
    expect(recoveries).toEqual([['control', 'shortened copy', length - 3]]);
  });

  test('was purged gets everything', async () => {
    start();
    await heldUpToHead();
    copy.shorten('control', 0);
    await heldUpToHead();
    expect(recoveries).toEqual([['control', 'shortened copy', 0]]);
  });

  test('was purged, and got more before anybody looked, gets everything in order', async () => {
    start({ compareMs: 3_600_000 });
    await heldUpToHead();
    copy.shorten('control', 0);
    await append('control', 2);
    const { position } = await log.head('control');
    await eventually(() => expect(copy.held('control')).toEqual([position - 1, position]));
    await Promise.all(relays.map((relay) => relay.stop()));

    start();
    await heldUpToHead();
    expect(recoveries).toEqual([['control', 'damaged copy', 0]]);
    await append('control', 1);
    await heldUpToHead();
  });

  test('lacks one in between is noticed while the relay runs, and gets everything in order', async () => {
    start();
    await heldUpToHead();
    copy.remove('control', ({ position }) => position === 4);
    await heldUpToHead();
    expect(recoveries).toEqual([['control', 'damaged copy', 0]]);
  });

  test('takes what it lost for held gets it when it has forgotten that, ahead of anything new', async () => {
    const errors: string[] = [];
    start({ onError: (error) => errors.push((error as Error).message) });
    await heldUpToHead();
    const { position } = await log.head('control');
    copy.remove('control', (event) => event.position > position - 2, { remembered: true });
    await eventually(() => expect(errors).toContain('taken for held'));
    const last = await append('control', 1);
    await eventually(() => expect(errors.length).toBeGreaterThan(2));
    expect(copy.held('control')).not.toContain(last);
    copy.forget();
    await heldUpToHead();
  });

  test('is full is left alone, though its oldest are within the retention', async () => {
    start();
    await heldUpToHead();
    copy.isFull = true;
    copy.remove('control', ({ position }) => position <= 4);
    const position = await append('control', 3);
    await eventually(() => expect(copy.held('control')).toEqual(dense(5, position)));
    expect(recoveries).toEqual([]);
  });

  test('gets no more than the retention, by number and by age', async () => {
    const { position } = await log.head('control');
    start({ retention: { maxEvents: 4 } });
    await eventually(() => expect(copy.held('control')).toEqual(dense(position - 3, position)));
    await Promise.all(relays.map((relay) => relay.stop()));

    copy.replace();
    clock.advance(8 * DAY_MS);
    const last = await append('control', 2);
    start();
    await eventually(() => expect(copy.held('control')).toEqual([last - 1, last]));
  });

  test('let go of what is older than the retention is left alone', async () => {
    start();
    await append('control', 1);
    const { position } = await log.head('control');
    await eventually(() => expect(copy.held('control').at(-1)).toBe(position));
    clock.advance(8 * DAY_MS);
    copy.shorten('control', 0);
    await append('measurement-00', 1);
    const measured = (await log.head('measurement-00')).position;
    await eventually(() => expect(copy.held('measurement-00').at(-1)).toBe(measured));
    expect(copy.held('control')).toEqual([]);
    const next = await append('control', 1);
    await eventually(() => expect(copy.held('control')).toEqual([next]));
  });
});

describe('of two relays', () => {
  test('one leads; the other takes over when it stops', async () => {
    const [one, two] = [start(), start()];
    await eventually(() => expect([one.leading, two.leading].filter(Boolean)).toHaveLength(1));
    const [leader, standBy] = one.leading ? [one, two] : [two, one];
    await append('control', 5);
    await eventually(async () =>
      expect(leader.positions().control).toBe((await log.head('control')).position),
    );
    await leader.stop();
    await append('control', 5);
    await eventually(() => expect(standBy.leading).toBe(true));
    await eventually(async () =>
      expect(standBy.positions().control).toBe((await log.head('control')).position),
    );
    expect(standBy.positions().control).toBe(copy.held('control').at(-1));
  });

  test('one whose session ends leads no longer, and none of its events is lost', async () => {
    const other = EventLog.open({ connectionString: database.url, clock });
    const leads: string[] = [];
    const [one] = [
      start({ onLead: (leading) => leads.push(`one ${leading}`) }),
      start({ log: other, onLead: (leading) => leads.push(`two ${leading}`) }),
    ];
    await eventually(() => expect(leads.length).toBeGreaterThan(0));
    for (let i = 0; i < 4; i += 1) {
      await append('control', 3);
      const before = leads.length;
      const { rows } = await log.pool.query<{ pid: number }>(
        `select pid from pg_locks where locktype = 'advisory' and granted and objsubid = 1
            and pid in (select pid from pg_stat_activity where datname = current_database() and query not like '%pg_locks%')`,
      );
      for (const { pid } of rows) await kill(pid);
      await append('control', 3);
      await eventually(() => expect(leads.length).toBeGreaterThan(before + 1));
    }
    const { position } = await log.head('control');
    await eventually(() => expect(copy.held('control').at(-1)).toBe(position));
    const held = copy.held('control');
    expect(held).toEqual(dense(held[0]!, position));
    await Promise.all(relays.map((relay) => relay.stop()));
    expect(one.leading).toBe(false);
    await other.close();
  });
});

async function kill(pid: number): Promise<void> {
  const admin = new pg.Client(database.url);
  await admin.connect();
  await admin.query('select pg_terminate_backend($1)', [pid]);
  await admin.end();
}
