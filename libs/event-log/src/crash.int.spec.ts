import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { eventually, forkSource, startPostgres, type TestPostgres } from '@bellwether/testing';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { type AppendResult, EventLog, LogUnavailable, migrate, OutcomeUnknown } from './index.js';
import { event, positions } from './testing/events.fixture.js';

let postgres: TestPostgres;
const JOURNALS = ['control'];
const WHILE_A_PROCESS_STARTS = { timeoutMs: 30_000 };
const FIXTURES = path.join(import.meta.dirname, 'testing');

beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);

afterAll(() => postgres?.stop());

async function database(name: string): Promise<string> {
  await query(postgres.url('postgres'), `create database ${name}`);
  await migrate(postgres.url(name), { journals: JOURNALS, segmentSize: 16 });
  return postgres.url(name);
}

async function query<T extends pg.QueryResultRow>(
  url: string,
  sql: string,
  values?: unknown[],
): Promise<T[]> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<T>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/** Every command is in the log exactly once, whole, and the log verifies. */
async function expectExactlyOnce(url: string, commands: number, eventsOfEach: number): Promise<void> {
  const log = EventLog.open({ connectionString: url });
  const events = await log.readJournal('control', { after: 0, limit: 100_000 });
  expect(positions(events)).toEqual(events.map((_, i) => i + 1));
  const times = new Map<unknown, number>();
  for (const { data } of events) {
    const { name } = data as { name: unknown };
    times.set(name, (times.get(name) ?? 0) + 1);
  }
  expect(times.size).toBe(commands);
  expect([...new Set(times.values())]).toEqual([eventsOfEach]);
  expect(await log.verify()).toMatchObject({ ok: true });
  await log.close();
}

describe('a process that is killed', () => {
  test.each(['gathered', 'connected', 'answered', 'settled'])(
    'at "%s" of an append',
    async (step) => {
      const url = await database(`killed_${step}`);
      const told = new Map<number, number>();
      const run = async (at: number) => {
        const child = forkSource(path.join(FIXTURES, 'appender-process.fixture.ts'), {
          args: [url, '1', '40', step, String(at)],
        });
        child.on('message', ({ command, firstPosition }: { command: number; firstPosition: number }) => {
          // What was promised once stays true: the command is answered with the same position by every later process.
          expect(told.get(command) ?? firstPosition).toBe(firstPosition);
          told.set(command, firstPosition);
        });
        const [code, signal] = await once(child, 'exit');
        return signal ?? code;
      };
      expect(await run(2)).toBe('SIGKILL');
      expect(await run(5)).toBe('SIGKILL');
      expect(await run(0)).toBe(0);
      expect(told.size).toBe(40);
      await expectExactlyOnce(url, 40, 2);
    },
    60_000,
  );

  test.each([
    ['leading', 1],
    ['resumed', 1],
    ['read', 2],
    ['publishing', 4],
    ['publishing', 6],
    ['published', 2],
    ['noted', 2],
  ])(
    'at "%s" of a relay (%i.)',
    async (step, times) => {
      const url = await database(`relay_${step}_${times}`);
      await query(
        url,
        'create table copied (seq serial primary key, id uuid not null, position int not null)',
      );
      const log = EventLog.open({ connectionString: url });
      const append = () =>
        log.append({
          journal: 'control',
          stream: 's',
          expectedVersion: 'any',
          events: Array.from({ length: 10 }, () => event()),
        });
      await append();
      const start = (at: number) =>
        forkSource(path.join(FIXTURES, 'relay-process.fixture.ts'), { args: [url, step, String(at)] });
      for (let run = 0; run < 2; run += 1) {
        const [, signal] = await once(start(times), 'exit');
        expect(signal).toBe('SIGKILL');
        await append();
      }
      const last = start(0);
      await eventually(async () => {
        const [row] = await query<{ last: number }>(url, 'select max(position) as last from copied');
        expect(row!.last).toBe(30);
      }, WHILE_A_PROCESS_STARTS);
      last.send('stop');
      await once(last, 'exit');
      // Repeats are what "at least once" allows; a reader that drops what it has seen sees each, in order.
      const copied = await query<{ position: number }>(url, 'select position from copied order by seq');
      let seen = 0;
      for (const { position } of copied) {
        expect(position).toBeLessThanOrEqual(seen + 1);
        seen = Math.max(seen, position);
      }
      expect(seen).toBe(30);
      await log.close();
    },
    60_000,
  );
});

describe('between every two statements of log.append', () => {
  const GATE = 4711;
  let url: string;
  let statements: number;
  let log: EventLog;
  let run = 0;

  /** The function as migrated, with a stop after each statement. */
  async function withStops(): Promise<{ sql: string; count: number }> {
    const source = await readFile(new URL('./migrations/0004-append.sql', import.meta.url), 'utf8');
    const body = source.indexOf('\nbegin\n');
    let count = 0;
    const stops = source
      .slice(body, source.lastIndexOf('\nend;'))
      .split('\n')
      .map((line) => {
        if (!/;\s*$/.test(line)) return line;
        count += 1;
        return `${line} perform test.stop(${count});`;
      });
    const sql = source.slice(0, body) + stops.join('\n') + source.slice(source.lastIndexOf('\nend;'));
    return { sql: sql.replace('create function', 'create or replace function'), count };
  }

  beforeAll(async () => {
    url = await database('between');
    const { sql, count } = await withStops();
    statements = count;
    await query(
      url,
      `create schema test;
       create table test.stops (at int);
       create function test.stop(n int) returns void language plpgsql as $$
       begin
         if exists (select from test.stops where at = n) then perform pg_advisory_xact_lock(${GATE}); end if;
       end $$;
       grant usage on schema test to bellwether_owner;
       grant select on test.stops to bellwether_owner;
       set role bellwether_owner;
       ${sql}`,
    );
    log = EventLog.open({ connectionString: url });
    await append();
  }, 60_000);

  afterAll(() => log?.close());

  /** New and known streams, requirements, a refusal, a duplicate, and every few times the end of a segment. */
  async function append(): Promise<{ told: AppendResult[]; results: PromiseSettledResult<AppendResult>[] }> {
    run += 1;
    const request = (stream: string, more: object = {}) =>
      log.append({ journal: 'control', stream, expectedVersion: 'any', events: [event(), event()], ...more });
    const results = await Promise.allSettled([
      request(`new:${run}`, { commandId: `new ${run}` }),
      request('known', { require: [{ stream: `new:${run}`, version: 2 }] }),
      request('known', { expectedVersion: 1 }),
      request('known', { expectedVersion: 'no-stream' }),
      request('other', { require: [{ stream: 'known', version: 1 }] }),
      request('other', { commandId: 'the same always' }),
    ]);
    const told = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    return { told, results };
  }

  /** Runs an append that stops there; undefined when it never comes there. */
  async function stoppedAt(n: number) {
    const gate = new pg.Client(url);
    gate.on('error', () => {});
    await gate.connect();
    await gate.query('select pg_advisory_lock($1)', [GATE]);
    await query(url, 'insert into test.stops values ($1)', [n]);
    const before = await log.head('control');
    const appending = append();
    let over = false;
    void appending.finally(() => {
      over = true;
    });
    const pid = await eventually(async () => {
      const { rows } = await gate.query<{ pid: number }>(
        `select pid from pg_locks where locktype = 'advisory' and objid = $1 and not granted`,
        [GATE],
      );
      if (rows[0] === undefined && !over) throw new Error(`neither at stop ${n} nor done`);
      return rows[0]?.pid;
    });
    // Whoever comes again is not stopped again.
    await query(url, 'delete from test.stops');
    return { gate, pid, appending, before };
  }

  async function expectWhole(
    { told, results }: Awaited<ReturnType<typeof append>>,
    before: number,
  ): Promise<void> {
    expect(results.map((result) => result.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    const added = await log.readJournal('control', { after: before });
    const fresh = told.filter((result) => !result.duplicate).flatMap((result) => result.events);
    expect(added.map(({ id, position, version }) => ({ id, position, version }))).toEqual(fresh);
    expect(positions(added)).toEqual(added.map((_, i) => before + i + 1));
  }

  test('the server is killed: the append is whole, and there once', async () => {
    let reached = 0;
    for (let n = 1; n <= statements; n += 1) {
      const { gate, pid, appending, before } = await stoppedAt(n);
      if (pid === undefined) {
        await gate.end();
        await expectWhole(await appending, before.position);
        continue;
      }
      reached += 1;
      // One server process that dies so makes all of them start over, from the write-ahead log.
      const ended = new Promise((resolve) => gate.once('end', resolve));
      process.kill(pid, 'SIGKILL');
      await ended;
      await eventually(() => query(url, 'select'));
      await expectWhole(await appending, before.position);
    }
    expect(reached).toBeGreaterThan(30);
    expect(await log.verify()).toMatchObject({ ok: true });
  }, 300_000);

  test('the connection is lost and the server goes on: the append sent again finds the first one', async () => {
    let reached = 0;
    for (let n = 1; n <= statements; n += 1) {
      const { gate, pid, appending, before } = await stoppedAt(n);
      if (pid !== undefined) {
        reached += 1;
        loseConnections();
        // The second sending is under way: done, or waiting for the head that the first one holds.
        let over = false;
        void appending.finally(() => {
          over = true;
        });
        await eventually(async () => {
          const { rows } = await gate.query(
            `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%log.append%' and pid <> $1`,
            [pid],
          );
          if (rows.length === 0 && !over) throw new Error('not sent again');
        });
      }
      await gate.query('select pg_advisory_unlock($1)', [GATE]);
      await gate.end();
      await expectWhole(await appending, before.position);
    }
    expect(reached).toBeGreaterThan(30);
    await eventually(async () => {
      const busy = await query(
        url,
        `select from pg_stat_activity where query like '%log.append%' and state = 'active' and pid <> pg_backend_pid()`,
      );
      expect(busy).toEqual([]);
    });
    expect(await log.verify()).toMatchObject({ ok: true });
  }, 300_000);

  /** As when a network goes away: the server does not hear of it. */
  function loseConnections(): void {
    const clients = (log.pool as unknown as { _clients: { connection: { stream: { destroy(): void } } }[] })
      ._clients;
    for (const client of [...clients]) client.connection.stream.destroy();
  }
});

test('Postgres is killed and restarted under load: what was promised is there, once', async () => {
  const url = await database('under_load');
  const log = EventLog.open({ connectionString: url });
  const acknowledged = new Set<string>();
  const unknown = new Set<string>();
  let over = false;
  let commands = 0;
  const caller = async (name: number) => {
    for (let i = 0; !over; i += 1) {
      const command = `${name}:${i}`;
      commands += 1;
      try {
        await log.append({
          journal: 'control',
          stream: `load:${name}`,
          expectedVersion: 'any',
          events: [event(command)],
        });
        acknowledged.add(command);
      } catch (error) {
        if (error instanceof OutcomeUnknown) unknown.add(command);
        else if (!(error instanceof LogUnavailable)) throw error;
      }
    }
  };
  const callers = Array.from({ length: 16 }, (_, i) => caller(i));
  for (let round = 0; round < 4; round += 1) {
    const { size } = acknowledged;
    await eventually(() => expect(acknowledged.size).toBeGreaterThan(size + 200));
    if (round % 2 === 0) {
      await postgres.kill();
      await postgres.start();
    } else {
      await postgres.restart();
    }
  }
  over = true;
  await Promise.all(callers);
  const there = new Map<string, number>();
  for (let after = 0; ; ) {
    const page = await log.readJournal('control', { after });
    for (const { data } of page) {
      const { name } = data as { name: string };
      there.set(name, (there.get(name) ?? 0) + 1);
    }
    if (page.length === 0) break;
    after = page.at(-1)!.position;
  }
  expect([...there.values()].filter((times) => times !== 1)).toEqual([]);
  expect([...acknowledged].filter((command) => !there.has(command))).toEqual([]);
  expect([...there.keys()].filter((command) => !acknowledged.has(command) && !unknown.has(command))).toEqual(
    [],
  );
  expect(commands).toBeGreaterThan(800);
  expect(await log.verify()).toMatchObject({ ok: true });
  await log.close();
}, 120_000);
