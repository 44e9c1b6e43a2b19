import { hourOf, minuteOf, Series, type SliceRule, SliceRun } from '@bellwether/slo';
import type { SeriesRow } from './series-row.js';
import type { SeriesStore } from './series-store.js';

/** Hours that are read at a time. */
const HOURS = 240;

/**
 * The slices of all events of an indicator that are stored: a definition that judges otherwise needs no measurement to
 * be read again.
 * @param isSketched whether the rule needs the values one by one
 */
export async function judgeStored(
  store: SeriesStore,
  events: SeriesRow,
  rule: SliceRule,
  isSketched: boolean,
): Promise<Series> {
  const slices = new Series({ windows: [] });
  if (events.first === null || events.newest === null) return slices;
  const run = new SliceRun(rule, (start, verdict) => slices.put(start, verdict));
  const last = hourOf(minuteOf(events.newest));
  for (let hour = hourOf(minuteOf(events.first)); hour <= last; hour += HOURS) {
    const end = Math.min(last, hour + HOURS - 1);
    const [pages, sketches] = await Promise.all([
      store.hours(events.id, hour, end),
      isSketched ? store.sketches(events.id, hour, end) : new Map(),
    ]);
    for (const [each, cells] of pages) run.take({ hour: each, cells, sketches: sketches.get(each) });
  }
  run.end();
  return slices;
}
