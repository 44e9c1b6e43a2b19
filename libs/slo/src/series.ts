import { Cells } from './cells.js';
import { HourRing } from './hour-ring.js';
import { fractionOf, Tally, wholeOf } from './tally.js';
import { DAY_MINUTES, HOUR_MINUTES, hourOf, minuteOf } from './time-grid.js';
import { type MinuteSource, WindowSum } from './window-sum.js';

/** Hours whose minutes are in memory: 3 days of complete minutes touch 73 hours, and one more is in use as one is left. */
const HOT_HOURS = 74;
/** Hours beyond the longest window that the whole-hour sums reach, for measurements ahead of the clock. */
const SPARE_HOURS = 3;

/** Stands for "no minute of this hour was measured" in a day's first minutes. */
export const NO_MINUTE = 255;

/** An hour's minutes, read from where buckets are stored. */
export interface Page {
  cells: Cells;
  /** Changed since it was stored. */
  dirty: boolean;
}

/** Buckets of a whole hour were needed, but are not in memory: see {@link Series.missing}. */
export class PageMissing extends Error {
  override readonly name = 'PageMissing';
  constructor(readonly hour: number) {
    super(`the minutes of hour ${hour} are not in memory`);
  }
}

/**
 * The minute buckets of one indicator over one SLI, and the windows that SLOs look at them through.
 *
 * The minutes of the last 3 days up to the newest measurement are in memory (hot), as are the sums of all hours of the
 * longest window. An older minute is paged in where a window's far edge or a late measurement touches it; whoever owns
 * the series asks for what is {@link missing}, provides it, and takes what changed with {@link takeDirty}. A
 * measurement costs one addition per window, reading a window costs nothing, both whatever the window's length; a
 * series with a 30-day window takes 85 KiB for whole counts and 124 KiB where both counts are fractions.
 *
 * A series that is not `paged` keeps everything in memory and is never missing anything: for recomputations.
 */
export class Series implements MinuteSource {
  readonly #hot = new Cells(HOT_HOURS * HOUR_MINUTES);
  readonly #hours: HourRing;
  readonly #windows = new Map<number, WindowSum>();
  readonly #pages = new Map<number, Page>();
  readonly #dirty = new Set<number>();
  readonly #paged: boolean;
  #first: number | null = null;
  #newest: number | null = null;
  #revision = 0;

  /**
   * @param options.windows lengths in minutes of the windows that will be read
   * @param options.paged whether cold minutes live elsewhere and are paged in
   */
  constructor(options: { windows: Iterable<number>; paged?: boolean }) {
    let longest = 0;
    for (const minutes of options.windows) {
      this.#windows.set(minutes, new WindowSum(minutes));
      longest = Math.max(longest, minutes);
    }
    this.#hours = new HourRing(Math.max(HOT_HOURS, Math.ceil(longest / HOUR_MINUTES) + 1 + SPARE_HOURS));
    this.#paged = options.paged ?? false;
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
    return this.#revision;
  }

  /** Lengths, in minutes, of the windows that are kept. */
  get windows(): number[] {
    return [...this.#windows.keys()].sort((a, b) => a - b);
  }

  /** Hours that the whole-hour sums reach back. */
  get hoursKept(): number {
    return this.#hours.capacity;
  }

  /** Hours up to the newest measurement whose minutes are in memory. */
  get hoursHot(): number {
    return HOT_HOURS;
  }

  // ——— measuring ———

  /**
   * Counts events of the instant `at` (epoch milliseconds); both numbers are rounded to 2^-32.
   * @throws PageMissing when the hour is cold and not paged in: ask {@link missingFor} first
   */
  observe(at: number, good: number, total: number): void {
    const minute = minuteOf(at);
    const hour = hourOf(minute);
    this.#makeRoom(hour);
    const [cells, cell] = this.#own(minute, hour);
    const g = wholeOf(good);
    const gf = fractionOf(good);
    const t = wholeOf(total);
    const tf = fractionOf(total);
    if (!cells.has(cell)) this.#revision++;
    cells.add(cell, g, gf, t, tf);
    this.#dirty.add(hour);
    if (this.#hours.covers(hour)) {
      const [hours, slot] = this.#hours.at(hour);
      hours.add(slot, g, gf, t, tf);
      this.#hours.touch(hour, minute - hour * HOUR_MINUTES);
    }
    for (const window of this.#windows.values()) window.observe(minute, g, gf, t, tf);
    if (this.#newest === null || at > this.#newest) this.#newest = at;
    if (this.#first === null || at < this.#first) this.#first = at;
  }

  /** Moves all windows to the minute that `now` (epoch milliseconds) lies in. @throws PageMissing */
  advance(now: number): void {
    const end = minuteOf(now);
    for (const window of this.#windows.values()) window.moveTo(end, this);
  }

  /** The sums over the window of that many complete minutes plus the current one, as of the last {@link advance}. */
  window(minutes: number): Tally {
    const window = this.#windows.get(minutes);
    if (window === undefined) throw new RangeError(`no window of ${minutes} minutes is kept`);
    return window.tally;
  }

  /** The sums over the minutes from `low` to `high`, both inclusive. @throws PageMissing */
  sum(low: number, high: number): Tally {
    const tally = new Tally();
    this.sumInto(tally, low, high);
    return tally;
  }

  sumInto(tally: Tally, low: number, high: number): void {
    let minute = low;
    while (minute <= high) {
      const hour = hourOf(minute);
      const start = hour * HOUR_MINUTES;
      const end = start + HOUR_MINUTES - 1;
      if (minute === start && end <= high && this.#hours.covers(hour)) {
        const [hours, slot] = this.#hours.at(hour);
        hours.addTo(tally, slot);
        minute = end + 1;
        continue;
      }
      const last = Math.min(end, high);
      const source = this.#find(hour);
      if (source === 'missing') throw new PageMissing(hour);
      if (source !== null) {
        const [cells, offset] = source;
        for (let m = minute; m <= last; m++) cells.addTo(tally, offset + m - start);
      }
      minute = last + 1;
    }
  }

  addMinute(tally: Tally, minute: number): boolean {
    const hour = hourOf(minute);
    const source = this.#find(hour);
    if (source === 'missing') return false;
    source?.[0].addTo(tally, source[1] + minute - hour * HOUR_MINUTES);
    return true;
  }

  takeMinute(tally: Tally, minute: number): boolean {
    const hour = hourOf(minute);
    const source = this.#find(hour);
    if (source === 'missing') return false;
    source?.[0].takeFrom(tally, source[1] + minute - hour * HOUR_MINUTES);
    return true;
  }

  /** Whether the minute was measured. @throws PageMissing */
  has(minute: number): boolean {
    const hour = hourOf(minute);
    const source = this.#find(hour);
    if (source === 'missing') throw new PageMissing(hour);
    return source?.[0].has(source[1] + minute - hour * HOUR_MINUTES) ?? false;
  }

  /** The oldest measured minute from `low` on; null when there is none. @throws PageMissing */
  firstMinuteFrom(low: number): number | null {
    if (this.#first === null || this.#newest === null) return null;
    const from = Math.max(low, minuteOf(this.#first));
    const lastHour = hourOf(minuteOf(this.#newest));
    for (let hour = hourOf(from); hour <= lastHour; hour++) {
      const start = hour * HOUR_MINUTES;
      const first = this.#hours.firstMinute(hour);
      if (first !== null && start + first >= from) return start + first;
      if (first === null && this.#hours.covers(hour)) continue;
      for (let minute = Math.max(from, start); minute < start + HOUR_MINUTES; minute++) {
        if (this.has(minute)) return minute;
      }
    }
    return null;
  }

  /** The oldest minute whose buckets are all in memory. */
  get hotFrom(): number {
    return (this.#hours.head - HOT_HOURS + 1) * HOUR_MINUTES;
  }

  // ——— paging ———

  /**
   * The hours to provide before the windows can move to `now`: the far edges that are cold.
   * @param extra further minutes that will be read as an edge
   */
  missing(now: number, extra: Iterable<number> = []): number[] {
    const wanted = new Set<number>();
    const edge = (minute: number): void => {
      const hour = hourOf(minute);
      if (minute !== hour * HOUR_MINUTES && this.#find(hour) === 'missing') wanted.add(hour);
    };
    const end = minuteOf(now);
    const lows = [...[...this.#windows.keys()].map((minutes) => end - minutes), ...extra];
    for (const low of lows) edge(low);
    if (this.#paged && Number.isFinite(this.#hours.head)) {
      // Only a clock far behind the measurements looks back beyond the whole-hour sums.
      const oldest = this.#hours.head - this.#hours.capacity;
      for (let hour = hourOf(Math.min(...lows)); hour <= oldest; hour++) {
        if (this.#find(hour) === 'missing') wanted.add(hour);
      }
    }
    return [...wanted];
  }

  /** The hours to provide before measurements of these instants (epoch milliseconds) can be counted. */
  missingFor(instants: Iterable<number>): number[] {
    const wanted = new Set<number>();
    for (const at of instants) {
      const hour = hourOf(minuteOf(at));
      if (hour <= this.#hours.head - HOT_HOURS && this.#find(hour) === 'missing') wanted.add(hour);
    }
    return [...wanted];
  }

  /** Brings an hour's stored minutes in; null when none are stored. An hour that is in memory already is left as it is. */
  provide(hour: number, cells: Cells | null): void {
    if (this.#isHot(hour) || this.#pages.has(hour)) return;
    this.#pages.set(hour, { cells: cells ?? new Cells(HOUR_MINUTES), dirty: false });
  }

  /**
   * Puts a stored state into an empty series.
   * @param stored.days whole-hour sums of all days that {@link hoursKept} reaches back to, as {@link day} gave them
   * @param stored.pages the minutes of the last 74 hours up to `newest`
   */
  restore(stored: {
    first: number;
    newest: number;
    days: Iterable<{ day: number; cells: Cells; firstMinutes: Uint8Array }>;
    pages: Iterable<{ hour: number; cells: Cells }>;
  }): void {
    this.#first = stored.first;
    this.#newest = stored.newest;
    this.#hours.advance(hourOf(minuteOf(stored.newest)));
    for (const { day, cells, firstMinutes } of stored.days) {
      for (let i = 0; i < 24; i++) {
        const hour = day * 24 + i;
        const first = firstMinutes[i] ?? NO_MINUTE;
        if (first === NO_MINUTE || !this.#hours.covers(hour)) continue;
        const [own, slot] = this.#hours.at(hour);
        own.addCell(slot, cells, i);
        this.#hours.touch(hour, first);
      }
    }
    for (const { hour, cells } of stored.pages) {
      if (!this.#isHot(hour)) continue;
      const offset = this.#hotOffset(hour);
      for (let i = 0; i < HOUR_MINUTES; i++) this.#hot.addCell(offset + i, cells, i);
    }
    this.#revision++;
  }

  /**
   * The hours changed since the last call, oldest first: 60 minutes from `offset` of `cells`, to be stored before
   * anything else is counted. Whoever cannot store them must discard the series and restore it.
   */
  takeDirty(): { hour: number; cells: Cells; offset: number }[] {
    const changed = [...this.#dirty].sort((a, b) => a - b);
    this.#dirty.clear();
    return changed.map((hour) => {
      const found = this.#find(hour);
      if (found === 'missing' || found === null) throw new PageMissing(hour);
      const page = this.#pages.get(hour);
      if (page) page.dirty = false;
      return { hour, cells: found[0], offset: found[1] };
    });
  }

  /** Drops pages that are stored and at no window's far edge any more. */
  releasePages(now: number, extra: Iterable<number> = []): void {
    if (!this.#paged) return;
    const end = minuteOf(now);
    const edges = new Set<number>();
    for (const minutes of this.#windows.keys()) {
      edges.add(hourOf(end - minutes));
      edges.add(hourOf(end + HOUR_MINUTES - minutes)); // paged in ahead
    }
    for (const minute of extra) edges.add(hourOf(minute));
    for (const [hour, page] of this.#pages) {
      if (!page.dirty && !edges.has(hour) && hour <= this.#hours.head) this.#pages.delete(hour);
    }
  }

  /**
   * The whole-hour sums of a day for storing: 24 cells, and the first measured minute of each hour. Null when the day
   * reaches back beyond what is kept: a day stored in part would be read as a whole one.
   */
  day(day: number): { cells: Cells; firstMinutes: Uint8Array } | null {
    if (day * 24 <= this.#hours.head && !this.#hours.covers(day * 24)) return null;
    const cells = new Cells(24);
    const firstMinutes = new Uint8Array(24).fill(NO_MINUTE);
    for (let i = 0; i < 24; i++) {
      const first = this.#hours.firstMinute(day * 24 + i);
      if (first === null) continue;
      firstMinutes[i] = first;
      cells.addCell(i, ...this.#hours.at(day * 24 + i));
    }
    return { cells, firstMinutes };
  }

  /** Bytes of buckets in memory. */
  get bytes(): number {
    let bytes = this.#hot.bytes + this.#hours.bytes;
    for (const page of this.#pages.values()) bytes += page.cells.bytes;
    return bytes;
  }

  /** Makes the hour the head of what is kept when it is newer; a hot hour that leaves with changes becomes a page. */
  #makeRoom(hour: number): void {
    const head = this.#hours.head;
    if (hour <= head) return;
    const leaving = Math.min(hour - head, HOT_HOURS);
    for (let i = 0; i < leaving; i++) {
      const old = head - HOT_HOURS + 1 + i;
      if (Number.isFinite(old) && (this.#dirty.has(old) || !this.#paged) && this.#hours.has(old)) {
        this.#pages.set(old, { cells: this.#copyHot(old), dirty: true });
      }
    }
    this.#hours.advance(hour);
    for (let h = Math.max(head + 1, hour - HOT_HOURS + 1); h <= hour; h++) {
      this.#hot.clear(this.#hotOffset(h), HOUR_MINUTES);
    }
  }

  /** Where the hour's minutes are: block and offset; null when it has none; 'missing' when they are stored elsewhere. */
  #find(hour: number): readonly [Cells, number] | null | 'missing' {
    if (this.#isHot(hour)) return [this.#hot, this.#hotOffset(hour)];
    const page = this.#pages.get(hour);
    if (page !== undefined) return [page.cells, 0];
    if (!this.#paged || hour > this.#hours.head) return null;
    if (this.#hours.covers(hour)) return this.#hours.has(hour) ? 'missing' : null;
    return 'missing';
  }

  /** The cell to count the minute in, made when it is new. */
  #own(minute: number, hour: number): readonly [Cells, number] {
    const found = this.#find(hour);
    if (found === 'missing') throw new PageMissing(hour);
    if (found !== null) {
      if (found[0] !== this.#hot) (this.#pages.get(hour) as Page).dirty = true;
      return [found[0], found[1] + minute - hour * HOUR_MINUTES];
    }
    const page = { cells: new Cells(HOUR_MINUTES), dirty: true };
    this.#pages.set(hour, page);
    return [page.cells, minute - hour * HOUR_MINUTES];
  }

  #copyHot(hour: number): Cells {
    const cells = new Cells(HOUR_MINUTES);
    const offset = this.#hotOffset(hour);
    for (let i = 0; i < HOUR_MINUTES; i++) cells.addCell(i, this.#hot, offset + i);
    return cells;
  }

  #isHot(hour: number): boolean {
    return hour <= this.#hours.head && hour > this.#hours.head - HOT_HOURS;
  }

  #hotOffset(hour: number): number {
    return (((hour % HOT_HOURS) + HOT_HOURS) % HOT_HOURS) * HOUR_MINUTES;
  }
}

/** Minutes of history that `breached`, the gate and budget crossings wait for: a day, or the window if it is shorter. */
export const settledAfter = (windowMinutes: number): number => Math.min(DAY_MINUTES, windowMinutes);
