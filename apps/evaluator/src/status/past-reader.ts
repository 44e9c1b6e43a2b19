import {
  CommandRefused,
  LogStreams,
  type Service,
  type SloForecast,
  type SloHistory,
  type SloStatus,
} from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import {
  type IndicatorBuckets,
  MINUTE,
  readSlo,
  type SloPlan,
  statusOf,
  statusOfGroups,
} from '@bellwether/slo';
import { policyOf } from '../registry/slo-policy.js';
import { Turns } from '../turns.js';
import { absentAsOf } from './absent.js';
import { FORECAST_HISTORY, forecastOfSlo } from './forecast.js';
import { type Cut, historyOf } from './history.js';
import { latestPoints } from './latest-points.js';
import { noSuchGroup } from './no-such-group.js';
import { Past, type PastSlo } from './past.js';
import { groupOrRefuse, planOrRefuse, sliOf } from './planned.js';
import { sourceAsOf } from './source.js';

/** Measurements are counted anew for so many requests at a time: each holds all of them in memory. */
const AT_A_TIME = 1;
/** How far back the sketches of a percentile are made anew, milliseconds: a minute of ten values takes 2 KiB. */
const FARTHEST_SKETCHES = 92 * 1440 * MINUTE;

/**
 * Answers what would have been answered at a moment: from the definition, the alerts and the measurements that the log
 * held then, measured anew. All of it throws CommandRefused 404 when there was no such SLO, or group of it.
 */
export class PastReader {
  readonly #turns = new Turns(AT_A_TIME);

  constructor(private readonly log: EventLog) {}

  /** The status. */
  async status(slo: string, asOf: Date, group?: string): Promise<SloStatus> {
    return await this.#turns.run(() => this.#status(slo, asOf, group));
  }

  async #status(slo: string, asOf: Date, group?: string): Promise<SloStatus> {
    const { past, plan, entry, sli } = await this.#find(slo, asOf, group);
    const { service } = entry.definition;
    const absent = (slis: readonly string[]) => absentAsOf(this.log, slis, asOf);
    const now = asOf.getTime();
    if (plan.indicator.kind === 'composite') {
      const { source, slis } = await past.composite(plan);
      return {
        ...statusOf(readSlo(plan, source, now), entry.ledger),
        policy: policyOf(entry, await this.#serviceAsOf(service, asOf)),
        backfill: null,
        ...(await absent(slis)),
      };
    }
    const { buckets, parts } = await past.counted(
      plan,
      sli,
      group === undefined ? {} : { groups: { only: group } },
    );
    const source = (of: IndicatorBuckets) => of.source(plan);
    const latest = (status: SloStatus) => latestPoints(this.log, { plan, unit: sli?.unit }, status, asOf);
    if (group !== undefined) {
      const own = parts?.groups.get(group);
      if (own === undefined) throw noSuchGroup(slo, group);
      const status = statusOf(readSlo(plan, source(own), now), entry.ledger);
      return { ...status, backfill: null, ...(await absent([sliOf(entry)])), ...(await latest(status)) };
    }
    const status = statusOf(readSlo(plan, source(buckets), now), entry.ledger);
    return {
      ...status,
      policy: policyOf(entry, await this.#serviceAsOf(service, asOf)),
      backfill: null,
      ...(await absent([sliOf(entry)])),
      ...(await sourceAsOf(this.log, sli, asOf, status.watermark)),
      ...(await latest(status)),
      ...(parts &&
        statusOfGroups(plan, source(buckets), [...parts.groups.values()].map(source), entry.ledger, now)),
    };
  }

  /** The budget over time. @throws CommandRefused 422 for a span or cut that makes no sense */
  async history(
    slo: string,
    span: { from: Date; to: Date; cut: Cut },
    asOf: Date,
    group?: string,
  ): Promise<SloHistory> {
    const { past, plan, sli } = await this.#find(slo, asOf, group);
    const oldest = span.from.getTime() - plan.window.longest * MINUTE;
    if (plan.indicator.kind === 'percentile' && asOf.getTime() - span.from.getTime() > FARTHEST_SKETCHES) {
      throw CommandRefused.refused('the history cannot be given', [
        { path: 'from', message: 'must be within 92d of asOf: the values of a percentile are counted anew' },
      ]);
    }
    return await historyOf(plan, span, asOf.getTime(), (work) =>
      this.#turns.run(async () => work(await past.minutes(plan, sli, oldest, group))),
    );
  }

  /** When the budget would be gone. @throws CommandRefused 422 for a horizon that makes no sense */
  async forecast(slo: string, horizon: string | undefined, asOf: Date, group?: string): Promise<SloForecast> {
    const { past, plan, sli } = await this.#find(slo, asOf, group);
    const now = asOf.getTime();
    const oldest = now - Math.max(plan.window.longest, FORECAST_HISTORY) * MINUTE;
    return await forecastOfSlo(plan, { horizon, group, now }, (work) =>
      this.#turns.run(async () => work(await past.minutes(plan, sli, oldest, group))),
    );
  }

  async #find(slo: string, asOf: Date, group?: string): Promise<PastSlo & { past: Past; plan: SloPlan }> {
    const past = new Past(this.log, asOf);
    const found = await past.slo(slo);
    if (found === null) throw CommandRefused.notFound(`SLO ${slo}`);
    const plan = planOrRefuse(found.entry, found.sli?.unit);
    groupOrRefuse(plan, group);
    return { ...found, past, plan };
  }

  async #serviceAsOf(name: string, asOf: Date): Promise<Map<string, { data: Service }>> {
    const defined = await this.log.readStream(LogStreams.service(name), { recordedUntil: asOf });
    const last = defined.at(-1) as { data: Service } | undefined;
    return new Map(last ? [[name, last]] : []);
  }
}
