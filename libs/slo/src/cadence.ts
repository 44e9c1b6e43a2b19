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

/** The same of an SLO, with what holds its budget. */
export interface BudgetFreeze extends Freeze {
  /** The instants as of which the budget is held, epoch milliseconds: when data went absent, and up to when it came. */
  held: readonly number[];
}

/** How regularly an SLI is measured. */
export interface Regularity {
  /** Milliseconds between measurements, at least one slice; null while fewer than two slices were measured. */
  cadence: number | null;
  /** Slices with data ÷ slices that the cadence led one to expect, over the last hour of event time; null without data. */
  coverage: number | null;
  /** When the first measurement of that hour was missed, epoch milliseconds; null when none was. */
  missedAt: number | null;
  /**
   * What was measured last before each gap, and when the next measurement was missed, epoch milliseconds: of the gaps since
   * coverage was last enough, the oldest first; nothing while it is.
   */
  gaps: readonly number[];
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
  #regularity: Regularity = { cadence: null, coverage: null, missedAt: null, gaps: [] };

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
): BudgetFreeze | null {
  if (series.newest === null || regular.cadence === null) return null;
  const isPatchy = regular.coverage !== null && regular.coverage < COVERED;
  // Silence does not undo what gaps hold: it would let the budget recover on the strength of still less data.
  const held = isPatchy ? [...regular.gaps, series.newest] : [];
  const staleAt = corrections.after(series.newest, STALE_AFTER * regular.cadence, now);
  if (now > staleAt) {
    return {
      kind: 'stale',
      since: staleAt,
      reason: `no measurement for more than ${STALE_AFTER} cadences of ${seconds(regular.cadence)}`,
      held: [...held, staleAt],
    };
  }
  if (regular.coverage !== null && isPatchy) {
    return {
      kind: 'patchy',
      since: regular.missedAt ?? series.newest,
      reason: `measurements cover ${Math.round(regular.coverage * 100)} % of the last hour of data, under ${COVERED * 100} %`,
      held,
    };
  }
  return null;
}

/** What is known of an SLI beside what was measured of it, all in epoch milliseconds. */
export interface Hearing {
  /** When the log took the latest measurement. */
  heardAt?: number | undefined;
  /** From when on one was awaited; absent where none ever is. */
  awaitedAt?: number | undefined;
}

/**
 * Whether the SLI has been silent for `after` cadences at `now`, and since when (epoch milliseconds, the newest
 * measurement, or the moment from which on the first one was awaited); null when it speaks, or when nobody can say how
 * often it should. One that sends late data is not silent.
 * @param corrections of an SLO on it: excluded time is no silence
 */
export function silentSince(
  series: Series,
  regular: Regularity,
  now: number,
  after: number,
  { heardAt = Number.NEGATIVE_INFINITY, awaitedAt }: Hearing = {},
  corrections: Corrections = Corrections.NONE,
): number | null {
  const since = series.newest ?? awaitedAt;
  if (since === undefined || regular.cadence === null) return null;
  const spokeAt = Math.max(since, heardAt);
  return now > corrections.after(spokeAt, after * regular.cadence, now) ? since : null;
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
  { first, newest }: Series,
  measured: readonly number[],
  {
    defined,
    slice,
    corrections,
  }: Pick<Heartbeat, 'slice' | 'corrections'> & { defined?: number | undefined },
): Regularity {
  const given = defined === undefined ? null : Math.max(defined, slice * MINUTE);
  if (first === null || newest === null) return { cadence: given, coverage: null, missedAt: null, gaps: [] };
  const cadence = given ?? medianGap(measured);
  if (cadence === null) return { cadence, coverage: 1, missedAt: null, gaps: [] };
  const expected = { first: sliceOf(minuteOf(first), slice), cadence, slice, corrections };
  const { coverage, missed } = hourOfData(measured, measured.length - 1, expected);
  return {
    cadence,
    coverage,
    missedAt: missed[0]?.at ?? null,
    gaps: coverage < COVERED ? gapsOf(measured, expected) : [],
  };
}

/** What is asked of an SLI's measurements. */
interface Expected {
  /** First minute of the first slice. */
  first: number;
  /** Milliseconds. */
  cadence: number;
  slice: number;
  corrections: Corrections;
}

/** How much of the last hour of data came, and what was missed of it. */
interface HourOfData {
  /** First minute of the hour, or of the first slice where that is later. */
  start: number;
  coverage: number;
  /** When the first measurement of each gap was missed, epoch milliseconds, and the place of the one that came after it. */
  missed: { at: number; before: number }[];
}

/** The hour up to the measured slice at a place. */
function hourOfData(
  measured: readonly number[],
  place: number,
  { first, cadence, slice, corrections }: Expected,
): HourOfData {
  const newest = measured[place] as number;
  const hour = sliceOf(newest + slice - Math.max(HOUR_MINUTES, slice), slice);
  const start = Math.max(hour, first);
  const step = cadence / MINUTE;
  // Counted in minutes from the start, of which those of excluded slices are none.
  const open = openSlices(start, newest, slice, corrections);
  const length = open?.length ?? (newest - start) / slice + 1;
  if (length === 0) return { start, coverage: 1, missed: [] };
  const timeOf = (minutes: number): number => {
    const minute =
      open === null ? start + minutes : (open[Math.floor(minutes / slice)] as number) + (minutes % slice);
    return Math.ceil(minute) * MINUTE;
  };
  const expected = Math.floor(((length - 1) * slice) / step) + 1;
  const missed: HourOfData['missed'] = [];
  let seen = 0;
  let previous = -step;
  for (let i = Math.max(0, place - (newest - start) / slice); i <= place; i++) {
    const minute = measured[i] as number;
    const at = open === null ? minute - start : open.indexOf(minute) * slice;
    if (at < 0) continue;
    seen++;
    if (at - previous > step) missed.push({ at: timeOf(previous + step), before: i });
    previous = at;
  }
  return { start, coverage: Math.min(1, seen / expected), missed };
}

/**
 * The gaps since coverage was last enough, as far as is known from the newest slices with data: what was measured last
 * before each, and when the next measurement was missed. One may reach back beyond the hour: a single measurement after a
 * day of silence says no more of that day than silence did.
 */
function gapsOf(measured: readonly number[], expected: Expected): number[] {
  const gaps = new Set<number>();
  const isWhole = measured.length <= GAPS;
  for (let place = measured.length - 1; place >= 0; place--) {
    const { start, coverage, missed } = hourOfData(measured, place, expected);
    // Of an hour that reaches back beyond what is known nobody can say.
    if (coverage >= COVERED || (!isWhole && start < (measured[0] as number))) break;
    for (const { at, before } of missed) {
      const last = measured[before - 1];
      if (last === undefined) {
        gaps.add(at);
      } else {
        gaps.add(last * MINUTE);
        gaps.add(Math.min(at, expected.corrections.after(last * MINUTE, expected.cadence, at)));
      }
    }
  }
  return [...gaps].sort((a, b) => a - b);
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
