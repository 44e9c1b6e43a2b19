import { setTimeout as delay } from 'node:timers/promises';
import type { Clock, Tracer } from '@bellwether/contracts';
import type pg from 'pg';
import type { Registry } from 'prom-client';
import { appendInSpan, appendTogetherInSpans } from './append-span.js';
import { Appender } from './appender.js';
import type { AppendStep } from './batch-sender.js';
import { errorKind } from './database-error.js';
import type { AppendRequest, AppendResult, RecordedEvent } from './event.js';
import { type FollowOptions, follow, type ReadPage } from './follow.js';
import { type LogMetrics, logMetrics, noLogMetrics } from './log-metrics.js';
import { Nudges } from './nudges.js';
import type { Page } from './page.js';
import { openPool } from './pool.js';
import {
  type Head,
  Reader,
  type ReadJournalOptions,
  type ReadPageOptions,
  type ReadStreamOptions,
} from './reader.js';
import { commandHashes, type RecordedCommand, recordedCommand } from './recorded-commands.js';
import { SharedPages } from './shared-pages.js';
import { type ScannedPage, type ScanStreamOptions, scanStream } from './stream-scan.js';
import { TogetherAppender } from './together-appender.js';
import { type Upcast, type Upcaster, upcastWith } from './upcast.js';
import { upcasters } from './upcasters.js';
import { type VerifyOptions, type VerifyReport, verifyLog } from './verify.js';

export interface EventLogOptions {
  connectionString: string;
  /** Whose sessions these are, for who looks at `pg_stat_activity`: `bellwether <name>`. */
  name?: string;
  /** Where `recordedAt` comes from; the database's clock when absent. */
  clock?: Clock;
  /** Connections at most; 8 when absent. */
  poolSize?: number;
  /** Called after each commit with the last position, to nudge others. */
  onAppended?: (journal: string, position: number) => void;
  metrics?: Registry;
  /** Makes a span of each append, and the trace context of its events. */
  tracer?: Tracer;
  /** In place of the product's own, for tests. */
  upcasters?: readonly Upcaster[];
  /** Role of the sessions; `bellwether_writer` when absent. */
  role?: string;
  /** How long an append is tried again while the database is away, milliseconds; 30,000 when absent. */
  retryForMs?: number;
  /** How long the answer to a batch is waited for before it is sent again, milliseconds; 10,000 when absent. */
  answerTimeoutMs?: number;
  /** Events that may wait for a journal before appends are refused as `Overloaded`; 20,000 when absent. */
  maxWaitingEvents?: number;
  /** The same by size, characters of JSON; 64 Mi when absent. */
  maxWaitingCharacters?: number;
  /** Called at each step of a batch; for tests that end a process between two of them. */
  onStep?: (step: AppendStep, journal: string) => void | Promise<void>;
}

/** So often a database that is not there yet is asked again, milliseconds. */
const WAIT_MS = 250;

/** The append-only log: journals of events with dense positions, cut into streams with dense versions. */
export class EventLog {
  /** Sessions as the writer role; for the owner's own tables, too. */
  readonly pool: pg.Pool;
  readonly #options: EventLogOptions;
  readonly #upcast: Upcast;
  readonly #reader: Reader;
  readonly #nudges = new Nudges();
  readonly #shared = new SharedPages(this);
  readonly #appenders = new Map<string, Appender>();
  readonly #together: TogetherAppender;
  readonly #metrics: LogMetrics;

  /** Opens a log that `migrate()` has made. Connects at the first use. */
  static open(options: EventLogOptions): EventLog {
    return new EventLog(options);
  }

  private constructor(options: EventLogOptions) {
    this.#options = options;
    this.pool = openPool({
      connectionString: options.connectionString,
      role: options.role ?? 'bellwether_writer',
      max: options.poolSize ?? 8,
      name: options.name === undefined ? 'bellwether' : `bellwether ${options.name}`,
    });
    this.#upcast = upcastWith(options.upcasters ?? upcasters);
    this.#reader = new Reader(this.pool, this.#upcast);
    this.#metrics = options.metrics ? logMetrics(options.metrics) : noLogMetrics;
    this.#together = new TogetherAppender({
      ...this.#limits,
      pool: this.pool,
      onAppended: (journal, position) => this.#appended(journal, position),
      onCommitted: (journal, events, seconds) => this.#metrics.appended(journal, events, seconds),
    });
  }

  /**
   * Resolves when the database answers, however long it takes to come up: for the start of a service.
   * @param onWaiting told why it waits, at first and then every half minute
   * @throws Error at once for what waiting does not help against, such as a refused password
   */
  async available(onWaiting: (error: unknown) => void): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await this.pool.query('select');
        return;
      } catch (error) {
        if (!['lost', 'passing'].includes(errorKind(error))) throw error;
        if (attempt % (30_000 / WAIT_MS) === 0) onWaiting(error);
        await delay(WAIT_MS);
      }
    }
  }

  /**
   * Appends events to a stream; concurrent calls go to the database together, each judged on its own. Resolves
   * after the commit.
   * @throws StaleVersion, StreamExists, StreamMissing when the stream is not as expected
   * @throws RequirementFailed when another stream is not as required
   * @throws CommandConflict when the command id was used for another content
   * @throws StreamElsewhere, UnknownJournal, UnstorableEvent for requests that can never be taken
   * @throws Overloaded, LogUnavailable when nothing was appended, for now
   * @throws OutcomeUnknown when the answer was lost, and could not be learnt in time
   */
  append(request: AppendRequest): Promise<AppendResult> {
    const { tracer } = this.#options;
    const append = (asked: AppendRequest) => this.#appender(asked.journal).append(asked);
    return tracer?.enabled ? appendInSpan(tracer, request, append) : append(request);
  }

  /**
   * Appends requests for any journals in one transaction: all, or none. For what must not be half there; it locks all of
   * those journals for as long as it takes. Each request has a command id, and no two have the same.
   * @returns a result for each request, in their order
   * @throws TogetherRefused when one of them is refused, and why
   * @throws UnstorableEvent, UnknownJournal, Overloaded, LogUnavailable, OutcomeUnknown as {@link append} does
   */
  appendTogether(requests: readonly AppendRequest[]): Promise<AppendResult[]> {
    const { tracer } = this.#options;
    return tracer?.enabled
      ? appendTogetherInSpans(tracer, requests, (asked) => this.#together.append(asked))
      : this.#together.append(requests);
  }

  /** Events of a stream in order; none where there is no such stream. */
  readStream(stream: string, options?: ReadStreamOptions): Promise<RecordedEvent[]> {
    return this.#reader.readStream(stream, options);
  }

  /**
   * The data of a whole stream, or of all of it since a moment, in pages: for those who read very many events. Holds a
   * connection until the caller is done, or stops.
   */
  scanStream(stream: string, options?: ScanStreamOptions): AsyncGenerator<ScannedPage> {
    return scanStream(this.pool, this.#upcast, stream, options);
  }

  /** Events of a journal in order. The oldest may have been archived: then the first is not `after + 1`. */
  readJournal(journal: string, options: ReadJournalOptions): Promise<RecordedEvent[]> {
    return this.#reader.readJournal(journal, options);
  }

  /** The same, ended by the bytes of its data too: for those who go through a journal and keep no more than a page. */
  readPage(journal: string, options: ReadPageOptions): Promise<Page> {
    return this.#reader.readPage(journal, options);
  }

  /** Those events of a journal that are at given positions, in order. */
  readPositions(journal: string, positions: readonly number[]): Promise<RecordedEvent[]> {
    return this.#reader.readPositions(journal, positions);
  }

  readAt(journal: string, position: number): Promise<RecordedEvent | null> {
    return this.#reader.readAt(journal, position);
  }

  /** Position of the last event recorded up to a moment, 0 for none. */
  positionAt(journal: string, moment: Date): Promise<number> {
    return this.#reader.positionAt(journal, moment);
  }

  /**
   * Pages of events as they are appended, until the signal aborts. What several followers of this log come to is read once,
   * so nobody may change an event. Errors of the database are thrown.
   */
  follow(journal: string, options: FollowOptions): AsyncIterable<RecordedEvent[]> {
    return this.followWith((after, limit) => this.#shared.read(journal, after, limit), journal, options);
  }

  /** `follow` with another way to read a page. */
  followWith(read: ReadPage, journal: string, options: FollowOptions): AsyncIterable<RecordedEvent[]> {
    return follow(journal, read, this.#nudges, options);
  }

  /**
   * Says that a journal may have grown, and how far when that is known: followers who are not there look at once.
   * Appends of this process do it by themselves.
   */
  nudge(journal: string, position?: number): void {
    if (position === undefined) this.#shared.forget(journal);
    this.#nudges.nudge(journal, position);
  }

  /** The highest position that a nudge told of; 0 for none. */
  announced(journal: string): number {
    return this.#nudges.heard(journal).position;
  }

  /** @throws RangeError for an unknown journal */
  head(journal: string): Promise<Head> {
    return this.#reader.head(journal);
  }

  /** Position of the last event of every journal. */
  heads(): Promise<Map<string, number>> {
    return this.#reader.heads();
  }

  /** Last position of a journal that is in an archive and no longer here; 0 when all of it is. */
  archivedUntil(journal: string): Promise<number> {
    return this.#reader.archivedUntil(journal);
  }

  /** 0 where there is no such stream. */
  streamVersion(stream: string): Promise<number> {
    return this.#reader.streamVersion(stream);
  }

  /**
   * The record of a command, null when the log has none. To be asked before deciding: a repeated command meets a state
   * that it has changed itself (a second "resolve" would be refused), and is to be answered as the first time.
   */
  recordedCommand(commandId: string): Promise<RecordedCommand | null> {
    return recordedCommand(this.pool, commandId);
  }

  /** The hashes of those of the given commands that the log has; null where a command was given without one. */
  commandHashes(commandIds: readonly string[]): Promise<Map<string, string | null>> {
    return commandHashes(this.pool, commandIds);
  }

  /** Recomputes the hash chains; the report names the first bad position of each journal. */
  verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    return verifyLog(this.pool, options);
  }

  /**
   * Forgets the commands of measurement journals recorded before a moment (their identity is then no longer
   * recognised); those of the control journal are kept.
   * @param signal ends it between two deletions of ten thousand
   * @returns how many
   */
  async pruneCommands(before: Date, signal?: AbortSignal): Promise<number> {
    const limit = 10_000;
    for (let pruned = 0; ; ) {
      signal?.throwIfAborted();
      const { rows } = await this.pool.query<{ pruned: number }>(
        'select log.prune_commands($1, $2) as pruned',
        [before, limit],
      );
      pruned += rows[0]!.pruned;
      if (rows[0]!.pruned < limit) return pruned;
    }
  }

  /** Takes no more appends, finishes those it has, and closes the pool. */
  async close(): Promise<void> {
    const appenders = [this.#together, ...this.#appenders.values()];
    await Promise.all(appenders.map((appender) => appender.close()));
    await this.pool.end();
  }

  #appender(journal: string): Appender {
    let appender = this.#appenders.get(journal);
    if (appender === undefined) {
      appender = new Appender({
        ...this.#limits,
        pool: this.pool,
        journal,
        onAppended: (position) => this.#appended(journal, position),
        onCommitted: (events, seconds) => this.#metrics.appended(journal, events, seconds),
        onStep: this.#options.onStep,
      });
      this.#appenders.set(journal, appender);
    }
    return appender;
  }

  get #limits() {
    const { clock, retryForMs, answerTimeoutMs, maxWaitingEvents, maxWaitingCharacters } = this.#options;
    return {
      clock,
      retryForMs: retryForMs ?? 30_000,
      answerTimeoutMs: answerTimeoutMs ?? 10_000,
      maxWaitingEvents: maxWaitingEvents ?? 20_000,
      maxWaitingCharacters: maxWaitingCharacters ?? 64 * 1024 * 1024,
    };
  }

  #appended(journal: string, position: number): void {
    this.#nudges.nudge(journal, position);
    this.#options.onAppended?.(journal, position);
  }
}
