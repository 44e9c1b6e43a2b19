import { formatDuration } from '@bellwether/contracts';
import { type CalendarUnit, calendarPeriod, type Period } from './calendar.js';
import { DAY_MINUTES, MINUTE } from './time-grid.js';

/** The stretch of minutes that an SLO looks through: from its low end to the current, partial minute. */
export interface Window {
  /** Tells windows apart: `60`, `60/5` (in slices of 5 minutes), `12x5` (12 slices of 5 minutes), `month@Europe/Berlin`. */
  readonly key: string;
  /** How it is called in a status: `1h`, `month`. */
  readonly label: string;
  /** Minutes that it reaches back at most. */
  readonly longest: number;
  /** First minute of the window whose current minute is `end`. */
  low(end: number): number;
  /** First minute of the window as it is when the minute before `after` is over, and none is current yet. */
  lowUpTo(after: number): number;
  /** The calendar's period that the minute lies in; null for a rolling window. */
  period(end: number): Period | null;
}

/**
 * Windows that were asked for, by key: evaluation names its look-backs anew each time, and all SLOs of a zone share what
 * was worked out of its calendar.
 */
const known = new Map<string, Window>();

function remembered(window: Window): Window {
  known.set(window.key, window);
  return window;
}

/**
 * The last `minutes` complete minutes and the current one.
 * @param slice minutes of a slice: the window starts on its grid, so it is of the complete slices that fit and the current one
 */
export function rolling(minutes: number, slice = 1): Window {
  const key = slice === 1 ? `${minutes}` : `${minutes}/${slice}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const low = (end: number): number =>
    slice === 1 ? end - minutes : Math.ceil((sliceOf(end, slice) - minutes) / slice) * slice;
  return remembered({
    key,
    label: formatDuration(minutes * MINUTE),
    longest: minutes + slice - 1,
    low,
    lowUpTo: low,
    period: () => null,
  });
}

/**
 * As many slices as fit `minutes`, the current one among them: what a budget of slices is over. One more would spend more
 * than there is, since what is bad is divided by their number.
 * @param minutes whole slices
 */
export function ofSlices(minutes: number, slice: number): Window {
  const key = `${minutes / slice}x${slice}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const low = (end: number): number => sliceOf(end, slice) - minutes + slice;
  return remembered({
    key,
    label: formatDuration(minutes * MINUTE),
    // How much history there is is looked for in the slice before, too.
    longest: minutes + slice - 1,
    low,
    lowUpTo: (after) => low(after - 1),
    period: () => null,
  });
}

/** First minute of the slice that a minute lies in; slices of `slice` minutes are on a grid from the epoch. */
export const sliceOf = (minute: number, slice: number): number => Math.floor(minute / slice) * slice;

/** Days of each period at most, with a day for clock changes. */
const LONGEST_DAYS = { week: 8, month: 32, quarter: 93, year: 367 } as const;

/** The current period of the calendar in a zone, up to now. */
export function calendar(unit: CalendarUnit, timeZone: string): Window {
  const key = `${unit}@${timeZone}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  // The last two that were asked for: around a boundary evaluation looks at both.
  let latest: Period = { from: 0, to: 0 };
  let former = latest;
  const period = (end: number): Period => {
    const at = end * MINUTE;
    if (at >= latest.from && at < latest.to) return latest;
    [former, latest] = [latest, former];
    if (at < latest.from || at >= latest.to) latest = calendarPeriod(unit, timeZone, at);
    return latest;
  };
  return remembered({
    key,
    label: unit,
    longest: LONGEST_DAYS[unit] * DAY_MINUTES,
    low: (end) => Math.ceil(period(end).from / MINUTE),
    lowUpTo: (after) => Math.ceil(period(after - 1).from / MINUTE),
    period,
  });
}
