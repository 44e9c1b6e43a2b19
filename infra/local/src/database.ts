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
    const { host, pathname, username } = new URL(databaseUrl);
    const said = `The log's schema could not be set up in ${host}${pathname}: ${(error as Error).message}`;
    const names = { database: decodeURIComponent(pathname.slice(1)), user: decodeURIComponent(username) };
    throw new StartError(lacksRights(error) ? `${said}\n${neededRights(names)}` : `${said}${remedy()}`);
  }
}

/** What to do about a database of one's own that cannot be used; of the embedded one its log says more. */
const remedy = (): string =>
  process.env.DATABASE_URL
    ? '\nStart the server that DATABASE_URL names, or correct it; without it the embedded Postgres is used.'
    : '';

/** Whether an error, or what it comes from, is Postgres' insufficient_privilege. */
function lacksRights(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  return code === '42501' || (cause !== undefined && lacksRights(cause));
}

function neededRights({ database, user }: { database: string; user: string }): string {
  const role = user === '' ? '<user>' : pg.escapeIdentifier(user);
  return [
    'DATABASE_URL has to name a superuser, or the owner of the database who may create roles. An administrator makes one:',
    `  alter role ${role} createrole;`,
    `  alter database ${pg.escapeIdentifier(database)} owner to ${role};`,
    'and, where another database of this server has been set up for Bellwether before:',
    `  grant bellwether_owner, bellwether_writer to ${role};`,
  ].join('\n');
}
