import { FRACTION, type Tally } from './tally.js';

/**
 * A block of buckets in typed arrays: per cell good and total (whole numbers), their fractions in units of 2^-32, and
 * whether anything was measured. Fractions are allocated with the first one that comes: most series count whole events.
 * 16 bytes a cell for whole counts, 24 with both fractions, and one bit for presence.
 */
export class Cells {
  readonly good: Float64Array;
  readonly total: Float64Array;
  goodFraction: Uint32Array | null = null;
  totalFraction: Uint32Array | null = null;
  readonly #present: Uint8Array;

  constructor(readonly size: number) {
    this.good = new Float64Array(size);
    this.total = new Float64Array(size);
    this.#present = new Uint8Array((size + 7) >> 3);
  }

  /** Whether the cell was measured, be it with a total of 0. */
  has(cell: number): boolean {
    return ((this.#present[cell >> 3] as number) & (1 << (cell & 7))) !== 0;
  }

  add(cell: number, good: number, goodFraction: number, total: number, totalFraction: number): void {
    (this.#present[cell >> 3] as number) |= 1 << (cell & 7);
    (this.good[cell] as number) += good;
    (this.total[cell] as number) += total;
    if (goodFraction !== 0) {
      this.goodFraction ??= new Uint32Array(this.size);
      const sum = (this.goodFraction[cell] as number) + goodFraction;
      if (sum >= FRACTION) (this.good[cell] as number) += 1;
      this.goodFraction[cell] = sum; // modulo 2^32
    }
    if (totalFraction !== 0) {
      this.totalFraction ??= new Uint32Array(this.size);
      const sum = (this.totalFraction[cell] as number) + totalFraction;
      if (sum >= FRACTION) (this.total[cell] as number) += 1;
      this.totalFraction[cell] = sum; // modulo 2^32
    }
  }

  /** Adds the cell to `tally`. */
  addTo(tally: Tally, cell: number): void {
    tally.add(
      this.good[cell] as number,
      this.goodFraction === null ? 0 : (this.goodFraction[cell] as number),
      this.total[cell] as number,
      this.totalFraction === null ? 0 : (this.totalFraction[cell] as number),
    );
  }

  /** Takes the cell from `tally`, to which it was added before. */
  takeFrom(tally: Tally, cell: number): void {
    tally.subtract(
      this.good[cell] as number,
      this.goodFraction === null ? 0 : (this.goodFraction[cell] as number),
      this.total[cell] as number,
      this.totalFraction === null ? 0 : (this.totalFraction[cell] as number),
    );
  }

  /** Adds cell `from` of `source` to cell `to` of this block; nothing when it was never measured. */
  addCell(to: number, source: Cells, from: number): void {
    if (!source.has(from)) return;
    this.add(
      to,
      source.good[from] as number,
      source.goodFraction === null ? 0 : (source.goodFraction[from] as number),
      source.total[from] as number,
      source.totalFraction === null ? 0 : (source.totalFraction[from] as number),
    );
  }

  /** Empties `count` cells from `start`. */
  clear(start: number, count: number): void {
    const end = start + count;
    this.good.fill(0, start, end);
    this.total.fill(0, start, end);
    this.goodFraction?.fill(0, start, end);
    this.totalFraction?.fill(0, start, end);
    for (let cell = start; cell < end; cell++) {
      (this.#present[cell >> 3] as number) &= ~(1 << (cell & 7));
    }
  }

  /** Bytes held by the arrays. */
  get bytes(): number {
    return (
      this.good.byteLength +
      this.total.byteLength +
      this.#present.byteLength +
      (this.goodFraction?.byteLength ?? 0) +
      (this.totalFraction?.byteLength ?? 0)
    );
  }
}
