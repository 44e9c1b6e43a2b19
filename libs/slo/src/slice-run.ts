import type { CorrectionEffect } from '@bellwether/contracts';
import type { Cells } from './cells.js';
import { Sketch } from './sketch.js';
import { decodeSketch } from './sketch-codec.js';
import type { SliceContent, SliceRule } from './slice-rule.js';
import { Tally } from './tally.js';
import { HOUR_MINUTES } from './time-grid.js';
import { sliceOf } from './window.js';

/** An hour of events, with the sketches of its minutes where a percentile needs them. */
export interface EventHour {
  hour: number;
  cells: Cells;
  sketches?: ReadonlyMap<number, Uint8Array> | undefined;
}

/** What was measured in minutes of a slice for which the same holds. */
interface Measured {
  tally: Tally;
  sketch: Sketch;
}

/** Judges stored events, hour by hour in ascending order: slices of an SLO that is defined after its data. */
export class SliceRun {
  #start: number | null = null;
  #parts = new Map<CorrectionEffect | null, Measured>();

  /** @param sink takes each slice with data: its first minute, and what the rule says of it */
  constructor(
    readonly rule: SliceRule,
    readonly sink: (start: number, verdict: Tally) => void,
  ) {}

  /** Takes the next hour. */
  take({ hour, cells, sketches }: EventHour): void {
    for (let i = 0; i < HOUR_MINUTES; i++) {
      if (!cells.has(i)) continue;
      const minute = hour * HOUR_MINUTES + i;
      const start = sliceOf(minute, this.rule.slice);
      if (start !== this.#start) {
        this.end();
        this.#start = start;
      }
      const { tally, sketch } = this.#part(this.rule.corrections?.at(minute) ?? null);
      cells.addTo(tally, i);
      const stored = sketches?.get(i);
      if (stored !== undefined) sketch.merge(decodeSketch(stored));
    }
  }

  /** Judges the last slice. */
  end(): void {
    const start = this.#start;
    if (start === null) return;
    const { slice, corrections } = this.rule;
    if (corrections === undefined || corrections.touches(start, start + slice - 1)) {
      const under = (effect: CorrectionEffect | null): SliceContent => {
        const { tally, sketch } = this.#part(effect);
        return { start, tally, sketch: () => sketch };
      };
      this.sink(start, this.rule.judge(this.#whole(start), under));
    }
    this.#start = null;
    this.#parts = new Map();
  }

  #part(effect: CorrectionEffect | null): Measured {
    let part = this.#parts.get(effect);
    if (part === undefined) {
      part = { tally: new Tally(), sketch: new Sketch() };
      this.#parts.set(effect, part);
    }
    return part;
  }

  #whole(start: number): SliceContent {
    const tally = new Tally();
    for (const part of this.#parts.values()) tally.plus(part.tally);
    const sketch = (): Sketch => {
      const merged = new Sketch();
      for (const part of this.#parts.values()) merged.merge(part.sketch);
      return merged;
    };
    return { start, tally, sketch };
  }
}
