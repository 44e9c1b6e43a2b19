import { Temporal } from 'temporal-polyfill';

/** Instants are milliseconds since the epoch throughout this package; wall-clock times are Temporal's. */
export type Instant = number;

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
