import { JournalGap } from '@bellwether/bus';
import { type Clock, type EventEnvelope, partitionJournal, type SloStatus } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import type { Logger } from '@bellwether/service';
import { groupingKey, groupsInTheMaking, readSlo, statusOf, statusOfGroups } from '@bellwether/slo';
import type { AbsenceAlert } from '../evaluation/absence.js';
import type { TransitionLog } from '../evaluation/transitions.js';
import type { EvaluatorMetrics } from '../metrics.js';
import { absenceRule, type Registry } from '../registry/registry.js';
import { policyOf } from '../registry/slo-policy.js';
import { Serial } from '../serial.js';
import { noSuchGroup } from '../status/no-such-group.js';
import { LeaseLost } from '../store/lease-fence.js';
import { CheckpointMoved, type SeriesStore } from '../store/series-store.js';
import { Buckets, STREAM_PAGE } from './buckets.js';
import type { Lease } from './leases.js';
import { type Demand, demandKey, demandsOf } from './live-series.js';
import { partitionOf } from './partition-of.js';
import type { WatchedSlo } from './watch.js';
import { Watches } from './watches.js';

/** What a partition works with. */
export interface PartitionContext {
  log: EventLog;
  registry: Registry;
  store: SeriesStore;
  transitions: TransitionLog;
  absence: AbsenceAlert;
  clock: Clock;
  logger: Logger;
  metrics: EvaluatorMetrics;
}

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
    this.#watches = new Watches(context.transitions, context.absence);
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
    if (this.#buckets !== null && !this.#watches.isDue(this.#now())) return;
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
      const entry = this.#context.registry.slos.get(slo);
      if (this.#stopped || this.#buckets === null || watched === undefined || entry === undefined)
        return null;
      if (group !== undefined && !watched.knowsGroups) return null;
      const now = this.#now();
      const { plan, whole, groups } = watched;
      if (group !== undefined) {
        const live = watched.group(group);
        if (live === undefined || live.newest === null) throw noSuchGroup(slo, group);
        await this.#buckets.page([live], now);
        return { ...statusOf(readSlo(plan, live.buckets.source(plan), now), entry.ledger), backfill: null };
      }
      await this.#buckets.page([whole, ...groups], now);
      const source = whole.buckets.source(plan);
      const policy = policyOf(entry, this.#context.registry.services);
      const status = { ...statusOf(readSlo(plan, source, now), entry.ledger), policy, backfill: null };
      if (plan.grouping === null) return status;
      if (!watched.knowsGroups)
        return { ...status, ...groupsInTheMaking(plan.grouping, this.#progress(watched)) };
      const sources = groups.map(({ buckets }) => buckets.source(plan));
      return { ...status, ...statusOfGroups(plan, source, sources, entry.ledger, now) };
    });
  }

  /** How far the groups of an SLO are made. */
  #progress({ plan, whole }: WatchedSlo): { done: number; of: number } {
    const { sli, indicator } = whole.row;
    const key = plan.grouping === null ? indicator : groupingKey(indicator, plan.grouping);
    const row = this.#buckets?.of(demandKey({ sli, key }))?.row;
    return { done: row?.backfilled ?? 0, of: row?.backfillOf ?? 0 };
  }

  /**
   * Makes all buckets anew from the journal beside the ones in use, which stay until the new ones are complete.
   * Resolves when they are. @throws Error when they could not be made
   */
  async rebuild(): Promise<void> {
    await this.#guarded(async (buckets) => {
      await buckets.beginReplacements();
      this.#watches.adopt(this.#demands, buckets);
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
    const { log, store, logger, metrics } = this.#context;
    this.#target = (await log.head(this.journal)).position;
    const buckets = await Buckets.open({ lease: this.lease, log, store, logger, metrics });
    await this.#reconcile(buckets);
    this.#buckets = buckets;
    this.#startBackfill();
    return buckets;
  }

  #forget(): void {
    this.#buckets = null;
    this.#watches.clear();
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
    if (counted < this.#target) return;
    const evaluated = await this.#watches.evaluateDue(buckets, this.#context.clock.now());
    this.#context.metrics.evaluations.inc(evaluated);
  }

  async #reconcile(buckets: Buckets): Promise<void> {
    const { registry, clock } = this.#context;
    await buckets.save(buckets.position, this.#now()); // what is opened anew must be complete in the store
    this.#demands = demandsOf(registry, (sli) => partitionOf(sli) === this.lease.partition);
    await buckets.adopt(this.#demands);
    this.#watches.adopt(this.#demands, buckets);
    await this.#evaluateDue(buckets, buckets.position);
    // SLIs that fell silent, and that no SLO looks at any more.
    const forgotten = [...registry.absences.values()]
      .filter(({ firing }) => firing)
      .map(({ fired }) => fired.rule.slice(absenceRule('').length))
      .filter((sli) => buckets.ofSli(sli).length === 0)
      .filter((sli) => partitionOf(sli) === this.lease.partition);
    await this.#watches.watchSilence(forgotten, buckets, clock.now());
    this.#startBackfill();
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
        await buckets.fill(live, page);
        if (page.length === STREAM_PAGE) return;
        await buckets.finish(live, this.#now());
        // Nobody asks for anything else than before: to look through all definitions for each series takes minutes
        // where thousands of them are made.
        this.#watches.adopt(this.#demands, buckets);
        await this.#evaluateDue(buckets, buckets.position);
      });
    }
  }
}
