import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { JOURNALS } from '@bellwether/contracts';
import pg from 'pg';
import { connection } from './pool.js';
import { ensureRoles } from './roles.js';

export interface MigrateOptions {
  /** Journals to have; those of the contracts when absent. */
  journals?: readonly string[];
  /** Positions of a segment of a new journal; 1,000,000 when absent. */
  segmentSize?: number;
  /** Told of each migration applied. */
  onApplied?: (name: string) => void;
}

interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

/** Whoever migrates this database holds this lock; an arbitrary number of our own. */
const LOCK = 0x62656c6c;
const SEGMENT_SIZE = 1_000_000;
const DIRECTORY = fileURLToPath(new URL('./migrations/', import.meta.url));

/**
 * Brings the schema `log`, its roles and its journals up to date; forward only, each migration in a transaction
 * of its own. Safe to repeat and to run from several processes at once. The connecting user is a superuser, or
 * owns the database and may create roles.
 */
export async function migrate(connectionString: string, options: MigrateOptions = {}): Promise<void> {
  const migrations = await readMigrations();
  const client = new pg.Client(
    connection(connectionString, ['-c timezone=UTC', '-c client_min_messages=warning']),
  );
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    await ensureRoles(client);
    await client.query('create schema if not exists log authorization bellwether_owner');
    await client.query('set role bellwether_owner');
    await apply(client, migrations, options.onApplied);
    for (const journal of options.journals ?? JOURNALS) {
      await client.query('select log.create_journal($1, $2)', [journal, options.segmentSize ?? SEGMENT_SIZE]);
    }
  } finally {
    // Ends the session, and with it the lock.
    await client.end();
  }
}

async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(DIRECTORY)).filter((name) => /^[0-9]{4}-.+[.]sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(DIRECTORY + name, 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

async function apply(
  client: pg.Client,
  migrations: Migration[],
  onApplied: MigrateOptions['onApplied'],
): Promise<void> {
  await client.query(`create table if not exists log.migrations (
    name text primary key, checksum text not null, applied_at timestamptz not null default clock_timestamp())`);
  const { rows } = await client.query<{ name: string; checksum: string }>(
    'select name, checksum from log.migrations',
  );
  const applied = new Map(rows.map((row) => [row.name, row.checksum]));
  for (const { name, sql, checksum } of migrations) {
    const before = applied.get(name);
    if (before === checksum) continue;
    if (before !== undefined) {
      throw new Error(
        `migration ${name} was applied to this database with other content: add a new one instead`,
      );
    }
    await client.query('begin');
    try {
      await client.query(sql);
      await client.query('insert into log.migrations (name, checksum) values ($1, $2)', [name, checksum]);
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw new Error(`migration ${name} failed: ${(error as Error).message}`, { cause: error });
    }
    onApplied?.(name);
  }
}
