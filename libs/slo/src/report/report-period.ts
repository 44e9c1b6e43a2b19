import { Temporal } from 'temporal-polyfill';
import { calendarPeriod, type Period } from '../calendar.js';

/** What a report is about: a week from Monday on (ISO 8601), or a month, in a zone. */
export interface ReportPeriod extends Period {
  unit: 'week' | 'month';
  /** Its name: `2026-W47`, `2026-10`. */
  at: string;
  /** IANA zone. */
  timeZone: string;
}

/** A day of a zone: `2026-11-16`. */
export interface Day extends Period {
  date: string;
}

/** The period that an instant (epoch milliseconds) lies in. */
export function reportPeriodAt(unit: ReportPeriod['unit'], timeZone: string, at: number): ReportPeriod {
  const { from, to } = calendarPeriod(unit, timeZone, at);
  const first = Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(timeZone).toPlainDate();
  return { unit, at: nameOf(unit, first), timeZone, from, to };
}

/** The period of a name such as `2026-W47` or `2026-10`; null when there is none of that name. */
export function reportPeriodOf(
  unit: ReportPeriod['unit'],
  timeZone: string,
  name: string,
): ReportPeriod | null {
  const pattern = unit === 'week' ? /^(\d{4})-W(\d\d)$/ : /^(\d{4})-(\d\d)$/;
  const [, year, number] = pattern.exec(name)?.map(Number) ?? [];
  if (year === undefined || number === undefined || number < 1 || number > (unit === 'week' ? 53 : 12))
    return null;
  // A day in the middle, at noon: in every zone it is of the week or the month that is meant.
  const middle =
    unit === 'week'
      ? new Temporal.PlainDate(year, 1, 4).add({ weeks: number - 1 })
      : new Temporal.PlainDate(year, number, 15);
  const noon = middle.toPlainDateTime({ hour: 12 }).toZonedDateTime(timeZone);
  const period = reportPeriodAt(unit, timeZone, noon.epochMilliseconds);
  // Few years have a week 53.
  return period.at === name ? period : null;
}

/** The period before. */
export const reportPeriodBefore = ({ unit, timeZone, from }: ReportPeriod): ReportPeriod =>
  reportPeriodAt(unit, timeZone, from - 1);

/**
 * The days of a stretch of time in a zone, each from its first instant to that of the next one: of 23 or 25 hours where
 * clocks change. The first and the last end with the stretch.
 */
export function daysOf({ from, to }: Period, timeZone: string): Day[] {
  const days: Day[] = [];
  let day = Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(timeZone).toPlainDate();
  for (let start = from; start < to; ) {
    const date = day.toString();
    day = day.add({ days: 1 });
    const end = Math.min(to, day.toZonedDateTime(timeZone).epochMilliseconds);
    // A day that never was (a zone moved across the date line) has no length; one that came twice is one.
    if (end > start) days.push({ date, from: start, to: end });
    start = Math.max(start, end);
  }
  return days;
}

function nameOf(unit: ReportPeriod['unit'], first: Temporal.PlainDate): string {
  if (unit === 'month') return first.toPlainYearMonth().toString();
  return `${first.yearOfWeek}-W${String(first.weekOfYear).padStart(2, '0')}`;
}
