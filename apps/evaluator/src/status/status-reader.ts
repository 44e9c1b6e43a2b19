import {
  CommandRefused,
  cadenceOf,
  LogStreams,
  measurementPartition,
  type SloForecast,
  type SloHistory,
  type SloMeasuredPeriods,
  type SloStatus,
} from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import { type Grouping, indicatorKey, type Period, readSlo, type SloPlan, statusOf } from '@bellwether/slo';
import { knownNow, resolveComposite, slisOf } from '../composite/resolve.js';
import type { Evaluator } from '../evaluator.js';
import { planOf } from '../partition/live-series.js';
import { policyOf } from '../registry/slo-policy.js';
import { absentNow } from './absent.js';
import { compositeStatus } from './composite-status.js';
import { CountedReader } from './counted-reader.js';
import { forecastOfSlo } from './forecast.js';
import { type Cut, historyOf } from './history.js';
import { latestPoints } from './latest-points.js';
import { PastReader } from './past-reader.js';
import { measuredPeriods, plannedPeriods } from './periods.js';
import { groupOrRefuse, type Planned, planOrRefuse, sliOf } from './planned.js';
import { sourceNow } from './source.js';
import { rowOfGroup, type StoredGroups, statusOfStoredGroups, storedGroups } from './stored-groups.js';
import { storedSource } from './stored-source.js';

/** Answers what is known of an SLO, now, as of a moment, and over time. */
export class StatusReader {
  readonly #evaluator: Evaluator;
  readonly #log: EventLog;
  readonly #counted: CountedReader;
  readonly #past: PastReader;

  constructor(evaluator: Evaluator, log: EventLog) {
    this.#evaluator = evaluator;
    this.#log = log;
    this.#counted = new CountedReader(evaluator, log);
    this.#past = new PastReader(log);
  }

  /**
   * The status now, of one group where it is asked for.
   * @throws CommandRefused 404, or 422 for a definition that this version cannot evaluate
   */
  async now(slo: string, group?: string): Promise<SloStatus> {
    const planned = await this.#plan(slo, group);
    const status = await this.#now(slo, planned, group);
    return {
      ...status,
      ...absentNow(this.#evaluator.registry, this.#slisOf(planned)),
      ...sourceNow(this.#evaluator.registry, sliOf(planned.entry), status.watermark),
      ...(await latestPoints(this.#log, planned, status)),
    };
  }

  /** The SLIs that it is measured by: of a composite, those of its components. */
  #slisOf({ plan, entry }: Planned): string[] {
    if (plan.indicator.kind !== 'composite') return [sliOf(entry)];
    return slisOf(resolveComposite(knownNow(this.#evaluator.registry), entry.definition.name));
  }

  async #now(slo: string, { plan, entry, unit }: Planned, group?: string): Promise<SloStatus> {
    const { service, sli } = entry.definition;
    const live = await this.#evaluator.liveStatus(slo, measurementPartition(service, sli), group);
    if (live !== null) return live;
    if (plan.indicator.kind === 'composite') return await compositeStatus(this.#evaluator, plan, entry);

    // Another instance holds the partition, or the buckets are still being made: what is stored answers.
    const { store, registry, clock } = this.#evaluator;
    const now = clock.now().getTime();
    const groups = await storedGroups(store, plan, unit);
    if (group !== undefined && plan.grouping !== null) {
      const row = rowOfGroup(slo, groups, group);
      const { label } = plan.grouping;
      const { source } = await storedSource(store, row, plan, {
        now,
        cadence: undefined,
        group: { label, value: group },
      });
      const { backfilled, backfillOf } = (groups as StoredGroups).root;
      return {
        ...statusOf(readSlo(plan, source, now), entry.ledger),
        backfill: backfilled === null ? null : { done: backfilled, of: backfillOf },
      };
    }
    const row = await store.find(`${service}/${sli}`, indicatorKey(plan.indicator, unit));
    const cadence = cadenceOf(registry.slis.get(`${service}/${sli}`)?.data);
    const { source, building } = await storedSource(store, row, plan, { now, cadence });
    return {
      ...statusOf(readSlo(plan, source, now), entry.ledger),
      policy: policyOf(entry, registry.services),
      backfill: building
        ? {
            done: row?.backfilled ?? 0,
            of: row?.backfillOf ?? (await this.#log.streamVersion(measured(service, sli))),
          }
        : null,
      ...(isGrouped(plan) && (await statusOfStoredGroups(store, plan, groups, source, entry.ledger, now))),
    };
  }

  /** What would have been answered at `asOf`. @throws CommandRefused as {@link PastReader} does */
  async asOf(slo: string, asOf: Date, group?: string): Promise<SloStatus> {
    return this.#isPast(asOf) ? await this.#past.status(slo, asOf, group) : await this.now(slo, group);
  }

  /**
   * The budget over time, of one group where it is asked for, from the stored buckets; or as it was known at a moment.
   * @throws CommandRefused 404, 422 for a span or cut that makes no sense
   */
  async history(
    slo: string,
    span: { from: Date; to: Date; cut: Cut },
    { group, asOf }: { group?: string | undefined; asOf?: Date | undefined } = {},
  ): Promise<SloHistory> {
    if (asOf !== undefined && this.#isPast(asOf)) return await this.#past.history(slo, span, asOf, group);
    const planned = await this.#plan(slo, group);
    const now = this.#evaluator.clock.now().getTime();
    return await historyOf(planned.plan, span, now, (work) => this.#counted.read(planned, group, work));
  }

  /**
   * When the budget of an SLO, or of a group of it, will be gone; or what was said of it at a moment.
   * @throws CommandRefused 404, 422 for a horizon that makes no sense
   */
  async forecast(
    slo: string,
    horizon: string | undefined,
    { group, asOf }: { group?: string | undefined; asOf?: Date | undefined } = {},
  ): Promise<SloForecast> {
    if (asOf !== undefined && this.#isPast(asOf)) {
      return await this.#past.forecast(slo, horizon, asOf, group);
    }
    const planned = await this.#plan(slo, group);
    const now = this.#evaluator.clock.now().getTime();
    return await forecastOfSlo(planned.plan, { horizon, group, now }, (work) =>
      this.#counted.read(planned, group, work),
    );
  }

  /**
   * How an SLO was over a period and the one before.
   * @throws CommandRefused 404, 422 for a period that has not begun
   */
  async periods(
    slo: string,
    asked: { period: Period; before: Period; timeZone: string },
  ): Promise<SloMeasuredPeriods> {
    const planned = await this.#plan(slo);
    const periods = plannedPeriods(planned.plan, asked, this.#evaluator.clock.now().getTime());
    const measured = await this.#counted.read(planned, undefined, (counted) =>
      measuredPeriods(planned.plan, periods, counted),
    );
    return { slo, ...measured };
  }

  #isPast(asOf: Date): boolean {
    return asOf.getTime() < this.#evaluator.clock.now().getTime();
  }

  async #plan(slo: string, group?: string): Promise<Planned> {
    const planned = await this.#planned(slo);
    groupOrRefuse(planned.plan, group);
    return planned;
  }

  async #planned(slo: string): Promise<Planned> {
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

const isGrouped = (plan: SloPlan): plan is SloPlan & { grouping: Grouping } => plan.grouping !== null;

const measured = (service: string, sli: string): string => LogStreams.measurement(service, sli);
