import {
  type BucketNeeds,
  type Cells,
  type IndicatorBuckets,
  type ReadPoint,
  readingEdges,
  type Series,
  type SloPlan,
} from '@bellwether/slo';
import type { Evidence, SeriesChange, SeriesRow } from '../store/series-row.js';

/** An hour of buckets that is to be paged in. */
export interface Page {
  /** Number of the series. */
  id: number;
  hour: number;
  of: 'cells' | 'sketches';
}

/** What is kept in memory of an indicator over an SLI, or over one group of it, and where it is stored. */
export interface StoredBuckets {
  row: SeriesRow;
  buckets: IndicatorBuckets;
  /** Rows of the slices, by rule. */
  slices: ReadonlyMap<string, SeriesRow>;
}

/** The SLOs that look at buckets, as they are defined now. */
export interface Readers {
  readonly plans: readonly SloPlan[];
}

/** The buckets of an indicator over an SLI, or over one group of it, in memory, as its partition's holder keeps them. */
export class LiveBuckets {
  readonly row: SeriesRow;
  readonly buckets: IndicatorBuckets;
  readonly #slices: ReadonlyMap<string, SeriesRow>;
  readonly #readers: Readers;
  /** Something is to be stored. */
  changed = false;
  /** Messages that were counted since it was opened. */
  counted = 0;

  constructor({ row, buckets, slices }: StoredBuckets, readers: Readers) {
    this.row = row;
    this.buckets = buckets;
    this.#slices = slices;
    this.#readers = readers;
  }

  /** Event time of the newest measurement, epoch milliseconds. */
  get newest(): number | null {
    return this.buckets.events.newest;
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

  /** Rows of the slices, by rule. */
  get slices(): ReadonlyMap<string, SeriesRow> {
    return this.#slices;
  }

  /** Whether it has all windows and slices that are asked for, and no other slices. */
  serves(needs: BucketNeeds): boolean {
    const has = (series: Series, windows: ReadonlyMap<string, unknown>): boolean => {
      const known = new Set(series.windows);
      return [...windows.keys()].every((window) => known.has(window));
    };
    return (
      has(this.buckets.events, needs.windows) &&
      [...needs.sketchWindows.keys()].every((window) => this.buckets.sketchWindows.has(window)) &&
      needs.rules.size === this.buckets.slices.size &&
      [...needs.rules].every(([rule, { windows }]) => {
        const judged = this.buckets.slices.get(rule);
        return judged !== undefined && has(judged.series, windows);
      })
    );
  }

  /**
   * Counts points whose hours are in memory, judges their slices, and remembers the measurement as evidence.
   * @param judgedWhole whether a single point cannot be told to be bad, as of a mean or a percentile
   */
  count(points: readonly ReadPoint[], evidence: Evidence, judgedWhole: boolean): void {
    if (points.length === 0) return;
    let bad = judgedWhole;
    for (const { at, measure, count } of points) {
      this.buckets.observe(at, measure, count);
      if (measure < count) bad = true;
    }
    this.buckets.judge();
    this.row.tip = evidence;
    if (bad) this.row.badTip = evidence;
    this.changed = true;
    this.counted++;
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
    const cells = this.stored.flatMap(({ row, series }) =>
      series.missing(now, edges.get(series)).map((hour) => ({ id: row.id, hour, of: 'cells' as const })),
    );
    const sketched = this.buckets.missingSketches(now);
    return [...cells, ...sketched.map((hour) => ({ id: this.row.id, hour, of: 'sketches' as const }))];
  }

  /** Lets go of what is stored and not needed at `now`. */
  release(now: number): void {
    const edges = this.#edges(now);
    for (const { series } of this.stored) series.releasePages(now, edges.get(series));
    this.buckets.releaseSketches(now);
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
    for (const plan of this.#readers.plans) {
      const source = this.buckets.source(plan);
      const held = readingEdges(plan, source, now);
      for (const series of source.summed) edges.set(series, [...(edges.get(series) ?? []), ...held]);
    }
    return edges;
  }
}
