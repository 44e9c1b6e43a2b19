import { Sketch } from './sketch.js';
import type { Sketches } from './sketches.js';
import { HOUR_MINUTES, hourOf } from './time-grid.js';
import type { Window } from './window.js';

/** Slides of more minutes than this merge anew. */
const SLIDE_LIMIT = 120;

/** What a running sketch reads its minutes from. */
export interface SketchSource {
  sketches: Sketches;
  /** Whether the hour of the minute was measured, as far as anybody knows. */
  hasHour(minute: number): boolean;
}

/**
 * The sketch over a window up to its current, partial minute, kept as a running one: counts of bins are exact, so a
 * minute that leaves is taken off again bit for bit, and a percentile over 3 days costs what one over a minute does.
 */
export class WindowSketch {
  readonly sketch = new Sketch();
  #low = Number.POSITIVE_INFINITY;
  #end = Number.NEGATIVE_INFINITY;

  constructor(readonly window: Window) {}

  /** A value was observed at `minute`. */
  observe(minute: number, value: number, count: number): void {
    if (minute <= this.#end && minute >= this.#low) this.sketch.observe(value, count);
  }

  /** Moves the window so that `end` is its current minute. @throws PageMissing when an hour of {@link missing} is */
  moveTo(end: number, source: SketchSource): void {
    const low = this.window.low(end);
    if (end === this.#end && low === this.#low) return;
    const { sketches } = source;
    const [from, until] = this.#canSlide(low, end) ? [this.#low, this.#end] : [low, low - 1];
    if (until < low) this.sketch.clear();
    // Stays so when an hour is missing: half a sketch must not be taken for a whole one.
    this.#end = Number.NEGATIVE_INFINITY;
    for (let minute = until + 1; minute <= end; minute++)
      sketches.mergeInto(this.sketch, minute, source.hasHour(minute));
    for (let minute = from; minute < low; minute++)
      sketches.takeFrom(this.sketch, minute, source.hasHour(minute));
    this.#low = low;
    this.#end = end;
  }

  /** The hours to provide before the window can move to `end`. */
  missing(end: number, source: SketchSource): number[] {
    const low = this.window.low(end);
    const spans = this.#canSlide(low, end)
      ? [
          [this.#low, low - 1],
          [this.#end + 1, end],
        ]
      : [[low, end]];
    return spans.flatMap(([from, to]) =>
      hoursOf(from as number, to as number).filter(
        (hour) => !source.sketches.has(hour) && source.hasHour(hour * HOUR_MINUTES),
      ),
    );
  }

  /** The hours that the window's far edge passes through until an hour after `end`. */
  edges(end: number): number[] {
    return [hourOf(this.window.low(end)), hourOf(this.window.low(end + HOUR_MINUTES))];
  }

  #canSlide(low: number, end: number): boolean {
    const near = end - this.#end;
    const far = low - this.#low;
    return near >= 0 && near <= SLIDE_LIMIT && far >= 0 && far <= SLIDE_LIMIT && low <= this.#end;
  }
}

function hoursOf(from: number, to: number): number[] {
  const hours: number[] = [];
  for (let hour = hourOf(from); hour <= hourOf(to) && from <= to; hour++) hours.push(hour);
  return hours;
}
