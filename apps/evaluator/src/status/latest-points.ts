import {
  LogStreams,
  type MeasurementRecorded,
  type PointColumns,
  type RuleStatus,
  type SloStatus,
} from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import { classifier, type Measure, type RulePlan, ratioScale, readsOf, type SloPlan } from '@bellwether/slo';
import { lastVersion } from './recent-measurements.js';

/** Messages that are looked at. */
const LATEST = 20;

type Log = Pick<EventLog, 'readStream' | 'streamVersion'>;
type Shown = Pick<SloStatus, 'unreadable' | 'outOfRange'>;

/**
 * What is to be said of the latest points of an SLO's SLI. Of one that has no data, or is frozen, though something is
 * measured: those that its indicator has no reading for. Of values that are read as ratios: those outside of their scale.
 * @param until only what the log had taken by then
 */
export async function latestPoints(
  log: Log,
  { plan, unit }: { plan: SloPlan; unit: string | undefined },
  { state, frozen }: Pick<SloStatus, 'state' | 'frozen'>,
  until?: Date,
): Promise<Shown> {
  const { indicator } = plan;
  if (indicator.kind === 'composite') return {};
  const mayBeUnread = state === 'no-data' || frozen !== null;
  const scale = indicator.kind === 'ratio' ? ratioScale(unit) : null;
  if (!mayBeUnread && scale === null) return {};
  const columns = await latestColumns(log, plan.definition, until);
  const of = countOf(columns);
  return {
    ...(mayBeUnread && unreadable(columns, of, indicator, unit)),
    ...(scale !== null && outOfRange(columns, of, scale)),
  };
}

/** The same of a threshold rule, whose value is null though something is measured. */
export async function unreadableOfRule(
  log: Log,
  { plan, unit }: { plan: RulePlan; unit: string | undefined },
  { value }: Pick<RuleStatus, 'value'>,
  until?: Date,
): Promise<Pick<RuleStatus, 'unreadable'>> {
  if (value !== null) return {};
  const columns = await latestColumns(log, plan.definition, until);
  return unreadable(columns, countOf(columns), plan.measure, unit);
}

function unreadable(
  columns: readonly PointColumns[],
  of: number,
  measure: Measure,
  unit?: string,
): Pick<Shown, 'unreadable'> {
  const classify = classifier(measure, unit);
  const left = columns.map((each) => ({ at: each.at, points: classify(each, () => {}) }));
  const unread = left.filter(({ points }) => points > 0);
  if (unread.length === 0) return {};
  const points = unread.reduce((sum, each) => sum + each.points, 0);
  const newest = newestOf(unread.flatMap(({ at }) => at));
  return { unreadable: { points, of, newest, reason: readsOf(measure) } };
}

function outOfRange(columns: readonly PointColumns[], of: number, to: number): Shown {
  const times = columns.flatMap((each) =>
    each.kind === 'values'
      ? each.at.filter((_, i) => (each.value[i] as number) < 0 || (each.value[i] as number) > to)
      : [],
  );
  if (times.length === 0) return {};
  return { outOfRange: { points: times.length, of, newest: newestOf(times), from: 0, to } };
}

async function latestColumns(
  log: Log,
  { service, sli }: { service: string; sli: string },
  until?: Date,
): Promise<PointColumns[]> {
  const stream = LogStreams.measurement(service, sli);
  const version = await lastVersion(log, stream, until);
  const from = Math.max(1, version - LATEST + 1);
  const events = version === 0 ? [] : await log.readStream(stream, { from, limit: version - from + 1 });
  return events.flatMap(({ data }) => (data as MeasurementRecorded).columns);
}

const countOf = (columns: readonly PointColumns[]): number =>
  columns.reduce((sum, { at }) => sum + at.length, 0);

const newestOf = (times: readonly number[]): string =>
  new Date(times.reduce((a, b) => Math.max(a, b))).toISOString();
