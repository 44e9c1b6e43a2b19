import type { SloGroup } from '@bellwether/contracts';
import {
  type BucketNeeds,
  IndicatorBuckets,
  needsOf,
  readingEdges,
  type Series,
  type SloPlan,
  type SloSource,
} from '@bellwether/slo';
import { slicesKey } from '../partition/live-series.js';
import { judgeStored } from '../store/judge-stored.js';
import type { SeriesRow } from '../store/series-row.js';
import type { SeriesStore } from '../store/series-store.js';

/** Stored buckets, opened for reading. */
export interface StoredSource {
  source: SloSource;
  /** Whether they are not complete, or not there at all. */
  building: boolean;
}

/**
 * What an SLO, or a group of it, is read from at `now`, as it is stored: for whoever does not hold its partition.
 * @param row of the events; null when there is none yet
 */
export async function storedSource(
  store: SeriesStore,
  row: SeriesRow | null,
  plan: SloPlan,
  { now, cadence, group }: { now: number; cadence: number | undefined; group?: SloGroup },
): Promise<StoredSource> {
  const needs = needsOf([plan]);
  const slices = row === null ? new Map<string, SeriesRow>() : await storedSlices(store, row, needs);
  const buckets =
    row === null
      ? new IndicatorBuckets({ needs, cadence, group })
      : await store.openBuckets(row, slices, needs, cadence, group, await takenOf(store, row, slices, needs));
  const source = buckets.source(plan);
  const stored: (readonly [SeriesRow | undefined, Series])[] = [
    [row ?? undefined, buckets.events],
    ...[...buckets.slices].map(([rule, { series }]) => [slices.get(rule), series] as const),
  ];
  const held = readingEdges(plan, source, now);
  for (const [of, series] of stored) {
    if (of === undefined) continue;
    const missing = series.missing(now, source.summed.includes(series) ? held : []);
    const pages = await store.pages.cells(missing.map((hour) => ({ id: of.id, hour })));
    for (const hour of missing) series.provide(hour, pages.get(`${of.id}/${hour}`) ?? null);
  }
  // Slices that are not stored yet are judged when whoever holds the partition has read of the definition.
  const building =
    row === null || row.backfilled !== null || (plan.rule !== null && !slices.has(plan.rule.key));
  return { source, building };
}

/** What corrections take, where it is not stored yet: they were made a moment ago. By rule. */
async function takenOf(
  store: SeriesStore,
  row: SeriesRow,
  stored: ReadonlyMap<string, SeriesRow>,
  { rules, sketched: isSketched }: BucketNeeds,
): Promise<Map<string, Series>> {
  const taken = new Map<string, Series>();
  for (const [key, { rule, windows }] of rules) {
    if (rule.corrections === undefined || stored.has(key)) continue;
    taken.set(key, await judgeStored(store.pages, row, { rule, isSketched, windows: windows.values() }));
  }
  return taken;
}

/** The stored slices of the rules that are needed, by rule. */
export async function storedSlices(
  store: SeriesStore,
  row: SeriesRow,
  { rules }: BucketNeeds,
): Promise<Map<string, SeriesRow>> {
  const stored = rules.size === 0 ? new Map<string, SeriesRow>() : await store.slicesOf(row.id);
  const slices = new Map<string, SeriesRow>();
  for (const rule of rules.keys()) {
    const found = stored.get(slicesKey(row.indicator, rule));
    if (found !== undefined) slices.set(rule, found);
  }
  return slices;
}
