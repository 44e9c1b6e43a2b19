import { loadConfig, runService } from '@bellwether/service';
import { createDatabase, eventually, freePort, startNats } from '@bellwether/testing';
import { expect, test } from '@jest/globals';
import pg from 'pg';
import { pagingConfig } from './config.js';
import { buildPagingService, SERVICE } from './paging-service.js';
import { secretKey } from './testing/rehearsal.fixture.js';

test('a start that fails half way leaves no connection to Postgres or NATS open', async () => {
  const monitoring = await freePort();
  const [database, nats] = await Promise.all([
    createDatabase({ migrate: true }),
    startNats({ config: `http: "127.0.0.1:${monitoring}"` }),
  ]);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    // A table of that name that is not the service's own: its migration is refused.
    await client.query('create schema paging; create table paging.due (something text)');
    const config = loadConfig(pagingConfig, {
      DATABASE_URL: database.url,
      NATS_URL: nats.url,
      BELLWETHER_LOG_LEVEL: 'silent',
      BELLWETHER_SECRET_KEY: secretKey,
    });
    const start = runService({ name: SERVICE, config, build: (context) => buildPagingService(context) });
    await expect(start).rejects.toThrow(/permission denied for schema paging|already exists/);
    await eventually(async () => {
      const sessions = await client.query(
        'select application_name from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      );
      expect(sessions.rows).toEqual([]);
      const answer = await fetch(`http://127.0.0.1:${monitoring}/connz`);
      expect(await answer.json()).toMatchObject({ num_connections: 0 });
    });
  } finally {
    await client.end();
    await nats.stop();
    await database.drop();
  }
});
