import type { PointColumns } from '@bellwether/contracts';
import { type BucketNeeds } from './bucket-needs.js';
import type { Classifier } from './classifier.js';
import { type Grouping, GroupMembers, labelValue, type Sighting } from './grouping.js';
import { IndicatorBuckets } from './indicator-buckets.js';

/** A point as its indicator reads it, see {@link PointSink}. */
export interface ReadPoint {
  /** Epoch milliseconds. */
  at: number;
  measure: number;
  count: number;
}

/** The points of a message by the value of a label; what carries none is in none. */
export function pointsByValue(
  columns: readonly PointColumns[],
  label: string,
  classify: Classifier,
): Map<string, ReadPoint[]> {
  const found = new Map<string, ReadPoint[]>();
  for (const each of columns) {
    const value = labelValue(each, label);
    if (value === null) continue;
    const points = found.get(value) ?? [];
    classify(each, (at, measure, count) => points.push({ at, measure, count }));
    if (points.length > 0) found.set(value, points);
  }
  return found;
}

/** What a message has of each value, for {@link GroupMembers.see}. */
export function sightingsOf(points: ReadonlyMap<string, readonly ReadPoint[]>): Sighting[] {
  return [...points].map(([value, all]) => {
    let oldest = Number.POSITIVE_INFINITY;
    let newest = Number.NEGATIVE_INFINITY;
    for (const { at } of all) {
      if (at < oldest) oldest = at;
      if (at > newest) newest = at;
    }
    return { value, oldest, newest };
  });
}

/** The buckets of all groups of an SLI in memory, made of its measurements in the order of the log: for recomputations. */
export class GroupedBuckets {
  readonly #needs: BucketNeeds;
  readonly #grouping: Grouping;
  readonly #classify: Classifier;
  readonly #oldest: number;
  readonly #only: string | undefined;
  readonly #members: GroupMembers;
  readonly #groups = new Map<string, IndicatorBuckets>();

  /**
   * @param options.oldest event time before which points are of no interest, epoch milliseconds
   * @param options.only the one group that is of interest; all when absent
   */
  constructor(options: {
    needs: BucketNeeds;
    grouping: Grouping;
    classify: Classifier;
    oldest?: number;
    only?: string | undefined;
  }) {
    const { needs, grouping, classify, oldest = Number.NEGATIVE_INFINITY, only } = options;
    this.#needs = needs;
    this.#grouping = grouping;
    this.#classify = classify;
    this.#oldest = oldest;
    this.#only = only;
    this.#members = new GroupMembers(grouping);
  }

  /** By value of the label. */
  get groups(): ReadonlyMap<string, IndicatorBuckets> {
    return this.#groups;
  }

  /** Counts the points of the next message. Slices know of it after {@link judge}. */
  take(columns: readonly PointColumns[]): void {
    const points = pointsByValue(columns, this.#grouping.label, this.#classify);
    for (const value of this.#members.see(sightingsOf(points)).left) this.#groups.delete(value);
    for (const [value, all] of points) {
      const group = this.#members.groupOf(value);
      if (this.#only !== undefined && group !== this.#only) continue;
      const buckets = this.#group(group);
      for (const { at, measure, count } of all) {
        if (at >= this.#oldest) buckets.observe(at, measure, count);
      }
    }
  }

  judge(): void {
    for (const buckets of this.#groups.values()) buckets.judge();
  }

  #group(value: string): IndicatorBuckets {
    let buckets = this.#groups.get(value);
    if (buckets === undefined) {
      const { label } = this.#grouping;
      buckets = new IndicatorBuckets({ needs: this.#needs, group: { label, value } });
      this.#groups.set(value, buckets);
    }
    return buckets;
  }
}
