import type { Cells } from './cells.js';
import { Minutes } from './minutes.js';
import type { DaySums } from './pages.js';
import type { Tallies } from './tallies.js';
import { Tally } from './tally.js';
import { DAY_MINUTES, HOUR_MINUTES, hourOf, MINUTE, minuteOf } from './time-grid.js';
import { rolling, type Window } from './window.js';
import { WindowSum } from './window-sum.js';

/**
 * The minute buckets of one indicator over one SLI, and the windows that SLOs look at them through.
 *
 * The minutes of the last 3 days up to the newest measurement are in memory (hot), as are the sums of all hours of the
 * longest window. An older minute is paged in where a window's far edge or a late measurement touches it; whoever owns
 * the series asks for what is {@link missing}, provides it, and takes what changed with {@link takeDirty}. A
 * measurement costs one addition per window, reading a window costs nothing, both whatever the window's length. Counts
 * are as wide as the largest of them: with a 30-day window a series takes 11 KiB for up to 255 events an hour, 85 KiB for
 * whole counts of any size, and 124 KiB where both counts are large fractions.
 *
 * A series that is not `paged` keeps everything in memory and is never missing anything: for recomputations.
 */
export class Series implements Tallies {
  readonly #minutes: Minutes;
  readonly #windows = new Map<string, WindowSum>();
  /** The measurement at hand: one object for all of them, since there are many. */
  readonly #entry = new Tally();
  #first: number | null = null;
  #newest: number | null = null;

  /**
   * @param options.windows the windows that will be read; a number is a rolling one, in minutes
   * @param options.paged whether cold minutes live elsewhere and are paged in
   */
  constructor(options: { windows: Iterable<Window | number>; paged?: boolean }) {
    let longest = 0;
    for (const asked of options.windows) {
      const window = typeof asked === 'number' ? rolling(asked) : asked;
      this.#windows.set(window.key, new WindowSum(window));
      longest = Math.max(longest, window.longest);
    }
    this.#minutes = new Minutes(longest, options.paged ?? false);
  }

  /** Event time of the oldest measurement, epoch milliseconds. */
  get first(): number | null {
    return this.#first;
  }

  /** Event time of the newest measurement, epoch milliseconds: the watermark. */
  get newest(): number | null {
    return this.#newest;
  }

  /** Changes whenever a minute is measured for the first time: what is derived from presence may be kept until then. */
  get revision(): number {
    return this.#minutes.revision;
  }

  /** Keys of the windows that are kept. */
  get windows(): string[] {
    return [...this.#windows.keys()];
  }

  /** Hours that the whole-hour sums reach back. */
  get hoursKept(): number {
    return this.#minutes.hoursKept;
  }

  /** Hours up to the newest measurement whose minutes are in memory. */
  get hoursHot(): number {
    return this.#minutes.hoursHot;
  }

  /** The oldest minute whose buckets are all in memory. */
  get hotFrom(): number {
    return this.#minutes.hotFrom;
  }

  /** Bytes of buckets in memory. */
  get bytes(): number {
    return this.#minutes.bytes;
  }

  // ——— measuring ———

  /**
   * Counts events of the instant `at` (epoch milliseconds); both numbers are rounded to 2^-32.
   * @throws PageMissing when the hour is cold and not paged in: ask {@link missingFor} first
   */
  observe(at: number, good: number, total: number): void {
    this.#count(at, this.#entry.enter(good, total));
  }

  /** {@link observe} of what was summed elsewhere, without rounding it anew. @throws PageMissing */
  observeTally(at: number, counted: Tally): void {
    this.#count(at, counted);
  }

  /**
   * Makes a minute what is given, whatever was there: a verdict that may be another one with every measurement. Whether
   * it was anything else before. @throws PageMissing
   */
  put(minute: number, verdict: Tally): boolean {
    const before = this.#minutes.at(minute);
    if (before?.equals(verdict)) return false;
    if (before !== null) {
      this.#minutes.withdraw(minute, before);
      for (const window of this.#windows.values()) window.withdraw(minute, before);
    }
    this.#minutes.add(minute, verdict);
    for (const window of this.#windows.values()) window.observe(minute, verdict);
    const at = minute * MINUTE;
    if (this.#newest === null || at > this.#newest) this.#newest = at;
    if (this.#first === null || at < this.#first) this.#first = at;
    return true;
  }

  /** Moves all windows to the minute that `now` (epoch milliseconds) lies in. @throws PageMissing */
  advance(now: number): void {
    const end = minuteOf(now);
    for (const window of this.#windows.values()) window.moveTo(end, this.#minutes);
  }

  /** The sums over a window, by its key, as of the last {@link advance}; a number is a rolling one, in minutes. */
  window(key: string | number): Tally {
    const window = this.#windows.get(`${key}`);
    if (window === undefined) throw new RangeError(`no window ${key} is kept`);
    return window.tally;
  }

  /** The sums over the minutes from `low` to `high`, both inclusive. @throws PageMissing */
  sum(low: number, high: number): Tally {
    const tally = new Tally();
    this.#minutes.sumInto(tally, low, high);
    return tally;
  }

  /** Whether the minute was measured. @throws PageMissing */
  has(minute: number): boolean {
    return this.#minutes.has(minute);
  }

  /**
   * Whether anything of the hour that a minute lies in is known or stored; so much is said too where nobody remembers.
   * @param newest as of {@link isMissing}
   */
  hasHour(minute: number, newest?: number): boolean {
    return this.#minutes.hasHour(hourOf(minute), this.#newestHour(newest));
  }

  #newestHour(minute: number | undefined): number {
    const { head } = this.#minutes;
    return minute === undefined ? head : Math.max(head, hourOf(minute));
  }

  /** The oldest measured minute from `low` on; null when there is none. @throws PageMissing */
  firstMinuteFrom(low: number): number | null {
    if (this.#first === null || this.#newest === null) return null;
    const from = Math.max(low, minuteOf(this.#first));
    return this.#minutes.firstFrom(from, hourOf(minuteOf(this.#newest)));
  }

  // ——— paging ———

  /**
   * The hours to provide before the windows can move to `now`: the edges that are cold.
   * @param extra further minutes that will be read as an edge
   */
  missing(now: number, extra: Iterable<number> = []): number[] {
    const wanted = new Set<number>();
    const edge = (minute: number): void => {
      const hour = hourOf(minute);
      if (minute !== hour * HOUR_MINUTES && this.#minutes.isMissing(hour)) wanted.add(hour);
    };
    const end = minuteOf(now);
    const lows = [...this.#lows(end), ...extra];
    for (const low of lows) edge(low);
    // The minute of a clock far behind the measurements is cold itself, and the windows end within its hour.
    edge(end + 1);
    if (this.#minutes.paged && Number.isFinite(this.#minutes.head)) {
      // Only a clock far behind the measurements looks back beyond the whole-hour sums.
      const oldest = this.#minutes.head - this.#minutes.hoursKept;
      for (let hour = hourOf(Math.min(end, ...lows)); hour <= oldest; hour++) {
        if (this.#minutes.isMissing(hour)) wanted.add(hour);
      }
    }
    return [...wanted];
  }

  /** The hours to provide before measurements of these instants (epoch milliseconds) can be counted, in any order. */
  missingFor(instants: Iterable<number>): number[] {
    return this.#minutes.missingFor(instants);
  }

  /**
   * Whether the minutes of the hour that a minute lies in are stored elsewhere.
   * @param newest the newest measured minute by then, when measurements are still to be counted
   */
  isMissing(minute: number, newest?: number): boolean {
    return this.#minutes.isMissing(hourOf(minute), this.#newestHour(newest));
  }

  /** Brings an hour's stored minutes in; null when none are stored. An hour that is in memory already is left as it is. */
  provide(hour: number, cells: Cells | null): void {
    this.#minutes.provide(hour, cells);
  }

  /**
   * Puts a stored state into an empty series.
   * @param stored.days whole-hour sums of all days that {@link hoursKept} reaches back to, as {@link day} gave them
   * @param stored.pages the minutes of the last 74 hours up to `newest`
   */
  restore(stored: {
    first: number;
    newest: number;
    days: Iterable<DaySums & { day: number }>;
    pages: Iterable<{ hour: number; cells: Cells }>;
  }): void {
    this.#first = stored.first;
    this.#newest = stored.newest;
    this.#minutes.restore(minuteOf(stored.newest), stored.days, stored.pages);
  }

  /**
   * The hours changed since the last call, oldest first: 60 minutes from `offset` of `cells`, to be stored before
   * anything else is counted. Whoever cannot store them must discard the series and restore it.
   */
  takeDirty(): { hour: number; cells: Cells; offset: number }[] {
    return this.#minutes.takeDirty();
  }

  /** Drops pages that are stored and at no window's far edge any more. */
  releasePages(now: number, extra: Iterable<number> = []): void {
    if (!this.#minutes.paged) return;
    const end = minuteOf(now);
    const edges = new Set<number>();
    for (const low of this.#lows(end)) edges.add(hourOf(low));
    for (const low of this.#lows(end + HOUR_MINUTES)) edges.add(hourOf(low)); // paged in ahead
    for (const minute of extra) edges.add(hourOf(minute));
    this.#minutes.release(edges);
  }

  /**
   * Makes an hour what is stored of it now: of a series that another one is followed by. An hour that is older than the
   * minutes in memory is left alone.
   */
  follow(hour: number, cells: Cells, stored: { first: number | null; newest: number | null }): void {
    const start = hour * HOUR_MINUTES;
    if (hour >= hourOf(this.hotFrom)) {
      for (let i = 0; i < HOUR_MINUTES; i++) {
        if (cells.has(i)) this.put(start + i, cells.at(i));
      }
    }
    this.#first = stored.first;
    this.#newest = stored.newest;
    this.#minutes.forget();
  }

  /** Of a series that is stored nowhere: drops what is older than any window, also one that a frozen budget is held by. */
  forget(): void {
    this.#minutes.forget(this.hoursHot);
  }

  /**
   * The whole-hour sums of a day for storing: 24 cells, and the first measured minute of each hour. Null when the day
   * reaches back beyond what is kept: a day stored in part would be read as a whole one.
   */
  day(day: number): DaySums | null {
    return this.#minutes.day(day);
  }

  #count(at: number, counted: Tally): void {
    const minute = minuteOf(at);
    this.#minutes.add(minute, counted);
    for (const window of this.#windows.values()) window.observe(minute, counted);
    if (this.#newest === null || at > this.#newest) this.#newest = at;
    if (this.#first === null || at < this.#first) this.#first = at;
  }

  #lows(end: number): number[] {
    return [...this.#windows.values()].map(({ window }) => window.low(end));
  }
}

/** Minutes of history that `breached`, the gate and budget crossings wait for: a day, or the window if it is shorter. */
export const settledAfter = (windowMinutes: number): number => Math.min(DAY_MINUTES, windowMinutes);
