import { Corrections } from './corrections/corrections.js';
import type { Series } from './series.js';
import { HOUR_MINUTES, MINUTE, minuteOf } from './time-grid.js';
import { sliceOf } from './window.js';

/** How many of the newest gaps the median is taken over. */
const GAPS = 60;
/** A measurement older than this many cadences is stale. */
export const STALE_AFTER = 3;
/** Coverage below this share freezes. */
export const COVERED = 0.9;

/** Why resolution is held: from when on (epoch milliseconds), and in words. */
export interface Freeze {
  /** `stale`: nothing came for too long; `patchy`: what comes has too many gaps. */
  kind: 'stale' | 'patchy';
  since: number;
  reason: string;
}

/** How regularly an SLI is measured. */
export interface Regularity {
  /** Milliseconds between measurements, at least one slice; null while fewer than two slices were measured. */
  cadence: number | null;
  /** Slices with data ÷ slices that the cadence led one to expect, over the last hour of event time; null without data. */
  coverage: number | null;
  /** When the first measurement of that hour was missed, epoch milliseconds; null when none was. */
  missedAt: number | null;
}

/**
 * The SLI's own cadence and coverage, from which minutes were measured: it does not depend on the order or the way in
 * which measurements came. The cadence is the median of the last 60 gaps within the last 3 days of event time, unless
 * the SLI's definition gives one; both are at least a slice. The hour of coverage is one slice where that is longer;
 * what is excluded is left out of it: nothing is expected there, nor counted.
 * @param defined the cadence of the SLI's definition in milliseconds
 * @param slice minutes of a slice
 * @param corrections of the SLO that asks
 */
export function regularity(
  series: Series,
  defined?: number,
  slice = 1,
  corrections: Corrections = Corrections.NONE,
): Regularity {
  return regularityOf(series, latestMeasured(series, slice), { defined, slice, corrections });
}

/** {@link regularity} of a series, worked out anew only when another minute was measured. */
export class Heartbeat {
  #revision = -1;
  #newest = -1;
  #measured: number[] = [];
  #regularity: Regularity = { cadence: null, coverage: null, missedAt: null };

  /**
   * @param defined the cadence of the SLI's definition in milliseconds
   * @param slice minutes of a slice
   * @param corrections of the SLOs that ask
   */
  constructor(
    readonly series: Series,
    readonly defined?: number,
    readonly slice = 1,
    readonly corrections: Corrections = Corrections.NONE,
  ) {}

  get regularity(): Regularity {
    const { revision } = this.series;
    if (this.#revision !== revision) {
      if (!this.#beats(revision)) this.#measured = latestMeasured(this.series, this.slice);
      this.#revision = revision;
      this.#newest = this.series.newest === null ? -1 : minuteOf(this.series.newest);
      this.#regularity = regularityOf(this.series, this.#measured, this);
    }
    return this.#regularity;
  }

  /** Takes the next minute into what is known, where that is all that came: as it mostly is. */
  #beats(revision: number): boolean {
    const { newest, hotFrom } = this.series;
    if (newest === null || this.#measured.length === 0 || revision !== this.#revision + 1) return false;
    const minute = minuteOf(newest);
    if (minute <= this.#newest) return false;
    const start = sliceOf(minute, this.slice);
    if (start !== this.#measured.at(-1)) this.#measured.push(start);
    while (this.#measured.length > GAPS + 1 || (this.#measured[0] as number) < hotFrom)
      this.#measured.shift();
    return true;
  }
}

/**
 * Whether absent data holds resolution at `now`: the newest measurement is older than three cadences, or coverage is
 * below 0.9. A series too young to have a cadence is not frozen. Excluded time makes nothing stale: whoever excludes it
 * does not ask for data.
 */
export function freezeOf(
  series: Series,
  regular: Regularity,
  now: number,
  corrections: Corrections = Corrections.NONE,
): Freeze | null {
  if (series.newest === null || regular.cadence === null) return null;
  const staleAt = corrections.after(series.newest, STALE_AFTER * regular.cadence, now);
  if (now > staleAt) {
    return {
      kind: 'stale',
      since: staleAt,
      reason: `no measurement for more than ${STALE_AFTER} cadences of ${seconds(regular.cadence)}`,
    };
  }
  if (regular.coverage !== null && regular.coverage < COVERED) {
    return {
      kind: 'patchy',
      since: regular.missedAt ?? series.newest,
      reason: `measurements cover ${Math.round(regular.coverage * 100)} % of the last hour of data, under ${COVERED * 100} %`,
    };
  }
  return null;
}

/**
 * Whether the SLI has been silent for `after` cadences at `now`, and since when (epoch milliseconds, the newest
 * measurement); null when it speaks, or when nobody can say how often it should. One that sends late data is not silent.
 * @param heardAt when the log took the latest measurement, epoch milliseconds
 * @param corrections of an SLO on it: excluded time is no silence
 */
export function silentSince(
  series: Series,
  regular: Regularity,
  now: number,
  after: number,
  heardAt?: number,
  corrections: Corrections = Corrections.NONE,
): number | null {
  if (series.newest === null || regular.cadence === null) return null;
  const spokeAt = Math.max(series.newest, heardAt ?? Number.NEGATIVE_INFINITY);
  return now > corrections.after(spokeAt, after * regular.cadence, now) ? series.newest : null;
}

const seconds = (millis: number): string =>
  millis % MINUTE === 0 ? `${millis / MINUTE}m` : `${Math.round(millis / 1000)}s`;

/** The newest slices with data, by their first minutes, in order of time: as many as there are gaps to look at, and one. */
function latestMeasured(series: Series, slice: number): number[] {
  if (series.newest === null) return [];
  const newest = sliceOf(minuteOf(series.newest), slice);
  const found = [newest];
  for (let minute = newest - slice; minute >= series.hotFrom && found.length <= GAPS; minute -= slice) {
    if (isMeasured(series, minute, slice)) found.push(minute);
  }
  return found.reverse();
}

/** @param measured the {@link latestMeasured} slices: an hour has no more of them */
function regularityOf(
  { first, newest: at }: Series,
  measured: readonly number[],
  {
    defined,
    slice,
    corrections,
  }: Pick<Heartbeat, 'slice' | 'corrections'> & { defined?: number | undefined },
): Regularity {
  const least = slice * MINUTE;
  const given = defined === undefined ? null : Math.max(defined, least);
  if (first === null || at === null) return { cadence: given, coverage: null, missedAt: null };
  const cadence = given ?? medianGap(measured);
  if (cadence === null) return { cadence, coverage: 1, missedAt: null };

  const newest = sliceOf(minuteOf(at), slice);
  const hour = sliceOf(newest + slice - Math.max(HOUR_MINUTES, slice), slice);
  const start = Math.max(hour, sliceOf(minuteOf(first), slice));
  const step = cadence / MINUTE;
  // Counted in minutes from the start, of which those of excluded slices are none.
  const open = openSlices(start, newest, slice, corrections);
  const length = open?.length ?? (newest - start) / slice + 1;
  if (length === 0) return { cadence, coverage: 1, missedAt: null };
  const expected = Math.floor(((length - 1) * slice) / step) + 1;
  let seen = 0;
  let previous = -step;
  let missed: number | null = null;
  for (const minute of measured) {
    const place = open === null ? minute - start : open.indexOf(minute) * slice;
    if (place < 0) continue;
    seen++;
    if (missed === null && place - previous > step) missed = previous + step;
    previous = place;
  }
  return {
    cadence,
    coverage: Math.min(1, seen / expected),
    missedAt: missed === null ? null : timeOf(missed),
  };

  function timeOf(place: number): number {
    const minute =
      open === null ? start + place : (open[Math.floor(place / slice)] as number) + (place % slice);
    return Math.ceil(minute) * MINUTE;
  }
}

/** The slices from `first` to `last` that are not excluded, by their first minutes; null when all are not. */
function openSlices(first: number, last: number, slice: number, corrections: Corrections): number[] | null {
  if (corrections.wholeSlices(first, last, slice).excluded === 0) return null;
  const open: number[] = [];
  for (let minute = first; minute <= last; minute += slice) {
    if (!corrections.excludes(minute, minute + slice - 1)) open.push(minute);
  }
  return open;
}

/** Median of the gaps in milliseconds; the lower one of two middles, so that it is a gap that occurred. */
function medianGap(measured: readonly number[]): number | null {
  if (measured.length < 2) return null;
  const gaps: number[] = [];
  let regular = true;
  for (let i = 1; i < measured.length; i++) {
    const gap = (measured[i] as number) - (measured[i - 1] as number);
    if (gap !== (gaps[0] ?? gap)) regular = false;
    gaps.push(gap);
  }
  if (!regular) gaps.sort((a, b) => a - b);
  return (gaps[(gaps.length - 1) >> 1] as number) * MINUTE;
}

/** Whether any minute of the slice that begins with `start` was measured. */
function isMeasured(series: Series, start: number, slice: number): boolean {
  for (let minute = Math.max(start, series.hotFrom); minute < start + slice; minute++) {
    if (series.has(minute)) return true;
  }
  return false;
}
