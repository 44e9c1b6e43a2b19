import type { Cells } from './cells.js';
import { Sketch } from './sketch.js';
import { decodeSketch } from './sketch-codec.js';
import type { SliceRule } from './slice-rule.js';
import { Tally } from './tally.js';
import { HOUR_MINUTES } from './time-grid.js';
import { sliceOf } from './window.js';

/** An hour of events, with the sketches of its minutes where a percentile needs them. */
export interface EventHour {
  hour: number;
  cells: Cells;
  sketches?: ReadonlyMap<number, Uint8Array> | undefined;
}

/** Judges stored events, hour by hour in ascending order: slices of an SLO that is defined after its data. */
export class SliceRun {
  #start: number | null = null;
  #tally = new Tally();
  #sketch = new Sketch();

  /** @param sink takes each slice with data: its first minute, and what the rule says of it */
  constructor(
    readonly rule: SliceRule,
    readonly sink: (start: number, verdict: Tally) => void,
  ) {}

  /** Takes the next hour. */
  take({ hour, cells, sketches }: EventHour): void {
    for (let i = 0; i < HOUR_MINUTES; i++) {
      if (!cells.has(i)) continue;
      const start = sliceOf(hour * HOUR_MINUTES + i, this.rule.slice);
      if (start !== this.#start) {
        this.end();
        this.#start = start;
      }
      cells.addTo(this.#tally, i);
      const sketch = sketches?.get(i);
      if (sketch !== undefined) this.#sketch.merge(decodeSketch(sketch));
    }
  }

  /** Judges the last slice. */
  end(): void {
    if (this.#start === null) return;
    const sketch = this.#sketch;
    this.sink(this.#start, this.rule.judge({ tally: this.#tally, sketch: () => sketch }));
    this.#start = null;
    this.#tally = new Tally();
    this.#sketch = new Sketch();
  }
}
