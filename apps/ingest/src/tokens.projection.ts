import { keyOfStream, type TokenCreated } from '@bellwether/contracts';
import type { Projection } from '@bellwether/event-log';

/** The tokens that are valid, so that a start need not read the whole control log for them. */
export const validTokens: Projection = {
  name: 'valid_tokens',
  version: 1,
  takes: ({ type }) => type === 'token.created' || type === 'token.revoked',
  async create(tx, schema) {
    await tx.query(`create table ${schema}.valid_tokens (id text primary key, created json not null)`);
  },
  async apply(tx, event, schema) {
    if (event.type === 'token.created') {
      const data = event.data as TokenCreated;
      await tx.query(
        `insert into ${schema}.valid_tokens (id, created) values ($1, $2) on conflict (id) do nothing`,
        [data.id, JSON.stringify(data)],
      );
    } else if (event.type === 'token.revoked') {
      await tx.query(`delete from ${schema}.valid_tokens where id = $1`, [keyOfStream(event.stream)]);
    }
  },
};
