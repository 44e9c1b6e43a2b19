import { JournalGap } from '@bellwether/bus';
import { type EventEnvelope, partitionJournal, type RuleStatus, type SloStatus } from '@bellwether/contracts';
import { CompositeWatches } from '../composite/composite-watches.js';
import { Serial } from '../serial.js';
import { LeaseLost } from '../store/lease-fence.js';
import { CheckpointMoved } from '../store/series-store.js';
import { Buckets } from './buckets.js';
import type { Lease } from './leases.js';
import { type Demand, demandsOf } from './live-series.js';
import { liveStatus } from './live-status.js';
import type { PartitionContext } from './partition-context.js';
import { partitionOf } from './partition-of.js';
import { RuleWatches } from './rule-watches.js';
import { silentAndForgotten } from './silence.js';
import { Watches } from './watches.js';

/** How long a partition rests after a failure, milliseconds. */
const PAUSE_MS = 500;

/**
 * The measurements of one partition as this instance holds it: buckets in memory, evaluation, and storage with the
 * checkpoint. Everything that touches the buckets runs in turn; after each piece of work all changes are stored, so that
 * what is in memory can be thrown away at any time, and is after any failure.
 */
export class Partition {
  readonly journal: string;
  readonly #context: PartitionContext;
  readonly #turn = new Serial();
  readonly #watches: Watches;
  readonly #rules: RuleWatches;
  readonly #composites: CompositeWatches;
  #buckets: Buckets | null = null;
  /** What the SLOs ask for, as of the last look at their definitions. */
  #demands: ReadonlyMap<string, Demand> = new Map();
  /** Head of the journal when the buckets were opened: nothing is decided before all of it is counted. */
  #target = 0;
  #stopped = false;
  #pauseUntil = 0;
  #ticking = false;
  #reconciling = false;
  #backfill: Promise<void> | null = null;

  constructor(
    readonly lease: Lease,
    context: PartitionContext,
  ) {
    this.#context = context;
    this.journal = partitionJournal(lease.partition);
    this.#watches = new Watches(context);
    this.#rules = new RuleWatches(lease, context);
    this.#composites = new CompositeWatches(lease.partition, context);
  }

  /** Indicators whose buckets are in memory, and of those the ones still being made. */
  get size(): { series: number; groups: number; building: number; bytes: number } {
    const all = this.#buckets?.all ?? [];
    return {
      series: all.length,
      groups: all.reduce((groups, live) => groups + live.groups.size, 0),
      building: all.filter((live) => live.building).length,
      bytes: all.flatMap((live) => live.parts).reduce((bytes, { buckets }) => bytes + buckets.bytes, 0),
    };
  }

  /** Opens the stored buckets where they are not in memory. @returns the position to read the journal from */
  async open(): Promise<number> {
    return await this.#turn.run(async () => {
      if (this.#stopped) throw new Error(`partition ${this.lease.partition} was given up`);
      return (await this.#open()).position;
    });
  }

  /** Position up to which everything is stored, as far as this instance knows; 0 while nothing is in memory. */
  get position(): number {
    return this.#buckets?.position ?? 0;
  }

  /**
   * Throws away what is in memory: the store is not what it was when it was read, as after a crash of the database,
   * which may lose the last commits. The next turn opens what is there.
   */
  async reopen(): Promise<void> {
    await this.#turn.run(async () => this.#forget());
  }

  /** Ends all work; what is in memory is forgotten. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#turn.run(async () => this.#forget());
    await this.#backfill;
  }

  /** Takes measurements of the journal, in order. Rejects when they are to be delivered again. */
  async deliver(events: readonly EventEnvelope[]): Promise<void> {
    await this.#turn.run(async () => {
      if (this.#stopped) return;
      try {
        const buckets = await this.#open();
        let last = buckets.position;
        for (const event of events) {
          if (event.position <= last) continue;
          if (event.position > last + 1) throw new JournalGap(this.journal, last + 1, event.position);
          await buckets.take(event);
          last = event.position;
        }
        await this.#evaluateDue(buckets, last);
        await buckets.save(last, this.#now());
      } catch (error) {
        this.#forget();
        throw error;
      }
    });
  }

  /** Looks whether anything is to be evaluated: measurements that were held back, or the passage of time. */
  async tick(): Promise<void> {
    if (this.#stopped || this.#ticking || performance.now() < this.#pauseUntil) return;
    const now = this.#now();
    const watches = [this.#watches, this.#rules, this.#composites];
    if (this.#buckets !== null && !watches.some((each) => each.isDue(now))) return;
    this.#ticking = true;
    await this.#guarded((buckets) => this.#evaluateDue(buckets, buckets.position));
    this.#ticking = false;
  }

  /** Takes new definitions into account. */
  async reconcile(): Promise<void> {
    // One that waits for its turn will see what this one would.
    if (this.#reconciling) return;
    this.#reconciling = true;
    await this.#guarded(async (buckets) => {
      this.#reconciling = false;
      await this.#reconcile(buckets);
    });
    this.#reconciling = false;
  }

  /**
   * Status of an SLO, or of one group of it, from the live buckets; null when this partition does not watch it (yet).
   * @throws CommandRefused 404 when there is no such group
   */
  async status(slo: string, group?: string): Promise<SloStatus | null> {
    return await this.#turn.run(async () => {
      const watched = this.#watches.get(slo);
      const { registry } = this.#context;
      if (this.#stopped || this.#buckets === null) return null;
      if (watched === undefined) return await this.#composites.status(slo, this.#now());
      return await liveStatus(watched, this.#buckets, registry, { slo, group, now: this.#now() });
    });
  }

  /** Status of a threshold rule from the live buckets; null when this partition does not watch it (yet). */
  async ruleStatus(rule: string): Promise<RuleStatus | null> {
    return await this.#turn.run(async () => {
      const open = this.#stopped ? null : this.#buckets;
      return open && (await this.#rules.status(rule, open, this.#now()));
    });
  }

  /**
   * Makes all buckets anew from the journal beside the ones in use, which stay until the new ones are complete.
   * Resolves when they are. @throws Error when they could not be made
   */
  async rebuild(): Promise<void> {
    await this.#guarded(async (buckets) => {
      await buckets.beginReplacements();
      await this.#watch(buckets);
    });
    this.#startBackfill();
    while (this.#backfill) await this.#backfill;
    if (this.#buckets?.replacing !== false)
      throw new Error(`the buckets of ${this.journal} could not be rebuilt`);
  }

  #now(): number {
    return this.#context.clock.now().getTime();
  }

  async #open(): Promise<Buckets> {
    if (this.#buckets !== null) return this.#buckets;
    const { log, store, logger, metrics, pulse } = this.#context;
    this.#target = (await log.head(this.journal)).position;
    const buckets = await Buckets.open({ lease: this.lease, log, store, logger, metrics, pulse });
    await this.#reconcile(buckets);
    this.#buckets = buckets;
    this.#startBackfill();
    return buckets;
  }

  #forget(): void {
    this.#buckets = null;
    this.#watches.clear();
    this.#rules.clear();
    this.#composites.clear();
    this.#pauseUntil = performance.now() + PAUSE_MS;
  }

  /** Runs work in turn; a failure throws away what is in memory, and the next turn opens it again. */
  async #guarded(work: (buckets: Buckets) => Promise<void>): Promise<void> {
    await this.#turn.run(async () => {
      if (this.#stopped) return;
      try {
        const buckets = await this.#open();
        await work(buckets);
        await buckets.save(buckets.position, this.#now());
      } catch (error) {
        this.#forget();
        const { logger } = this.#context;
        if (error instanceof LeaseLost || error instanceof CheckpointMoved) {
          logger.warn({ error }, 'a partition is worked on elsewhere');
        } else {
          logger.error({ error, partition: this.lease.partition }, 'evaluation failed; opening it again');
        }
      }
    });
  }

  /**
   * Evaluates what is due, once everything is counted that the journal held at the start: alerts decided on a part of
   * the measurements would page for what later ones take back.
   */
  async #evaluateDue(buckets: Buckets, counted: number): Promise<void> {
    const now = this.#context.clock.now();
    // Of other partitions, for the most part: what they count, they have stored.
    const composites = await this.#composites.evaluateDue(now);
    this.#context.metrics.evaluations.inc(composites);
    if (counted < this.#target) return;
    const evaluated = await this.#watches.evaluateDue(buckets, now);
    const slis = await this.#rules.evaluateDue(buckets, now);
    await this.#watches.watchSilence(new Set(slis), buckets, now);
    this.#context.metrics.evaluations.inc(evaluated + slis.length);
  }

  async #reconcile(buckets: Buckets): Promise<void> {
    const { registry, clock } = this.#context;
    await buckets.save(buckets.position, this.#now()); // what is opened anew must be complete in the store
    this.#demands = demandsOf(registry, (sli) => partitionOf(sli) === this.lease.partition);
    await buckets.adopt(this.#demands);
    await this.#watch(buckets);
    this.#composites.adopt();
    await this.#evaluateDue(buckets, buckets.position);
    const forgotten = silentAndForgotten(registry, buckets, this.lease.partition);
    await this.#watches.watchSilence(forgotten, buckets, clock.now());
    this.#startBackfill();
  }

  async #watch(buckets: Buckets): Promise<void> {
    this.#watches.adopt(this.#demands, buckets);
    await this.#rules.adopt(this.#demands, buckets);
  }

  #startBackfill(): void {
    if (this.#backfill || this.#stopped || this.#buckets?.nextToBuild === undefined) return;
    this.#backfill = this.#runBackfill().finally(() => {
      this.#backfill = null;
    });
  }

  /** Reads the streams of SLIs into the series being made, a page at a time beside everything else. */
  async #runBackfill(): Promise<void> {
    for (;;) {
      const live = this.#buckets?.nextToBuild;
      if (live === undefined || this.#stopped) return;
      const version = live.row.backfilled;
      const page = await this.#buckets?.unread(live).catch((error: unknown) => {
        this.#context.logger.warn(
          { error, sli: live.demand.sli },
          'the journal cannot be read; trying again',
        );
        return undefined;
      });
      if (page === undefined) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        continue;
      }
      await this.#guarded(async (buckets) => {
        // Opened anew meanwhile: the next round goes on from what was stored.
        if (buckets.nextToBuild !== live || live.row.backfilled !== version) return;
        await buckets.fill(live, page.events);
        if (page.more) return;
        await buckets.finish(live, this.#now());
        // Nobody asks for anything else than before: to look through all definitions for each series takes minutes
        // where thousands of them are made.
        await this.#watch(buckets);
        await this.#evaluateDue(buckets, buckets.position);
      });
    }
  }
}
