import type { EventEnvelope } from '@bellwether/contracts';
import pg from 'pg';
import { transaction } from './transaction.js';

/** Somebody else moved the checkpoint: another instance of the consumer is at work. Load it again. */
export class CheckpointMoved extends Error {
  constructor(consumer: string, from: number) {
    super(`the checkpoint of ${consumer} is not at ${from} any more`);
    this.name = 'CheckpointMoved';
  }
}

/** An event that failed, or that waits behind one of its key that did. */
export interface ParkedRecord {
  consumer: string;
  key: string;
  position: number;
  event: EventEnvelope;
  /** Why it failed; null where it only waits. */
  error: string | null;
  parkedAt: Date;
  attempts: number;
}

export interface RetryResult {
  replayed: number;
  remaining: number;
  error?: string;
}

interface ParkedRow {
  consumer: string;
  key: string;
  position: string;
  event: EventEnvelope;
  error: string | null;
  parked_at: Date;
  attempts: number;
}

/** Checkpoints and parked events of the consumers of one service, in its own schema (the bus's `ConsumerStore`). */
export class PgConsumerStore {
  readonly #pool: pg.Pool;
  readonly #schemaName: string;
  readonly #schema: string;

  constructor(pool: pg.Pool, schema: string) {
    this.#pool = pool;
    this.#schemaName = schema;
    this.#schema = pg.escapeIdentifier(schema);
  }

  /** Makes the tables; safe to repeat, and at once from several processes. */
  async migrate(): Promise<void> {
    await transaction(this.#pool, async (tx) => {
      await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `consumers ${this.#schemaName}`,
      ]);
      await tx.query(`
        create schema if not exists ${this.#schema};
        create table if not exists ${this.#schema}.consumer_checkpoints (
          consumer   text primary key,
          position   bigint not null,
          updated_at timestamptz not null default clock_timestamp()
        ) with (fillfactor = 50);
        create table if not exists ${this.#schema}.parked_events (
          consumer  text not null,
          key       text not null,
          position  bigint not null,
          event     json not null,
          error     text,
          parked_at timestamptz not null default clock_timestamp(),
          attempts  int not null,
          primary key (consumer, key, position)
        )`);
    });
  }

  /** Position of the last event that the consumer has dealt with; 0 when it is new. */
  async load(consumer: string): Promise<number> {
    const { rows } = await this.#pool.query<{ position: string }>(
      `select position from ${this.#schema}.consumer_checkpoints where consumer = $1`,
      [consumer],
    );
    return Number(rows[0]?.position ?? 0);
  }

  /**
   * Runs the work and moves the checkpoint in one transaction. The checkpoint comes first: its row's lock makes a
   * second instance wait, and then find that it is late.
   * @throws CheckpointMoved when the checkpoint is not at `from`; the work was not run
   */
  async commit(
    consumer: string,
    from: number,
    to: number,
    work: (tx: pg.PoolClient) => Promise<void>,
  ): Promise<void> {
    await transaction(this.#pool, async (tx) => {
      const { rowCount } = await tx.query(
        `insert into ${this.#schema}.consumer_checkpoints as c (consumer, position)
         select $1, $3::bigint
          where $2::bigint = 0 or exists (select from ${this.#schema}.consumer_checkpoints where consumer = $1)
         on conflict (consumer) do update set position = excluded.position, updated_at = clock_timestamp()
          where c.position = $2`,
        [consumer, from, to],
      );
      if (rowCount !== 1) throw new CheckpointMoved(consumer, from);
      await work(tx);
    });
  }

  /** Puts an event aside, with why it failed, or null where it waits behind one that did. */
  async park(
    tx: pg.PoolClient,
    consumer: string,
    key: string,
    event: EventEnvelope,
    error: string | null,
  ): Promise<void> {
    await tx.query(
      `insert into ${this.#schema}.parked_events (consumer, key, position, event, error, attempts)
       values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
      [consumer, key, event.position, JSON.stringify(event), error, error === null ? 0 : 1],
    );
  }

  async parkedKeys(consumer: string): Promise<Set<string>> {
    const { rows } = await this.#pool.query<{ key: string }>(
      `select distinct key from ${this.#schema}.parked_events where consumer = $1`,
      [consumer],
    );
    return new Set(rows.map((row) => row.key));
  }

  /** By consumer, then in the order of the log. */
  async list(consumer?: string): Promise<ParkedRecord[]> {
    const { rows } = await this.#pool.query<ParkedRow>(
      `select consumer, key, position, event, error, parked_at, attempts from ${this.#schema}.parked_events
        where consumer = coalesce($1, consumer) order by consumer, position`,
      [consumer ?? null],
    );
    return rows.map(({ position, parked_at, ...row }) => ({
      ...row,
      position: Number(position),
      parkedAt: parked_at,
    }));
  }

  /**
   * Gives a key's parked events to the work, in order, each in a transaction of its own that also removes it.
   * Stops at the first that fails again, and keeps its error.
   */
  async retry(
    consumer: string,
    key: string,
    work: (tx: pg.PoolClient, event: EventEnvelope) => Promise<void>,
  ): Promise<RetryResult> {
    for (let replayed = 0; ; replayed += 1) {
      let position: string | undefined;
      try {
        position = await transaction(this.#pool, (tx) => this.#replayFirst(tx, consumer, key, work));
        if (position === undefined) return { replayed, remaining: 0 };
      } catch (error) {
        if (!(error instanceof ReplayFailed)) throw error;
        const { rows } = await this.#pool.query<{ remaining: number }>(
          `with failed as (
             update ${this.#schema}.parked_events set error = $4, attempts = attempts + 1
              where consumer = $1 and key = $2 and position = $3)
           select count(*)::int as remaining from ${this.#schema}.parked_events where consumer = $1 and key = $2`,
          [consumer, key, error.position, error.message],
        );
        return { replayed, remaining: rows[0]!.remaining, error: error.message };
      }
    }
  }

  /** @returns the position replayed; undefined when nothing is parked */
  async #replayFirst(
    tx: pg.PoolClient,
    consumer: string,
    key: string,
    work: (tx: pg.PoolClient, event: EventEnvelope) => Promise<void>,
  ): Promise<string | undefined> {
    // One at a time with the consumer itself, which may be parking behind what is replayed here.
    await tx.query(`select from ${this.#schema}.consumer_checkpoints where consumer = $1 for update`, [
      consumer,
    ]);
    const { rows } = await tx.query<{ position: string; event: EventEnvelope }>(
      `delete from ${this.#schema}.parked_events
        where consumer = $1 and key = $2 and position = (
          select min(position) from ${this.#schema}.parked_events where consumer = $1 and key = $2)
        returning position, event`,
      [consumer, key],
    );
    const first = rows[0];
    if (first === undefined) return undefined;
    try {
      await work(tx, first.event);
    } catch (error) {
      throw new ReplayFailed(first.position, error);
    }
    return first.position;
  }
}

class ReplayFailed extends Error {
  readonly position: string;

  constructor(position: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.position = position;
  }
}
