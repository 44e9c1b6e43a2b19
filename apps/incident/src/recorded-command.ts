import type { Pool } from 'pg';

/** A command that is in the log. */
export interface RecordedCommand {
  readonly hash: string | null;
  readonly lastPosition: number;
  /** Of its stream, after it. */
  readonly version: number;
}

/**
 * The record of a command, null when it was not carried out. Asked before deciding: a repeated command meets a state
 * that it has changed itself (a second "resolve" would be refused), and is to be answered as the first time.
 */
export async function recordedCommand(pool: Pool, commandId: string): Promise<RecordedCommand | null> {
  const { rows } = await pool.query<{ hash: string | null; position: string; version: string }>(
    'select command_hash as hash, last_position as position, version from log.commands where command_id = $1',
    [commandId],
  );
  const row = rows[0];
  return row ? { hash: row.hash, lastPosition: Number(row.position), version: Number(row.version) } : null;
}
