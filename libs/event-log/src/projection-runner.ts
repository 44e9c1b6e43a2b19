import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@bellwether/contracts';
import type { ConsumerMetrics } from './consumer-metrics.js';
import type { RecordedEvent } from './event.js';
import type { EventLog } from './event-log.js';
import type { BuildProgress, ParkedKey, Projection, ProjectionBuild, ProjectionState } from './projection.js';
import { buildBeside } from './projection-build.js';
import { messageOf } from './projection-failure.js';
import { type ProjectionSlots, type Slot, SlotMoved } from './projection-slots.js';
import { CannotTake, take } from './projection-taking.js';

export interface RunnerOptions {
  log: EventLog;
  slots: ProjectionSlots;
  projection: Projection;
  batch: number;
  /** The same for a build, which nobody waits to see a single event of. */
  buildBatch: number;
  clock: Clock;
  /** Its name among all consumers, for the metrics. */
  consumer: string;
  metrics: ConsumerMetrics;
  onError: (error: unknown, at: FailedAt) => void;
}

/** The database is away for the moment; the key of an event is parked; or the projection stands still before one. */
export type FailureOutcome = 'passing' | 'parked' | 'halted';

export interface FailedAt {
  projection: string;
  position: number;
  outcome: FailureOutcome;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;
/** So often a projection that stands still looks how far the journal has grown. */
const LOOK_MS = 500;

/** Follows the journal for one projection and keeps its tables up to date. */
export class ProjectionRunner {
  readonly #options: RunnerOptions;
  readonly #journal: string;
  readonly #stopping = new AbortController();
  readonly #waiting = new Set<() => void>();
  #slot: Slot = { schema: '', position: 0, parked: new Map() };
  #head = 0;
  /** Whether the tables must be looked at before anything else is taken. */
  #doubtful = false;
  #building: BuildProgress | undefined;
  #lastBuild: ProjectionBuild | undefined;
  #halted: { position: number; error: string } | undefined;
  /** Ends the current round of following, so that it starts again from the slot. */
  #round = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#journal = options.projection.journal ?? 'control';
  }

  get schema(): string {
    return this.#slot.schema;
  }

  get position(): number {
    return this.#slot.position;
  }

  parked(key: string): ParkedKey | undefined {
    return this.#slot.parked.get(key);
  }

  get halted(): boolean {
    return this.#halted !== undefined;
  }

  state(): ProjectionState {
    const { name, version } = this.#options.projection;
    return {
      name,
      version,
      position: this.#slot.position,
      head: Math.max(this.#head, this.#slot.position),
      ...(this.#building ? { building: { ...this.#building } } : {}),
      ...(this.#lastBuild ? { lastBuild: { ...this.#lastBuild } } : {}),
      parked: [...this.#slot.parked.values()],
      ...(this.#halted ? { halted: { ...this.#halted } } : {}),
    };
  }

  /** Makes the tables, starts to follow, and resolves when what was in the log has been taken, or it halted. */
  async start(): Promise<void> {
    const { slots, projection, log } = this.#options;
    await slots.complete(projection);
    this.#slot = await slots.active(projection);
    const { position } = await log.head(this.#journal);
    this.#see(position);
    this.#running = this.#run();
    await this.reached(position);
    if (!this.halted && !this.#stopping.signal.aborted) await slots.supersedeOlder(projection);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#round.abort();
    this.#tell();
    await this.#running;
  }

  /** Resolves when the position is reached, or cannot be, since it halted or was stopped, or the signal aborts. */
  reached(position: number, signal?: AbortSignal): Promise<void> {
    const over = () =>
      this.#slot.position >= position || this.halted || this.#stopping.signal.aborted || signal?.aborted;
    if (over()) return Promise.resolve();
    return new Promise((resolve) => {
      const look = () => {
        if (!over()) return;
        this.#waiting.delete(look);
        signal?.removeEventListener('abort', look);
        resolve();
      };
      this.#waiting.add(look);
      signal?.addEventListener('abort', look);
    });
  }

  /** Builds new tables beside those that are read, and swaps them. Also the way out of a halt. */
  async rebuild(onProgress?: (progress: BuildProgress) => void): Promise<void> {
    const { slots, projection, log, batch, buildBatch, clock } = this.#options;
    if (this.#building) throw new Error(`${projection.name} is being rebuilt already`);
    this.#building = { position: 0, head: this.#head };
    const build: ProjectionBuild = { id: randomUUID(), startedAt: clock.now(), endedAt: null, error: null };
    this.#lastBuild = build;
    try {
      this.#slot = await buildBeside({
        log,
        slots,
        projection,
        journal: this.#journal,
        batch: buildBatch,
        swapBatch: batch,
        signal: this.#stopping.signal,
        onProgress: (progress) => {
          this.#building = progress;
          onProgress?.({ ...progress });
        },
        onParked: (error, { position }) => this.#report(error, 'parked', position),
      });
      this.#halted = undefined;
      this.#round.abort();
    } catch (error) {
      build.error = messageOf(error);
      throw error;
    } finally {
      build.endedAt = clock.now();
      this.#building = undefined;
      this.#tell();
    }
  }

  async #run(): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    while (!this.#stopping.signal.aborted) {
      this.#round = new AbortController();
      if (this.#doubtful && !(await this.#lookUp())) continue;
      try {
        await this.#followRound(this.#round.signal, () => {
          pause = FIRST_PAUSE_MS;
        });
      } catch (error) {
        this.#doubtful = true;
        if (!(error instanceof SlotMoved)) {
          this.#report(error, 'passing');
          await this.#sleep(pause);
          pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
        }
      }
    }
  }

  async #followRound(signal: AbortSignal, onProgress: () => void): Promise<void> {
    const { log, batch } = this.#options;
    if (this.#halted) {
      await this.#standStill(signal);
      return;
    }
    const after = this.#slot.position;
    for await (const events of log.follow(this.#journal, { after, signal, batch })) {
      this.#see(Math.max(events.at(-1)!.position, log.announced(this.#journal)));
      await this.#take(events);
      onProgress();
      if (this.#halted) return;
    }
  }

  /** Until a rebuild or the end; how far the journal grows meanwhile is the lag that somebody is to see. */
  async #standStill(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { position } = await this.#options.log.head(this.#journal);
      this.#see(position);
      await delay(LOOK_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #take(events: RecordedEvent[]): Promise<void> {
    const { slots, projection } = this.#options;
    const onMoved = (slot: Slot) => {
      this.#slot = slot;
      this.#tell();
    };
    try {
      await take(
        {
          slots,
          projection,
          onMoved,
          onParked: (error, { position }) => this.#report(error, 'parked', position),
        },
        this.#slot,
        events,
      );
    } catch (error) {
      if (!(error instanceof CannotTake)) throw error;
      this.#halted = { position: error.event.position, error: messageOf(error.cause) };
      this.#report(error.cause, 'halted', error.event.position);
      this.#tell();
    }
  }

  /**
   * Says that the tables may not be as they are remembered. A server that was killed has lost the last transactions
   * (they do not wait for the disk), the events of which are to be taken again.
   */
  doubt(): void {
    this.#doubtful = true;
    this.#round.abort();
  }

  /** Where the tables are: after another process has taken events or swapped them, or the server was lost. */
  async #lookUp(): Promise<boolean> {
    this.#doubtful = false;
    try {
      this.#slot = await this.#options.slots.active(this.#options.projection);
      this.#tell();
      return true;
    } catch (error) {
      this.#doubtful = true;
      this.#report(error, 'passing');
      await this.#sleep(FIRST_PAUSE_MS);
      return false;
    }
  }

  /** The journal is known to have grown to `head`. */
  #see(head: number): void {
    this.#head = Math.max(this.#head, head);
    this.#measure();
  }

  #measure(): void {
    const { consumer, metrics } = this.#options;
    metrics.lag(consumer, Math.max(0, this.#head - this.#slot.position));
    metrics.halted(consumer, this.halted);
    metrics.parked(consumer, this.#slot.parked.size);
  }

  #tell(): void {
    this.#measure();
    for (const look of [...this.#waiting]) look();
  }

  #report(error: unknown, outcome: FailureOutcome, position = this.#slot.position): void {
    this.#options.onError(error, { projection: this.#options.projection.name, position, outcome });
  }

  async #sleep(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}
