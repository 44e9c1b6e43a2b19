import {
  CommandRefused,
  cadenceOf,
  LogStreams,
  measurementPartition,
  type Service,
  type SloForecast,
  type SloHistory,
  type SloMeasuredPeriods,
  type SloStatus,
} from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import {
  type Grouping,
  IndicatorBuckets,
  indicatorKey,
  type Period,
  planSlo,
  readSlo,
  type SloPlan,
  statusOf,
  statusOfGroups,
} from '@bellwether/slo';
import type { Evaluator } from '../evaluator.js';
import { planOf } from '../partition/live-series.js';
import type { SloEntry } from '../registry/slo-entry.js';
import { policyOf } from '../registry/slo-policy.js';
import { compositeStatus } from './composite-status.js';
import { CountedReader } from './counted-reader.js';
import { aheadOf, forecastFrom } from './forecast.js';
import { burnDownOf, type Cut, periodsIn, stepsOf } from './history.js';
import { noSuchGroup } from './no-such-group.js';
import { Past } from './past.js';
import { measuredPeriods, plannedPeriods } from './periods.js';
import { type Planned, sliOf } from './planned.js';
import { sourceAsOf, sourceNow } from './source.js';
import { rowOfGroup, type StoredGroups, statusOfStoredGroups, storedGroups } from './stored-groups.js';
import { storedSource } from './stored-source.js';

/** Answers what is known of an SLO, now, as of a moment, and over time. */
export class StatusReader {
  readonly #evaluator: Evaluator;
  readonly #log: EventLog;
  readonly #counted: CountedReader;

  constructor(evaluator: Evaluator, log: EventLog) {
    this.#evaluator = evaluator;
    this.#log = log;
    this.#counted = new CountedReader(evaluator, log);
  }

  /**
   * The status now, of one group where it is asked for.
   * @throws CommandRefused 404, or 422 for a definition that this version cannot evaluate
   */
  async now(slo: string, group?: string): Promise<SloStatus> {
    const planned = await this.#plan(slo, group);
    const status = await this.#now(slo, planned, group);
    return { ...status, ...sourceNow(this.#evaluator.registry, sliOf(planned.entry), status.watermark) };
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

  /**
   * What would have been answered at `asOf`: the definition, the alerts and the measurements that the log held then,
   * measured anew. @throws CommandRefused 404 when there was no such SLO
   */
  async asOf(slo: string, asOf: Date, group?: string): Promise<SloStatus> {
    if (asOf.getTime() >= this.#evaluator.clock.now().getTime()) return await this.now(slo, group);
    const past = new Past(this.#log, asOf);
    const found = await past.slo(slo);
    if (found === null) throw CommandRefused.notFound(`SLO ${slo}`);
    const { entry, sli } = found;
    const plan = planOrRefuse(entry, sli?.unit);
    if (group !== undefined && plan.grouping === null) throw notGrouped(slo);
    const { service } = entry.definition;
    const now = asOf.getTime();
    if (plan.indicator.kind === 'composite') {
      const status = statusOf(readSlo(plan, await past.composite(plan), now), entry.ledger);
      return { ...status, policy: policyOf(entry, await this.#serviceAsOf(service, asOf)), backfill: null };
    }
    const { buckets, parts } = await past.counted(plan, sli);
    const source = (of: IndicatorBuckets) => of.source(plan);
    if (group !== undefined) {
      const own = parts?.groups.get(group);
      if (own === undefined) throw noSuchGroup(slo, group);
      return { ...statusOf(readSlo(plan, source(own), now), entry.ledger), backfill: null };
    }
    const status = statusOf(readSlo(plan, source(buckets), now), entry.ledger);
    return {
      ...status,
      policy: policyOf(entry, await this.#serviceAsOf(service, asOf)),
      backfill: null,
      ...(await sourceAsOf(this.#log, sli, asOf, status.watermark)),
      ...(parts &&
        statusOfGroups(plan, source(buckets), [...parts.groups.values()].map(source), entry.ledger, now)),
    };
  }

  /**
   * The budget over time, of one group where it is asked for, from the stored buckets.
   * @throws CommandRefused 404, 422 for a span or cut that makes no sense
   */
  async history(slo: string, span: { from: Date; to: Date; cut: Cut }, group?: string): Promise<SloHistory> {
    const planned = await this.#plan(slo, group);
    const { plan } = planned;
    const now = this.#evaluator.clock.now().getTime();
    const steps = stepsOf(plan, span, now);
    const { points } = await this.#counted.read(planned, group, ({ stored, due }) =>
      burnDownOf(plan, steps, stored, due),
    );
    // The current minute is not over: its point is of now, and of no time after what was asked for.
    const last = points.at(-1);
    const end = Math.min(now, span.to.getTime());
    if (last && Date.parse(last.at) > end) last.at = new Date(end).toISOString();
    return { points, ...(span.cut.points !== undefined && periodsIn(plan, steps)) };
  }

  /**
   * When the budget of an SLO, or of a group of it, will be gone.
   * @throws CommandRefused 404, 422 for a horizon that makes no sense
   */
  async forecast(slo: string, horizon?: string, group?: string): Promise<SloForecast> {
    const planned = await this.#plan(slo, group);
    const { plan, entry } = planned;
    const now = this.#evaluator.clock.now();
    const ahead = aheadOf(plan, horizon, now.getTime());
    const outlook = await this.#counted.read(planned, group, (counted) => forecastFrom(plan, ahead, counted));
    const { groupBy } = entry.definition;
    return {
      slo,
      service: entry.definition.service,
      ...(group !== undefined && groupBy && { group: { label: groupBy.label, value: group } }),
      asOf: now.toISOString(),
      ...outlook,
    };
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

  async #serviceAsOf(name: string, asOf: Date): Promise<Map<string, { data: Service }>> {
    const defined = await this.#log.readStream(LogStreams.service(name), { recordedUntil: asOf });
    const last = defined.at(-1) as { data: Service } | undefined;
    return new Map(last ? [[name, last]] : []);
  }

  async #plan(slo: string, group?: string): Promise<Planned> {
    const planned = await this.#planned(slo);
    if (group !== undefined && planned.plan.grouping === null) throw notGrouped(slo);
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

function planOrRefuse(entry: SloEntry, unit: string | undefined): SloPlan {
  let planned = planSlo(entry.definition, unit, entry.corrections);
  if (!planned.ok) planned = planSlo(entry.definition, undefined, entry.corrections);
  if (planned.ok) return planned.plan;
  throw CommandRefused.refused(`SLO ${entry.definition.name} cannot be evaluated`, planned.faults);
}

const isGrouped = (plan: SloPlan): plan is SloPlan & { grouping: Grouping } => plan.grouping !== null;

const notGrouped = (slo: string): CommandRefused =>
  CommandRefused.refused(`SLO ${slo} has no groups`, [
    { path: 'group', message: 'the SLO is not grouped by a label: its definition has no groupBy' },
  ]);

const measured = (service: string, sli: string): string => LogStreams.measurement(service, sli);
