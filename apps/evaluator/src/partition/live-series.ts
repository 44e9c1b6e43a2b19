import type { EventEnvelope, Indicator, MeasurementRecorded } from '@bellwether/contracts';
import { durationMillis } from '@bellwether/contracts';
import {
  type BucketNeeds,
  type Cells,
  type Classifier,
  classifier,
  heldEdges,
  hourOf,
  type IndicatorBuckets,
  indicatorKey,
  minuteOf,
  needsOf,
  planSlo,
  type Series,
  type SloPlan,
} from '@bellwether/slo';
import type { Registry } from '../registry/registry.js';
import type { SeriesChange, SeriesRow } from '../store/series-row.js';

/** An indicator over an SLI that some SLO asks for. */
export interface Demand {
  /** `<service>/<sli>`. */
  sli: string;
  /** The indicator's identity. */
  key: string;
  indicator: Indicator;
  unit: string | undefined;
  /** The cadence that the SLI's definition gives, milliseconds. */
  cadence: number | undefined;
  /** The SLOs that read it. */
  plans: SloPlan[];
  /** The windows that they look through, and the slices that they judge by. */
  needs: BucketNeeds;
}

/** What tells the indicators of all SLIs apart. */
export const demandKey = (demand: { sli: string; key: string }): string => `${demand.sli} ${demand.key}`;

/** What tells slices that are judged by a rule from the events of the indicator that they are made of. */
export const slicesKey = (indicator: string, rule: string): string => `${indicator}/${rule}`;

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
    const key = indicatorKey(plan.indicator, unit);
    const known = demands.get(demandKey({ sli: sliKey, key }));
    if (known !== undefined) {
      known.plans.push(plan);
      continue;
    }
    demands.set(demandKey({ sli: sliKey, key }), {
      sli: sliKey,
      key,
      indicator: plan.indicator,
      unit,
      cadence: cadence === undefined ? undefined : durationMillis(cadence),
      plans: [plan],
      needs: needsOf([]),
    });
  }
  for (const demand of demands.values()) demand.needs = needsOf(demand.plans);
  return demands;
}

/** Where a measurement stands in the log, and what its followers inherit. */
export type EventPlace = Pick<
  EventEnvelope,
  'id' | 'position' | 'recordedtime' | 'correlationid' | 'traceparent'
>;

/** A point as its indicator reads it. */
export interface ReadPoint {
  at: number;
  measure: number;
  count: number;
}

/** An hour of buckets that is to be paged in. */
export interface Page {
  /** Number of the series. */
  id: number;
  hour: number;
  of: 'cells' | 'sketches';
}

/** What is kept in memory of one indicator over one SLI, and where it is stored. */
export interface StoredBuckets {
  buckets: IndicatorBuckets;
  /** Rows of the slices, by rule. */
  slices: ReadonlyMap<string, SeriesRow>;
}

/** The buckets of one indicator over one SLI, in memory, as its partition's holder keeps them. */
export class LiveSeries {
  readonly buckets: IndicatorBuckets;
  readonly #slices: ReadonlyMap<string, SeriesRow>;
  readonly #classify: Classifier;
  /** Something besides buckets is to be stored. */
  changed = false;
  /** Points that the indicator has no reading for, since the start. */
  unfit = 0;

  constructor(
    readonly row: SeriesRow,
    readonly demand: Demand,
    { buckets, slices }: StoredBuckets,
  ) {
    this.buckets = buckets;
    this.#slices = slices;
    this.#classify = classifier(demand.indicator, demand.unit);
  }

  get building(): boolean {
    return this.row.backfilled !== null;
  }

  /** The series of events, then those of slices, with their rows. */
  get stored(): SeriesChange[] {
    return [
      { row: this.row, series: this.buckets.events, sketches: this.buckets.sketches },
      ...[...this.buckets.slices].map(([rule, { series }]) => ({
        row: this.#slices.get(rule) as SeriesRow,
        series,
      })),
    ];
  }

  /** Whether it has all windows and slices that a demand asks for and no others, and reads measurements in the same way. */
  serves({ key, cadence, needs }: Demand): boolean {
    const has = (series: Series, windows: ReadonlyMap<string, unknown>): boolean => {
      const known = new Set(series.windows);
      return [...windows.keys()].every((window) => known.has(window));
    };
    return (
      key === this.demand.key &&
      cadence === this.demand.cadence &&
      has(this.buckets.events, needs.windows) &&
      needs.rules.size === this.buckets.slices.size &&
      [...needs.rules].every(([rule, { windows }]) => {
        const judged = this.buckets.slices.get(rule);
        return judged !== undefined && has(judged.series, windows);
      })
    );
  }

  /** The points of a measurement, read by the indicator. */
  read(measurement: MeasurementRecorded): ReadPoint[] {
    const points: ReadPoint[] = [];
    for (const columns of measurement.columns) {
      this.unfit += this.#classify(columns, (at, measure, count) => points.push({ at, measure, count }));
    }
    return points;
  }

  /** Counts points whose hours are in memory, judges their slices, and remembers the measurement as evidence. */
  count(points: readonly ReadPoint[], event: EventPlace, journal: string): void {
    if (points.length === 0) return;
    const { kind } = this.demand.indicator;
    let bad = kind === 'mean' || kind === 'percentile'; // of which a single point cannot be told to be bad
    for (const { at, measure, count } of points) {
      this.buckets.observe(at, measure, count);
      if (measure < count) bad = true;
    }
    this.buckets.judge();
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

  /** What is cold of the hours of points and their slices, to be paged in before they are counted. */
  missingFor(points: readonly ReadPoint[]): Page[] {
    const { events, sketches, slices } = this.buckets.missingFor(points.map((point) => point.at));
    return [
      ...events.map((hour) => ({ id: this.row.id, hour, of: 'cells' as const })),
      ...sketches.map((hour) => ({ id: this.row.id, hour, of: 'sketches' as const })),
      ...[...slices].flatMap(([rule, hours]) =>
        hours.map((hour) => ({ id: this.#slices.get(rule)?.id as number, hour, of: 'cells' as const })),
      ),
    ];
  }

  /** What the windows touch at `now` and is cold. */
  missing(now: number): Page[] {
    const edges = this.#edges(now);
    return this.stored.flatMap(({ row, series }) =>
      series.missing(now, edges.get(series)).map((hour) => ({ id: row.id, hour, of: 'cells' as const })),
    );
  }

  /** Lets go of what is stored and not needed at `now`. */
  release(now: number): void {
    const edges = this.#edges(now);
    for (const { series } of this.stored) series.releasePages(now, edges.get(series));
    const { newest } = this.buckets.events;
    if (newest !== null) this.buckets.sketches?.release(hourOf(minuteOf(newest)));
  }

  /** Takes an hour of minutes, or of slices, in; null when none are stored. */
  provide({ id, hour }: Page, cells: Cells | null): void {
    this.stored.find(({ row }) => row.id === id)?.series.provide(hour, cells);
  }

  /** Takes an hour of sketches in. */
  provideSketches({ hour }: Page, minutes: ReadonlyMap<number, Uint8Array>): void {
    this.buckets.sketches?.provide(hour, minutes);
  }

  /** Far edges of budgets that are frozen, by the series that they are summed from. */
  #edges(now: number): Map<Series, number[]> {
    const edges = new Map<Series, number[]>();
    for (const plan of this.demand.plans) {
      const source = this.buckets.source(plan);
      const known = edges.get(source.tallies) ?? [];
      edges.set(source.tallies, [...known, ...heldEdges(plan, source, now)]);
    }
    return edges;
  }
}
