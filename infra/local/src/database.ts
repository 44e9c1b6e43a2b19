import { migrate } from '@bellwether/event-log';
import pg from 'pg';
import { StartError } from './start-error.js';

/** Makes the database in an embedded server when it is missing. */
export async function ensureDatabase(serverUrl: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (!rowCount) await client.query(`create database ${pg.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}

/** Brings the log's schema up to date; a database that cannot be used is named without its password. */
export async function migrateLog(databaseUrl: string): Promise<void> {
  try {
    await migrate(databaseUrl);
  } catch (error) {
    const { host, pathname } = new URL(databaseUrl);
    throw new StartError(
      `The log's schema could not be set up in ${host}${pathname}: ${(error as Error).message}`,
    );
  }
}
