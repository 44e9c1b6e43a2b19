import { Cells } from './cells.js';
import { HourRing } from './hour-ring.js';
import { type DaySums, NO_MINUTE, type Page, PageMissing } from './pages.js';
import { Tally } from './tally.js';
import { HOUR_MINUTES, hourOf, minuteOf } from './time-grid.js';
import type { MinuteSource } from './window-sum.js';

/** Hours whose minutes are in memory: 3 days of complete minutes touch 73 hours, and one more is in use as one is left. */
const HOT_HOURS = 74;
/** Hours beyond the longest window that the whole-hour sums reach, for measurements ahead of the clock. */
const SPARE_HOURS = 3;

/**
 * The minute buckets of one indicator over one SLI. The minutes of the last 3 days up to the newest measurement are in
 * memory (hot), as are the sums of all hours of the longest window; an older minute is on the page of its hour, which is
 * brought in when it is needed, and taken away when it is stored.
 */
export class Minutes implements MinuteSource {
  readonly #hot = new Cells(HOT_HOURS * HOUR_MINUTES);
  readonly #hours: HourRing;
  readonly #pages = new Map<number, Page>();
  readonly #dirty = new Set<number>();
  readonly #paged: boolean;
  #revision = 0;

  /**
   * @param longest minutes of the longest window
   * @param paged whether cold minutes live elsewhere; else all are kept in memory
   */
  constructor(longest: number, paged: boolean) {
    this.#hours = new HourRing(Math.max(HOT_HOURS, Math.ceil(longest / HOUR_MINUTES) + 1 + SPARE_HOURS));
    this.#paged = paged;
  }

  get paged(): boolean {
    return this.#paged;
  }

  /** Changes whenever a minute is measured for the first time. */
  get revision(): number {
    return this.#revision;
  }

  /** Hours that the whole-hour sums reach back. */
  get hoursKept(): number {
    return this.#hours.capacity;
  }

  /** Hours up to the newest measurement whose minutes are in memory. */
  get hoursHot(): number {
    return HOT_HOURS;
  }

  /** The newest measured hour; minus infinity when nothing was measured. */
  get head(): number {
    return this.#hours.head;
  }

  /** The oldest minute whose buckets are all in memory. */
  get hotFrom(): number {
    return (this.#hours.head - HOT_HOURS + 1) * HOUR_MINUTES;
  }

  /**
   * Counts events.
   * @throws PageMissing when the hour is cold and not paged in: ask {@link missingFor} first
   */
  add(minute: number, counted: Tally): void {
    const hour = hourOf(minute);
    this.#makeRoom(hour);
    const [cells, cell] = this.#own(minute, hour);
    if (!cells.has(cell)) this.#revision++;
    cells.add(cell, counted);
    this.#dirty.add(hour);
    if (this.#hours.covers(hour)) {
      const [hours, slot] = this.#hours.at(hour);
      hours.add(slot, counted);
      this.#hours.touch(hour, minute - hour * HOUR_MINUTES);
    }
  }

  /** Takes back what was counted at a measured minute. @throws PageMissing */
  withdraw(minute: number, counted: Tally): void {
    const hour = hourOf(minute);
    const [cells, cell] = this.#own(minute, hour);
    cells.take(cell, counted);
    this.#dirty.add(hour);
    if (!this.#hours.covers(hour)) return;
    const [hours, slot] = this.#hours.at(hour);
    hours.take(slot, counted);
  }

  /** What was counted at a minute; null when it was not measured. @throws PageMissing */
  at(minute: number): Tally | null {
    if (!this.has(minute)) return null;
    const tally = new Tally();
    this.addMinute(tally, minute);
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

  /** The oldest measured minute from `from` to the end of `lastHour`; null when there is none. @throws PageMissing */
  firstFrom(from: number, lastHour: number): number | null {
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

  /**
   * Whether the hour was measured; also where that is no longer known without its page.
   * @param newest the newest measured hour by then, when measurements are still to be counted
   */
  hasHour(hour: number, newest: number = this.#hours.head): boolean {
    if (hour > newest - this.#hours.capacity) return this.#hours.has(hour);
    return hour <= newest && (this.#paged || this.#pages.has(hour));
  }

  /**
   * Whether the hour's minutes are stored elsewhere, as far as is known without its page: of one that the whole-hour sums
   * do not reach, nothing is. @param newest as of {@link hasHour}
   */
  isMissing(hour: number, newest: number = this.#hours.head): boolean {
    if (!this.#paged || hour > newest || this.#isHot(hour) || this.#pages.has(hour)) return false;
    return hour <= newest - HOT_HOURS && this.hasHour(hour, newest);
  }

  /**
   * The hours to provide before measurements of these instants (epoch milliseconds) can be counted, in any order: by what
   * is in memory once the newest of them is. An hour that nobody knows of before may be beyond the whole-hour sums then.
   */
  missingFor(instants: Iterable<number>): number[] {
    const hours = new Set([...instants].map((at) => hourOf(minuteOf(at))));
    let newest = this.#hours.head;
    for (const hour of hours) newest = Math.max(newest, hour);
    return [...hours].filter((hour) => this.isMissing(hour, newest));
  }

  /** Brings an hour's stored minutes in; null when none are stored. An hour that is in memory already is left as it is. */
  provide(hour: number, cells: Cells | null): void {
    if (this.#isHot(hour) || this.#pages.has(hour)) return;
    this.#pages.set(hour, { cells: cells ?? new Cells(HOUR_MINUTES), dirty: false });
  }

  /** Puts a stored state into buckets that are empty: see {@link Series.restore}. */
  restore(
    newest: number,
    days: Iterable<DaySums & { day: number }>,
    pages: Iterable<{ hour: number; cells: Cells }>,
  ): void {
    this.#hours.advance(hourOf(newest));
    for (const { day, cells, firstMinutes } of days) {
      for (let i = 0; i < 24; i++) {
        const hour = day * 24 + i;
        const first = firstMinutes[i] ?? NO_MINUTE;
        if (first === NO_MINUTE || !this.#hours.covers(hour)) continue;
        const [own, slot] = this.#hours.at(hour);
        own.addCell(slot, cells, i);
        this.#hours.touch(hour, first);
      }
    }
    for (const { hour, cells } of pages) {
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

  /** Drops the pages that are stored, but those of the hours to keep. */
  release(keep: ReadonlySet<number>): void {
    for (const [hour, page] of this.#pages) {
      if (!page.dirty && !keep.has(hour) && hour <= this.#hours.head) this.#pages.delete(hour);
    }
  }

  /**
   * Drops the pages that the whole-hour sums do not reach back to: of minutes that are stored nowhere else.
   * @param spare hours before those that are kept
   */
  forget(spare = 0): void {
    this.#dirty.clear();
    const oldest = this.#hours.head - this.#hours.capacity - spare;
    for (const hour of this.#pages.keys()) if (hour <= oldest) this.#pages.delete(hour);
  }

  /**
   * The whole-hour sums of a day for storing: 24 cells, and the first measured minute of each hour. Null when the day
   * reaches back beyond what is kept: a day stored in part would be read as a whole one.
   */
  day(day: number): DaySums | null {
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

  /** Makes the hour the head of what is kept when it is newer; a hot hour that leaves becomes a page. */
  #makeRoom(hour: number): void {
    const head = this.#hours.head;
    if (hour <= head) return;
    const leaving = Math.min(hour - head, HOT_HOURS);
    for (let i = 0; i < leaving; i++) {
      const old = head - HOT_HOURS + 1 + i;
      // Unchanged ones too, and empty ones, until pages are released: the same message may measure them yet, and the
      // whole-hour sums no longer tell then that there is nothing.
      if (Number.isFinite(old) && (this.#paged || this.#hours.has(old))) {
        this.#pages.set(old, { cells: this.#copyHot(old), dirty: this.#dirty.has(old) });
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
