import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@bellwether/contracts';
import type pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { appendedEvents, FIRST_PAUSE_MS, LONGEST_PAUSE_MS } from './appended-events.js';
import { APPEND_STATEMENT, type Append, type BatchRow, batchOutcomes, batchParameters } from './batch.js';
import { errorKind, sqlState } from './database-error.js';
import {
  LogClosed,
  LogUnavailable,
  OutcomeUnknown,
  Overloaded,
  TogetherRefused,
  UnknownJournal,
  UnstorableEvent,
} from './errors.js';
import type { AppendedEvent, AppendRequest, AppendResult } from './event.js';
import { storable } from './storable.js';

export interface TogetherOptions {
  pool: pg.Pool;
  clock: Clock | undefined;
  /** How long each answer is waited for, milliseconds. */
  answerTimeoutMs: number;
  /** How long it is tried again while the database is away, milliseconds. */
  retryForMs: number;
  /** How many events of waiting callers are held before the next is refused. */
  maxWaitingEvents: number;
  /** The same by size, characters of JSON. */
  maxWaitingCharacters: number;
  onAppended: (journal: string, position: number) => void;
  /** Requests were appended to a journal, so long after they were made. */
  onCommitted: (journal: string, events: number, seconds: number) => void;
}

/** A request with an id of its own for its command, and where it was among those that were given. */
interface Part extends Append {
  index: number;
}

/**
 * Appends requests for several journals in one transaction: all of them, or none. The journals' heads are locked in the
 * order of their names, and by nobody else more than one at a time, so that no two of them wait for each other for ever.
 *
 * Each request has a command id. One whose answer was lost is sent again under another number: should the first sending
 * have gone through, its commands are there, and its events are known by their ids.
 */
export class TogetherAppender {
  readonly #options: TogetherOptions;
  /** What sends to a journal is one appender to the log, with numbers that ascend. */
  readonly #senders = new Map<string, string>();
  #number = 0;
  #waitingEvents = 0;
  #waitingCharacters = 0;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: TogetherOptions) {
    this.#options = options;
  }

  async append(requests: readonly AppendRequest[]): Promise<AppendResult[]> {
    const [first] = requests;
    if (first === undefined) return [];
    if (this.#closed) throw new LogClosed(first.stream);
    const commands = new Set(requests.map(({ commandId }) => commandId));
    if (commands.has(undefined) || commands.size < requests.length)
      throw new RangeError('requests that are appended together have a command id each, and no two the same');
    const { maxWaitingEvents, maxWaitingCharacters } = this.#options;
    if (this.#waitingEvents >= maxWaitingEvents || this.#waitingCharacters >= maxWaitingCharacters)
      throw new Overloaded(first.stream, first.journal, this.#waitingEvents);
    const parts = requests.map((request, index): Part => ({ request, events: storable(request), index }));
    const events = parts.flatMap((part) => part.events);
    const characters = events.reduce((sum, { data, meta }) => sum + data.length + meta.length, 0);
    this.#waitingEvents += events.length;
    this.#waitingCharacters += characters;
    const since = performance.now();
    // One after the other: the number that a journal's appender was at last must not be passed by a later one.
    const isBehind = this.#waitingEvents > events.length;
    const result = this.#last.then(async () => {
      // Those who have waited as long as what was before them may need not wait as long again.
      if (isBehind && performance.now() - since > this.#options.retryForMs)
        throw new LogUnavailable(first.stream);
      return await this.#send(parts, since);
    });
    this.#last = result.catch(() => {});
    try {
      return await result;
    } finally {
      this.#waitingEvents -= events.length;
      this.#waitingCharacters -= characters;
    }
  }

  /** Takes no more, and waits for what was taken. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
  }

  async #send(parts: readonly Part[], since: number): Promise<AppendResult[]> {
    const { retryForMs } = this.#options;
    const { stream, journal } = (parts[0] as Part).request;
    let doubt = false;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const attempt = await this.#attempt(parts);
      if ('rows' in attempt) return await this.#answer(attempt.rows, since);
      const { error, sent } = attempt;
      if (error instanceof TogetherRefused) throw error;
      const kind = errorKind(error);
      // Another transaction took a command id or a stream a moment ago: now that it shows, the log can say so.
      const taken = sqlState(error) === '23505';
      if (kind === 'data' && !taken) {
        const why = error instanceof Error ? error.message : String(error);
        throw new UnstorableEvent(stream, why, { cause: error });
      }
      doubt ||= sent && kind === 'lost';
      if (kind !== 'lasting' && performance.now() - since + pause <= retryForMs) {
        await delay(pause);
        continue;
      }
      if (doubt) throw new OutcomeUnknown(stream, idsOf(parts), { cause: error });
      if (sqlState(error) === 'BW001') throw new UnknownJournal(stream, journal, { cause: error });
      throw new LogUnavailable(stream, { cause: error });
    }
  }

  /** One transaction over all journals, or why there is none; `sent` once it may have been committed. */
  async #attempt(
    parts: readonly Part[],
  ): Promise<{ rows: [Part[], BatchRow][] } | { error: unknown; sent: boolean }> {
    const { pool, clock, answerTimeoutMs } = this.#options;
    let client: pg.PoolClient;
    try {
      client = await pool.connect();
    } catch (error) {
      return { error, sent: false };
    }
    let broken: Error | undefined;
    let sent = false;
    const ask = async <T extends pg.QueryResultRow>(query: pg.QueryConfig): Promise<T[]> =>
      (await client.query<T>({ ...query, query_timeout: answerTimeoutMs } as pg.QueryConfig)).rows;
    try {
      this.#number += 1;
      await ask({ text: 'begin' });
      const rows: [Part[], BatchRow][] = [];
      for (const [journal, own] of byJournal(parts)) {
        const values = batchParameters(
          journal,
          this.#senderOf(journal),
          this.#number,
          clock?.now() ?? null,
          own,
        );
        const [row] = await ask<BatchRow>({ name: 'log-append', text: APPEND_STATEMENT, values });
        for (const [i, outcome] of batchOutcomes(journal, own, row as BatchRow).entries()) {
          if (outcome.kind === 'refused') throw new TogetherRefused((own[i] as Part).index, outcome.error);
        }
        rows.push([own, row as BatchRow]);
      }
      sent = true;
      await ask({ text: 'commit' });
      return { rows };
    } catch (error) {
      if (!(error instanceof TogetherRefused) && errorKind(error) === 'lost') broken = error as Error;
      else await ask({ text: 'rollback' }).catch((failure: Error) => (broken = failure));
      return { error, sent };
    } finally {
      client.release(broken);
    }
  }

  async #answer(rows: readonly [Part[], BatchRow][], since: number): Promise<AppendResult[]> {
    const { onAppended } = this.#options;
    // What is there is told of before anything else is asked for.
    for (const [own, row] of rows) {
      const last = Number(row.last_position);
      if (last >= Number(row.first_position)) onAppended((own[0] as Part).request.journal, last);
    }
    const results: AppendResult[] = [];
    for (const [own, row] of rows) await this.#answerOf(own, row, since, results);
    return results;
  }

  async #answerOf(
    own: readonly Part[],
    row: BatchRow,
    since: number,
    results: AppendResult[],
  ): Promise<void> {
    const { onAppended, onCommitted } = this.#options;
    const { journal } = (own[0] as Part).request;
    let written = 0;
    for (const [i, outcome] of batchOutcomes(journal, own, row).entries()) {
      const { index, events, request } = own[i] as Part;
      if (outcome.kind === 'appended') {
        results[index] = outcome.result;
        written += events.length;
      } else if (outcome.kind === 'duplicate') {
        const { firstPosition, lastPosition, version } = outcome;
        const found = await this.#eventsOf(journal, firstPosition, lastPosition).catch((cause: unknown) => {
          throw new OutcomeUnknown(request.stream, idsOf(own), { cause });
        });
        // Else it is of a sending of this very request, whose answer was lost.
        const duplicate = found[0]?.id !== events[0]?.id;
        results[index] = { firstPosition, lastPosition, version, duplicate, events: found };
        if (duplicate) continue;
        written += events.length;
        onAppended(journal, lastPosition);
      }
    }
    if (written > 0) onCommitted(journal, written, (performance.now() - since) / 1000);
  }

  #eventsOf(journal: string, first: number, last: number): Promise<AppendedEvent[]> {
    const { pool, retryForMs } = this.#options;
    return appendedEvents(pool, journal, { first, last }, retryForMs);
  }

  #senderOf(journal: string): string {
    let sender = this.#senders.get(journal);
    if (sender === undefined) {
      sender = uuidv7();
      this.#senders.set(journal, sender);
    }
    return sender;
  }
}

/** The parts of each journal, by the name of the journal. */
function byJournal(parts: readonly Part[]): [string, Part[]][] {
  const journals = new Map<string, Part[]>();
  for (const part of parts) {
    const own = journals.get(part.request.journal);
    if (own === undefined) journals.set(part.request.journal, [part]);
    else own.push(part);
  }
  return [...journals].sort(([a], [b]) => (a < b ? -1 : 1));
}

const idsOf = (parts: readonly Part[]): string[] =>
  parts.flatMap(({ events }) => events.map((event) => event.id));
