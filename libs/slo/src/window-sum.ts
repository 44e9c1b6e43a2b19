import { Tally } from './tally.js';

/** What a running window reads its minutes from. */
export interface MinuteSource {
  /** Adds the minutes from `low` to `high` (both inclusive) to `tally`, through whole hours where they fit. */
  sumInto(tally: Tally, low: number, high: number): void;
  /** Adds or takes one minute; false when its page is not in memory. */
  addMinute(tally: Tally, minute: number): boolean;
  takeMinute(tally: Tally, minute: number): boolean;
}

/** Slides of more minutes than this are summed anew from the blocks: cheaper, and it needs the far edge's page only. */
const SLIDE_LIMIT = 120;

/**
 * The sum over a window of `minutes` complete minutes plus the current, partial one: [end - minutes, end]. It is kept
 * as a running sum: a measurement adds to it, the passing of a minute adds the minutes that come in at the near edge and
 * takes those that leave at the far one. All of it is exact, so it always equals the sum of its buckets.
 */
export class WindowSum {
  readonly tally = new Tally();
  #end = Number.NEGATIVE_INFINITY;

  constructor(readonly minutes: number) {}

  /** A measurement came in at `minute`. */
  observe(minute: number, good: number, goodFraction: number, total: number, totalFraction: number): void {
    if (minute <= this.#end && minute >= this.#end - this.minutes) {
      this.tally.add(good, goodFraction, total, totalFraction);
    }
  }

  /** Moves the window so that `end` is its current minute. */
  moveTo(end: number, source: MinuteSource): void {
    if (end === this.#end) return;
    if (end > this.#end && end - this.#end <= SLIDE_LIMIT && end - this.#end <= this.minutes) {
      if (this.#slide(end, source)) return;
    }
    this.#end = Number.NEGATIVE_INFINITY; // stays so when a page is missing: half a sum must not be taken for a whole one
    this.tally.clear();
    source.sumInto(this.tally, end - this.minutes, end);
    this.#end = end;
  }

  #slide(end: number, source: MinuteSource): boolean {
    for (let minute = this.#end + 1; minute <= end; minute++) {
      if (!source.addMinute(this.tally, minute)) return false;
    }
    for (let minute = this.#end - this.minutes; minute < end - this.minutes; minute++) {
      if (!source.takeMinute(this.tally, minute)) return false;
    }
    this.#end = end;
    return true;
  }
}
