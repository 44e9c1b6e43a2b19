/** Larger numbers are milliseconds, smaller ones seconds: 1e11 s are in the year 5138, 1e11 ms in 1973. */
const MILLIS_FROM = 1e11;

/**
 * The instant that a text means, epoch milliseconds; null when it means none: RFC 3339, the same with a blank between
 * date and time or without an offset (then UTC), or the epoch in seconds or milliseconds.
 */
export function instantOf(text: string): number | null {
  if (/^\d+(\.\d+)?$/.test(text)) {
    const number = Number(text);
    return Math.round(number < MILLIS_FROM ? number * 1000 : number);
  }
  const parts = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?\s*(Z|[+-]\d\d:?\d\d|UTC)?$/i.exec(
    text,
  );
  if (parts === null) return null;
  const [, date, time = '00:00', zone = 'Z'] = parts;
  const at = Date.parse(`${date}T${time}${/^utc$/i.test(zone) ? 'Z' : zone.toUpperCase()}`);
  return Number.isNaN(at) ? null : at;
}
