import { afterAll, beforeAll } from '@jest/globals';
import pg from 'pg';
import { migrate } from '../migrate.js';

/** The part of the testing kit's server that is used here. */
interface KillableServer {
  url(database?: string): string;
  stop(): Promise<void>;
}

/** A server that the tests of a file may kill, for as long as they run. */
export function ownServer<S extends KillableServer>(
  startPostgres: () => Promise<S>,
): { readonly postgres: S; database(name: string): Promise<string> } {
  let postgres: S;
  beforeAll(async () => {
    postgres = await startPostgres();
  }, 60_000);
  afterAll(() => postgres?.stop());
  return {
    get postgres() {
      return postgres;
    },
    /** Connection string of a new database with a log of short segments. */
    async database(name) {
      await query(postgres.url('postgres'), `create database ${name}`);
      await migrate(postgres.url(name), { journals: ['control'], segmentSize: 16 });
      return postgres.url(name);
    },
  };
}

/** One query on a connection of its own. */
export async function query<T extends pg.QueryResultRow>(
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
