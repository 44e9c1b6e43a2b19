import type { AccessToken, TokenCreated } from '@bellwether/contracts';
import type { Paging } from '../routing/cursor.js';
import type { ReadModels } from './read-models.js';

interface TokenRow {
  position: string;
  created: TokenCreated;
  created_at: Date;
  created_by: string;
  revoked_at: Date | null;
}

/** Reads access tokens, never with what they could be used by. */
export class TokenStore {
  constructor(private readonly models: ReadModels) {}

  /** By when they were created; one more than the page holds, when there are more. */
  async list(paging: Paging<number>): Promise<{ position: number; token: AccessToken }[]> {
    const rows = await this.models.rows<TokenRow>(
      'tokens',
      'list',
      (schema) => `select position, created, created_at, created_by, revoked_at from ${schema}.tokens
                    where position > $1 order by position limit $2`,
      [paging.after ?? 0, paging.limit + 1],
    );
    return rows.map((row) => ({
      position: Number(row.position),
      token: {
        id: row.created.id,
        name: row.created.name,
        role: row.created.role,
        user: row.created.user ?? null,
        createdAt: row.created_at.toISOString(),
        createdBy: row.created_by,
        expiresAt: row.created.expiresAt,
        revokedAt: row.revoked_at?.toISOString() ?? null,
      },
    }));
  }

  /** The events that every token that is still good began with. */
  async valid(): Promise<{ type: 'token.created'; data: TokenCreated }[]> {
    const rows = await this.models.rows<{ created: TokenCreated }>(
      'tokens',
      'valid',
      (schema) => `select created from ${schema}.tokens where revoked_at is null`,
      [],
    );
    return rows.map(({ created }) => ({ type: 'token.created', data: created }));
  }
}
