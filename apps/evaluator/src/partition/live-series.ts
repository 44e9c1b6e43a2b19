import type { EventEnvelope, MeasurementRecorded } from '@bellwether/contracts';
import { durationMillis } from '@bellwether/contracts';
import {
  type Classifier,
  type CountingIndicator,
  classifier,
  Heartbeat,
  indicatorKey,
  planSlo,
  type Series,
  type SloPlan,
} from '@bellwether/slo';
import type { Registry } from '../registry/registry.js';
import type { SeriesRow } from '../store/series-store.js';

/** An indicator over an SLI that some SLO asks for. */
export interface Demand {
  /** `<service>/<sli>`. */
  sli: string;
  /** The indicator's identity. */
  key: string;
  indicator: CountingIndicator;
  unit: string | undefined;
  /** The cadence that the SLI's definition gives, milliseconds. */
  cadence: number | undefined;
  /** The SLOs that read it. */
  plans: SloPlan[];
  /** All windows that they look through, minutes. */
  windows: Set<number>;
}

/** What tells the indicators of all SLIs apart. */
export const demandKey = (demand: { sli: string; key: string }): string => `${demand.sli} ${demand.key}`;

/** The plan of an SLO as it is defined now; null when this version cannot evaluate it. */
export function planOf(registry: Registry, slo: string): { plan: SloPlan; unit: string | undefined } | null {
  const entry = registry.slos.get(slo);
  if (entry === undefined || entry.retired) return null;
  const { definition } = entry;
  const unit = registry.slis.get(`${definition.service}/${definition.sli}`)?.data.unit;
  let planned = planSlo(definition, unit);
  // An SLI that got another unit later: its values are compared as they come, as before.
  if (!planned.ok) planned = planSlo(definition);
  return planned.ok ? { plan: planned.plan, unit } : null;
}

/** What the SLOs whose SLI `concerns` asks for, by {@link demandKey}. */
export function demandsOf(registry: Registry, concerns: (sli: string) => boolean): Map<string, Demand> {
  const demands = new Map<string, Demand>();
  for (const [name, entry] of registry.slos) {
    const { service, sli } = entry.definition;
    const sliKey = `${service}/${sli}`;
    if (entry.retired || !concerns(sliKey)) continue;
    const planned = planOf(registry, name);
    if (planned === null) continue;
    const { plan, unit } = planned;
    const cadence = registry.slis.get(sliKey)?.data.cadence;
    const demand: Demand = {
      sli: sliKey,
      key: indicatorKey(plan.indicator, unit),
      indicator: plan.indicator,
      unit,
      cadence: cadence === undefined ? undefined : durationMillis(cadence),
      plans: [],
      windows: new Set(),
    };
    const known = demands.get(demandKey(demand)) ?? demand;
    known.plans.push(plan);
    for (const minutes of plan.windows) known.windows.add(minutes);
    demands.set(demandKey(known), known);
  }
  return demands;
}

/** Where a measurement stands in the log, and what its followers inherit. */
export type EventPlace = Pick<
  EventEnvelope,
  'id' | 'position' | 'recordedtime' | 'correlationid' | 'traceparent'
>;

/** The buckets of one indicator over one SLI, in memory, as its partition's holder keeps them. */
export class LiveSeries {
  readonly heartbeat: Heartbeat;
  readonly #classify: Classifier;
  /** Something besides buckets is to be stored. */
  changed = false;
  /** Points that the indicator has no reading for, since the start. */
  unfit = 0;

  constructor(
    readonly row: SeriesRow,
    readonly demand: Demand,
    readonly series: Series,
  ) {
    this.heartbeat = new Heartbeat(series, demand.cadence);
    this.#classify = classifier(demand.indicator, demand.unit);
  }

  get building(): boolean {
    return this.row.backfilled !== null;
  }

  /** Whether it has all windows that a demand asks for, and reads measurements in the same way. */
  serves(demand: Demand): boolean {
    const windows = new Set(this.series.windows);
    return (
      demand.key === this.demand.key &&
      demand.cadence === this.demand.cadence &&
      [...demand.windows].every((minutes) => windows.has(minutes))
    );
  }

  /** The points of a measurement, read by the indicator. */
  read(measurement: MeasurementRecorded): { at: number; good: number; total: number }[] {
    const points: { at: number; good: number; total: number }[] = [];
    for (const columns of measurement.columns) {
      this.unfit += this.#classify(columns, (at, good, total) => points.push({ at, good, total }));
    }
    return points;
  }

  /** Counts points whose hours are in memory, and remembers the measurement as evidence. */
  count(
    points: readonly { at: number; good: number; total: number }[],
    event: EventPlace,
    journal: string,
  ): void {
    if (points.length === 0) return;
    let bad = false;
    for (const { at, good, total } of points) {
      this.series.observe(at, good, total);
      if (good < total) bad = true;
    }
    this.row.tip = {
      journal,
      position: event.position,
      eventId: event.id,
      recordedAt: event.recordedtime,
      correlationId: event.correlationid,
      ...(event.traceparent ? { traceparent: event.traceparent } : {}),
    };
    if (bad) this.row.badTip = this.row.tip;
    this.changed = true;
  }

  /** The cold hours of points, to be paged in before they are counted. */
  missingFor(points: readonly { at: number }[]): number[] {
    return this.series.missingFor(points.map((point) => point.at));
  }
}
