import { Temporal } from 'temporal-polyfill';
import type { Instant } from './wall-clock.js';

/**
 * A stretch of wall-clock time that is jumped over when clocks go forward: from `from` to just before `to`, all at
 * `instant`. The wall-clock times are the milliseconds that a clock of UTC would show them at.
 */
export interface ClockGap {
  from: number;
  to: number;
  instant: Instant;
}

/** No zone changed its clocks before. */
const FIRST_YEAR = 1840;
/**
 * From this year on every zone follows a rule that knows the day of the year and of the week only (the last that is
 * tabulated, Morocco's, ends in 2087): years that begin on the same weekday and are as long have the same gaps.
 */
export const RULE_YEAR = 2104;
/** All fourteen calendars of a year occur in so many, where no leap year is left out. */
const CALENDARS = 28;
/** Calendars repeat after so many years, which are whole weeks. */
export const GREGORIAN_CYCLE = { years: 400, hours: 146_097 * 24 } as const;

const zones = new Map<string, Map<number, readonly ClockGap[]>>();
const none: readonly ClockGap[] = [];

/**
 * The jumps forward of a zone's clock in a year of UTC. Asking the zone for them is dear (milliseconds a year), so each
 * year is asked for once, and the years to come that only repeat others never: eight thousand years of them cost
 * what thirty do.
 */
export function gapsOfYear(timeZone: string, year: number): readonly ClockGap[] {
  if (year < FIRST_YEAR) return none;
  if (year >= RULE_YEAR + CALENDARS) return byRule(timeZone, year);
  const known = zones.get(timeZone) ?? new Map<number, readonly ClockGap[]>();
  zones.set(timeZone, known);
  const gaps = known.get(year) ?? clockGaps(timeZone, yearStart(year) - 1, yearStart(year + 1) - 1);
  known.set(year, gaps);
  return gaps;
}

/** The year of UTC in which an instant, or a wall-clock time as of UTC, lies. */
export const yearOf = (at: number): number => new Date(at).getUTCFullYear();

function byRule(timeZone: string, year: number): ClockGap[] {
  const like = yearsByCalendar.get(calendarOf(year)) as number;
  const later = yearStart(year) - yearStart(like);
  return gapsOfYear(timeZone, like).map(({ from, to, instant }) => ({
    from: from + later,
    to: to + later,
    instant: instant + later,
  }));
}

/** The weekdays on which a year and the one after it begin say on which weekday each of its days falls. */
function calendarOf(year: number): number {
  const weekday = (of: number) => new Date(yearStart(of)).getUTCDay();
  return weekday(year) * 7 + weekday(year + 1);
}

/** Not by `Date.UTC`, which takes the years to 99 for those of the twentieth century. */
function yearStart(year: number): Instant {
  return new Date(0).setUTCFullYear(year, 0, 1);
}

const yearsByCalendar: ReadonlyMap<number, number> = new Map(
  Array.from({ length: CALENDARS }, (_, place) => [calendarOf(RULE_YEAR + place), RULE_YEAR + place]),
);

/** The jumps forward of a zone's clock in (from, to], as the zone tells them. */
export function clockGaps(timeZone: string, from: Instant, to: Instant): ClockGap[] {
  const gaps: ClockGap[] = [];
  let at: Temporal.ZonedDateTime | null =
    Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(timeZone);
  for (;;) {
    at = at.getTimeZoneTransition('next');
    if (at === null || at.epochMilliseconds > to) return gaps;
    const before = at.subtract({ nanoseconds: 1 });
    const instant = at.epochMilliseconds;
    const [was, is] = [before, at].map(({ offsetNanoseconds }) => instant + offsetNanoseconds / 1e6) as [
      number,
      number,
    ];
    if (is > was) gaps.push({ from: was, to: is, instant });
  }
}
