import pg from 'pg';

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

/**
 * Every table of the read model `name` as text, rows in the order of their text: two dumps are equal, byte for byte,
 * when the tables are. Which schema is being read is what the newest version's build says.
 */
export async function dumpReadModel(databaseUrl: string, schema: string): Promise<Record<string, string>> {
  const tables = await query<{ name: string }>(
    databaseUrl,
    `select table_name as name from information_schema.tables where table_schema = $1 and table_type = 'BASE TABLE' order by 1`,
    [schema],
  );
  const dump: Record<string, string> = {};
  for (const { name } of tables) {
    const rows = await query<{ line: string }>(
      databaseUrl,
      `select t::text as line from "${schema}"."${name}" t order by 1`,
    );
    dump[name] = rows.map((row) => row.line).join('\n');
  }
  return dump;
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
