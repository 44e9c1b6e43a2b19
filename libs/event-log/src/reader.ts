import type pg from 'pg';
import { bigintArray } from './binary-array.js';
import type { RecordedEvent } from './event.js';
import { lastOfPage, mayBeFull, PAGE_BYTES, type Page } from './page.js';
import { asText, EVENT_COLUMNS, type EventRow, toRecordedEvent, utcDate } from './rows.js';
import type { Upcast } from './upcast.js';

export interface ReadStreamOptions {
  /** First version, inclusive; 1 when absent. */
  from?: number;
  limit?: number;
  /** Only what the log had taken by then. */
  recordedUntil?: Date;
}

export interface ReadJournalOptions {
  /** The position after which to read; 0 for the start. */
  after: number;
  /** 1000 when absent. */
  limit?: number;
  /** Only what the log had taken by then. */
  recordedUntil?: Date;
  /** `text`: data as `JsonText`, for who passes it on; `value` when absent. */
  dataAs?: 'value' | 'text';
}

export interface ReadPageOptions {
  /** The position after which to read; 0 for the start. */
  after: number;
  /** Events at most. */
  limit: number;
  /** Bytes of data after which the page ends; 4 MiB when absent. */
  bytes?: number;
  /** `text`: data as `JsonText`, for who passes it on; `value` when absent. */
  dataAs?: 'value' | 'text';
}

export interface Head {
  /** Of the last event; 0 where there is none. */
  position: number;
  recordedAt: Date | null;
  /** End of the hash chain, hexadecimal. */
  hash: string;
}

/** Reads of the log, each one statement: positions become visible in order, so what a read sees has no holes. */
export class Reader {
  readonly #pool: pg.Pool;
  readonly #upcast: Upcast;

  constructor(pool: pg.Pool, upcast: Upcast) {
    this.#pool = pool;
    this.#upcast = upcast;
  }

  async readStream(stream: string, options: ReadStreamOptions = {}): Promise<RecordedEvent[]> {
    const { from = 1, limit, recordedUntil } = options;
    const rows =
      limit === undefined
        ? await this.#streamRows(stream, from)
        : await this.#streamRows(stream, from, from + limit);
    // Versions are dense, so fewer than wanted are the end of the stream, or those before are archived.
    if (limit !== undefined && rows.length < limit) {
      rows.push(...(await this.#streamRows(stream, from + limit, undefined, limit - rows.length)));
    }
    const events = rows.map(([journal, ...row]) => toRecordedEvent(journal, row, this.#upcast));
    return until(events, recordedUntil);
  }

  /**
   * Versions from one on, before another when that is given. The bound is in the statement because a limit alone makes
   * the planner sort all the rest of the stream for each page as long as a table has not been analysed.
   */
  async #streamRows(
    stream: string,
    from: number,
    before?: number,
    limit?: number,
  ): Promise<[string, ...EventRow][]> {
    // A stream that does not exist has no journal, and so no events.
    const { rows } = await this.#pool.query<[string, ...EventRow]>({
      name: before === undefined ? 'log-read-stream' : 'log-read-stream-range',
      text: `select journal, ${EVENT_COLUMNS} from log.events
              where journal = (select s.journal from log.streams s where s.stream = $1)
                and stream = $1 and version >= $2 and ${before === undefined ? 'true' : 'version < $3'}
              order by version ${before === undefined ? 'limit $3' : ''}`,
      values: [stream, from, before ?? limit ?? null],
      rowMode: 'array',
      types: asText,
    });
    return rows;
  }

  async readJournal(journal: string, options: ReadJournalOptions): Promise<RecordedEvent[]> {
    const { rows } = await this.#pool.query<EventRow>({
      name: 'log-read-journal',
      text: `select ${EVENT_COLUMNS} from log.events
              where journal = $1 and position > $2 order by position limit $3`,
      values: [journal, options.after, options.limit ?? 1000],
      rowMode: 'array',
      types: asText,
    });
    const events = rows.map((row) => toRecordedEvent(journal, row, this.#upcast, options.dataAs));
    return until(events, options.recordedUntil);
  }

  async readPage(journal: string, options: ReadPageOptions): Promise<Page> {
    const page = await this.#page(journal, options);
    if (page.events.length > 0) return page;
    // Nothing there: it is the end of the journal, or what was asked for is archived.
    const archived = await this.archivedUntil(journal);
    return archived > options.after ? this.#page(journal, { ...options, after: archived }) : page;
  }

  /** Positions are dense, so which ones a page has is known before. */
  async #page(journal: string, options: ReadPageOptions): Promise<Page> {
    const { after, limit, bytes = PAGE_BYTES, dataAs } = options;
    const events = 'log.events where journal = $1 and position > $2 and position <= $3';
    const { rows } = await this.#pool.query<EventRow>({
      name: 'log-read-page',
      text: `select ${EVENT_COLUMNS} from ${events} and position <= ${lastOfPage(events, '$4')}
              order by position`,
      values: [journal, after, after + limit, bytes],
      rowMode: 'array',
      types: asText,
    });
    const characters = rows.reduce((sum, row) => sum + row[6].length, 0);
    return {
      events: rows.map((row) => toRecordedEvent(journal, row, this.#upcast, dataAs)),
      full: rows.length === limit || mayBeFull(characters, bytes),
      characters,
    };
  }

  async readPositions(journal: string, positions: readonly number[]): Promise<RecordedEvent[]> {
    const { rows } = await this.#pool.query<EventRow>({
      name: 'log-read-positions',
      text: `select ${EVENT_COLUMNS} from log.events
              where journal = $1 and position = any($2) order by position`,
      values: [journal, bigintArray(positions)],
      rowMode: 'array',
      types: asText,
    });
    return rows.map((row) => toRecordedEvent(journal, row, this.#upcast));
  }

  async readAt(journal: string, position: number): Promise<RecordedEvent | null> {
    const [event] = await this.readJournal(journal, { after: position - 1, limit: 1 });
    return event?.position === position ? event : null;
  }

  async head(journal: string): Promise<Head> {
    const { rows } = await this.#pool.query<[string, string | null, string]>({
      name: 'log-head',
      text: `select position, recorded_at, encode(hash, 'hex') from log.head where journal = $1`,
      values: [journal],
      rowMode: 'array',
      types: asText,
    });
    const row = rows[0];
    if (row === undefined) throw new RangeError(`there is no journal ${journal}`);
    return { position: Number(row[0]), recordedAt: row[1] === null ? null : utcDate(row[1]), hash: row[2] };
  }

  async heads(): Promise<Map<string, number>> {
    const { rows } = await this.#pool.query<{ journal: string; position: string }>({
      name: 'log-heads',
      text: 'select journal, position from log.head',
    });
    return new Map(rows.map((row) => [row.journal, Number(row.position)]));
  }

  async archivedUntil(journal: string): Promise<number> {
    const { rows } = await this.#pool.query<{ until: string }>({
      name: 'log-archived-until',
      text: `select coalesce(max(end_position) - 1, 0) as until from log.segments
              where journal = $1 and archived_at is not null`,
      values: [journal],
    });
    return Number(rows[0]!.until);
  }

  async streamVersion(stream: string): Promise<number> {
    const { rows } = await this.#pool.query<{ version: string }>({
      name: 'log-stream-version',
      text: 'select version from log.streams where stream = $1',
      values: [stream],
    });
    return Number(rows[0]?.version ?? 0);
  }

  /**
   * Position of the last event recorded up to a moment, 0 for none: a binary search, since times ascend with
   * positions. In a journal whose oldest segments are archived it is never below the last archived position.
   */
  async positionAt(journal: string, moment: Date): Promise<number> {
    const { rows } = await this.#pool.query<[string | null]>({
      name: 'log-first-position',
      text: 'select min(position) from log.events where journal = $1',
      values: [journal],
      rowMode: 'array',
      types: asText,
    });
    const { position: head } = await this.head(journal);
    const first = rows[0]?.[0] ?? null;
    let low = first === null ? head : Number(first) - 1;
    let high = head;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const event = await this.readAt(journal, middle);
      if (event !== null && event.recordedAt.getTime() <= moment.getTime()) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** What had been recorded by then. Times of recording ascend with positions and versions, so the cut is a prefix. */
function until(events: RecordedEvent[], moment: Date | undefined): RecordedEvent[] {
  if (moment === undefined) return events;
  return events.filter((event) => event.recordedAt.getTime() <= moment.getTime());
}
