import { LogStreams, OTHER_GROUP, type SloGroup } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import { groupBucketsKey, IndicatorBuckets } from '@bellwether/slo';
import { judgeStored } from '../store/judge-stored.js';
import type { SeriesRow } from '../store/series-row.js';
import type { SeriesStore } from '../store/series-store.js';
import type { Lease } from './leases.js';
import type { LiveBuckets, StoredBuckets } from './live-buckets.js';
import { type Demand, LiveSeries, slicesKey } from './live-series.js';

/** Where series are stored, and by whom. */
export interface Shelf {
  store: SeriesStore;
  lease: Lease;
  log: EventLog;
}

/**
 * Opens stored events with the slices and groups that are asked for; new slices are judged, others are forgotten.
 * @param position of the partition, up to which everything is stored
 */
export async function openSeries(
  shelf: Shelf,
  row: SeriesRow,
  demand: Demand,
  position: number,
): Promise<LiveSeries> {
  const root = await openPart(shelf, row, demand, position, groupOf(demand, OTHER_GROUP));
  if (demand.grouping === null) return new LiveSeries(demand, root);
  await shelf.store.removeUnstoredGroups(shelf.lease, row.id);
  const rows = [...(await shelf.store.groupsOf(row.id))];
  const groups = await Promise.all(
    rows.map(async ([value, each]) => {
      const part = await openPart(shelf, each, demand, position, groupOf(demand, value));
      return [value, part] as const;
    }),
  );
  return new LiveSeries(demand, root, new Map(groups));
}

/**
 * A series that is to be made from the journal. An SLI that was never measured has nothing to make it from: whatever
 * comes from now on is beyond the checkpoint, and the series is complete at once.
 */
export async function beginSeries(shelf: Shelf, demand: Demand, generation: number): Promise<LiveSeries> {
  const measured = await shelf.log.streamVersion(measurements(demand.sli));
  const row = await shelf.store.create(shelf.lease, {
    sli: demand.sli,
    indicator: demand.key,
    generation,
    backfilled: measured === 0 ? null : 0,
    backfillOf: measured,
  });
  return new LiveSeries(demand, await beginPart(shelf, row, demand, groupOf(demand, OTHER_GROUP)));
}

/**
 * Buckets of a value that is a group from now on.
 * @param again what the group had that left since the last save: its rows are used again
 */
export async function beginGroup(
  shelf: Shelf,
  { demand, row }: LiveSeries,
  value: string,
  again: LiveBuckets | undefined,
): Promise<StoredBuckets> {
  const group = groupOf(demand, value);
  if (again !== undefined) {
    const slices = new Map([...again.slices].map(([rule, each]) => [rule, emptied(each)]));
    return { row: emptied(again.row), slices, buckets: emptyBuckets(demand, group) };
  }
  const made = await shelf.store.create(shelf.lease, {
    sli: demand.sli,
    indicator: groupBucketsKey(demand.key, value),
    generation: row.generation,
    groupOf: row.id,
    groupValue: value,
  });
  return await beginPart(shelf, made, demand, group);
}

/** The stream of an SLI's measurements. */
export function measurements(sli: string): string {
  const slash = sli.indexOf('/');
  return LogStreams.measurement(sli.slice(0, slash), sli.slice(slash + 1));
}

/** When the log took the latest measurement of an SLI, epoch milliseconds; null when it has none. */
export async function lastRecorded(
  log: Pick<EventLog, 'streamVersion' | 'readStream'>,
  sli: string,
): Promise<number | null> {
  const stream = measurements(sli);
  const from = await log.streamVersion(stream);
  const [last] = from === 0 ? [] : await log.readStream(stream, { from, limit: 1 });
  return last?.recordedAt.getTime() ?? null;
}

async function openPart(
  { store, lease }: Shelf,
  row: SeriesRow,
  { needs, cadence }: Demand,
  position: number,
  group: SloGroup | undefined,
): Promise<StoredBuckets> {
  const stored = await store.slicesOf(row.id);
  const slices = new Map<string, SeriesRow>();
  for (const [rule, need] of needs.rules) {
    const indicator = slicesKey(row.indicator, rule);
    const known = stored.get(indicator);
    stored.delete(indicator);
    if (known !== undefined) {
      slices.set(rule, known);
      continue;
    }
    const series = await judgeStored(store.pages, row, { rule: need.rule, isSketched: needs.sketched });
    const made = await createSlices({ store, lease }, row, rule);
    await store.flush(lease, position, position, [{ row: made, series }]);
    slices.set(rule, made);
  }
  await store.remove(
    lease,
    [...stored.values()].map(({ id }) => id),
  );
  return { row, slices, buckets: await store.openBuckets(row, slices, needs, cadence, group) };
}

async function beginPart(
  shelf: Shelf,
  row: SeriesRow,
  demand: Demand,
  group: SloGroup | undefined,
): Promise<StoredBuckets> {
  const slices = new Map<string, SeriesRow>();
  for (const rule of demand.needs.rules.keys()) slices.set(rule, await createSlices(shelf, row, rule));
  return { row, slices, buckets: emptyBuckets(demand, group) };
}

const emptyBuckets = ({ needs, cadence }: Demand, group: SloGroup | undefined): IndicatorBuckets =>
  new IndicatorBuckets({ needs, cadence, paged: true, group });

function createSlices(
  { store, lease }: Pick<Shelf, 'store' | 'lease'>,
  events: SeriesRow,
  rule: string,
): Promise<SeriesRow> {
  return store.create(lease, {
    sli: events.sli,
    indicator: slicesKey(events.indicator, rule),
    generation: events.generation,
    slicesOf: events.id,
  });
}

const emptied = (row: SeriesRow): SeriesRow => ({
  ...row,
  first: null,
  newest: null,
  daysFrom: 0,
  tip: null,
  badTip: null,
});

const groupOf = ({ grouping }: Demand, value: string): SloGroup | undefined =>
  grouping === null ? undefined : { label: grouping.label, value };
