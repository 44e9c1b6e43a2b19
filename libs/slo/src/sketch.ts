import { DDSketch } from '@datadog/sketches-js';
import { carried, FRACTION, fractionOf, isOnePart, nearest, partsOf, wholeOf } from './whole.js';

/**
 * Relative accuracy of a bin's value. A bin is twice as wide, so that a percentile that is judged by its bin is judged
 * within 1 %, and one that is told is told within half of that.
 */
export const SKETCH_ACCURACY = 0.005;
/** Values nearer to 0 than this count as 0: with it, and measurements of at most 1e12, a sketch has at most 9,677 bins. */
const LEAST = 1e-9;

// Of DDSketch we take the mapping between values and bins, on which its guarantee rests. Its stores count in floats,
// which depend on the order of sums, its merge leaves negative values out, and its encoding needs a further package.
const { mapping } = new DDSketch({ relativeAccuracy: SKETCH_ACCURACY });
/** Keeps the bins of positive values above 0, and those of negative ones below. */
const SHIFT = 1 - mapping.key(LEAST);

/** The bin of a value: bins ascend with values, 0 is that of 0, and a negative value has the opposite bin. */
export function binOf(value: number): number {
  if (Math.abs(value) < LEAST) return 0;
  return value > 0 ? mapping.key(value) + SHIFT : -(mapping.key(-value) + SHIFT);
}

/** The value that stands for a bin, within {@link SKETCH_ACCURACY} of every value in it. */
export function binValue(bin: number): number {
  if (bin === 0) return 0;
  return bin > 0 ? mapping.value(bin - SHIFT) : -mapping.value(-bin - SHIFT);
}

/** How often values of each bin were observed. */
export interface Count {
  whole: number;
  /** In units of 2^-32. */
  fraction: number;
  /** What `whole` does not hold: see {@link Whole}. */
  high: bigint;
}

/**
 * A mergeable sketch of observed values (Masson, Rim, Lee: DDSketch, VLDB 2019): exact counts of logarithmic bins, so
 * that it does not depend on the order of what was observed or merged, bit for bit.
 */
export class Sketch {
  readonly #counts = new Map<number, Count>();

  /** Counts a value as observed `count` times, rounded to 2^-32. */
  observe(value: number, count: number): void {
    const { low: whole, high } = partsOf(wholeOf(count));
    this.add(binOf(value), { whole, fraction: fractionOf(count), high });
  }

  /** Counts a bin. */
  add(bin: number, { whole, fraction, high }: Count): void {
    if (whole === 0 && fraction === 0 && high === 0n) return;
    const known = this.#counts.get(bin);
    if (known === undefined) {
      this.#counts.set(bin, { whole, fraction, high });
      return;
    }
    const sum = known.fraction + fraction;
    const carry = sum >= FRACTION ? 1 : 0;
    known.whole += whole + carry;
    known.fraction = sum - carry * FRACTION;
    raise(known, high);
  }

  /** Takes back what was counted of a bin before. */
  take(bin: number, { whole, fraction, high }: Count): void {
    const known = this.#counts.get(bin);
    if (known === undefined) return;
    const rest = known.fraction - fraction;
    const borrow = rest < 0 ? 1 : 0;
    known.whole -= whole + borrow;
    known.fraction = rest + borrow * FRACTION;
    raise(known, -high);
    // A bin that nothing is in any more is not there: it would be taken for the lowest, or the highest.
    if (known.whole === 0 && known.fraction === 0 && known.high === 0n) this.#counts.delete(bin);
  }

  /** Adds everything that another sketch counted. */
  merge(other: Sketch): this {
    for (const [bin, count] of other.#counts) this.add(bin, count);
    return this;
  }

  /** Takes back everything that another sketch counted, and that was added before. */
  subtract(other: Sketch): this {
    for (const [bin, count] of other.#counts) this.take(bin, count);
    return this;
  }

  /** Forgets everything. */
  clear(): void {
    this.#counts.clear();
  }

  /** Bin of the lowest value that was observed; null when nothing was. */
  get lowestBin(): number | null {
    return this.#extreme((bin, best) => bin < best);
  }

  /** Bin of the highest value that was observed; null when nothing was. */
  get highestBin(): number | null {
    return this.#extreme((bin, best) => bin > best);
  }

  #extreme(isBetter: (bin: number, best: number) => boolean): number | null {
    let best: number | null = null;
    for (const bin of this.#counts.keys()) if (best === null || isBetter(bin, best)) best = bin;
    return best;
  }

  /** Bins with what they counted, ascending. */
  get bins(): (Count & { bin: number })[] {
    return [...this.#counts].map(([bin, count]) => ({ bin, ...count })).sort((a, b) => a.bin - b.bin);
  }

  /**
   * The bin of the p-th percentile by nearest rank: that of the smallest value which at least p of all observations do
   * not exceed. Null when nothing was observed.
   * @param p in (0, 1)
   */
  percentileBin(p: number): number | null {
    const { bins } = this;
    let total = 0;
    for (const { whole, fraction, high } of bins) total += nearest(whole, fraction, high);
    if (total === 0) return null;
    // 0.95 of 20 is 19 and no residue of floats more: 0.95 * 20 is 19 here, 0.07 * 100 would be 7.000000000000001.
    const rank = p * total * (1 - 1e-12);
    let seen = 0;
    for (const { bin, whole, fraction, high } of bins) {
      seen += nearest(whole, fraction, high);
      if (seen >= rank) return bin;
    }
    return (bins.at(-1) as { bin: number }).bin;
  }

  /** The p-th percentile within {@link SKETCH_ACCURACY}; null when nothing was observed. See {@link percentileBin}. */
  percentile(p: number): number | null {
    const bin = this.percentileBin(p);
    return bin === null ? null : binValue(bin);
  }
}

/** Brings a count into the form of {@link Whole}, with so much above its whole number. */
function raise(count: Count, high: bigint): void {
  if (high === 0n && count.high === 0n && isOnePart(count.whole)) return;
  const whole = carried(count.whole, count.high + high);
  count.whole = whole.low;
  count.high = whole.high;
}
