import { LogStreams, MeasurementLimits, type MeasurementRecorded } from '@bellwether/contracts';
import type { EventLog, RecordedEvent } from '@bellwether/event-log';
import { type Classifier, IndicatorBuckets } from '@bellwether/slo';

const PAGE = 1_000;

type Log = Pick<EventLog, 'readStream' | 'streamVersion'>;

/** What is counted of an SLI, and how far back. */
export interface Recent {
  service: string;
  sli: string;
  /** Event time of the oldest point that counts, epoch milliseconds. */
  since: number;
  /** Only what the log had taken by then. */
  until?: Date | undefined;
  /** Messages that are read at most. */
  most?: number;
  classify: Classifier;
}

/**
 * Counts the latest measurements of an SLI into empty buckets, from the log. What has a point since a moment was recorded
 * after it, but for what a clock may be ahead: the SLI's stream is read from its end back to there.
 * @returns whether all of them are counted; false when there were more than `most`
 */
export async function countRecent(log: Log, buckets: IndicatorBuckets, recent: Recent): Promise<boolean> {
  const stream = LogStreams.measurement(recent.service, recent.sli);
  const since = recent.since - MeasurementLimits.aheadMillis;
  const { most = Number.POSITIVE_INFINITY } = recent;
  let read = 0;
  for (let last = await lastVersion(log, stream, recent.until); last > 0; last -= PAGE) {
    if (read >= most) return false;
    const from = Math.max(1, last - PAGE + 1);
    const page = await log.readStream(stream, { from, limit: last - from + 1 });
    read += page.length;
    for (const { data } of page) {
      for (const columns of (data as MeasurementRecorded).columns) {
        recent.classify(columns, (at, measure, count) => {
          if (at >= recent.since) buckets.observe(at, measure, count);
        });
      }
    }
    // Times of recording ascend: what is before this page was recorded before it. The oldest may be archived.
    const [first] = page;
    if (first === undefined || first.recordedAt.getTime() < since) break;
  }
  return true;
}

/** Version of the last event that was recorded until a moment, 0 for none: by a binary search, since times ascend. */
export async function lastVersion(log: Log, stream: string, until: Date | undefined): Promise<number> {
  let high = await log.streamVersion(stream);
  if (until === undefined) return high;
  const at = async (version: number): Promise<RecordedEvent | undefined> =>
    (await log.readStream(stream, { from: version, limit: 1 }))[0];
  for (let low = 0; low < high; ) {
    const middle = Math.ceil((low + high) / 2);
    const event = await at(middle);
    if (event !== undefined && event.recordedAt <= until) low = middle;
    else high = middle - 1;
  }
  return high;
}
