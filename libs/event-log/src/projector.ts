import { type Clock, systemClock } from '@bellwether/contracts';
import { type ConsumerMetrics, noConsumerMetrics } from './consumer-metrics.js';
import type { EventLog } from './event-log.js';
import {
  type BuildProgress,
  checkProjection,
  type ParkedKey,
  type Projection,
  type ProjectionState,
} from './projection.js';
import { type FailedAt, ProjectionRunner } from './projection-runner.js';
import { ProjectionSlots } from './projection-slots.js';

export interface ProjectorOptions {
  /** Schema in which the checkpoints are kept, and the first part of the names of the tables' schemas. */
  owner: string;
  projections: Projection[];
  /** Told when the database is away, when a key is parked, and when a projection stands still before an event. */
  onError?: (error: unknown, at: FailedAt) => void;
  /** Told how far each projection is behind, as consumer `<owner>-<projection>`. */
  metrics?: ConsumerMetrics;
  /** Says when builds began and ended; the machine's when absent. */
  clock?: Clock;
  /** Events of a transaction at most; 500 when absent, and 2,000 for those of a build. */
  batch?: number;
}

const BATCH = 500;
/** Of a build: larger transactions are cheaper, and nobody reads its tables yet. */
const BUILD_BATCH = 2000;

/** Keeps the read models of one service up to date with the log. */
export class Projector {
  readonly #log: EventLog;
  readonly #slots: ProjectionSlots;
  readonly #runners = new Map<string, ProjectionRunner>();

  /** An idle session was cut: the server may have been killed, without any query that would notice. */
  readonly #onLost = () => {
    for (const runner of this.#runners.values()) runner.doubt();
  };

  /** @throws RangeError for names that cannot be names of schemas, or that occur twice */
  constructor(log: EventLog, options: ProjectorOptions) {
    const { owner, projections, onError, metrics, clock, batch } = options;
    this.#log = log;
    this.#slots = new ProjectionSlots(log.pool, owner);
    for (const projection of projections) {
      checkProjection(owner, projection);
      if (this.#runners.has(projection.name)) throw new RangeError(`two projections ${projection.name}`);
      this.#runners.set(
        projection.name,
        new ProjectionRunner({
          log,
          slots: this.#slots,
          projection,
          batch: batch ?? BATCH,
          buildBatch: batch ?? BUILD_BATCH,
          clock: clock ?? systemClock,
          consumer: `${owner}-${projection.name}`,
          metrics: metrics ?? noConsumerMetrics,
          onError: onError ?? (() => {}),
        }),
      );
    }
  }

  /**
   * Makes missing tables, takes what is in the log, and follows it from then on. Resolves when every projection is
   * up to date, or stands still before an event: see `state()`. A version that is new is built beside the tables
   * of the one before, which are left for the processes that still read them.
   */
  async start(): Promise<void> {
    this.#log.pool.on('error', this.#onLost);
    await this.#slots.migrate();
    await Promise.all([...this.#runners.values()].map((runner) => runner.start()));
  }

  /** The schema to read a projection's tables from; ask for each read, since a rebuild changes it. */
  schemaOf(name: string): string {
    return this.#runner(name).schema;
  }

  /** Up to where a projection has come. */
  position(name: string): number {
    return this.#runner(name).position;
  }

  /** What keeps the rows of a key of a projection as they were; undefined for a key that is up to date. */
  parked(name: string, key: string): ParkedKey | undefined {
    return this.#runner(name).parked(key);
  }

  /** Waits until a projection, or every one, has come to a position. @returns false when it has not in that time */
  async waitFor(position: number, timeoutMs: number, name?: string): Promise<boolean> {
    const runners = name === undefined ? [...this.#runners.values()] : [this.#runner(name)];
    const there = () => runners.every((runner) => runner.position >= position);
    if (there()) return true;
    const signal = AbortSignal.timeout(timeoutMs);
    await Promise.all(runners.map((runner) => runner.reached(position, signal)));
    return there();
  }

  /** Builds a projection anew beside the tables that are read meanwhile, and swaps them at the end. */
  rebuild(name: string, onProgress?: (progress: BuildProgress) => void): Promise<void> {
    return this.#runner(name).rebuild(onProgress);
  }

  state(): ProjectionState[] {
    return [...this.#runners.values()].map((runner) => runner.state());
  }

  /** Finishes the transactions under way. */
  async stop(): Promise<void> {
    this.#log.pool.off('error', this.#onLost);
    await Promise.all([...this.#runners.values()].map((runner) => runner.stop()));
  }

  #runner(name: string): ProjectionRunner {
    const runner = this.#runners.get(name);
    if (runner === undefined) throw new RangeError(`there is no projection ${name}`);
    return runner;
  }
}
