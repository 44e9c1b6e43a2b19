import type { Series, Sketches, Tip } from '@bellwether/slo';
import type { RecentHours } from './recent-hours.js';

/** A row of evaluator.series. */
export interface SeriesRow {
  id: number;
  partition: number;
  sli: string;
  indicator: string;
  generation: number;
  /** Of judged slices, the series of the events that they are made of. */
  slicesOf: number | null;
  /** Of a group, the series of the group of all other values, which it hangs on, and its value of the label. */
  groupOf: number | null;
  groupValue: string | null;
  first: number | null;
  newest: number | null;
  daysFrom: number;
  /** Version of the SLI's stream that is read in while buckets are being made; null once live. */
  backfilled: number | null;
  backfillOf: number;
  skipTo: number;
  /** How often it was written, and the hours that were last. */
  revision: number;
  recent: RecentHours;
  tip: Evidence | null;
  badTip: Evidence | null;
}

/** The measurement to name as evidence, with what its followers inherit. */
export interface Evidence extends Omit<Tip, 'lastPosition'> {
  /** When the log took it, RFC 3339. */
  recordedAt: string;
  correlationId: string;
  traceparent?: string;
}

/** State of all buckets. */
export interface BucketsState {
  /** Partitions whose rebuild was asked for and is not complete. */
  partitionsToRebuild: number;
  series: number;
  /** Of those, how many are being made from the journal, and how many of their messages are read. */
  building: number;
  done: number;
  of: number;
}

/** What changed in a series since it was last stored. */
export interface SeriesChange {
  row: SeriesRow;
  series: Series;
  /** Of its values, where a percentile needs them. */
  sketches?: Sketches | null;
}

/** Series that are to be removed, and ones of which everything that is stored is, before anything is written. */
export interface Removals {
  removed: readonly number[];
  emptied: readonly number[];
}

/** Columns of evaluator.series as a {@link SeriesRow} has them. */
export const COLUMNS = `id::float8 as id, partition, sli, indicator, generation, slices_of::float8 as "slicesOf",
  group_of::float8 as "groupOf", group_value as "groupValue", first_at::float8 as first,
  newest_at::float8 as newest, days_from as "daysFrom", backfilled::float8 as backfilled,
  backfill_of::float8 as "backfillOf", skip_to::float8 as "skipTo", revision::float8 as revision, recent, tip, bad_tip as "badTip"`;
