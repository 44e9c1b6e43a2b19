import { Tally } from './tally.js';
import type { Window } from './window.js';

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
 * The sum over a window up to its current, partial minute. It is kept as a running sum: a measurement adds to it, the
 * passing of a minute adds the minutes that come in at the near edge and takes those that leave at the far one. All of it
 * is exact, so it always equals the sum of its buckets.
 */
export class WindowSum {
  readonly tally = new Tally();
  #low = Number.POSITIVE_INFINITY;
  #end = Number.NEGATIVE_INFINITY;

  constructor(readonly window: Window) {}

  /** A measurement came in at `minute`. */
  observe(minute: number, counted: Tally): void {
    if (minute <= this.#end && minute >= this.#low) this.tally.plus(counted);
  }

  /** What was counted at `minute` is taken back. */
  withdraw(minute: number, counted: Tally): void {
    if (minute <= this.#end && minute >= this.#low) this.tally.minus(counted);
  }

  /** Moves the window so that `end` is its current minute. */
  moveTo(end: number, source: MinuteSource): void {
    const low = this.window.low(end);
    if (end === this.#end && low === this.#low) return;
    const near = end - this.#end;
    const far = low - this.#low;
    if (near >= 0 && near <= SLIDE_LIMIT && far >= 0 && far <= SLIDE_LIMIT && low <= this.#end + 1) {
      if (this.#slide(low, end, source)) return;
    }
    // Stays so when a page is missing: half a sum must not be taken for a whole one.
    this.#end = Number.NEGATIVE_INFINITY;
    this.tally.clear();
    source.sumInto(this.tally, low, end);
    this.#low = low;
    this.#end = end;
  }

  #slide(low: number, end: number, source: MinuteSource): boolean {
    for (let minute = this.#end + 1; minute <= end; minute++) {
      if (!source.addMinute(this.tally, minute)) return false;
    }
    for (let minute = this.#low; minute < low; minute++) {
      if (!source.takeMinute(this.tally, minute)) return false;
    }
    this.#low = low;
    this.#end = end;
    return true;
  }
}
