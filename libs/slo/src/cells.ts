import { type High, Tally } from './tally.js';
import { FRACTION, isOnOneSide, PART } from './whole.js';

/** Whole counts, in the narrowest array that holds them: a small SLO must be small. */
export type Counts = Uint8Array | Uint16Array | Uint32Array | Float64Array;

const WIDTHS = [
  { most: 2 ** 8, make: Uint8Array },
  { most: 2 ** 16, make: Uint16Array },
  { most: 2 ** 32, make: Uint32Array },
] as const;

/** The counts with room for `value`, wider where it does not fit: negative sums and large ones are floats. */
function withRoom(counts: Counts, value: number): Counts {
  const wider = WIDTHS.find(({ most }) => value >= 0 && value < most)?.make ?? Float64Array;
  return wider.BYTES_PER_ELEMENT > counts.BYTES_PER_ELEMENT ? wider.from(counts) : counts;
}

/** The largest value that fits without widening. */
const roomOf = (counts: Counts): number =>
  counts instanceof Float64Array ? Number.POSITIVE_INFINITY : 2 ** (8 * counts.BYTES_PER_ELEMENT) - 1;

/** Whole counts that stay in one part with whatever is added to them, carry included. */
const isFarBelow = (whole: number): boolean => whole < PART - 1 && whole > 1 - PART;

/**
 * A block of buckets in typed arrays: per cell good and total (whole numbers), their fractions in units of 2^-32, what
 * shares of slices have below that, and whether anything was measured. Whole numbers take 1, 2, 4 or 8 bytes, as the largest
 * of the block needs; fractions and residues are allocated with the first one that comes: most series count whole events. At
 * most 24 bytes a cell of events, 10 of slices' shares, and one bit for presence. Only a block with a count beyond 2^52 has 16 bytes more, for what is above it: a cell holds up to 2^115.
 */
export class Cells {
  #good: Counts;
  #total: Counts;
  #goodRoom: number;
  #totalRoom: number;
  goodFraction: Uint32Array | null = null;
  goodResidue: Uint32Array | null = null;
  totalFraction: Uint32Array | null = null;
  #high: { good: BigInt64Array; total: BigInt64Array } | null = null;
  readonly #present: Uint8Array;

  constructor(readonly size: number) {
    this.#good = new Uint8Array(size);
    this.#total = new Uint8Array(size);
    this.#goodRoom = this.#totalRoom = roomOf(this.#good);
    this.#present = new Uint8Array((size + 7) >> 3);
  }

  /** Whole good counts without what is {@link high}; another array once a larger one came. */
  get good(): Counts {
    return this.#good;
  }

  /** Whole total counts without what is {@link high}; another array once a larger one came. */
  get total(): Counts {
    return this.#total;
  }

  /** What a cell counted beyond 2^52, as {@link Tally.high} has it. */
  high(cell: number): High | null {
    if (this.#high === null) return null;
    const good = this.#high.good[cell] as bigint;
    const total = this.#high.total[cell] as bigint;
    return good === 0n && total === 0n ? null : { good, total };
  }

  /** Whether the cell was measured, be it with a total of 0. */
  has(cell: number): boolean {
    return ((this.#present[cell >> 3] as number) & (1 << (cell & 7))) !== 0;
  }

  /** What the cell counted. */
  at(cell: number): Tally {
    const tally = new Tally();
    this.addTo(tally, cell);
    return tally;
  }

  /** Counts `counted` besides what the cell has counted before. */
  add(cell: number, counted: Tally): void {
    (this.#present[cell >> 3] as number) |= 1 << (cell & 7);
    const { goodFraction, totalFraction } = counted;
    let good = (this.#good[cell] as number) + counted.good;
    let total = (this.#total[cell] as number) + counted.total;
    if (counted.high !== null || counted.goodResidue !== 0 || !this.#isPlain(cell, good, total)) {
      this.#put(cell, this.at(cell).plus(counted));
      return;
    }
    if (goodFraction !== 0) {
      this.goodFraction ??= new Uint32Array(this.size);
      const sum = (this.goodFraction[cell] as number) + goodFraction;
      if (sum >= FRACTION) good += 1;
      this.goodFraction[cell] = sum; // modulo 2^32
    }
    if (totalFraction !== 0) {
      this.totalFraction ??= new Uint32Array(this.size);
      const sum = (this.totalFraction[cell] as number) + totalFraction;
      if (sum >= FRACTION) total += 1;
      this.totalFraction[cell] = sum; // modulo 2^32
    }
    this.#setWhole(cell, good, total);
  }

  /** Takes back what was added before; the cell stays measured. */
  take(cell: number, counted: Tally): void {
    const { goodFraction, totalFraction } = counted;
    let good = (this.#good[cell] as number) - counted.good;
    let total = (this.#total[cell] as number) - counted.total;
    if (counted.high !== null || counted.goodResidue !== 0 || !this.#isPlain(cell, good, total)) {
      this.#put(cell, this.at(cell).minus(counted));
      return;
    }
    if (goodFraction !== 0 && this.goodFraction !== null) {
      if ((this.goodFraction[cell] as number) < goodFraction) good -= 1;
      this.goodFraction[cell] = (this.goodFraction[cell] as number) - goodFraction; // modulo 2^32
    }
    if (totalFraction !== 0 && this.totalFraction !== null) {
      if ((this.totalFraction[cell] as number) < totalFraction) total -= 1;
      this.totalFraction[cell] = (this.totalFraction[cell] as number) - totalFraction; // modulo 2^32
    }
    this.#setWhole(cell, good, total);
  }

  /** Adds the cell to `tally`. */
  addTo(tally: Tally, cell: number): void {
    tally.add(
      this.#good[cell] as number,
      this.goodFraction === null ? 0 : (this.goodFraction[cell] as number),
      this.#total[cell] as number,
      this.totalFraction === null ? 0 : (this.totalFraction[cell] as number),
      this.#high === null ? null : this.high(cell),
      this.goodResidue === null ? 0 : (this.goodResidue[cell] as number),
    );
  }

  /** Takes the cell from `tally`, to which it was added before. */
  takeFrom(tally: Tally, cell: number): void {
    tally.subtract(
      this.#good[cell] as number,
      this.goodFraction === null ? 0 : (this.goodFraction[cell] as number),
      this.#total[cell] as number,
      this.totalFraction === null ? 0 : (this.totalFraction[cell] as number),
      this.#high === null ? null : this.high(cell),
      this.goodResidue === null ? 0 : (this.goodResidue[cell] as number),
    );
  }

  /** Adds cell `from` of `source` to cell `to` of this block; nothing when it was never measured. */
  addCell(to: number, source: Cells, from: number): void {
    if (source.has(from)) this.add(to, source.at(from));
  }

  /** Empties `count` cells from `start`. */
  clear(start: number, count: number): void {
    const end = start + count;
    this.#good.fill(0, start, end);
    this.#total.fill(0, start, end);
    this.goodFraction?.fill(0, start, end);
    this.goodResidue?.fill(0, start, end);
    this.totalFraction?.fill(0, start, end);
    this.#high?.good.fill(0n, start, end);
    this.#high?.total.fill(0n, start, end);
    for (let cell = start; cell < end; cell++) {
      (this.#present[cell >> 3] as number) &= ~(1 << (cell & 7));
    }
  }

  /** Bytes held by the arrays. */
  get bytes(): number {
    return (
      this.#good.byteLength +
      this.#total.byteLength +
      this.#present.byteLength +
      (this.goodFraction?.byteLength ?? 0) +
      (this.goodResidue?.byteLength ?? 0) +
      (this.totalFraction?.byteLength ?? 0) +
      (this.#high === null ? 0 : this.#high.good.byteLength + this.#high.total.byteLength)
    );
  }

  /** Whether a cell can come to these whole numbers, and a carry, without a change of what is above them. */
  #isPlain(cell: number, good: number, total: number): boolean {
    return (
      isFarBelow(good) &&
      isFarBelow(total) &&
      (this.#high === null ||
        (isOnOneSide(this.#good[cell] as number, good) && isOnOneSide(this.#total[cell] as number, total)))
    );
  }

  /** Makes the cell what is given, whatever its size. */
  #put(cell: number, { good, goodFraction, goodResidue, total, totalFraction, high }: Tally): void {
    if (high !== null || this.#high !== null) {
      this.#high ??= { good: new BigInt64Array(this.size), total: new BigInt64Array(this.size) };
      this.#high.good[cell] = high?.good ?? 0n;
      this.#high.total[cell] = high?.total ?? 0n;
    }
    if (goodFraction !== 0) this.goodFraction ??= new Uint32Array(this.size);
    if (this.goodFraction !== null) this.goodFraction[cell] = goodFraction;
    if (goodResidue !== 0) this.goodResidue ??= new Uint32Array(this.size);
    if (this.goodResidue !== null) this.goodResidue[cell] = goodResidue;
    if (totalFraction !== 0) this.totalFraction ??= new Uint32Array(this.size);
    if (this.totalFraction !== null) this.totalFraction[cell] = totalFraction;
    this.#setWhole(cell, good, total);
  }

  #setWhole(cell: number, good: number, total: number): void {
    if (good > this.#goodRoom || good < 0) {
      this.#good = withRoom(this.#good, good);
      this.#goodRoom = roomOf(this.#good);
    }
    if (total > this.#totalRoom || total < 0) {
      this.#total = withRoom(this.#total, total);
      this.#totalRoom = roomOf(this.#total);
    }
    this.#good[cell] = good;
    this.#total[cell] = total;
  }
}
