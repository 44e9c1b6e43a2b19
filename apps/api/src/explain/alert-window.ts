import {
  type MeasurementRecorded,
  OTHER_GROUP,
  type PointColumns,
  type SloGroup,
} from '@bellwether/contracts';
import type { EventLog, RecordedEvent } from '@bellwether/event-log';
import type { Classifier } from '@bellwether/slo';

/** Measurements read for one alert at most: beyond it, that there were more says enough. */
const MOST = 5_000;
const PAGE = 500;
/** A point may be ahead of the clock by so much when it is recorded (contract), milliseconds. */
const AHEAD = 5 * 60_000;

/** What an alert says of the measurements that it was decided on. */
export interface Evidence {
  journal: string;
  position: number;
  eventId: string;
  lastPosition?: number | undefined;
  from: string;
  to: string;
}

/** The measurements that an alert's long window was made of, as the log has them. */
export interface AlertWindow {
  journal: string;
  /** Positions of the first and the last with a point in the window. */
  first: number;
  last: number;
  /** Messages with points that were counted in the window, those points, and whether there are more than were read. */
  measurements: number;
  points: number;
  more: boolean;
}

/**
 * Finds what an alert was decided on. Whatever has a point in the window was recorded after the window began, but for
 * what a clock may be ahead: that part of the SLI's stream is read, from its end.
 * @param of.tipping the measurement that the alert names
 * @param of.classify how its indicator reads points; those that it has no reading for were not counted
 * @param of.group the part of the SLO that it is about; the whole when absent
 * @returns null when none of them is in the log any more, or when nobody can say which: values beyond the cap of a group
 */
export async function alertWindow(
  log: Pick<EventLog, 'readStream'>,
  evidence: Evidence,
  {
    tipping,
    classify,
    group,
  }: { tipping: RecordedEvent; classify: Classifier; group?: SloGroup | undefined },
): Promise<AlertWindow | null> {
  if (group?.value === OTHER_GROUP) return null;
  const [from, to] = [Date.parse(evidence.from), Date.parse(evidence.to)];
  const until = evidence.lastPosition ?? evidence.position;
  const within = (at: number): boolean => at >= from && at <= to;
  const window: AlertWindow = {
    journal: evidence.journal,
    first: 0,
    last: 0,
    measurements: 0,
    points: 0,
    more: false,
  };
  const take = ({ position, data }: RecordedEvent): void => {
    const own = (data as MeasurementRecorded).columns.filter(
      ({ labels }) => group === undefined || labels?.[group.label] === group.value,
    );
    const inside = own.flatMap((columns) => readings(columns, classify)).filter(within).length;
    if (inside === 0 || position > until) return;
    window.first = Math.min(window.first || position, position);
    window.last = Math.max(window.last, position);
    window.measurements += 1;
    window.points += inside;
  };
  // Forward from the tipping one to the last that was counted: few, of one evaluation's time.
  for (let version = tipping.version; ; version += PAGE) {
    const page = await log.readStream(tipping.stream, { from: version, limit: PAGE });
    page.forEach(take);
    if (page.length < PAGE || (page.at(-1) as RecordedEvent).position >= until) break;
  }
  for (let before = tipping.version; before > 1 && !window.more; before -= PAGE) {
    const low = Math.max(1, before - PAGE);
    const page = await log.readStream(tipping.stream, { from: low, limit: before - low });
    page.filter(({ recordedAt }) => recordedAt.getTime() >= from - AHEAD).forEach(take);
    // Times of recording ascend: what is before this page was recorded before the window.
    if (page.length === 0 || (page[0] as RecordedEvent).recordedAt.getTime() < from - AHEAD) break;
    window.more = window.measurements >= MOST && low > 1;
  }
  return window.measurements === 0 ? null : window;
}

/** When the points were of that an indicator reads: one time for each, into however many parts it reads a point. */
function readings(columns: PointColumns, classify: Classifier): number[] {
  let left = columns.at.length;
  const times = new Set<number>();
  left -= classify(columns, (at) => times.add(at));
  if (left === 0) return [];
  return left === columns.at.length ? columns.at : columns.at.filter((at) => times.has(at));
}
