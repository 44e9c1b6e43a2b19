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
  burnDown,
  burnDownSpan,
  classifier,
  type Due,
  dueSlices,
  Heartbeat,
  heldEdges,
  hourOf,
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

/** Points of a history at most: more than a screen can show, and a bound on the work of one request. */
const MOST_POINTS = 5_000;
const PAGE = 1_000;

/** Answers what is known of an SLO, now, as of a moment, and over time. */
export class StatusReader {
  readonly #evaluator: Evaluator;
  readonly #log: EventLog;

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
   * @throws CommandRefused 404, 422 for a span or step that makes no sense
   */
  async history(slo: string, from: Date, to: Date, step: string): Promise<SloHistory> {
    const { plan, entry, unit } = await this.#plan(slo);
    const millis = durationMillis(step);
    const now = this.#evaluator.clock.now().getTime();
    // Whole minutes: the one that `from` lies in, up to the end of the current one.
    const start = Math.floor(from.getTime() / MINUTE) * MINUTE;
    const end = Math.min(Math.ceil(to.getTime() / MINUTE), Math.floor(now / MINUTE) + 1) * MINUTE;
    const faults = [
      ...(from.getTime() >= to.getTime() ? [{ path: 'to', message: 'must be after from' }] : []),
      ...(millis % MINUTE === 0 ? [] : [{ path: 'step', message: 'must be a whole number of minutes' }]),
      ...((end - start) / millis > MOST_POINTS
        ? [{ path: 'step', message: `gives more than ${MOST_POINTS} points; take a longer step` }]
        : []),
    ];
    if (faults.length > 0) throw CommandRefused.refused('the history cannot be given', faults);
    const { service, sli } = entry.definition;
    const { store, registry } = this.#evaluator;
    const row = await store.find(`${service}/${sli}`, indicatorKey(plan.indicator, unit));
    const span = burnDownSpan(plan, start, end);
    let tallies = row;
    let due: Due | null = null;
    if (row !== null && plan.rule !== null) {
      tallies = (await this.#slicesOf(row, needsOf([plan]))).get(plan.rule.key) ?? null;
      const cadence = cadenceOf(registry.slis.get(`${service}/${sli}`)?.data);
      const events = await store.open(row, []);
      due = dueSlices(plan, { events, heartbeat: new Heartbeat(events, cadence, plan.slice) }, now);
    }
    const pages =
      tallies === null ? new Map() : await store.hours(tallies.id, hourOf(span.from), hourOf(span.to));
    const { points } = burnDown(plan, pages, { from: start, to: end, step: millis }, due);
    // The current minute is not over: its point is of now.
    const last = points.at(-1);
    if (last && Date.parse(last.at) > now) last.at = new Date(now).toISOString();
    return { points };
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
