import { durationMillis, type Fault, type Recurrence } from '@bellwether/contracts';
import rrule, { type Options } from 'rrule';
import { Temporal } from 'temporal-polyfill';
import { checkRule, RuleFault } from './recurrence-rule.js';
import { firstInstant } from './wall-clock.js';

/** A stretch of time, epoch milliseconds, `to` exclusive. */
export interface Span {
  from: number;
  to: number;
}

const DAY = 86_400_000;
/** A rule must come about within this long of its start: what is not due for years is a slip of the pen. */
const HORIZON = 10 * 366 * DAY;
/** No zone's clock has ever been further from UTC than this, and a jump of it is shorter. */
const ZONE_SLACK = 2 * DAY;
/** How many dates can lie in that slack, at both ends: a rule comes about once a day at most. */
const SLACK_DATES = 8;

/** What is wrong with a recurrence; nothing when it can be followed. */
export function recurrenceFaults(recurrence: Recurrence): Fault[] {
  const faults: Fault[] = [];
  const start = Temporal.PlainDateTime.from(recurrence.start);
  if (start.year < 2000 || start.year > 2100)
    faults.push({ path: 'start', message: 'must lie between the years 2000 and 2100' });
  if (durationMillis(recurrence.duration) > 366 * DAY)
    faults.push({ path: 'duration', message: 'must be at most 366d' });
  try {
    checkRule(recurrence.rrule, recurrence.timeZone);
  } catch (error) {
    if (!(error instanceof RuleFault)) throw error;
    faults.push({ path: 'rrule', message: error.message });
  }
  if (faults.length > 0) return faults;
  const from = firstInstant(start, recurrence.timeZone);
  if (occurrences(recurrence, from, from + HORIZON, 1).length > 0) return [];
  return [{ path: 'rrule', message: 'never comes about within ten years of its start' }];
}

/**
 * The spans of a recurrence that touch [from, to), in order, at most `most` of them. Each begins when the clock of its
 * zone shows the rule's time of day: jumped over, at the jump; shown twice, the first time.
 * @throws RuleFault for a rule that {@link recurrenceFaults} would have named
 */
export function occurrences(recurrence: Recurrence, from: number, to: number, most = 1000): Span[] {
  const { timeZone, duration } = recurrence;
  const length = durationMillis(duration);
  // The library knows UTC alone: it is given wall-clock times as if they were.
  const parts = rrule.RRule.parseString(checkRule(recurrence.rrule, timeZone));
  const start = Date.parse(`${recurrence.start}:00Z`);
  const earliest = from - length - ZONE_SLACK;
  const rule = new rrule.RRule({ ...parts, dtstart: new Date(start + passed(parts, earliest - start)) });
  const dates = rule.between(
    new Date(earliest),
    new Date(to + ZONE_SLACK),
    true,
    (_, found) => found < most + SLACK_DATES,
  );
  const spans: Span[] = [];
  for (const date of dates) {
    const wall = Temporal.PlainDateTime.from(date.toISOString().slice(0, -1));
    const span = { from: firstInstant(wall, timeZone), to: endOf(wall, recurrence, length) };
    if (span.from < to && span.to > from && spans.length < most) spans.push(span);
  }
  return spans;
}

/**
 * Milliseconds after its start from which a rule of days or weeks may as well be followed: whole intervals of it. The
 * library counts up from the start, however many years ago that was.
 */
function passed({ freq, interval, count }: Partial<Options>, until: number): number {
  const days = freq === rrule.RRule.DAILY ? 1 : freq === rrule.RRule.WEEKLY ? 7 : null;
  if (days === null || typeof count === 'number' || until <= 0) return 0;
  const step = days * (interval ?? 1) * DAY;
  return Math.floor(until / step) * step;
}

/** Days and weeks are of the calendar, shorter units of the clock (RFC 5545, 3.3.6). */
function endOf(wall: Temporal.PlainDateTime, { duration, timeZone }: Recurrence, length: number): number {
  return /[dw]$/.test(duration)
    ? firstInstant(wall.add({ days: length / DAY }), timeZone)
    : firstInstant(wall, timeZone) + length;
}
