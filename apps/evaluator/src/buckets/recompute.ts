import { LogStreams, type MeasurementRecorded, OTHER_GROUP } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import { classifier, dumpBuckets, GroupedBuckets, groupBucketsKey, IndicatorBuckets } from '@bellwether/slo';
import { demandsOf, slicesKey } from '../partition/live-series.js';
import type { Registry } from '../registry/registry.js';
import type { SeriesStore } from '../store/series-store.js';

const PAGE = 1_000;

/** The canonical text of the buckets as they are stored: what is live, by SLI and indicator. */
export async function* dumpStored(store: SeriesStore): AsyncGenerator<string> {
  const rows = (await store.all()).filter((row) => row.backfilled === null);
  const complete = new Set(rows.filter((row) => row.groupOf === null).map(({ id }) => id));
  const events = rows.filter(
    (row) => row.slicesOf === null && (row.groupOf === null || complete.has(row.groupOf)),
  );
  for (const [i, row] of events.entries()) {
    const next = events[i + 1];
    // Of several generations the newest answers.
    if (next?.sli === row.sli && next.indicator === row.indicator) continue;
    for (const each of [row, ...rows.filter(({ slicesOf }) => slicesOf === row.id)]) {
      const [hours, sketches] = await Promise.all([
        store.hours(each.id, -(2 ** 31), 2 ** 31 - 1),
        store.sketches(each.id, -(2 ** 31), 2 ** 31 - 1),
      ]);
      yield* dumpBuckets({
        sli: each.sli,
        indicator: each.indicator,
        hours: [...hours].map(([hour, cells]) => ({ hour, cells, offset: 0, sketches: sketches.get(hour) })),
      });
    }
  }
}

/**
 * The canonical text of the buckets as the log has them: all measurements of every SLI that an SLO looks at, counted
 * anew. Equals {@link dumpStored} byte for byte once the evaluator has read the whole log.
 */
export async function* dumpRecomputed(log: EventLog, registry: Registry): AsyncGenerator<string> {
  await registry.catchUp();
  const demands = [...demandsOf(registry, () => true).values()].sort((a, b) =>
    a.sli === b.sli ? compare(a.key, b.key) : compare(a.sli, b.sli),
  );
  for (const { sli, key, grouping, indicator, unit, needs } of demands) {
    const buckets = new IndicatorBuckets({ needs });
    const classify = classifier(indicator, unit);
    const parts = grouping && new GroupedBuckets({ needs, grouping, classify });
    const slash = sli.indexOf('/');
    const stream = LogStreams.measurement(sli.slice(0, slash), sli.slice(slash + 1));
    for (let from = 1; ; ) {
      const page = await log.readStream(stream, { from, limit: PAGE });
      for (const event of page) {
        const { columns } = event.data as MeasurementRecorded;
        if (parts !== null) parts.take(columns);
        else
          for (const each of columns)
            classify(each, (at, measure, count) => buckets.observe(at, measure, count));
      }
      if (page.length < PAGE) break;
      from = (page.at(-1)?.version ?? 0) + 1;
    }
    if (parts === null) {
      buckets.judge();
      yield* dumpPart(sli, key, buckets);
      continue;
    }
    parts.judge();
    const keyOf = (value: string) => (value === OTHER_GROUP ? key : groupBucketsKey(key, value));
    const groups = [...parts.groups].map(([value, each]) => [keyOf(value), each] as const);
    for (const [name, each] of groups.sort(([a], [b]) => compare(a, b))) yield* dumpPart(sli, name, each);
  }
}

function* dumpPart(sli: string, indicator: string, buckets: IndicatorBuckets): Generator<string> {
  const sketches = new Map(buckets.sketches?.takeDirty().map(({ hour, minutes }) => [hour, minutes]));
  const hours = buckets.events.takeDirty();
  yield* dumpBuckets({
    sli,
    indicator,
    hours: hours.map((hour) => ({ ...hour, sketches: sketches.get(hour.hour) })),
  });
  for (const [rule, { series }] of [...buckets.slices].sort(([a], [b]) => compare(a, b))) {
    yield* dumpBuckets({ sli, indicator: slicesKey(indicator, rule), hours: series.takeDirty() });
  }
}

/** As Postgres sorts text in the collation "C". */
const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
