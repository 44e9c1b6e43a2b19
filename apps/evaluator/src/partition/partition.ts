import {
  type Clock,
  type EventEnvelope,
  LogStreams,
  type MeasurementRecorded,
  measurementPartition,
  partitionJournal,
  type SloStatus,
} from '@bellwether/contracts';
import type { EventLog, RecordedEvent } from '@bellwether/event-log';
import type { Logger } from '@bellwether/service';
import { decideSlo, heldEdges, readSlo, Series, type SloPlan, statusOf } from '@bellwether/slo';
import type { AbsenceAlert } from '../evaluation/absence.js';
import type { TransitionLog } from '../evaluation/transitions.js';
import type { EvaluatorMetrics } from '../metrics.js';
import { absenceRule, type Registry } from '../registry/registry.js';
import { Serial } from '../serial.js';
import { CheckpointMoved, LeaseLost, type SeriesRow, type SeriesStore } from '../store/series-store.js';
import type { Lease } from './leases.js';
import { type Demand, demandKey, demandsOf, LiveSeries } from './live-series.js';

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

/** An SLO that is watched, and when it was last evaluated. */
interface Watch {
  plan: SloPlan;
  live: LiveSeries;
  /** By the clock. */
  evaluatedAt: number;
  /** In real time: what the throttle is measured by, since it is there to bound work. */
  workedAt: number;
  /** Measured since. */
  measured: boolean;
}

/** Measurements are evaluated at once, then at most this often, milliseconds. */
const THROTTLE_MS = 200;
/** The passage of time is looked at this often, milliseconds. */
const TIME_MS = 15_000;
/** Pages that a window's far edge comes to within this time are read ahead, milliseconds. */
const AHEAD_MS = 120_000;
/** How long a partition rests after a failure, milliseconds. */
const PAUSE_MS = 500;
/** Events of an SLI's stream that a back-fill reads at a time. */
const BACKFILL_PAGE = 250;

/**
 * The measurements of one partition as this instance holds it: buckets in memory, evaluation, and their storage with the
 * checkpoint. Everything that touches the buckets runs in turn; after each piece of work all changes are stored, so that
 * what is in memory can be thrown away and opened again at any time.
 */
export class Partition {
  readonly journal: string;
  readonly #context: PartitionContext;
  readonly #turn = new Serial();
  readonly #series = new Map<string, LiveSeries>();
  /** Series being made beside the live ones that they will replace. */
  readonly #building = new Map<string, LiveSeries>();
  readonly #bySli = new Map<string, LiveSeries[]>();
  readonly #watches = new Map<string, Watch>();
  #position = 0;
  #opened = false;
  #stopped = false;
  /** After a failure nothing is tried before this time of the process. */
  #pauseUntil = 0;
  #backfill: Promise<void> | null = null;

  constructor(
    readonly lease: Lease,
    context: PartitionContext,
  ) {
    this.#context = context;
    this.journal = partitionJournal(lease.partition);
  }

  get position(): number {
    return this.#position;
  }

  /** Series that are still being made from the journal. */
  get building(): number {
    return [...this.#series.values()].filter((live) => live.building).length;
  }

  /** Bytes of buckets in memory. */
  get bytes(): number {
    let bytes = 0;
    for (const { series } of this.#series.values()) bytes += series.bytes;
    return bytes;
  }

  get seriesCount(): number {
    return this.#series.size;
  }

  /** Opens the stored buckets. @returns the position to read the journal from */
  async open(): Promise<number> {
    await this.#turn.run(() => this.#open());
    return this.#position;
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
      await this.#open();
      try {
        const touched = new Set<LiveSeries>();
        for (const event of events) {
          if (event.position <= this.#position) continue;
          for (const live of await this.#take(event)) touched.add(live);
        }
        const last = events.at(-1)?.position ?? this.#position;
        for (const watch of this.#watches.values()) if (touched.has(watch.live)) watch.measured = true;
        await this.#evaluateDue();
        await this.#store(Math.max(last, this.#position));
      } catch (error) {
        this.#forget();
        throw error;
      }
    });
  }

  /** Looks whether anything is to be evaluated: measurements that were held back, or the passage of time. */
  async tick(): Promise<void> {
    if (this.#stopped || performance.now() < this.#pauseUntil) return;
    if (this.#opened && !this.#isDue(this.#context.clock.now().getTime())) return;
    await this.#guarded(() => this.#evaluateDue());
  }

  /** Takes new definitions into account. */
  async reconcile(): Promise<void> {
    await this.#guarded(() => this.#reconcile());
  }

  /** Status of an SLO from the live buckets; null when this partition does not watch it. */
  async status(slo: string): Promise<SloStatus | null> {
    return await this.#turn.run(async () => {
      const watch = this.#watches.get(slo);
      const entry = this.#context.registry.slos.get(slo);
      if (!this.#opened || this.#stopped || watch === undefined || entry === undefined) return null;
      const now = this.#context.clock.now().getTime();
      await this.#page([watch], now);
      const status = statusOf(readSlo(watch.plan, watch.live.heartbeat, now), entry.ledger);
      return { ...status, backfill: progressOf(watch.live) };
    });
  }

  /**
   * Makes all buckets anew from the journal beside the ones in use, which stay until the new ones are complete.
   * Resolves when they are.
   */
  async rebuild(): Promise<void> {
    await this.#guarded(async () => {
      for (const live of [...this.#series.values()]) {
        if (live.building) continue;
        await this.#begin(live.demand, live.row.generation + 1);
      }
    });
    while (this.#backfill) await this.#backfill;
    if (this.#building.size > 0) throw new Error(`the buckets of ${this.journal} could not be rebuilt`);
  }

  async #open(): Promise<void> {
    if (this.#opened || this.#stopped) return;
    const { store } = this.#context;
    this.#position = await store.checkpoint(this.lease.partition);
    this.#opened = true;
    try {
      await this.#reconcile();
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  #forget(): void {
    this.#opened = false;
    this.#pauseUntil = performance.now() + PAUSE_MS;
    this.#series.clear();
    this.#bySli.clear();
    this.#watches.clear();
    this.#building.clear();
  }

  /** Runs work in turn; a failure throws away what is in memory, and the next turn opens it again. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    await this.#turn.run(async () => {
      if (this.#stopped) return;
      try {
        await this.#open();
        await work();
        await this.#store(this.#position);
      } catch (error) {
        this.#forget();
        if (error instanceof LeaseLost || error instanceof CheckpointMoved) {
          this.#context.logger.warn({ error }, 'a partition is worked on elsewhere');
        } else {
          this.#context.logger.error(
            { error, partition: this.lease.partition },
            'evaluation failed; opening it again',
          );
        }
      }
    });
  }

  // ——— measurements ———

  async #take(event: EventEnvelope): Promise<LiveSeries[]> {
    const measurement = event.data as MeasurementRecorded;
    const counted: LiveSeries[] = [];
    for (const live of this.#bySli.get(`${measurement.service}/${measurement.sli}`) ?? []) {
      if (live.building || event.position <= live.row.skipTo) continue;
      await this.#count(live, measurement, event);
      counted.push(live);
    }
    return counted;
  }

  async #count(
    live: LiveSeries,
    measurement: MeasurementRecorded,
    event: Pick<EventEnvelope, 'id' | 'position' | 'correlationid' | 'traceparent'>,
  ): Promise<void> {
    const before = live.unfit;
    const points = live.read(measurement);
    if (live.unfit > before) {
      if (before === 0) {
        this.#context.logger.warn(
          { sli: live.demand.sli, indicator: live.demand.key },
          'measurements that the indicator has no reading for are left out',
        );
      }
      this.#context.metrics.unfitPoints.inc(live.unfit - before);
    }
    const cold = live.missingFor(points);
    if (cold.length > 0) await this.#provide(cold.map((hour) => ({ live, hour })));
    live.count(points, event, this.journal);
    this.#context.metrics.points.inc(points.length);
  }

  async #provide(wanted: readonly { live: LiveSeries; hour: number }[]): Promise<void> {
    const stored = await this.#context.store.pages(
      wanted.map(({ live, hour }) => ({ id: live.row.id, hour })),
    );
    for (const { live, hour } of wanted) {
      live.series.provide(hour, stored.get(`${live.row.id}/${hour}`) ?? null);
    }
  }

  /** Stores what changed, with the position, and lets go of pages that nothing needs any more. */
  async #store(to: number): Promise<void> {
    const changed = [...this.#series.values(), ...this.#building.values()].filter((live) => live.changed);
    if (changed.length === 0 && to === this.#position) return;
    await this.#context.store.flush(this.lease, this.#position, to, changed);
    this.#position = to;
    const now = this.#context.clock.now().getTime();
    for (const live of changed) {
      live.changed = false;
      live.series.releasePages(now, heldEdges(live.demand.plans, live.heartbeat, now));
    }
  }

  // ——— evaluation ———

  #isDue(now: number): boolean {
    for (const watch of this.#watches.values()) if (isDue(watch, now)) return true;
    return false;
  }

  async #evaluateDue(): Promise<void> {
    const now = this.#context.clock.now();
    const due = [...this.#watches].filter(([, watch]) => isDue(watch, now.getTime()));
    if (due.length === 0) return;
    await this.#page(
      due.map(([, watch]) => watch),
      now.getTime(),
    );
    await Promise.all(due.map(([slo, watch]) => this.#evaluate(slo, watch, now)));
    await this.#watchSilence(new Set(due.map(([, watch]) => watch.live.demand.sli)), now);
    this.#context.metrics.evaluations.inc(due.length);
  }

  async #evaluate(slo: string, watch: Watch, now: Date): Promise<void> {
    watch.evaluatedAt = now.getTime();
    watch.workedAt = performance.now();
    watch.measured = false;
    const { live, plan } = watch;
    const { transitions } = this.#context;
    const reading = readSlo(plan, live.heartbeat, now.getTime());
    await transitions.settle(slo, (entry) => {
      // A definition that changed meanwhile is evaluated when it has been taken into account.
      if (entry.definition !== plan.definition) return { transitions: [], evidence: null, at: now };
      const { tip, badTip } = live.row;
      const wanted = decideSlo(reading, entry.ledger, live.series, null);
      const fires = wanted.some((transition) => transition.type === 'slo.alert.fired');
      const evidence = (fires ? badTip : null) ?? tip;
      const named = evidence && {
        journal: evidence.journal,
        position: evidence.position,
        eventId: evidence.eventId,
      };
      return { transitions: decideSlo(reading, entry.ledger, live.series, named), evidence, at: now };
    });
  }

  /** The absent-data alert of SLIs. */
  async #watchSilence(slis: Iterable<string>, now: Date): Promise<void> {
    for (const sli of slis) {
      const series = this.#bySli.get(sli) ?? [];
      if (series.some((live) => live.building)) continue;
      const newest = series.reduce<LiveSeries | null>(
        (best, live) => ((live.series.newest ?? -1) > (best?.series.newest ?? -1) ? live : best),
        null,
      );
      await this.#context.absence.settle(sli, newest?.heartbeat ?? null, newest?.row.tip ?? null, now);
    }
  }

  /** Pages in what the windows of these SLOs touch now or shortly. */
  async #page(watches: readonly Watch[], now: number): Promise<void> {
    const wanted = new Map<string, { live: LiveSeries; hour: number }>();
    for (const { live } of watches) {
      for (const at of [now, now + AHEAD_MS]) {
        for (const hour of live.series.missing(at, heldEdges(live.demand.plans, live.heartbeat, at))) {
          wanted.set(`${live.row.id}/${hour}`, { live, hour });
        }
      }
    }
    if (wanted.size > 0) await this.#provide([...wanted.values()]);
  }

  // ——— definitions ———

  async #reconcile(): Promise<void> {
    const { registry, store, clock } = this.#context;
    await this.#store(this.#position); // what is opened anew below must be complete
    const demands = demandsOf(
      registry,
      (service, sli) => measurementPartition(service, sli) === this.lease.partition,
    );
    const rows = await store.ofPartition(this.lease.partition);
    await store.remove(
      this.lease,
      rows.filter((row) => !demands.has(`${row.sli} ${row.indicator}`)).map((row) => row.id),
    );
    for (const key of this.#series.keys()) if (!demands.has(key)) this.#series.delete(key);
    for (const key of this.#building.keys()) if (!demands.has(key)) this.#building.delete(key);

    for (const [key, demand] of demands) {
      const known = this.#series.get(key);
      const found = rows.filter((row) => row.sli === demand.sli && row.indicator === demand.key);
      if (known?.serves(demand)) {
        known.demand.plans = demand.plans;
      } else if (found.length > 0) {
        await this.#openSeries(key, demand, found);
      } else {
        await this.#begin(demand, 1);
      }
    }
    this.#index(demands);
    const silent = [...registry.absences.values()]
      .filter(({ firing, fired }) => firing && this.#isMine(fired.rule))
      .map(({ fired }) => fired.rule.slice(absenceRule('').length));
    await this.#watchSilence(
      silent.filter((sli) => !this.#bySli.has(sli)),
      clock.now(),
    );
    await this.#evaluateDue();
    this.#startBackfill();
  }

  /** Opens a stored series, and the one that is being made to replace it. */
  async #openSeries(key: string, demand: Demand, rows: readonly SeriesRow[]): Promise<void> {
    const { store } = this.#context;
    const current = rows.filter((row) => row.backfilled === null).at(-1) ?? rows.at(-1);
    for (const row of rows) {
      if (row === current) {
        this.#series.set(key, new LiveSeries(row, demand, await store.open(row, demand.windows)));
      } else if (current?.backfilled === null && row.generation > current.generation) {
        this.#building.set(key, new LiveSeries(row, demand, await store.open(row, demand.windows)));
      } else {
        await store.remove(this.lease, [row.id]); // replaced, but not removed when the holder ended
      }
    }
  }

  /** Begins to make a series from the journal; one whose SLI was never measured is live at once. */
  async #begin(demand: Demand, generation: number): Promise<void> {
    const { store, log } = this.#context;
    const of = await log.streamVersion(streamOf(demand.sli));
    const row = await store.create(this.lease, {
      sli: demand.sli,
      indicator: demand.key,
      generation,
      backfillOf: of,
    });
    const live = new LiveSeries(row, demand, new Series({ windows: demand.windows, paged: true }));
    live.changed = true;
    if (generation === 1) this.#series.set(demandKey(demand), live);
    else this.#building.set(demandKey(demand), live);
    this.#startBackfill();
  }

  #index(demands: ReadonlyMap<string, Demand>): void {
    this.#bySli.clear();
    for (const live of this.#series.values()) {
      const series = this.#bySli.get(live.demand.sli) ?? [];
      series.push(live);
      this.#bySli.set(live.demand.sli, series);
    }
    const before = new Map(this.#watches);
    this.#watches.clear();
    for (const [key, demand] of demands) {
      const live = this.#series.get(key);
      if (live === undefined || live.building) continue;
      for (const plan of demand.plans) {
        const known = before.get(plan.definition.name);
        const same = known?.plan.definition === plan.definition && known.live === live;
        this.#watches.set(
          plan.definition.name,
          same ? known : { plan, live, evaluatedAt: -Infinity, workedAt: -Infinity, measured: false },
        );
      }
    }
  }

  #isMine(rule: string): boolean {
    const [service, sli] = rule.slice(absenceRule('').length).split('/');
    return measurementPartition(service ?? '', sli ?? '') === this.lease.partition;
  }

  // ——— back-fill ———

  #startBackfill(): void {
    if (this.#backfill || this.#stopped || this.#nextToBuild() === undefined) return;
    this.#backfill = this.#runBackfill().finally(() => {
      this.#backfill = null;
    });
  }

  #nextToBuild(): LiveSeries | undefined {
    return [...this.#series.values(), ...this.#building.values()].find((live) => live.building);
  }

  /** Reads the streams of SLIs into the series being made, a page at a time beside everything else. */
  async #runBackfill(): Promise<void> {
    for (;;) {
      const live = this.#nextToBuild();
      if (live === undefined || this.#stopped) return;
      const version = live.row.backfilled ?? 0;
      const page = await this.#readStream(live, version + 1).catch((error: unknown) => {
        this.#context.logger.warn(
          { error, sli: live.demand.sli },
          'back-fill cannot read the journal; trying again',
        );
        return null;
      });
      if (page === null) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        continue;
      }
      await this.#guarded(async () => {
        // Opened anew meanwhile: the next round goes on from what was stored.
        if (live.row.backfilled !== version || this.#nextToBuild() !== live) return;
        await this.#fill(live, page);
        if (page.length < BACKFILL_PAGE) await this.#finish(live);
      });
    }
  }

  async #readStream(live: LiveSeries, from: number): Promise<RecordedEvent[]> {
    return await this.#context.log.readStream(streamOf(live.demand.sli), { from, limit: BACKFILL_PAGE });
  }

  async #fill(live: LiveSeries, page: readonly RecordedEvent[]): Promise<void> {
    for (const event of page) {
      const { id, position, meta } = event;
      const from = { id, position, correlationid: meta.correlationId };
      await this.#count(live, event.data as MeasurementRecorded, {
        ...from,
        ...(meta.traceparent ? { traceparent: meta.traceparent } : {}),
      });
      live.row.backfilled = event.version;
      live.row.skipTo = event.position;
      live.row.backfillOf = Math.max(live.row.backfillOf, event.version);
    }
    live.changed = true;
  }

  /**
   * Reads what came since, while no measurement is taken, and lets the series follow the checkpoint from here on: what it
   * has read already, `skipTo` says.
   */
  async #finish(live: LiveSeries): Promise<void> {
    for (;;) {
      const rest = await this.#readStream(live, (live.row.backfilled ?? 0) + 1);
      await this.#fill(live, rest);
      if (rest.length < BACKFILL_PAGE) break;
    }
    live.row.backfilled = null;
    live.changed = true;
    const key = demandKey(live.demand);
    const replaced = this.#series.get(key);
    if (replaced !== undefined && replaced !== live) {
      await this.#store(this.#position);
      this.#building.delete(key);
      this.#series.set(key, live);
      await this.#context.store.remove(this.lease, [replaced.row.id]);
    }
    this.#context.logger.info({ sli: live.demand.sli, indicator: live.demand.key }, 'buckets are complete');
    await this.#reconcile();
  }
}

/** What of a back-fill is done, in messages of measurements; null when there is none. */
function progressOf(live: LiveSeries): { done: number; of: number } | null {
  return live.row.backfilled === null ? null : { done: live.row.backfilled, of: live.row.backfillOf };
}

function isDue(watch: Watch, now: number): boolean {
  const since = now - watch.evaluatedAt;
  // A clock that was set back must not keep an SLO from being evaluated.
  if (since < 0) return true;
  return since >= TIME_MS || (watch.measured && performance.now() - watch.workedAt >= THROTTLE_MS);
}

function streamOf(sli: string): string {
  const slash = sli.indexOf('/');
  return LogStreams.measurement(sli.slice(0, slash), sli.slice(slash + 1));
}
