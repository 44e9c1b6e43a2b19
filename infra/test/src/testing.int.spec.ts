import { existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import pg from 'pg';
import { createDatabase, eventually, startNats, startOwnPostgres, WebhookReceiver } from './index.js';

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('databases', () => {
  test('each test file has a database of its own', async () => {
    const [one, two] = await Promise.all([createDatabase(), createDatabase()]);
    await query(one.url, 'create table t (x int)');
    expect(await query(two.url, `select * from pg_tables where tablename = 't'`)).toEqual([]);
    await Promise.all([one.drop(), two.drop()]);
    await expect(query(one.url, 'select 1')).rejects.toThrow(/does not exist/);
  });

  test('a migrated database has the log', async () => {
    const [one, two] = await Promise.all([
      createDatabase({ migrate: true }),
      createDatabase({ migrate: true }),
    ]);
    for (const { url } of [one, two]) {
      expect(await query(url, `select 1 as found from pg_namespace where nspname = 'log'`)).toEqual([
        { found: 1 },
      ]);
    }
    await Promise.all([one.drop(), two.drop()]);
  }, 30_000);

  test('a private server keeps what was committed before it was killed', async () => {
    const server = await startOwnPostgres();
    await query(server.url(), 'create table t as select 7 as x');
    await server.kill();
    await expect(query(server.url(), 'select 1')).rejects.toThrow();
    await server.start();
    expect(await query(server.url(), 'select x from t')).toEqual([{ x: 7 }]);
    await server.stop();
  }, 30_000);
});

describe('NATS', () => {
  test('keeps streams over a restart, loses them when wiped, leaves no files', async () => {
    const server = await startNats();
    const nc = await connect({ servers: server.url, reconnectTimeWait: 20, maxReconnectAttempts: -1 });
    const manager = await jetstreamManager(nc, { timeout: 500 });
    await manager.streams.add({ name: 'S', subjects: ['s.>'] });
    await server.restart();
    expect((await eventually(() => manager.streams.info('S'))).config.name).toBe('S');
    await server.wipe();
    await eventually(() => expect(manager.streams.info('S')).rejects.toThrow(/not found/));
    await nc.close();
    await server.stop();
    expect(existsSync(server.storeDir)).toBe(false);
  }, 30_000);
});

describe('webhook receiver', () => {
  test('records requests and answers by the script', async () => {
    const receiver = await WebhookReceiver.start();
    receiver.answerNext(503, 'reset', { status: 202, body: 'ok' });
    const post = () => fetch(receiver.url('/page?x=1'), { method: 'POST', body: '{"a":1}' });
    expect((await post()).status).toBe(503);
    await expect(post()).rejects.toThrow();
    expect(await (await post()).text()).toBe('ok');
    expect((await post()).status).toBe(200);
    const [first] = await receiver.received(4);
    expect(first).toMatchObject({ method: 'POST', url: '/page?x=1', body: '{"a":1}', json: { a: 1 } });
    await receiver.stop();
  });
});
