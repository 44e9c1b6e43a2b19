import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { startPostgres } from './postgres.js';

/** A database of one test file. */
export interface TestDatabase {
  name: string;
  url: string;
  /** Ends its sessions and drops it. */
  drop(): Promise<void>;
}

/** Set by Jest's global setup of project `int`. */
const serverVariable = 'BELLWETHER_TEST_DATABASE_URL';
const template = 'migrated_template';
/** Advisory lock under which one of the test processes makes the template. */
const templateLock = 7_239_117;

async function serverUrl(): Promise<string> {
  if (!process.env[serverVariable]) process.env[serverVariable] = (await startPostgres()).url();
  return process.env[serverVariable] as string;
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function databaseUrl(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

/** The log's migrations are run once a run, into a database that the others are copied from. */
async function ensureTemplate(server: string): Promise<void> {
  await withClient(server, async (client) => {
    await client.query('select pg_advisory_lock($1)', [templateLock]);
    const { rowCount } = await client.query(`select from pg_database where datname = '${template}'`);
    if (rowCount) return;
    const draft = `${template}_draft`;
    await client.query(`drop database if exists ${draft} with (force)`);
    await client.query(`create database ${draft}`);
    const { migrate } = await import('@bellwether/event-log');
    await migrate(databaseUrl(server, draft));
    await client.query(`alter database ${draft} rename to ${template}`);
  });
}

/**
 * Makes a database for a test file on the run's server (outside project `int`: on a server of this process).
 * `migrate` puts the log's schema and roles into it.
 */
export async function createDatabase(options: { migrate?: boolean } = {}): Promise<TestDatabase> {
  const server = await serverUrl();
  if (options.migrate) await ensureTemplate(server);
  const name = `test_${randomBytes(6).toString('hex')}`;
  await withClient(server, async (client) => {
    await client.query(`create database ${name} ${options.migrate ? `template ${template}` : ''}`);
    if (!options.migrate) return;
    // A copy has everything of its template but what was granted on the database itself.
    const { WRITER } = await import('@bellwether/event-log');
    await client.query(`grant connect, create, temporary on database ${name} to ${WRITER}`);
  });
  return {
    name,
    url: databaseUrl(server, name),
    async drop() {
      await withClient(server, (client) => client.query(`drop database if exists ${name} with (force)`));
    },
  };
}
