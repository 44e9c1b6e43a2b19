import { createDatabase, type TestDatabase } from '@bellwether/testing';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import { EventLog, migrate } from './index.js';
import { event } from './testing/events.fixture.js';

// Generous: the machine may be busy with other tests.
jest.setTimeout(60_000);

let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
});

afterEach(() => database.drop());

async function query<T extends pg.QueryResultRow>(sql: string, url = database.url): Promise<T[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('from several processes at once, and again: each migration is applied once', async () => {
  const applied: string[] = [];
  await Promise.all(
    Array.from({ length: 5 }, () => migrate(database.url, { onApplied: (name) => applied.push(name) })),
  );
  expect(applied).toEqual([...new Set(applied)].sort());
  expect(applied.length).toBeGreaterThan(0);
  await migrate(database.url, { onApplied: (name) => applied.push(`again ${name}`) });
  expect(applied.filter((name) => name.startsWith('again'))).toEqual([]);
  const journals = await query<{ journal: string }>('select journal from log.head order by journal');
  expect(journals).toHaveLength(17);
}, 30_000);

test('of several databases of one server at once: the roles are shared', async () => {
  const others = await Promise.all(Array.from({ length: 3 }, () => createDatabase()));
  await Promise.all([database, ...others].map(({ url }) => migrate(url, { journals: ['control'] })));
  await Promise.all(others.map((other) => other.drop()));
}, 30_000);

test('as the owner of the database who may create roles, without being a superuser', async () => {
  const name = `owner_${database.name}`;
  await query(`create role ${name} login createrole`);
  await query(`alter database ${database.name} owner to ${name}`);
  // A server has the roles once another database was migrated; then an administrator grants them.
  const roles = await query(`select from pg_roles where rolname = 'bellwether_owner'`);
  if (roles.length > 0) await query(`grant bellwether_owner, bellwether_writer to ${name}`);
  const url = new URL(database.url);
  url.username = name;
  await migrate(url.href, { journals: ['control'] });
  const log = EventLog.open({ connectionString: url.href });
  await log.append({ journal: 'control', stream: 's', expectedVersion: 'no-stream', events: [event()] });
  expect((await log.verify({ expected: ['control'] })).ok).toBe(true);
  await log.close();
  await query(
    `reassign owned by ${name} to current_user; drop owned by ${name}; alter database ${database.name} owner to current_user`,
  );
  await query(`drop role ${name}`);
});

test('a migration that was edited after it was applied is named', async () => {
  await migrate(database.url, { journals: [] });
  await query(`update log.migrations set checksum = 'other' where name like '0001%'`);
  await expect(migrate(database.url)).rejects.toThrow(
    '0001-tables.sql was applied to this database with other content',
  );
});
