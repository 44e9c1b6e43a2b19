import { Temporal } from 'temporal-polyfill';

/** Instants are milliseconds since the epoch throughout this package; wall-clock times are Temporal's. */
export type Instant = number;

/** A wall-clock time jumped over when clocks go forward: from `from` to just before `to`, all at `instant`. */
export interface ClockGap {
  from: Temporal.PlainDateTime;
  to: Temporal.PlainDateTime;
  instant: Instant;
}

/** The wall clock of a zone at an instant. */
export function wallClock(at: Instant, timeZone: string): Temporal.PlainDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone).toPlainDateTime();
}

/**
 * When a clock in `timeZone` first shows `wall`. A time that clocks jump over takes the first instant after
 * the jump (not the time shifted by it, which is what Temporal's own disambiguation answers); one that
 * occurs twice takes the first.
 */
export function firstInstant(wall: Temporal.PlainDateTime, timeZone: string): Instant {
  const at = wall.toZonedDateTime(timeZone, { disambiguation: 'earlier' });
  return at.toPlainDateTime().equals(wall) ? at.epochMilliseconds : afterJump(at);
}

/** As `firstInstant`, but a time that occurs twice takes the last: where a rule ends. */
export function lastInstant(wall: Temporal.PlainDateTime, timeZone: string): Instant {
  const at = wall.toZonedDateTime(timeZone, { disambiguation: 'later' });
  if (at.toPlainDateTime().equals(wall)) return at.epochMilliseconds;
  return afterJump(wall.toZonedDateTime(timeZone, { disambiguation: 'earlier' }));
}

/** `before` is what 'earlier' answers for a time that was jumped over: shortly before the jump. */
function afterJump(before: Temporal.ZonedDateTime): Instant {
  return before.getTimeZoneTransition('next')?.epochMilliseconds ?? before.epochMilliseconds;
}

/** The jumps forward of a zone's clock in (from, to]. */
export function clockGaps(timeZone: string, from: Instant, to: Instant): ClockGap[] {
  const gaps: ClockGap[] = [];
  let at: Temporal.ZonedDateTime | null =
    Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(timeZone);
  for (;;) {
    at = at.getTimeZoneTransition('next');
    if (at === null || at.epochMilliseconds > to) return gaps;
    const before = at.subtract({ nanoseconds: 1 });
    const jump = at.offsetNanoseconds - before.offsetNanoseconds;
    if (jump <= 0) continue;
    const shown = at.toPlainDateTime();
    gaps.push({ from: shown.subtract({ nanoseconds: jump }), to: shown, instant: at.epochMilliseconds });
  }
}
