import type { MinuteSpan } from '../minute-span.js';
import type { SloPlan } from '../slo-plan.js';
import { HOUR_MINUTES } from '../time-grid.js';
import { type Due, withMissing } from '../window-tally.js';

/** Hours without data from which on they are a silence. */
const SILENCE = 24;

/** What was counted in each of the hours before now: of events, or of slices, those without data as `missingData` has it. */
export class HourlyHistory {
  /** The first hour (since the epoch); the last one is complete. */
  readonly first: number;
  readonly total: Float64Array;
  readonly bad: Float64Array;
  /** Hours of a silence of a day or more: nobody measured, which says nothing of the traffic. */
  readonly #silent: Uint8Array;

  /**
   * @param span minutes of which the history is made, without the one in progress
   * @param first the first measured minute: what lies before it is unknown, not empty
   */
  constructor(plan: SloPlan, span: MinuteSpan, first: number, due: Due | null) {
    this.first = Math.ceil(Math.max(span.low, first) / HOUR_MINUTES);
    const end = Math.floor((span.high + 1) / HOUR_MINUTES);
    const hours = Math.max(0, end - this.first);
    this.total = new Float64Array(hours);
    this.bad = new Float64Array(hours);
    for (let i = 0; i < hours; i++) {
      const low = (this.first + i) * HOUR_MINUTES;
      const high = low + HOUR_MINUTES - 1;
      const counted = span.sum({ low, high });
      const tally = withMissing(plan, counted, low, high, due);
      this.total[i] = tally.totalCount;
      this.bad[i] = tally.badCount;
    }
    this.#silent = silences(this.total);
  }

  /** Whether an hour, by its place, is of a silence of a day or more. */
  isSilent(i: number): boolean {
    return this.#silent[i] === 1;
  }

  get hours(): number {
    return this.total.length;
  }

  /** The hour after the last one. */
  get end(): number {
    return this.first + this.hours;
  }

  /** The share of the last hours in which something was counted. */
  measuredIn(hours: number): number {
    return this.total.subarray(this.hours - hours).filter((total) => total > 0).length / hours;
  }
}

function silences(total: Float64Array): Uint8Array {
  const silent = new Uint8Array(total.length);
  for (let start = 0; start < total.length; ) {
    let end = start;
    while (end < total.length && total[end] === 0) end++;
    if (end - start >= SILENCE) silent.fill(1, start, end);
    start = Math.max(end, start + 1);
  }
  return silent;
}
