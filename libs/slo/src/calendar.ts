import { Temporal } from 'temporal-polyfill';

/** Periods that a calendar window may have. */
export type CalendarUnit = 'week' | 'month' | 'quarter' | 'year';

/** A stretch of time, epoch milliseconds; `to` is not in it. */
export interface Period {
  from: number;
  to: number;
}

/** The first day of the period of the calendar that a day lies in; weeks start on Monday (ISO 8601). */
function firstDay(unit: CalendarUnit, day: Temporal.PlainDate): Temporal.PlainDate {
  switch (unit) {
    case 'week':
      return day.subtract({ days: day.dayOfWeek - 1 });
    case 'month':
      return day.with({ day: 1 });
    case 'quarter':
      return day.with({ month: day.month - ((day.month - 1) % 3), day: 1 });
    case 'year':
      return day.with({ month: 1, day: 1 });
  }
}

const STEP = {
  week: { days: 7 },
  month: { months: 1 },
  quarter: { months: 3 },
  year: { years: 1 },
} as const;

/**
 * The period of the calendar in a zone that an instant lies in: from the first instant of its first day to that of the
 * next period's. Weeks are of 167 or 169 hours where clocks change; a midnight that clocks jump over is the first instant
 * after the jump, one that comes twice the first.
 * @param at epoch milliseconds
 * @param timeZone IANA zone
 */
export function calendarPeriod(unit: CalendarUnit, timeZone: string, at: number): Period {
  const begins = (day: Temporal.PlainDate): number => day.toZonedDateTime(timeZone).epochMilliseconds;
  let first = firstDay(
    unit,
    Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone).toPlainDate(),
  );
  let next = first.add(STEP[unit]);
  let to = begins(next);
  // Clocks set back across midnight show the former day again after the new one has begun.
  while (to <= at) {
    first = next;
    next = first.add(STEP[unit]);
    to = begins(next);
  }
  return { from: begins(first), to };
}
