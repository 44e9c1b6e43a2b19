import { LogStreams, type MeasurementRecorded } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import { classifier, dumpBuckets, Series } from '@bellwether/slo';
import { demandsOf } from '../partition/live-series.js';
import type { Registry } from '../registry/registry.js';
import type { SeriesStore } from '../store/series-store.js';

const PAGE = 1_000;

/** The canonical text of the buckets as they are stored: what is live, by SLI and indicator. */
export async function* dumpStored(store: SeriesStore): AsyncGenerator<string> {
  const rows = (await store.all()).filter((row) => row.backfilled === null);
  for (const [i, row] of rows.entries()) {
    const next = rows[i + 1];
    // Of several generations the newest answers.
    if (next?.sli === row.sli && next.indicator === row.indicator) continue;
    const hours = await store.hours(row.id, -(2 ** 31), 2 ** 31 - 1);
    yield* dumpBuckets({
      sli: row.sli,
      indicator: row.indicator,
      hours: [...hours].map(([hour, cells]) => ({ hour, cells, offset: 0 })),
    });
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
  for (const { sli, key, indicator, unit } of demands) {
    const series = new Series({ windows: [] });
    const classify = classifier(indicator, unit);
    const slash = sli.indexOf('/');
    const stream = LogStreams.measurement(sli.slice(0, slash), sli.slice(slash + 1));
    for (let from = 1; ; ) {
      const page = await log.readStream(stream, { from, limit: PAGE });
      for (const event of page) {
        for (const columns of (event.data as MeasurementRecorded).columns) {
          classify(columns, (at, good, total) => series.observe(at, good, total));
        }
      }
      if (page.length < PAGE) break;
      from = (page.at(-1)?.version ?? 0) + 1;
    }
    yield* dumpBuckets({ sli, indicator: key, hours: series.takeDirty() });
  }
}

/** As Postgres sorts text in the collation "C". */
const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
