import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { SystemState } from '@bellwether/contracts';
import { checkout } from '@bellwether/local';
import { expect } from '@jest/globals';
import pg from 'pg';
import { eventually } from '../eventually.js';
import type { WholeSystem } from './system.fixture.js';

/** Runs a query on the system's database. */
export async function query<T extends pg.QueryResultRow>(
  databaseUrl: string,
  sql: string,
  values: unknown[] = [],
): Promise<T[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<T>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/** The schema that each read model of the api is read from now. */
async function activeSchemas(databaseUrl: string): Promise<{ name: string; schema: string }[]> {
  return await query(
    databaseUrl,
    `select name, schema_name as schema from api.projections where state = 'active' order by name`,
  );
}

/**
 * Every table of every read model as text, rows in the order of their text: two dumps are equal, byte for byte, when
 * the tables are.
 */
export async function dumpReadModels(databaseUrl: string): Promise<Record<string, string>> {
  const dump: Record<string, string> = {};
  for (const { name, schema } of await activeSchemas(databaseUrl)) {
    for (const { table } of await tablesOf(databaseUrl, schema)) {
      const rows = await query<{ line: string }>(
        databaseUrl,
        `select t::text as line from "${schema}"."${table}" t order by 1`,
      );
      dump[`${name}.${table}`] = rows.map((row) => row.line).join('\n');
    }
  }
  return dump;
}

/** Takes a row out of each table of each read model, and an hour out of the buckets, behind the system's back. */
export async function damage(databaseUrl: string): Promise<void> {
  for (const { schema } of await activeSchemas(databaseUrl)) {
    for (const { table } of await tablesOf(databaseUrl, schema)) await takeRow(databaseUrl, schema, table);
  }
  await takeRow(databaseUrl, 'evaluator', 'minutes');
}

async function takeRow(databaseUrl: string, schema: string, table: string): Promise<void> {
  await query(
    databaseUrl,
    `delete from "${schema}"."${table}" where ctid = (select min(ctid) from "${schema}"."${table}")`,
  );
}

async function tablesOf(databaseUrl: string, schema: string): Promise<{ table: string }[]> {
  return await query(
    databaseUrl,
    `select table_name as table from information_schema.tables
      where table_schema = $1 and table_type = 'BASE TABLE' order by 1`,
    [schema],
  );
}

/** The canonical text of all buckets: as they are stored (`dump`), or made anew from the log alone (`recompute`). */
export async function buckets(databaseUrl: string, source: 'dump' | 'recompute'): Promise<string> {
  const program = path.join(checkout, 'apps/evaluator/dist/buckets.js');
  const { stdout } = await promisify(execFile)(process.execPath, [program, source], {
    env: { DATABASE_URL: databaseUrl, PATH: process.env.PATH },
    maxBuffer: 2 ** 28,
  });
  return stdout;
}

/**
 * Waits until everything derived has come to the head of the log, and the heads stand still.
 * @returns the head of the control journal
 */
export async function settled(system: WholeSystem): Promise<number> {
  let before = '';
  return await eventually(
    async () => {
      const { head, journals, projections } = await system.get<SystemState>('/v1/system');
      const now = JSON.stringify(journals);
      const same = now === before;
      before = now;
      expect(same).toBe(true);
      for (const { name, position } of projections) expect([name, position]).toEqual([name, head]);
      const counted = await query<{ journal: string; position: number }>(
        system.local.databaseUrl,
        `select 'measurement-' || lpad(partition::text, 2, '0') as journal, position::int
           from evaluator.checkpoints order by partition`,
      );
      for (const { journal, position } of counted) {
        const { position: end } = journals.find((each) => each.journal === journal) ?? {};
        expect([journal, position]).toEqual([journal, end]);
      }
      return head;
    },
    { timeoutMs: 90_000 },
  );
}

/** What `look` sees while no event is appended. */
export async function unmoved<T>(system: WholeSystem, look: () => Promise<T>): Promise<T> {
  return await eventually(
    async () => {
      const before = await settled(system);
      const seen = await look();
      expect(await settled(system)).toBe(before);
      return seen;
    },
    { timeoutMs: 60_000 },
  );
}

/** Has every read model and all buckets made anew by the running system, and waits until they are in use. */
export async function rebuildAll(system: WholeSystem): Promise<void> {
  const { projections } = await system.get<SystemState>('/v1/system');
  expect(projections.length).toBeGreaterThan(0);
  for (const { name } of projections) await system.post(`/v1/system/projections/${name}/rebuild`);
  await system.post('/v1/system/buckets/rebuild');
  await eventually(
    async () => {
      const state = await system.get<SystemState>('/v1/system');
      for (const { name, building, halted, lastBuild } of state.projections)
        expect([name, building, halted, lastBuild?.error]).toEqual([name, null, null, null]);
      expect(state.buckets).toMatchObject({ partitionsToRebuild: 0, building: 0 });
    },
    { timeoutMs: 90_000 },
  );
}

/** What was recorded of the measurements of an SLI: each point's time (epoch milliseconds), in log order. */
export async function recordedPoints(databaseUrl: string, stream: string): Promise<number[]> {
  const rows = await query<{ at: string }>(
    databaseUrl,
    `select jsonb_array_elements_text(columns -> 'at') as at
     from log.events e, lateral jsonb_array_elements((e.data::jsonb) -> 'columns') columns
     where e.stream = $1 order by e.position`,
    [stream],
  );
  return rows.map((row) => Number(row.at));
}
