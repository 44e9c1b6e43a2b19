import { Cells } from '../cells.js';
import type { GatheredMinute } from '../indicator-buckets.js';
import { Sketch } from '../sketch.js';
import { Sketches } from '../sketches.js';
import { Tally } from '../tally.js';
import { HOUR_MINUTES, hourOf, MINUTE, minuteOf } from '../time-grid.js';
import type { BacktestSpan } from './span.js';

/** Points after which sketches are put into their stored form: at work they take twenty times the room. */
const COMPACT_AFTER = 20_000;
/** An hour of what was measured. */
interface Hour {
  cells: Cells;
  /** Milliseconds into its minute of the first and of the last point of each minute. */
  first: Uint16Array;
  newest: Uint16Array;
}

/**
 * What was measured by the minute of its event time, as an indicator reads it: gathered in whatever order it comes, and
 * given out in order of time. The same points in another order are the same, bit for bit. It takes about a kilobyte an
 * hour, and of a percentile its sketches besides.
 */
export class GatheredMinutes {
  readonly #span: BacktestSpan;
  readonly #hours = new Map<number, Hour>();
  readonly #sketches: Sketches | null;
  /** The point at hand: one object for all of them, since there are many. */
  readonly #entry = new Tally();
  #points = 0;
  #measured = 0;

  /**
   * @param span points outside of it are left out
   * @param sketched whether values are observed one by one, as percentiles need them
   */
  constructor(span: BacktestSpan, sketched: boolean) {
    this.#span = span;
    this.#sketches = sketched ? new Sketches(false) : null;
  }

  /** Points within the span. */
  get points(): number {
    return this.#points;
  }

  /** Minutes with a point. */
  get measured(): number {
    return this.#measured;
  }

  /** The oldest measured minute; null when nothing was measured. */
  get firstMinute(): number | null {
    let hour = Number.POSITIVE_INFINITY;
    for (const each of this.#hours.keys()) hour = Math.min(hour, each);
    const cells = this.#hours.get(hour)?.cells;
    if (cells === undefined) return null;
    let place = 0;
    while (!cells.has(place)) place++;
    return hour * HOUR_MINUTES + place;
  }

  /** Takes a point as its classifier gives it. */
  observe(at: number, measure: number, count: number): void {
    if (at < this.#span.from || at >= this.#span.to) return;
    const minute = minuteOf(at);
    const hour = this.#hourOf(minute);
    const place = minute - hourOf(minute) * HOUR_MINUTES;
    const offset = at - minute * MINUTE;
    if (!hour.cells.has(place)) {
      this.#measured++;
      hour.first[place] = hour.newest[place] = offset;
    }
    if (offset < (hour.first[place] as number)) hour.first[place] = offset;
    if (offset > (hour.newest[place] as number)) hour.newest[place] = offset;
    if (this.#sketches === null) {
      hour.cells.add(place, this.#entry.enter(measure, count));
    } else {
      this.#sketches.observe(minute, measure, count, false);
      hour.cells.add(place, this.#entry.enter(count, count));
    }
    if (++this.#points % COMPACT_AFTER === 0) this.#sketches?.takeDirty();
  }

  /** What was measured of a minute; null when nothing was. */
  minute(minute: number): GatheredMinute | null {
    const number = hourOf(minute);
    const hour = this.#hours.get(number);
    const place = minute - number * HOUR_MINUTES;
    if (!hour?.cells.has(place)) return null;
    let sketch: Sketch | null = null;
    if (this.#sketches !== null) {
      sketch = new Sketch();
      this.#sketches.mergeInto(sketch, minute, true);
    }
    const start = minute * MINUTE;
    return {
      first: start + (hour.first[place] as number),
      newest: start + (hour.newest[place] as number),
      tally: hour.cells.at(place),
      sketch,
    };
  }

  /** Bytes that it takes. */
  get bytes(): number {
    let bytes = this.#sketches?.bytes ?? 0;
    for (const { cells, first, newest } of this.#hours.values()) {
      bytes += cells.bytes + first.byteLength + newest.byteLength;
    }
    return bytes;
  }

  #hourOf(minute: number): Hour {
    const number = hourOf(minute);
    let hour = this.#hours.get(number);
    if (hour === undefined) {
      hour = {
        cells: new Cells(HOUR_MINUTES),
        first: new Uint16Array(HOUR_MINUTES),
        newest: new Uint16Array(HOUR_MINUTES),
      };
      this.#hours.set(number, hour);
    }
    return hour;
  }
}
