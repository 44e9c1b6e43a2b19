import type { Temporal } from 'temporal-polyfill';

/**
 * When a clock in `timeZone` first shows `wall`, epoch milliseconds. A time that clocks jump over takes the first
 * instant after the jump; one that occurs twice takes the first.
 */
export function firstInstant(wall: Temporal.PlainDateTime, timeZone: string): number {
  const at = wall.toZonedDateTime(timeZone, { disambiguation: 'earlier' });
  if (at.toPlainDateTime().equals(wall)) return at.epochMilliseconds;
  return (at.getTimeZoneTransition('next') ?? at).epochMilliseconds;
}
