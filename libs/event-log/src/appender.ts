import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Append, appended, type BatchRow, batchOutcomes, type Outcome } from './batch.js';
import { BatchSender, GaveUp, type SenderOptions } from './batch-sender.js';
import { sqlState } from './database-error.js';
import {
  type EventLogError,
  LogClosed,
  LogUnavailable,
  OutcomeUnknown,
  Overloaded,
  UnknownJournal,
  UnstorableEvent,
} from './errors.js';
import type { AppendRequest, AppendResult } from './event.js';
import { storable } from './storable.js';

export interface AppenderOptions extends SenderOptions {
  /** How many events of waiting callers are held before the next is refused. */
  maxWaitingEvents: number;
  /** The same by size, characters of JSON. */
  maxWaitingCharacters: number;
  onAppended: (position: number) => void;
  /** A request was appended, so long after it was made. */
  onCommitted: (events: number, seconds: number) => void;
}

interface Waiting extends Append {
  since: number;
  /** Characters of JSON. */
  size: number;
  settled: boolean;
  resolve: (result: AppendResult) => void;
  reject: (error: Error) => void;
}

const BATCH_EVENTS = 1000;
/** With so many waiting, they go before the callers of the last batch hear of it; with fewer, those had better join. */
const WORTH_SENDING_FIRST = BATCH_EVENTS / 2;
const BATCH_CHARACTERS = 4 * 1024 * 1024;
/** How often a single request is tried when another journal took its command id or stream at the same moment. */
const UNIQUE_TRIES = 3;

/**
 * The one writer of this process to one journal. While a batch is with the database the next one gathers, so a
 * busy journal has large batches and an idle one does not wait: what arrives in the same turn of the event loop
 * goes together.
 */
export class Appender {
  readonly #options: AppenderOptions;
  readonly #sender: BatchSender;
  #queue: Waiting[] = [];
  /** Of callers without an answer; of those, the ones not sent yet. */
  #waitingEvents = 0;
  #queuedEvents = 0;
  #waitingCharacters = 0;
  #answers: (() => void)[] = [];
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(options: AppenderOptions) {
    this.#options = options;
    this.#sender = new BatchSender(options);
  }

  append(request: AppendRequest): Promise<AppendResult> {
    const { stream, journal } = request;
    if (this.#closed) return Promise.reject(new LogClosed(stream));
    const { maxWaitingEvents, maxWaitingCharacters } = this.#options;
    if (this.#waitingEvents >= maxWaitingEvents || this.#waitingCharacters >= maxWaitingCharacters) {
      return Promise.reject(new Overloaded(stream, journal, this.#waitingEvents));
    }
    return new Promise((resolve, reject) => {
      const events = storable(request);
      const size = events.reduce((sum, event) => sum + event.data.length + event.meta.length, 0);
      this.#waitingEvents += events.length;
      this.#waitingCharacters += size;
      this.#queuedEvents += events.length;
      this.#queue.push({ request, events, since: performance.now(), size, settled: false, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Takes no more, and waits for what was taken. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    // One turn of the event loop, so that callers of this turn, woken by the last batch say, join.
    for (await nextTurn(); this.#queue.length > 0; ) {
      const batch = this.#nextBatch();
      const settling = this.#process(batch);
      // Now the batch is on its way: whoever the one before it answered makes new requests while the database works.
      await nextTurn();
      this.#answer();
      await settling;
      if (this.#queuedEvents >= WORTH_SENDING_FIRST) continue;
      this.#answer();
      await nextTurn();
    }
    this.#running = null;
  }

  async #process(batch: Waiting[]): Promise<void> {
    try {
      await this.#options.onStep?.('gathered', this.#options.journal);
      await this.#settle(batch);
      await this.#options.onStep?.('settled', this.#options.journal);
    } catch (error) {
      for (const waiting of batch) this.#reject(waiting, inDoubt(waiting, error));
    }
  }

  /** Up to a thousand events in the order of arrival; the same command twice is for two batches. */
  #nextBatch(): Waiting[] {
    const batch: Waiting[] = [];
    const later: Waiting[] = [];
    const commands = new Set<string>();
    let events = 0;
    let characters = 0;
    let taken = 0;
    for (const waiting of this.#queue) {
      const full =
        events + waiting.events.length > BATCH_EVENTS || characters + waiting.size > BATCH_CHARACTERS;
      if (full && batch.length > 0) break;
      taken += 1;
      const { commandId } = waiting.request;
      if (commandId !== undefined && commands.has(commandId)) {
        later.push(waiting);
        continue;
      }
      if (commandId !== undefined) commands.add(commandId);
      batch.push(waiting);
      events += waiting.events.length;
      characters += waiting.size;
    }
    this.#queue = [...later, ...this.#queue.slice(taken)];
    this.#queuedEvents -= events;
    return batch;
  }

  /** Appends a batch, and tells each caller what became of its request. */
  async #settle(batch: Waiting[], uniqueTries = UNIQUE_TRIES): Promise<void> {
    const { journal } = this.#options;
    let row: BatchRow;
    try {
      row = await this.#sender.send(batch);
    } catch (error) {
      await this.#settleFailure(batch, error, uniqueTries);
      return;
    }
    if (row.landed) {
      await this.#settleLanded(batch, row);
      return;
    }
    if (Number(row.last_position) >= Number(row.first_position)) {
      this.#options.onAppended(Number(row.last_position));
    }
    const duplicates: [Waiting, Extract<Outcome, { kind: 'duplicate' }>][] = [];
    batchOutcomes(journal, batch, row).forEach((outcome, i) => {
      const waiting = batch[i]!;
      if (outcome.kind === 'appended') this.#commit(waiting, outcome.result);
      else if (outcome.kind === 'refused') this.#reject(waiting, outcome.error);
      else duplicates.push([waiting, outcome]);
    });
    for (const [waiting, { firstPosition, lastPosition, version }] of duplicates) {
      const events = await this.#sender.eventsAt(firstPosition, lastPosition);
      this.#resolve(waiting, { firstPosition, lastPosition, version, duplicate: true, events });
    }
  }

  async #settleFailure(batch: Waiting[], error: unknown, uniqueTries: number): Promise<void> {
    if (error instanceof GaveUp) {
      for (const waiting of batch) this.#reject(waiting, this.#whyGivenUp(waiting, error));
      this.#rejectOverdue(error.cause);
      return;
    }
    if (batch.length > 1) {
      const half = Math.ceil(batch.length / 2);
      await this.#settle(batch.slice(0, half));
      await this.#settle(batch.slice(half));
      return;
    }
    const waiting = batch[0]!;
    // Another journal took the same command id or stream a moment ago: now that it shows, the log can say so.
    if (sqlState(error) === '23505' && uniqueTries > 1) {
      await this.#settle(batch, uniqueTries - 1);
      return;
    }
    const why = error instanceof Error ? error.message : String(error);
    this.#reject(waiting, new UnstorableEvent(waiting.request.stream, why, { cause: error }));
  }

  #whyGivenUp(waiting: Waiting, { doubt, cause }: GaveUp): EventLogError {
    const { request } = waiting;
    if (doubt) return inDoubt(waiting, cause);
    if (sqlState(cause) === 'BW001') return new UnknownJournal(request.stream, request.journal, { cause });
    return new LogUnavailable(request.stream, { cause });
  }

  /** Those who have waited as long as the batch that was given up need not wait as long again. */
  #rejectOverdue(cause: unknown): void {
    const before = performance.now() - this.#options.retryForMs;
    const overdue = this.#queue.filter((waiting) => waiting.since < before);
    this.#queue = this.#queue.filter((waiting) => waiting.since >= before);
    for (const waiting of overdue) {
      this.#queuedEvents -= waiting.events.length;
      this.#reject(waiting, new LogUnavailable(waiting.request.stream, { cause }));
    }
  }

  /**
   * The batch had been appended when its answer was lost. Who has events there was appended; the others were
   * refused then and, having written nothing, are judged again.
   */
  async #settleLanded(batch: Waiting[], row: BatchRow): Promise<void> {
    const first = Number(row.first_position);
    const last = Number(row.last_position);
    const landed = new Map<string, { position: number; version: number }>();
    for (const event of await this.#sender.eventsAt(first, last)) landed.set(event.id, event);
    const again: Waiting[] = [];
    if (last >= first) this.#options.onAppended(last);
    for (const waiting of batch) {
      const start = landed.get(waiting.events[0]!.id);
      if (start === undefined) again.push(waiting);
      else {
        const version = start.version + waiting.events.length - 1;
        this.#commit(waiting, appended(waiting, start.position, version));
      }
    }
    if (again.length > 0) await this.#settle(again);
  }

  #commit(waiting: Waiting, result: AppendResult): void {
    this.#options.onCommitted(waiting.events.length, (performance.now() - waiting.since) / 1000);
    this.#resolve(waiting, result);
  }

  #resolve(waiting: Waiting, result: AppendResult): void {
    if (this.#leave(waiting)) this.#answers.push(() => waiting.resolve(result));
  }

  #reject(waiting: Waiting, error: Error): void {
    if (this.#leave(waiting)) this.#answers.push(() => waiting.reject(error));
  }

  /** Tells callers what became of their requests. */
  #answer(): void {
    const answers = this.#answers;
    this.#answers = [];
    for (const answer of answers) answer();
  }

  /** @returns false when the caller has its answer */
  #leave(waiting: Waiting): boolean {
    if (waiting.settled) return false;
    waiting.settled = true;
    this.#waitingEvents -= waiting.events.length;
    this.#waitingCharacters -= waiting.size;
    return true;
  }
}

function inDoubt({ request, events }: Waiting, cause: unknown): OutcomeUnknown {
  return new OutcomeUnknown(
    request.stream,
    events.map((event) => event.id),
    { cause },
  );
}
