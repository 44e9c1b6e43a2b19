import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@bellwether/contracts';
import type pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { appendedEvents, FIRST_PAUSE_MS, LONGEST_PAUSE_MS } from './appended-events.js';
import { APPEND_STATEMENT, type Append, type BatchRow, batchParameters } from './batch.js';
import { errorKind } from './database-error.js';
import type { AppendedEvent } from './event.js';

/** Where an appender stands; tests stop it there. */
export type AppendStep = 'gathered' | 'connected' | 'answered' | 'settled';

export interface SenderOptions {
  pool: pg.Pool;
  journal: string;
  clock: Clock | undefined;
  /** How long an answer is waited for before the batch is sent again on another connection, milliseconds. */
  answerTimeoutMs: number;
  /** How long a batch is tried again while the database is away, milliseconds. */
  retryForMs: number;
  onStep: ((step: AppendStep, journal: string) => void | Promise<void>) | undefined;
}

/** No answer within the time allowed, or none to be hoped for. */
export class GaveUp extends Error {
  /** The batch may be in the log. */
  readonly doubt: boolean;

  constructor(doubt: boolean, cause: unknown) {
    super('gave up', { cause });
    this.doubt = doubt;
  }
}

/**
 * Sends batches to `log.append`. Each has a number, which the log keeps with the events. A batch whose answer was
 * lost is sent again under its number: if the first sending went through, or still does, the second one appends
 * nothing.
 */
export class BatchSender {
  readonly #options: SenderOptions;
  readonly #id = uuidv7();
  #batches = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Sends a batch under one number until there is an answer. @throws GaveUp, or what the database refused */
  async send(batch: readonly Append[]): Promise<BatchRow> {
    const { journal, clock, retryForMs } = this.#options;
    this.#batches += 1;
    const values = batchParameters(journal, this.#id, this.#batches, clock?.now() ?? null, batch);
    const started = performance.now();
    // Once an answer was lost, only an answer to the same number ends the doubt.
    let doubt = false;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const attempt = await this.#attempt(values);
      if ('row' in attempt) return attempt.row;
      const kind = errorKind(attempt.error);
      doubt ||= attempt.sent && kind === 'lost';
      if (kind === 'data') throw attempt.error;
      if (kind === 'lasting' || performance.now() - started + pause > retryForMs) {
        throw new GaveUp(doubt, attempt.error);
      }
      await delay(pause);
    }
  }

  async #attempt(values: unknown[]): Promise<{ row: BatchRow } | { error: unknown; sent: boolean }> {
    const { pool, journal, answerTimeoutMs, onStep } = this.#options;
    let client: pg.PoolClient;
    try {
      client = await pool.connect();
    } catch (error) {
      return { error, sent: false };
    }
    let broken: Error | undefined;
    try {
      await onStep?.('connected', journal);
      const query = { name: 'log-append', text: APPEND_STATEMENT, values, query_timeout: answerTimeoutMs };
      const { rows } = await client.query<BatchRow>(query);
      await onStep?.('answered', journal);
      return { row: rows[0]! };
    } catch (error) {
      if (errorKind(error) === 'lost') broken = error as Error;
      return { error, sent: true };
    } finally {
      client.release(broken);
    }
  }

  /** Where events are, and which; tried again while the database is away. */
  eventsAt(first: number, last: number): Promise<AppendedEvent[]> {
    const { pool, journal, retryForMs } = this.#options;
    return appendedEvents(pool, journal, { first, last }, retryForMs);
  }
}
