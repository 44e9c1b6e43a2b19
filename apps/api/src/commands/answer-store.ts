import { CommandRefused } from '@bellwether/contracts';
import { transaction } from '@bellwether/event-log';
import type pg from 'pg';

/** The answer that a keyed write got. */
export interface StoredAnswer {
  status: number;
  version: number;
  position: number;
  data: unknown;
  warnings: string[];
}

/** How long the answer to a keyed write is kept word by word. The log knows the command for ever. */
const KEPT = '7 days';

/**
 * First answers of writes with an `Idempotency-Key`, so that a repeat is told the same even when the resource has
 * moved on. A convenience: losing the table loses no idempotency, since the log knows the command ids.
 */
export class AnswerStore {
  constructor(private readonly pool: pg.Pool) {}

  async migrate(): Promise<void> {
    await transaction(this.pool, async (tx) => {
      // Two instances that start at once must not both create it.
      await tx.query(`select pg_advisory_xact_lock(hashtext('bellwether api answers'))`);
      await tx.query('create schema if not exists api');
      await tx.query(`
        create table if not exists api.answers (
          command_id text primary key,
          request_hash text not null,
          answer json not null,
          answered_at timestamptz not null default now()
        )`);
      await tx.query('create index if not exists answers_by_age on api.answers (answered_at)');
    });
  }

  /**
   * What the command was answered before.
   * @throws CommandRefused 409 when the key was used for another request
   */
  async find(commandId: string, hash: string): Promise<StoredAnswer | undefined> {
    const { rows } = await this.pool.query<{ request_hash: string; answer: StoredAnswer }>({
      name: 'api-answer-find',
      text: 'select request_hash, answer from api.answers where command_id = $1',
      values: [commandId],
    });
    const row = rows[0];
    if (row === undefined) return undefined;
    if (row.request_hash !== hash) {
      throw CommandRefused.conflict(
        'this Idempotency-Key was used for another request; take a new key for a new request',
        'idempotency-conflict',
      );
    }
    return row.answer;
  }

  /** Keeps the first answer; a later one changes nothing. */
  async keep(commandId: string, hash: string, answer: StoredAnswer): Promise<void> {
    await this.pool.query({
      name: 'api-answer-keep',
      text: `insert into api.answers (command_id, request_hash, answer) values ($1, $2, $3)
             on conflict (command_id) do nothing`,
      values: [commandId, hash, JSON.stringify(answer)],
    });
    await this.pool.query({
      name: 'api-answer-prune',
      text: `delete from api.answers where command_id in (
               select command_id from api.answers where answered_at < now() - interval '${KEPT}'
               order by answered_at limit 50 for update skip locked)`,
    });
  }
}
