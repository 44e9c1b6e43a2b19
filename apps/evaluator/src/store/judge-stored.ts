import {
  type Cells,
  HOUR_MINUTES,
  hourOf,
  minuteOf,
  Series,
  type SliceRule,
  SliceRun,
  sliceOf,
  type Window,
} from '@bellwether/slo';
import type { SeriesRow } from './series-row.js';
import type { StoredPages } from './stored-pages.js';

/** Hours that are read at a time. */
const HOURS = 240;

/** What of stored events is judged. */
export interface Judging {
  rule: SliceRule;
  /** Whether the rule needs the values one by one. */
  isSketched: boolean;
  /** Windows that will be read of the slices. */
  windows?: Iterable<Window>;
}

/**
 * The slices of events of an indicator that are stored: a definition that judges otherwise, or a correction, needs no
 * measurement to be read again. Of corrections the hours that they touch are read, and no others.
 */
export async function judgeStored(
  stored: StoredPages,
  events: Pick<SeriesRow, 'id' | 'first' | 'newest'>,
  { rule, isSketched, windows = [] }: Judging,
): Promise<Series> {
  const slices = new Series({ windows });
  if (events.first === null || events.newest === null) return slices;
  const run = new SliceRun(rule, (start, verdict) => slices.put(start, verdict));
  for (const batch of batches(rule, hourOf(minuteOf(events.first)), hourOf(minuteOf(events.newest)))) {
    const wanted = batch.map((hour) => ({ id: events.id, hour }));
    const [pages, sketches] = await Promise.all([
      stored.cells(wanted),
      isSketched ? stored.sketches(wanted) : new Map(),
    ]);
    for (const hour of batch) {
      const key = `${events.id}/${hour}`;
      const cells: Cells | undefined = pages.get(key);
      if (cells !== undefined) run.take({ hour, cells, sketches: sketches.get(key) });
    }
  }
  run.end();
  return slices;
}

/** The hours from `first` to `last` that a rule has anything to say of, ascending, so many at a time. */
function* batches({ corrections, slice }: SliceRule, first: number, last: number): Generator<number[]> {
  let batch: number[] = [];
  let next = first;
  const [low, high] = [first * HOUR_MINUTES, (last + 1) * HOUR_MINUTES];
  const stretches = corrections?.spans(low, high - 1) ?? [{ from: low, to: high }];
  for (const { from, to } of stretches) {
    const end = Math.min(last, hourOf(sliceOf(to - 1, slice) + slice - 1));
    for (let hour = Math.max(next, hourOf(sliceOf(from, slice))); hour <= end; hour++) {
      batch.push(hour);
      next = hour + 1;
      if (batch.length < HOURS) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
