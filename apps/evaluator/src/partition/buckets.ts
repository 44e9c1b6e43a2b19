import {
  type EventEnvelope,
  type MeasurementRecorded,
  OTHER_GROUP,
  partitionJournal,
} from '@bellwether/contracts';
import type { EventLog, RecordedEvent } from '@bellwether/event-log';
import type { Logger } from '@bellwether/service';
import type { EvaluatorMetrics } from '../metrics.js';
import type { Evidence, SeriesRow } from '../store/series-row.js';
import type { SeriesStore } from '../store/series-store.js';
import type { Lease } from './leases.js';
import type { LiveBuckets, Page } from './live-buckets.js';
import { type Demand, demandKey, type LiveSeries } from './live-series.js';
import { beginGroup, beginSeries, measurements, openSeries } from './open-series.js';
import type { Pulse } from './pulse.js';

/** Pages that a window's far edge comes to within this time are read ahead, milliseconds. */
const AHEAD_MS = 120_000;
/** Events of an SLI's stream that are read into a series at a time, at most and to begin with. */
const MOST_EVENTS = 250;
const FIRST_EVENTS = 8;
/** Points that they have at most, about: alerts of the partition wait for as long as these take. */
const POINTS_A_TURN = 20_000;

export interface BucketsOptions {
  lease: Lease;
  log: EventLog;
  store: SeriesStore;
  logger: Logger;
  metrics: EvaluatorMetrics;
  pulse: Pulse;
}

/**
 * The buckets of a partition in memory, and their storage with the checkpoint. Not safe for concurrent use: its partition
 * takes turns, and throws it away when a call fails.
 */
export class Buckets {
  readonly #options: BucketsOptions;
  readonly #journal: string;
  readonly #live = new Map<string, LiveSeries>();
  /** Events of the next page of each series that is filled. */
  readonly #turns = new WeakMap<LiveSeries, number>();
  /** Series being made beside the live ones that they will replace. */
  readonly #successors = new Map<string, LiveSeries>();
  readonly #bySli = new Map<string, LiveSeries[]>();
  #position: number;

  private constructor(options: BucketsOptions, position: number) {
    this.#options = options;
    this.#journal = partitionJournal(options.lease.partition);
    this.#position = position;
  }

  /** The buckets as they were stored; what SLOs ask for is opened by {@link adopt}. @throws LeaseLost, CheckpointMoved */
  static async open(options: BucketsOptions): Promise<Buckets> {
    const { store, log, lease } = options;
    const stored = await store.checkpoint(lease.partition);
    // What was archived before it was counted is older than any window: there is nothing to wait for.
    const archived = await log.archivedUntil(partitionJournal(lease.partition));
    if (archived > stored) await store.flush(lease, stored, archived, []);
    return new Buckets(options, Math.max(stored, archived));
  }

  /** Position in the journal up to which everything is counted and stored. */
  get position(): number {
    return this.#position;
  }

  get all(): readonly LiveSeries[] {
    return [...this.#live.values(), ...this.#successors.values()];
  }

  /** The series that answers for a demand; it may still be in the making. */
  of(key: string): LiveSeries | undefined {
    return this.#live.get(key);
  }

  ofSli(sli: string): readonly LiveSeries[] {
    return this.#bySli.get(sli) ?? [];
  }

  get nextToBuild(): LiveSeries | undefined {
    return this.all.find((live) => live.building);
  }

  /** Whether replacements are in the making. */
  get replacing(): boolean {
    return this.#successors.size > 0;
  }

  // ——— counting ———

  /** Counts a measurement of the journal. */
  async take(event: EventEnvelope): Promise<void> {
    const measurement = event.data as MeasurementRecorded;
    for (const live of this.ofSli(`${measurement.service}/${measurement.sli}`)) {
      if (live.building || event.position <= live.row.skipTo) continue;
      await this.#count(live, measurement, event);
    }
  }

  /** Pages in what the windows over these buckets touch now or shortly. */
  async page(buckets: Iterable<LiveBuckets>, now: number): Promise<void> {
    const wanted = new Map<string, WantedPage>();
    for (const part of buckets) {
      for (const at of [now, now + AHEAD_MS]) {
        for (const page of part.missing(at)) wanted.set(`${page.of}/${page.id}/${page.hour}`, { part, page });
      }
    }
    if (wanted.size > 0) await this.#provide([...wanted.values()]);
  }

  /**
   * Stores what changed, with the position, and lets go of pages that nothing needs any more.
   * @throws LeaseLost, CheckpointMoved
   */
  async save(to: number, now: number): Promise<void> {
    const { store, lease } = this.#options;
    const { all } = this;
    const changed = all.flatMap((live) => live.parts.filter((part) => part.changed));
    if (changed.length === 0 && to === this.#position) return;
    const removals = all.map((live) => live.removals);
    await store.flush(
      lease,
      this.#position,
      to,
      changed.flatMap((part) => part.stored),
      {
        removed: removals.flatMap(({ removed }) => removed),
        emptied: removals.flatMap(({ emptied }) => emptied),
      },
    );
    this.#position = to;
    if (changed.length > 0) this.#options.pulse.beat();
    for (const live of all) live.saved();
    for (const part of changed) part.release(now);
  }

  async #count(live: LiveSeries, measurement: MeasurementRecorded, event: EventPlace): Promise<void> {
    const { logger, metrics } = this.#options;
    const before = live.unfit;
    const points = live.read(measurement);
    if (live.unfit > before) {
      if (before === 0) {
        const { sli, key: indicator } = live.demand;
        logger.warn({ sli, indicator }, 'measurements that the indicator has no reading for are left out');
      }
      metrics.unfitPoints.inc(live.unfit - before);
    }
    const routed = await live.route(points, (value, again) => beginGroup(this.#options, live, value, again));
    const { kind } = live.demand.indicator;
    const evidence: Evidence = {
      journal: this.#journal,
      position: event.position,
      eventId: event.id,
      recordedAt: event.recordedtime,
      correlationId: event.correlationid,
      ...(event.traceparent ? { traceparent: event.traceparent } : {}),
    };
    for (const [part, own] of routed) {
      if (own.length === 0) continue;
      const cold = part.missingFor(own);
      if (cold.length > 0) await this.#provide(cold.map((page) => ({ part, page })));
      if (part.row.groupOf === null && live.demand.grouping !== null) this.#overflow(live, own.length);
      part.count(own, evidence, kind === 'mean' || kind === 'percentile');
      metrics.points.inc(own.length);
    }
  }

  /** Points of values beyond the cap: said once of a series, and counted. */
  #overflow({ root, demand }: LiveSeries, points: number): void {
    const { logger, metrics } = this.#options;
    if (root.newest === null) {
      const { sli, key: indicator, grouping } = demand;
      logger.warn(
        { sli, indicator, ...grouping },
        `more values of a label than its groups' cap: they are counted together as ${OTHER_GROUP}`,
      );
    }
    metrics.overflowPoints.inc(points);
  }

  async #provide(wanted: readonly WantedPage[]): Promise<void> {
    const { store } = this.#options;
    const of = (what: Page['of']) => wanted.filter(({ page }) => page.of === what);
    const [cells, sketches] = await Promise.all([
      store.pages.cells(of('cells').map(({ page }) => page)),
      store.pages.sketches(of('sketches').map(({ page }) => page)),
    ]);
    for (const { part, page } of of('cells')) {
      part.provide(page, cells.get(`${page.id}/${page.hour}`) ?? null);
    }
    for (const { part, page } of of('sketches')) {
      part.provideSketches(page, sketches.get(`${page.id}/${page.hour}`) ?? new Map());
    }
  }

  // ——— what SLOs ask for ———

  /** Opens what is asked for, begins what is new, and forgets what nobody asks for any more. Everything is saved before. */
  async adopt(demands: ReadonlyMap<string, Demand>): Promise<void> {
    const { store, lease } = this.#options;
    const all = await store.ofPartition(lease.partition);
    const rows = all.filter((row) => row.slicesOf === null && row.groupOf === null);
    await store.remove(
      lease,
      rows.filter((row) => !demands.has(keyOf(row))).map((row) => row.id),
    );
    for (const map of [this.#live, this.#successors]) {
      for (const key of map.keys()) if (!demands.has(key)) map.delete(key);
    }
    for (const [key, demand] of demands) {
      const known = this.#live.get(key);
      const found = rows.filter((row) => keyOf(row) === key);
      if (known?.serves(demand))
        Object.assign(known.demand, { plans: demand.plans, thresholds: demand.thresholds });
      else if (found.length > 0) await this.#openStored(key, demand, found);
      else this.#live.set(key, await beginSeries(this.#options, demand, 1));
    }
    this.#index();
  }

  /** Lets a complete series answer, and removes the one that it was made to replace. */
  async #putInPlace(live: LiveSeries): Promise<void> {
    const key = demandKey(live.demand);
    const replaced = this.#live.get(key);
    if (replaced === undefined || replaced === live) return;
    this.#successors.delete(key);
    this.#live.set(key, live);
    this.#index();
    await this.#options.store.remove(this.#options.lease, [replaced.row.id]);
  }

  #index(): void {
    this.#bySli.clear();
    for (const live of this.#live.values()) {
      this.#bySli.set(live.demand.sli, [...this.ofSli(live.demand.sli), live]);
    }
  }

  /** Begins to make all buckets anew, beside the ones in use. */
  async beginReplacements(): Promise<void> {
    for (const [key, live] of this.#live) {
      if (live.building || this.#successors.has(key)) continue;
      const successor = await beginSeries(this.#options, live.demand, live.row.generation + 1);
      this.#successors.set(key, successor);
      if (!successor.building) await this.#putInPlace(successor);
    }
  }

  /** Opens the stored series, and the one that is being made to replace it. */
  async #openStored(key: string, demand: Demand, rows: readonly SeriesRow[]): Promise<void> {
    const { store, lease } = this.#options;
    const current = rows.filter((row) => row.backfilled === null).at(-1) ?? (rows.at(-1) as SeriesRow);
    this.#live.set(key, await openSeries(this.#options, current, demand, this.#position));
    this.#successors.delete(key);
    for (const row of rows) {
      if (row.generation > current.generation) {
        this.#successors.set(key, await openSeries(this.#options, row, demand, this.#position));
      } else if (row !== current) {
        await store.remove(lease, [row.id]); // replaced, but not removed when its holder ended
      }
    }
  }

  // ——— back-fill ———

  /** The next measurements of the SLI that a series in the making has not read yet, and whether there are more. */
  async unread(live: LiveSeries): Promise<{ events: RecordedEvent[]; more: boolean }> {
    const from = (live.row.backfilled ?? 0) + 1;
    const limit = this.#turns.get(live) ?? FIRST_EVENTS;
    const events = await this.#options.log.readStream(measurements(live.demand.sli), { from, limit });
    const points = events.reduce((sum, { data }) => sum + (data as MeasurementRecorded).points, 0);
    const fitting = Math.floor((events.length * POINTS_A_TURN) / Math.max(1, points));
    this.#turns.set(live, Math.min(Math.max(1, fitting), 4 * limit, MOST_EVENTS));
    return { events, more: events.length === limit };
  }

  /** Counts measurements of the SLI's stream into a series in the making. */
  async fill(live: LiveSeries, page: readonly RecordedEvent[]): Promise<void> {
    for (const { id, position, version, recordedAt, meta, data } of page) {
      const { correlationId: correlationid, traceparent } = meta;
      const recordedtime = recordedAt.toISOString();
      const place = { id, position, recordedtime, correlationid, ...(traceparent ? { traceparent } : {}) };
      await this.#count(live, data as MeasurementRecorded, place);
      live.row.backfilled = version;
      live.row.backfillOf = Math.max(live.row.backfillOf, version);
      live.row.skipTo = position;
    }
    live.root.changed = true;
  }

  /**
   * Reads what came since, while nobody else counts, and lets the series follow the checkpoint from here on; what it has
   * read already, `skipTo` says. A series that it was made to replace is removed.
   */
  async finish(live: LiveSeries, now: number): Promise<void> {
    for (;;) {
      const { events, more } = await this.unread(live);
      await this.fill(live, events);
      if (!more) break;
    }
    live.row.backfilled = null;
    await this.save(this.#position, now);
    await this.#putInPlace(live);
    this.#options.logger.info({ sli: live.demand.sli, indicator: live.demand.key }, 'buckets are complete');
  }
}

/** Where a measurement stands in the log, and what its followers inherit. */
type EventPlace = Pick<EventEnvelope, 'id' | 'position' | 'recordedtime' | 'correlationid' | 'traceparent'>;

/** An hour of buckets that is to be paged in, and where to. */
interface WantedPage {
  part: LiveBuckets;
  page: Page;
}

const keyOf = (row: SeriesRow): string => demandKey({ sli: row.sli, key: row.indicator });
