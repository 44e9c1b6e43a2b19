import { createDatabase, type TestDatabase } from '@bellwether/testing';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import { EventLog, migrate } from './index.js';
import { event } from './testing/events.fixture.js';

// Generous: the machine may be busy with other tests.
jest.setTimeout(60_000);

let database: TestDatabase;
let admin: pg.Client;
let tables: string[];

beforeAll(async () => {
  database = await createDatabase();
  await migrate(database.url, { journals: ['control', 'measurement-00'], segmentSize: 4 });
  const log = EventLog.open({ connectionString: database.url });
  for (const journal of ['control', 'measurement-00']) {
    await log.append({
      journal,
      stream: `s:${journal}`,
      expectedVersion: 'any',
      events: Array.from({ length: 11 }, () => event()),
    });
  }
  await log.close();
  admin = new pg.Client(database.url);
  await admin.connect();
  const { rows } = await admin.query<{ name: string }>(
    `select relid::regclass::text as name from pg_partition_tree('log.events') order by relid`,
  );
  tables = rows.map((row) => row.name);
}, 60_000);

afterAll(async () => {
  await admin?.end();
  await database?.drop();
});

async function as<T>(role: string, work: () => Promise<T>): Promise<T> {
  await admin.query(`set role ${role}`);
  try {
    return await work();
  } finally {
    await admin.query('reset role');
  }
}

test('there are the table, a table of each journal, and segments ahead of need', () => {
  expect(tables).toHaveLength(1 + 2 + 2 * 4);
});

describe.each(['bellwether_writer', 'bellwether_owner'])('%s', (role) => {
  test.each([
    ['UPDATE', (table: string) => `update ${table} set type = 'x'`],
    ['UPDATE of no row', (table: string) => `update ${table} set type = 'x' where false`],
    ['DELETE', (table: string) => `delete from ${table}`],
    ['TRUNCATE', (table: string) => `truncate ${table}`],
    [
      'MERGE',
      (table: string) =>
        `merge into ${table} t using (select 1) s on t.position = 1 when matched then update set type = 'x'`,
    ],
  ])('is refused %s on the table and on each leaf', async (_, statement) => {
    for (const table of tables) {
      const refused = await as(role, () => admin.query(statement(table))).catch((error) => error);
      expect([table, refused.code]).toEqual([table, '42501']);
    }
  });
});

test('the owner is refused by the triggers, also as a replica', async () => {
  await admin.query(`set session_replication_role = replica`);
  for (const table of tables) {
    await expect(as('bellwether_owner', () => admin.query(`delete from ${table}`))).rejects.toThrow(
      'immutable',
    );
  }
  await admin.query(`reset session_replication_role`);
});

test('the writer appends through the function alone', async () => {
  for (const statement of [
    `insert into log.events select * from log.events limit 1`,
    `update log.head set position = 0`,
    `delete from log.streams`,
    `update log.commands set version = 0`,
    `truncate log.segments`,
    `create table log.mine (x int)`,
    `select log.create_journal('mine', 10)`,
    `drop table log.events`,
  ]) {
    await expect(as('bellwether_writer', () => admin.query(statement))).rejects.toMatchObject({
      code: '42501',
    });
  }
});

test('the writer may make schemas of its own', async () => {
  await as('bellwether_writer', () => admin.query('create schema of_a_service'));
});

test('the two roles cannot log in, and neither is a member of the other', async () => {
  const { rows } = await admin.query(
    `select rolname, rolcanlogin, rolsuper, pg_has_role('bellwether_writer', 'bellwether_owner', 'member') as same
       from pg_roles where rolname like 'bellwether_%' order by rolname`,
  );
  expect(rows).toEqual([
    { rolname: 'bellwether_owner', rolcanlogin: false, rolsuper: false, same: false },
    { rolname: 'bellwether_writer', rolcanlogin: false, rolsuper: false, same: false },
  ]);
});
