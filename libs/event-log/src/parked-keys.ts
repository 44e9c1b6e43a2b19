import type pg from 'pg';
import type { RecordedEvent } from './event.js';
import type { ParkedKey, Projection } from './projection.js';

/*
 * The keys of a projection that stand still, in its own schema: new tables begin without any. The log has the events, so
 * that nothing but the place of the first that was passed over needs to be kept.
 */

export async function createParked(tx: pg.PoolClient, schema: string): Promise<void> {
  await tx.query(`create table if not exists ${schema}.parked_keys (
    key text collate "C" primary key,
    position bigint not null,
    error text not null
  )`);
}

export async function park(
  tx: pg.PoolClient,
  schema: string,
  { key, position, error }: ParkedKey,
): Promise<void> {
  await tx.query(`insert into ${schema}.parked_keys (key, position, error) values ($1, $2, $3)`, [
    key,
    position,
    error,
  ]);
}

/** By position. */
export async function parkedIn(on: pg.Pool | pg.PoolClient, schema: string): Promise<Map<string, ParkedKey>> {
  const { rows } = await on.query<{ key: string; position: string; error: string }>(
    `select key, position, error from ${schema}.parked_keys order by position`,
  );
  return new Map(rows.map((row) => [row.key, { ...row, position: Number(row.position) }]));
}

/** The events that are to be taken: later ones of a key that stands still would be taken out of order. */
export function withoutParked(
  projection: Projection,
  parked: ReadonlyMap<string, ParkedKey>,
  events: RecordedEvent[],
): RecordedEvent[] {
  if (parked.size === 0) return events;
  return events.filter((event) => !parked.has(projection.keyOf?.(event) ?? ''));
}
