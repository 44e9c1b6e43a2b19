import { keyOfStream, type TokenCreated } from '@bellwether/contracts';
import type { Projection, RecordedEvent } from '@bellwether/event-log';

/**
 * Access tokens, with their hashes: what a starting process lets in before it follows the log itself, from the position of
 * these tables on. It has no keys of its own to park: a revocation that is passed over would be missed by that process,
 * one before which the tables stand still is not.
 */
export const tokens: Projection = {
  name: 'tokens',
  version: 1,
  takes: ({ type }) => type === 'token.created' || type === 'token.revoked',
  async create(tx, schema) {
    await tx.query(`
      create table ${schema}.tokens (
        id text primary key,
        position bigint not null unique,
        created json not null,
        created_at timestamptz not null,
        created_by text not null,
        revoked_at timestamptz
      )
    `);
  },
  async apply(tx, event: RecordedEvent, schema) {
    if (event.type === 'token.created') {
      const data = event.data as TokenCreated;
      await tx.query(
        `insert into ${schema}.tokens (id, position, created, created_at, created_by)
         values ($1, $2, $3, $4, $5) on conflict (id) do nothing`,
        [data.id, event.position, JSON.stringify(data), event.occurredAt, event.meta.actor],
      );
    } else if (event.type === 'token.revoked') {
      await tx.query(`update ${schema}.tokens set revoked_at = coalesce(revoked_at, $2) where id = $1`, [
        keyOfStream(event.stream),
        event.occurredAt,
      ]);
    }
  },
};
