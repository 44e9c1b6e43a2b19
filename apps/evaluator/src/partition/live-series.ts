import { cadenceOf, type MeasurementRecorded, type SloDefinition } from '@bellwether/contracts';
import {
  type BucketNeeds,
  type Classifier,
  classifier,
  type Grouping,
  GroupMembers,
  groupingKey,
  indicatorKey,
  type Measure,
  needsOf,
  planSlo,
  pointsByValue,
  type ReadPoint,
  type RulePlan,
  type SloPlan,
  sightingsOf,
} from '@bellwether/slo';
import type { Registry } from '../registry/registry.js';
import type { Removals, SeriesRow } from '../store/series-row.js';
import { LiveBuckets, type StoredBuckets } from './live-buckets.js';
import { rulePlanOf } from './rule-plans.js';

/** An indicator over an SLI, or over the groups of it, that some SLO or threshold rule asks for. */
export interface Demand {
  /** `<service>/<sli>`. */
  sli: string;
  /** The indicator's identity. */
  key: string;
  /** How the SLI is parted; null for the whole of it. */
  grouping: Grouping | null;
  indicator: Measure;
  unit: string | undefined;
  /** The cadence that the SLI's definition gives, milliseconds. */
  cadence: number | undefined;
  /** The SLOs that read it. */
  plans: SloPlan[];
  /** The threshold rules that read it. */
  thresholds: RulePlan[];
  /** The windows that they look through, and the slices that they judge by. */
  needs: BucketNeeds;
}

/** What tells the indicators of all SLIs apart. */
export const demandKey = (demand: { sli: string; key: string }): string => `${demand.sli} ${demand.key}`;

/** What tells slices that are judged by a rule from the events of the indicator that they are made of. */
export const slicesKey = (indicator: string, rule: string): string => `${indicator}/${rule}`;

/** A plan, and the unit that it was made for. */
interface UnitPlan {
  plan: SloPlan;
  unit: string | undefined;
}

/** Plans that were made: every definition of one SLO asks for those of all others. */
const planned = new WeakMap<SloDefinition, UnitPlan>();

/** The plan of an SLO as it is defined now; null when this version cannot evaluate it. */
export function planOf(registry: Registry, slo: string): UnitPlan | null {
  const entry = registry.slos.get(slo);
  if (entry === undefined || entry.retired) return null;
  const { definition, corrections } = entry;
  const unit = registry.slis.get(`${definition.service}/${definition.sli}`)?.data.unit;
  const known = planned.get(definition);
  if (known?.unit === unit && known?.plan.corrections.key === corrections.key) return known;
  let made = planSlo(definition, unit, corrections);
  // An SLI that got another unit later: its values are compared as they come, as before.
  if (!made.ok) made = planSlo(definition, undefined, corrections);
  if (!made.ok) return null;
  planned.set(definition, { plan: made.plan, unit });
  return { plan: made.plan, unit };
}

/** What the SLOs and threshold rules whose SLI `concerns` ask for, by {@link demandKey}. */
export function demandsOf(registry: Registry, concerns: (sli: string) => boolean): Map<string, Demand> {
  const demands = new Map<string, Demand>();
  const demandOf = (of: Pick<Demand, 'sli' | 'key' | 'grouping' | 'indicator' | 'unit'>): Demand => {
    const known = demands.get(demandKey(of));
    if (known !== undefined) return known;
    // The SLI's cadence is that of all of it: a group has its own.
    const cadence = of.grouping === null ? cadenceOf(registry.slis.get(of.sli)?.data) : undefined;
    const demand: Demand = { ...of, cadence, plans: [], thresholds: [], needs: needsOf([]) };
    demands.set(demandKey(demand), demand);
    return demand;
  };
  for (const [name, { definition, retired }] of registry.slos) {
    const sli = `${definition.service}/${definition.sli}`;
    const planned = retired || !concerns(sli) ? null : planOf(registry, name);
    if (planned === null) continue;
    const { plan, unit } = planned;
    const { indicator, grouping } = plan;
    if (indicator.kind === 'composite') continue; // made of what others ask for
    const key = indicatorKey(indicator, unit);
    demandOf({ sli, key, grouping: null, indicator, unit }).plans.push(plan);
    if (grouping !== null) {
      demandOf({ sli, key: groupingKey(key, grouping), grouping, indicator, unit }).plans.push(plan);
    }
  }
  for (const [name, { definition, retired }] of registry.rules) {
    const sli = `${definition.service}/${definition.sli}`;
    const planned = retired || !concerns(sli) ? null : rulePlanOf(registry, name);
    if (planned === null) continue;
    const { plan, unit } = planned;
    const key = indicatorKey(plan.measure, unit);
    demandOf({ sli, key, grouping: null, indicator: plan.measure, unit }).thresholds.push(plan);
  }
  for (const demand of demands.values()) demand.needs = needsOf(demand.plans, demand.thresholds);
  return demands;
}

/** The name under which the points of an SLI that is not grouped are read: no value of a label is empty. */
const ALL = '';

/** What an indicator counts over an SLI, in memory: one part for the whole of it, or one for each group. */
export class LiveSeries {
  /** The whole; where it is grouped, the group of all values beyond the cap. */
  readonly root: LiveBuckets;
  readonly #groups: Map<string, LiveBuckets>;
  readonly #members: GroupMembers | null;
  readonly #classify: Classifier;
  /** Groups that left since the last save: what is stored of them is to be removed with it. */
  readonly #left = new Map<string, LiveBuckets>();
  /** Series whose rows are taken by a group that left and came back since the last save. */
  readonly #emptied: number[] = [];
  /** Points that the indicator has no reading for, since the start. */
  unfit = 0;

  /** @param groups by value of the label, each with a measurement */
  constructor(
    readonly demand: Demand,
    root: StoredBuckets,
    groups: ReadonlyMap<string, StoredBuckets> = new Map(),
  ) {
    const { grouping, indicator, unit } = demand;
    this.root = new LiveBuckets(root, demand);
    this.#groups = new Map([...groups].map(([value, stored]) => [value, new LiveBuckets(stored, demand)]));
    this.#members =
      grouping &&
      new GroupMembers(
        grouping,
        [...this.#groups].map(([value, { newest }]) => [value, newest as number] as const),
      );
    this.#classify = classifier(indicator, unit);
  }

  get row(): SeriesRow {
    return this.root.row;
  }

  get building(): boolean {
    return this.row.backfilled !== null;
  }

  /** Buckets of the groups, by value of the label; none where it is not grouped. */
  get groups(): ReadonlyMap<string, LiveBuckets> {
    return this.#groups;
  }

  get parts(): LiveBuckets[] {
    return [this.root, ...this.#groups.values()];
  }

  /** Whether it has all windows and slices that a demand asks for and no others, and reads measurements in the same way. */
  serves({ key, cadence, needs }: Demand): boolean {
    return key === this.demand.key && cadence === this.demand.cadence && this.root.serves(needs);
  }

  /** The points of a measurement, read by the indicator, by value of the label. */
  read(measurement: MeasurementRecorded): Map<string, ReadPoint[]> {
    const { grouping } = this.demand;
    if (grouping !== null) return pointsByValue(measurement.columns, grouping.label, this.#classify);
    const points: ReadPoint[] = [];
    for (const columns of measurement.columns) {
      this.unfit += this.#classify(columns, (at, measure, count) => points.push({ at, measure, count }));
    }
    return new Map([[ALL, points]]);
  }

  /**
   * Where the points of a message are to be counted.
   * @param begin makes buckets for a value that is a group from now on
   */
  async route(
    points: ReadonlyMap<string, ReadPoint[]>,
    begin: (value: string, again: LiveBuckets | undefined) => Promise<StoredBuckets>,
  ): Promise<Map<LiveBuckets, ReadPoint[]>> {
    if (this.#members === null) return new Map([[this.root, points.get(ALL) ?? []]]);
    const { joined, left } = this.#members.see(sightingsOf(points));
    for (const value of left) this.#leave(value);
    for (const value of joined) await this.#join(value, begin);
    const routed = new Map<LiveBuckets, ReadPoint[]>();
    for (const [value, own] of points) {
      const part = this.#groups.get(this.#members.groupOf(value)) ?? this.root;
      const known = routed.get(part);
      if (known === undefined) routed.set(part, own);
      else for (const point of own) known.push(point);
    }
    return routed;
  }

  #leave(value: string): void {
    this.#left.set(value, this.#groups.get(value) as LiveBuckets);
    this.#groups.delete(value);
  }

  async #join(
    value: string,
    begin: (value: string, again: LiveBuckets | undefined) => Promise<StoredBuckets>,
  ): Promise<void> {
    const again = this.#left.get(value);
    this.#left.delete(value);
    if (again !== undefined) this.#emptied.push(...idsOf(again));
    this.#groups.set(value, new LiveBuckets(await begin(value, again), this.demand));
  }

  /** What a save removes: series of groups that left, and what is stored in rows that others took over. */
  get removals(): Removals {
    return { removed: [...this.#left.values()].flatMap(idsOf), emptied: this.#emptied };
  }

  /** Everything was saved. */
  saved(): void {
    this.#left.clear();
    this.#emptied.length = 0;
    for (const part of this.parts) part.changed = false;
  }
}

const idsOf = ({ row, slices }: LiveBuckets): number[] => [
  row.id,
  ...[...slices.values()].map(({ id }) => id),
];
