import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transaction } from '@bellwether/event-log';
import type pg from 'pg';

const DIRECTORY = fileURLToPath(new URL('./', import.meta.url));

/** Makes or updates the evaluator's own tables (schema `evaluator`): forward only, safe from several processes at once. */
export async function migrateEvaluator(pool: pg.Pool): Promise<void> {
  const names = (await readdir(DIRECTORY)).filter((name) => /^[0-9]{4}-.+[.]sql$/.test(name)).sort();
  await transaction(pool, async (tx) => {
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('migrate evaluator', 0))`);
    await tx.query('create schema if not exists evaluator');
    await tx.query('create table if not exists evaluator.migrations (name text primary key)');
    const { rows } = await tx.query<{ name: string }>('select name from evaluator.migrations');
    const applied = new Set(rows.map((row) => row.name));
    for (const name of names) {
      if (applied.has(name)) continue;
      await tx.query(await readFile(DIRECTORY + name, 'utf8'));
      await tx.query('insert into evaluator.migrations (name) values ($1)', [name]);
    }
  });
}
