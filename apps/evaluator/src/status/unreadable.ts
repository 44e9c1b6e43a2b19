import { LogStreams, type MeasurementRecorded, type SloStatus } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import { classifier, readsOf, type SloPlan } from '@bellwether/slo';
import { lastVersion } from './recent-measurements.js';

/** Messages that are looked at. */
const LATEST = 20;

type Shown = Pick<SloStatus, 'unreadable'>;

/**
 * Why an SLO has no data, or is frozen, though something is measured: of the latest points of its SLI, those that its
 * indicator has no reading for. Nothing where it counts what comes, or reads all of it.
 * @param until only what the log had taken by then
 */
export async function unreadable(
  log: Pick<EventLog, 'readStream' | 'streamVersion'>,
  { plan, unit }: { plan: SloPlan; unit: string | undefined },
  { state, frozen }: Pick<SloStatus, 'state' | 'frozen'>,
  until?: Date,
): Promise<Shown> {
  if (plan.indicator.kind === 'composite' || (state !== 'no-data' && frozen === null)) return {};
  const { service, sli } = plan.definition;
  const stream = LogStreams.measurement(service, sli);
  const version = await lastVersion(log, stream, until);
  const from = Math.max(1, version - LATEST + 1);
  const events = version === 0 ? [] : await log.readStream(stream, { from, limit: version - from + 1 });
  const classify = classifier(plan.indicator, unit);
  const found = { points: 0, of: 0 };
  let newest = Number.NEGATIVE_INFINITY;
  for (const columns of events.flatMap(({ data }) => (data as MeasurementRecorded).columns)) {
    const left = classify(columns, () => {});
    found.of += columns.at.length;
    found.points += left;
    if (left > 0) newest = Math.max(newest, ...columns.at);
  }
  if (found.points === 0) return {};
  return {
    unreadable: { ...found, newest: new Date(newest).toISOString(), reason: readsOf(plan.indicator) },
  };
}
