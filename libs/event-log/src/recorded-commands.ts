import type pg from 'pg';

/** A command that is in the log. */
export interface RecordedCommand {
  /** Of the request; null where none was given. */
  hash: string | null;
  journal: string;
  /** Of the last event it led to. */
  lastPosition: number;
  /** Of its stream, after it. */
  version: number;
}

/** The record of one command; null when the log has none. */
export async function recordedCommand(pool: pg.Pool, commandId: string): Promise<RecordedCommand | null> {
  const { rows } = await pool.query<{
    hash: string | null;
    journal: string;
    position: string;
    version: string;
  }>({
    name: 'log-recorded-command',
    text: `select command_hash as hash, journal, last_position as position, version
             from log.commands where command_id = $1`,
    values: [commandId],
  });
  const row = rows[0];
  if (row === undefined) return null;
  const { hash, journal, position, version } = row;
  return { hash, journal, lastPosition: Number(position), version: Number(version) };
}

/** The hashes of those of the given commands that the log has; null where none was given with the command. */
export async function commandHashes(
  pool: pg.Pool,
  commandIds: readonly string[],
): Promise<Map<string, string | null>> {
  if (commandIds.length === 0) return new Map();
  const { rows } = await pool.query<{ id: string; hash: string | null }>({
    name: 'log-command-hashes',
    text: 'select command_id as id, command_hash as hash from log.commands where command_id = any($1)',
    values: [commandIds],
  });
  return new Map(rows.map(({ id, hash }) => [id, hash]));
}
