import { type IndicatorBuckets, indicatorKey, needsOf, type RulePlan } from '@bellwether/slo';
import type { SeriesStore } from '../store/series-store.js';

/** What is read of the store. */
interface Wanted {
  /** Unit of the SLI. */
  unit: string | undefined;
  /** Of the SLI's definition, milliseconds. */
  cadence: number | undefined;
  /** Epoch milliseconds. */
  at: number;
}

/** Buckets as they are stored. */
export interface Stored {
  buckets: IndicatorBuckets;
  /** How far they are, while they are being made from the journal. */
  backfill: { done: number; of: number } | null;
}

/** The buckets that a rule is read from, with everything that its window touches; null when there are none. */
export async function storedBuckets(
  store: SeriesStore,
  plan: RulePlan,
  { unit, cadence, at }: Wanted,
): Promise<Stored | null> {
  const { service, sli } = plan.definition;
  const row = await store.find(`${service}/${sli}`, indicatorKey(plan.measure, unit));
  if (row === null) return null;
  const buckets = await store.openBuckets(row, new Map(), needsOf([], [plan]), cadence);
  const hours = buckets.events.missing(at);
  const pages = await store.pages.cells(hours.map((hour) => ({ id: row.id, hour })));
  for (const hour of hours) buckets.events.provide(hour, pages.get(`${row.id}/${hour}`) ?? null);
  const sketched = buckets.missingSketches(at);
  const sketches = await store.pages.sketches(sketched.map((hour) => ({ id: row.id, hour })));
  for (const hour of sketched) {
    buckets.sketches?.provide(hour, sketches.get(`${row.id}/${hour}`) ?? new Map());
  }
  const backfill = row.backfilled === null ? null : { done: row.backfilled, of: row.backfillOf };
  return { buckets, backfill };
}
