import { z } from 'zod';

const NOT_A_TIME = 'must be an RFC 3339 time with an offset, such as 2026-11-22T10:00:00Z';
const LEAP_SECOND =
  'names a leap second, of which no clock here knows: say the second before it, or the one after';

/** What Postgres and the log can keep and JSON shows in four digits, in UTC. */
const FIRST = Date.parse('1000-01-01T00:00:00.000Z');
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * An instant of any year that JavaScript knows: what the log was once given stays readable. Small letters are as good
 * as capitals (RFC 3339, section 5.6).
 */
export const loggedTimestamp = z
  .string({ error: ({ input }) => (input === undefined ? undefined : NOT_A_TIME) })
  .toUpperCase()
  .datetime({
    offset: true,
    abort: true,
    error: ({ input }) => (/:60(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(String(input)) ? LEAP_SECOND : NOT_A_TIME),
  })
  .overwrite((value) => (Number.isNaN(Date.parse(value)) ? value : new Date(value).toISOString()));

/**
 * An instant: RFC 3339 with an offset on the way in; kept and given out in UTC with millisecond precision. Every time
 * of a body or a query is one, so that none reaches the database that it cannot keep.
 */
export const timestamp = loggedTimestamp
  .refine(
    (value) => Date.parse(value) >= FIRST && Date.parse(value) <= LAST,
    'must be in the years 1000 to 9999 of UTC',
  )
  .meta({ id: 'Timestamp' });

const NOT_A_DURATION = 'must be a duration such as 30s, 5m, 6h, 30d or 4w';

/** A duration on the wire: one positive integer and one unit of s, m, h, d, w: `30s`, `5m`, `6h`, `30d`, `4w`. */
export const duration = z
  .string({ error: ({ input }) => (input === undefined ? undefined : NOT_A_DURATION) })
  .regex(/^[1-9][0-9]{0,8}[smhdw]$/, NOT_A_DURATION)
  .meta({ id: 'Duration' });

const UNIT_MILLIS: Record<string, number> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/**
 * Length of a wire duration in milliseconds.
 * @throws RangeError when the text is not a duration
 */
export function durationMillis(value: string): number {
  const unit = UNIT_MILLIS[value.at(-1) ?? ''];
  const count = Number(value.slice(0, -1));
  if (unit === undefined || !Number.isSafeInteger(count) || count <= 0)
    throw new RangeError(`not a duration: ${value}`);
  return count * unit;
}

/** The shortest wire form of a length in milliseconds (whole seconds): 3 600 000 is `1h`. */
export function formatDuration(millis: number): string {
  for (const unit of ['d', 'h', 'm'] as const) {
    const size = UNIT_MILLIS[unit] as number;
    if (millis >= size && millis % size === 0) return `${millis / size}${unit}`;
  }
  return `${Math.round(millis / 1000)}s`;
}

/** An IANA time zone that this runtime knows. */
export const timeZone = z
  .string()
  .max(64)
  .refine((zone) => {
    // Fixed offsets such as "+01:00" are accepted by Intl but are not zones: they know no clock change.
    if (/^[+-]/.test(zone)) return false;
    try {
      new Intl.DateTimeFormat('en', { timeZone: zone });
      return true;
    } catch {
      return false;
    }
  }, 'must be an IANA time zone such as Europe/Berlin')
  .meta({ id: 'TimeZone' });

/** A local wall-clock time to the minute, without offset: `2026-11-02T09:00`. */
export const localDateTime = z
  .string()
  .regex(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d$/, {
    error: 'must be a local time such as 2026-11-02T09:00',
    abort: true,
  })
  .refine(
    (value) =>
      !Number.isNaN(Date.parse(`${value}Z`)) && new Date(`${value}Z`).toISOString().startsWith(value),
    'must be a day of the calendar',
  )
  .meta({ id: 'LocalDateTime' });

/** A local time of day: `09:00`. */
export const timeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 09:00')
  .meta({ id: 'TimeOfDay' });
