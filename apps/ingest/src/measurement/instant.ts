import { loggedTimestamp, MeasurementLimits } from '@bellwether/contracts';

const { aheadMillis, ageMillis } = MeasurementLimits;

// Measurements come in time order: the day of the last one is nearly always the day of the next.
let knownDay = '';
let knownDayMillis = 0;

/**
 * Epoch milliseconds of a time on the wire; NaN when it is none. Accepts what the contract's `timestamp` does, of any
 * year: one that it does not take is then too old or too far ahead. The common form, `2026-11-22T10:00:00[.000]Z`, is
 * read without a regular expression or a copy.
 */
export function instantMillis(text: string): number {
  const { length } = text;
  if ((length === 20 || length === 24) && text.charCodeAt(length - 1) === 0x5a && text.startsWith(knownDay)) {
    const millis = ofKnownDay(text, length);
    if (millis >= 0) return knownDayMillis + millis;
  }
  const parsed = loggedTimestamp.safeParse(text);
  if (!parsed.success) return Number.NaN;
  const millis = Date.parse(parsed.data);
  if (text.charCodeAt(length - 1) === 0x5a) {
    knownDay = text.slice(0, 11);
    knownDayMillis = Date.parse(`${text.slice(0, 10)}T00:00:00.000Z`);
  }
  return millis;
}

/** What is wrong with a time that {@link instantMillis} does not take, in the contract's words. */
export function whyNoInstant(value: unknown): string {
  return loggedTimestamp.safeParse(value).error?.issues[0]?.message ?? 'must be a time';
}

/** Why a time is too far from the clock to be recorded, both epoch milliseconds; null when it is not. */
export function whyUntimely(at: number, now: number): string | null {
  if (at > now + aheadMillis) return 'must not be more than 5 minutes ahead of the clock';
  return at < now - ageMillis ? 'must not be older than 400 days' : null;
}

/** Milliseconds since midnight of `…Thh:mm:ss[.fff]Z`; -1 when that is not the form. */
function ofKnownDay(text: string, length: number): number {
  if (knownDay === '' || text.charCodeAt(13) !== 0x3a || text.charCodeAt(16) !== 0x3a) return -1;
  const hours = twoDigits(text, 11);
  const minutes = twoDigits(text, 14);
  const seconds = twoDigits(text, 17);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59) return -1;
  let fraction = 0;
  if (length === 24) {
    const high = twoDigits(text, 20);
    const low = text.charCodeAt(22) - 0x30;
    if (text.charCodeAt(19) !== 0x2e || high < 0 || low < 0 || low > 9) return -1;
    fraction = high * 10 + low;
  }
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + fraction;
}

function twoDigits(text: string, at: number): number {
  const high = text.charCodeAt(at) - 0x30;
  const low = text.charCodeAt(at + 1) - 0x30;
  return high < 0 || high > 9 || low < 0 || low > 9 ? -1 : high * 10 + low;
}
