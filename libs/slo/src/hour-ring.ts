import { Cells } from './cells.js';

/** Marks an hour without a first minute. */
const NONE = 255;

/**
 * Whole-hour sums of the last `capacity` hours up to the newest measurement. Next to the sums stands the first measured
 * minute of each hour, so that "since when is there data in this window" is answered without its minutes.
 */
export class HourRing {
  readonly #cells: Cells;
  readonly #first: Uint8Array;
  /** The newest hour that the ring has room for; it holds (head - capacity, head]. */
  head = Number.NEGATIVE_INFINITY;

  constructor(readonly capacity: number) {
    this.#cells = new Cells(capacity);
    this.#first = new Uint8Array(capacity).fill(NONE);
  }

  /** Makes room for `hour`, forgetting the oldest ones. */
  advance(hour: number): void {
    if (hour <= this.head) return;
    const from = Math.max(this.head + 1, hour - this.capacity + 1);
    for (let h = from; h <= hour; h++) {
      this.#cells.clear(this.#slot(h), 1);
      this.#first[this.#slot(h)] = NONE;
    }
    this.head = hour;
  }

  covers(hour: number): boolean {
    return hour <= this.head && hour > this.head - this.capacity;
  }

  /** The block of cells and the cell of `hour` in it; the hour must be covered. */
  at(hour: number): readonly [Cells, number] {
    return [this.#cells, this.#slot(hour)];
  }

  has(hour: number): boolean {
    return this.covers(hour) && this.#cells.has(this.#slot(hour));
  }

  /** First measured minute within the hour (0 to 59); null when there is none. */
  firstMinute(hour: number): number | null {
    const first = this.covers(hour) ? (this.#first[this.#slot(hour)] as number) : NONE;
    return first === NONE ? null : first;
  }

  /** Notes that `minute` (0 to 59) of the hour was measured. */
  touch(hour: number, minute: number): void {
    const slot = this.#slot(hour);
    if (minute < (this.#first[slot] as number)) this.#first[slot] = minute;
  }

  get bytes(): number {
    return this.#cells.bytes + this.#first.byteLength;
  }

  #slot(hour: number): number {
    return ((hour % this.capacity) + this.capacity) % this.capacity;
  }
}
