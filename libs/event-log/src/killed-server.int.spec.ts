import { readFile } from 'node:fs/promises';
import { eventually, startPostgres } from '@bellwether/testing';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { type AppendResult, EventLog } from './index.js';
import { event, positions } from './testing/events.fixture.js';
import { ownServer, query } from './testing/own-server.fixture.js';

const server = ownServer(() => startPostgres());

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
    url = await server.database('between');
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
    expect(await log.verify({ expected: ['control'] })).toMatchObject({ ok: true });
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
    expect(await log.verify({ expected: ['control'] })).toMatchObject({ ok: true });
  }, 300_000);

  /** As when a network goes away: the server does not hear of it. */
  function loseConnections(): void {
    const clients = (log.pool as unknown as { _clients: { connection: { stream: { destroy(): void } } }[] })
      ._clients;
    for (const client of [...clients]) client.connection.stream.destroy();
  }
});

describe('a database that is not there yet', () => {
  test('is waited for', async () => {
    const url = await server.database('late');
    await server.postgres.kill();
    const log = EventLog.open({ connectionString: url });
    const told: unknown[] = [];
    const waiting = log.available((error) => told.push(error));
    await eventually(() => expect(told).toHaveLength(1));
    await server.postgres.start();
    await waiting;
    await log.close();
  });

  test('is not waited for when it will never let us in', async () => {
    const log = EventLog.open({ connectionString: server.postgres.url('no_such_database') });
    await expect(log.available(() => {})).rejects.toMatchObject({ code: '3D000' });
    await log.close();
  });
});
