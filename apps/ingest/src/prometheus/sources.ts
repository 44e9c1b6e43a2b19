import { setTimeout as delay } from 'node:timers/promises';
import { type ConsumerMetrics, Projector, tryToLead } from '@bellwether/event-log';
import { Source, type SourceContext } from './source.js';
import { prometheusSources, type SourceRow } from './sources.projection.js';

/** How often the clock and the definitions are looked at, milliseconds of real time. */
const LOOK_MS = 200;
/** Requests to one server, and to all, at a time. */
const OF_ONE_SERVER = 2;
const AT_ONCE = 8;
/** After an error that is no fault of the source, milliseconds of the clock. */
const PAUSE = 2_000;

/**
 * Asks the sources of SLIs for what they measured, as long as this process leads: of several instances one does, so that
 * a Prometheus is not asked by each. Where it was left is in the log, so whoever leads next goes on there.
 */
export class Sources {
  readonly #stopping = new AbortController();
  readonly #projector: Projector;
  #running: Promise<void> | undefined;

  constructor(
    readonly context: SourceContext,
    consumers: ConsumerMetrics,
  ) {
    const { log, logger } = context;
    this.#projector = new Projector(log, {
      owner: 'ingest',
      projections: [prometheusSources],
      metrics: consumers,
      onError: (error) => logger.warn({ error }, 'the table of sources cannot be brought up to date now'),
    });
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends requests under way; what they were about is asked for again by whoever leads next. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#projector.stop();
  }

  async #run(): Promise<void> {
    const { log, logger } = this.context;
    const { signal } = this.#stopping;
    let started = false;
    while (!signal.aborted) {
      try {
        if (!started) await this.#projector.start();
        started = true;
        const leadership = await tryToLead(log.pool, 'prometheus-sources');
        if (leadership !== null) {
          try {
            await this.#lead(AbortSignal.any([leadership.lost, signal]));
          } finally {
            leadership.release();
          }
        }
      } catch (error) {
        if (!signal.aborted)
          logger.warn({ error }, 'the sources of SLIs cannot be asked now; trying until they can');
      }
      await pause(signal);
    }
  }

  async #lead(signal: AbortSignal): Promise<void> {
    const { metrics } = this.context;
    const round = new Round(this.context, signal);
    metrics.leading(true);
    try {
      for (let position = 0; !signal.aborted; ) {
        position = await this.#take(round, position);
        round.begin();
        await pause(signal);
      }
    } finally {
      await round.end();
      metrics.leading(false);
    }
  }

  /** Takes the definitions behind a position of the control log. @returns the position up to which they are known */
  async #take(round: Round, after: number): Promise<number> {
    // Read before the rows: what comes between is taken twice, and never missed.
    const position = this.#projector.position(prometheusSources.name);
    if (position <= after) return after;
    const schema = this.#projector.schemaOf(prometheusSources.name);
    const { rows } = await this.context.log.pool.query<SourceRow>(
      `select sli, definition from ${schema}.sources
        where position > $1 order by position`,
      [after],
    );
    for (const row of rows) round.define(row);
    return position;
  }
}

/** The sources that a leader asks, and which of them are being asked. */
class Round {
  readonly #sources = new Map<string, Source>();
  readonly #asked = new Map<Source, Promise<void>>();

  constructor(
    readonly context: SourceContext,
    readonly signal: AbortSignal,
  ) {}

  define({ sli, definition }: SourceRow): void {
    const known = this.#sources.get(sli);
    if (definition === null) {
      this.#sources.delete(sli);
      this.context.metrics.forget(sli);
    } else if (known !== undefined) known.redefine(definition);
    else this.#sources.set(sli, new Source(this.context, definition));
  }

  /** Asks those that are due, in turn, as far as there is room: one that has much to catch up on holds no other up. */
  begin(): void {
    if (this.signal.aborted) return;
    const now = this.context.clock.now().getTime();
    for (const [sli, source] of [...this.#sources]) {
      if (this.#asked.size >= AT_ONCE) return;
      if (source.dueAt > now || this.#asked.has(source)) continue;
      const ofServer = [...this.#asked.keys()].filter(({ origin }) => origin === source.origin).length;
      if (ofServer >= OF_ONE_SERVER) continue;
      // To the end of the queue.
      this.#sources.delete(sli);
      this.#sources.set(sli, source);
      const asked = this.#ask(source).finally(() => {
        this.#asked.delete(source);
        this.begin();
      });
      this.#asked.set(source, asked);
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#asked.values());
  }

  async #ask(source: Source): Promise<void> {
    const { clock, logger } = this.context;
    try {
      await source.step(this.signal);
    } catch (error) {
      if (this.signal.aborted) return;
      source.dueAt = clock.now().getTime() + PAUSE;
      logger.warn({ error, sli: source.sli }, 'what a source measured cannot be recorded now; trying again');
    }
  }
}

const pause = (signal: AbortSignal): Promise<unknown> =>
  delay(LOOK_MS, undefined, { signal, ref: false }).catch(() => {});
