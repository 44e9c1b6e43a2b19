import {
  CommandRefused,
  durationMillis,
  LogStreams,
  type MeasurementRecorded,
  measurementPartition,
  type Service,
  type Sli,
  type SloHistory,
  type SloStatus,
} from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import {
  type BucketNeeds,
  classifier,
  type Due,
  dueSlices,
  Heartbeat,
  heldEdges,
  IndicatorBuckets,
  indicatorKey,
  MINUTE,
  needsOf,
  planSlo,
  readSlo,
  type Series,
  type SloPlan,
  statusOf,
} from '@bellwether/slo';
import type { Evaluator } from '../evaluator.js';
import { planOf, slicesKey } from '../partition/live-series.js';
import type { SloEntry } from '../registry/slo-entry.js';
import { evolveSlo } from '../registry/slo-entry.js';
import { policyOf } from '../registry/slo-policy.js';
import type { SeriesRow } from '../store/series-row.js';
import { StoredMinutes } from '../store/stored-minutes.js';
import { Turns } from '../turns.js';
import { type Cut, historyOf, periodsIn, stepsOf } from './history.js';

const PAGE = 1_000;
/** Long spans that are read at a time: each holds a connection to the database. */
const AT_A_TIME = 3;

/** Answers what is known of an SLO, now, as of a moment, and over time. */
export class StatusReader {
  readonly #evaluator: Evaluator;
  readonly #log: EventLog;
  readonly #turns = new Turns(AT_A_TIME);

  constructor(evaluator: Evaluator, log: EventLog) {
    this.#evaluator = evaluator;
    this.#log = log;
  }

  /** The status now. @throws CommandRefused 404, or 422 for a definition that this version cannot evaluate */
  async now(slo: string): Promise<SloStatus> {
    const { plan, entry, unit } = await this.#plan(slo);
    const { service, sli } = entry.definition;
    const live = await this.#evaluator.liveStatus(slo, measurementPartition(service, sli));
    if (live !== null) return live;

    // Another instance holds the partition, or the buckets are still being made: what is stored answers.
    const { store, registry, clock } = this.#evaluator;
    const at = clock.now().getTime();
    const row = await store.find(`${service}/${sli}`, indicatorKey(plan.indicator, unit));
    const needs = needsOf([plan]);
    const cadence = cadenceOf(registry.slis.get(`${service}/${sli}`)?.data);
    const slices = row === null ? new Map() : await this.#slicesOf(row, needs);
    const buckets =
      row === null
        ? new IndicatorBuckets({ needs, cadence })
        : await store.openBuckets(row, slices, needs, cadence);
    const source = buckets.source(plan);
    const stored: [SeriesRow | undefined, Series][] = [[row ?? undefined, buckets.events]];
    if (plan.rule) stored.push([slices.get(plan.rule.key), source.tallies]);
    for (const [of, series] of stored) {
      if (of === undefined) continue;
      const missing = series.missing(at, series === source.tallies ? heldEdges(plan, source, at) : []);
      const pages = await store.pages(missing.map((hour) => ({ id: of.id, hour })));
      for (const hour of missing) series.provide(hour, pages.get(`${of.id}/${hour}`) ?? null);
    }
    // Slices that are not stored yet are judged when whoever holds the partition has read of the definition.
    const building = row === null || row.backfilled !== null || (plan.rule !== null && slices.size === 0);
    return {
      ...statusOf(readSlo(plan, source, at), entry.ledger),
      policy: policyOf(entry, registry.services),
      backfill: building
        ? {
            done: row?.backfilled ?? 0,
            of: row?.backfillOf ?? (await this.#log.streamVersion(measured(service, sli))),
          }
        : null,
    };
  }

  /**
   * What would have been answered at `asOf`: the definition, the alerts and the measurements that the log held then,
   * measured anew. @throws CommandRefused 404 when there was no such SLO
   */
  async asOf(slo: string, asOf: Date): Promise<SloStatus> {
    if (asOf.getTime() >= this.#evaluator.clock.now().getTime()) return await this.now(slo);
    let entry: SloEntry | undefined;
    for (const event of await this.#log.readStream(LogStreams.slo(slo), { recordedUntil: asOf })) {
      entry = evolveSlo(entry, event);
    }
    if (entry === undefined || entry.retired) throw CommandRefused.notFound(`SLO ${slo}`);
    const { service, sli } = entry.definition;
    const defined = (await this.#log.readStream(LogStreams.sli(service, sli), { recordedUntil: asOf })).at(
      -1,
    );
    const definition = defined?.data as Sli | undefined;
    const plan = planOrRefuse(entry, definition?.unit);

    const buckets = new IndicatorBuckets({ needs: needsOf([plan]), cadence: cadenceOf(definition) });
    const classify = classifier(plan.indicator, definition?.unit);
    const oldest = asOf.getTime() - (plan.window.longest + 2 * 1440) * MINUTE;
    for (let from = 1; ; ) {
      const page = await this.#log.readStream(measured(service, sli), {
        from,
        limit: PAGE,
        recordedUntil: asOf,
      });
      for (const event of page) {
        for (const columns of (event.data as MeasurementRecorded).columns) {
          classify(columns, (at, measure, count) => {
            if (at >= oldest) buckets.observe(at, measure, count);
          });
        }
      }
      if (page.length < PAGE) break;
      from = (page.at(-1)?.version ?? 0) + 1;
    }
    buckets.judge();
    return {
      ...statusOf(readSlo(plan, buckets.source(plan), asOf.getTime()), entry.ledger),
      policy: policyOf(entry, new Map([[service, await this.#serviceAsOf(service, asOf)]])),
      backfill: null,
    };
  }

  /**
   * The budget over time, from the stored buckets.
   * @throws CommandRefused 404, 422 for a span or cut that makes no sense
   */
  async history(slo: string, span: { from: Date; to: Date; cut: Cut }): Promise<SloHistory> {
    const { plan, entry, unit } = await this.#plan(slo);
    const now = this.#evaluator.clock.now().getTime();
    const steps = stepsOf(plan, span, now);
    const points = await this.#turns.run(() =>
      this.#counted(plan, entry, unit, (stored, due) => historyOf(plan, steps, stored, due)),
    );
    // The current minute is not over: its point is of now.
    const last = points.at(-1);
    if (last && Date.parse(last.at) > now) last.at = new Date(now).toISOString();
    return { points, ...(span.cut.points !== undefined && periodsIn(plan, steps)) };
  }

  /** Reads what an SLO counts, as it is stored: events, or judged slices; null where nothing is stored yet. */
  async #counted<T>(
    plan: SloPlan,
    entry: SloEntry,
    unit: string | undefined,
    read: (stored: StoredMinutes | null, due: Due | null) => Promise<T>,
  ): Promise<T> {
    const { store, registry, clock } = this.#evaluator;
    const sli = `${entry.definition.service}/${entry.definition.sli}`;
    const row = await store.find(sli, indicatorKey(plan.indicator, unit));
    if (row === null) return await read(null, null);
    let tallies: SeriesRow | undefined = row;
    let due: Due | null = null;
    if (plan.rule !== null) {
      tallies = (await this.#slicesOf(row, needsOf([plan]))).get(plan.rule.key);
      if (tallies === undefined) return await read(null, null);
      const events = await store.open(row, []);
      const heartbeat = new Heartbeat(events, cadenceOf(registry.slis.get(sli)?.data), plan.slice);
      due = dueSlices(plan, { events, heartbeat }, clock.now().getTime());
    }
    const answer = await StoredMinutes.read(this.#log.pool, tallies.id, async (stored) => ({
      value: await read(stored, due),
    }));
    // Made anew in this moment: what took its place is read.
    return answer === null ? await this.#counted(plan, entry, unit, read) : answer.value;
  }

  /** The stored slices of the rules that are needed, by rule. */
  async #slicesOf(row: SeriesRow, { rules }: BucketNeeds): Promise<Map<string, SeriesRow>> {
    const stored = rules.size === 0 ? new Map() : await this.#evaluator.store.slicesOf(row.id);
    const slices = new Map<string, SeriesRow>();
    for (const rule of rules.keys()) {
      const found = stored.get(slicesKey(row.indicator, rule));
      if (found !== undefined) slices.set(rule, found);
    }
    return slices;
  }

  async #serviceAsOf(name: string, asOf: Date): Promise<{ data: Service } | undefined> {
    const defined = await this.#log.readStream(LogStreams.service(name), { recordedUntil: asOf });
    return defined.at(-1) as { data: Service } | undefined;
  }

  async #plan(slo: string): Promise<{ plan: SloPlan; entry: SloEntry; unit: string | undefined }> {
    const { registry } = this.#evaluator;
    // Defined a moment ago through another instance, perhaps.
    if (registry.slos.get(slo) === undefined) await registry.catchUp();
    const entry = registry.slos.get(slo);
    if (entry === undefined || entry.retired) throw CommandRefused.notFound(`SLO ${slo}`);
    const planned = planOf(registry, slo);
    if (planned !== null) return { ...planned, entry };
    return { plan: planOrRefuse(entry, undefined), entry, unit: undefined };
  }
}

function planOrRefuse(entry: SloEntry, unit: string | undefined): SloPlan {
  let planned = planSlo(entry.definition, unit);
  if (!planned.ok) planned = planSlo(entry.definition);
  if (planned.ok) return planned.plan;
  throw CommandRefused.refused(`SLO ${entry.definition.name} cannot be evaluated`, planned.faults);
}

const cadenceOf = (sli: Pick<Sli, 'cadence'> | undefined): number | undefined =>
  sli?.cadence === undefined ? undefined : durationMillis(sli.cadence);

const measured = (service: string, sli: string): string => LogStreams.measurement(service, sli);
