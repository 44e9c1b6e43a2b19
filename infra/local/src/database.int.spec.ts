import { createDatabase, type TestDatabase } from '@bellwether/testing';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import { migrateLog } from './database.js';
import { StartError } from './start-error.js';

jest.setTimeout(30_000);

let database: TestDatabase;
let user: string;
beforeAll(async () => {
  database = await createDatabase();
  user = `poor_${database.name}`;
  await asAdministrator(`create role ${user} login`);
});
afterAll(async () => {
  await asAdministrator(`drop role ${user}`);
  await database.drop();
});

async function asAdministrator(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

test('a user without the rights that it takes is told which, and how an administrator gives them', async () => {
  const url = new URL(database.url);
  url.username = user;
  url.password = 'hunter2';
  const error: unknown = await migrateLog(url.href).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(StartError);
  const { message } = error as StartError;
  expect(message).toMatch(
    new RegExp(`^The log's schema could not be set up in \\S+/${database.name}: permission denied`),
  );
  expect(message).toContain(
    'DATABASE_URL has to name a superuser, or the owner of the database who may create roles',
  );
  for (const sql of [
    `alter role "${user}" createrole;`,
    `alter database "${database.name}" owner to "${user}";`,
    `grant bellwether_owner, bellwether_writer to "${user}";`,
  ])
    expect(message).toContain(sql);
  expect(message).not.toContain('hunter2');
});

test('anything else that is wrong is said as it is', async () => {
  const url = new URL(database.url);
  url.pathname = '/no_such_database';
  const error: unknown = await migrateLog(url.href).catch((thrown: unknown) => thrown);
  expect((error as Error).message).toMatch(/no_such_database: database "no_such_database" does not exist$/);
});

test('of a database of one’s own it is said where it is named', async () => {
  process.env.DATABASE_URL = 'postgresql://me@127.0.0.1:1/shop';
  try {
    await expect(migrateLog(process.env.DATABASE_URL)).rejects.toThrow(
      /ECONNREFUSED[\s\S]*Start the server that DATABASE_URL names, or correct it/,
    );
  } finally {
    delete process.env.DATABASE_URL;
  }
});
