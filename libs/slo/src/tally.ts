import {
  carried,
  FRACTION,
  fractionOf,
  isOnePart,
  isOnOneSide,
  nearest,
  partsOf,
  RESIDUE,
  type Whole,
  wholeOf,
  wholeValue,
} from './whole.js';

/** What two whole numbers have beyond 2^52, in units of it: see {@link Whole}. */
export interface High {
  readonly good: bigint;
  readonly total: bigint;
}

/**
 * Good and total events, exactly: a whole number of any size and a fraction in units of 2^-32. The good of a slice that
 * counts by its share has a residue below that, since a budget of 1 in 10,000 divides it: see {@link Tally.slice}.
 *
 * All arithmetic is on integers, so a sum does not depend on the order of its terms and subtracting what was added
 * gives the earlier sum back bit for bit. A sum of plain floats would drift as windows slide, and so would one of whole
 * floats once it is past 2^53: a part of an addition is lost there that is subtracted in full later on.
 */
export class Tally {
  good = 0;
  goodFraction = 0;
  /** What is beyond the fraction, in units of 2^-52; 0 but for shares of slices. */
  goodResidue = 0;
  total = 0;
  totalFraction = 0;
  /** What good and total do not hold; null where that is nothing, as for nearly all there is. */
  high: High | null = null;

  /** A tally of one entry; both numbers are rounded to 2^-32. */
  static of(good: number, total: number): Tally {
    return new Tally().enter(good, total);
  }

  /** A tally of one slice that a share of is bad, which is rounded to 2^-52: what is bad is what spends the budget. */
  static slice(badShare: number): Tally {
    const bad = Math.round(Math.min(1, Math.max(0, badShare)) * FRACTION * RESIDUE);
    const good = FRACTION * RESIDUE - bad;
    const fraction = Math.floor(good / RESIDUE);
    const tally = new Tally();
    tally.add(bad === 0 ? 1 : 0, bad === 0 ? 0 : fraction, 1, 0, null, good % RESIDUE);
    return tally;
  }

  /** Makes it a tally of one entry; both numbers are rounded to 2^-32. */
  enter(good: number, total: number): this {
    const goodWhole = wholeOf(good);
    const totalWhole = wholeOf(total);
    const goodFraction = fractionOf(good);
    const totalFraction = fractionOf(total);
    if (!isOnePart(goodWhole) || !isOnePart(totalWhole)) {
      return this.set(goodWhole, goodFraction, totalWhole, totalFraction);
    }
    this.goodResidue = 0;
    // Added to 0, since the floor of -0 is -0, which is another number to whoever compares bits.
    this.good = 0 + goodWhole;
    this.goodFraction = goodFraction;
    this.total = 0 + totalWhole;
    this.totalFraction = totalFraction;
    this.high = null;
    return this;
  }

  /** Makes it what is given: whole numbers of any size, fractions in units of 2^-32, and a residue in units of 2^-52. */
  set(
    good: number | bigint,
    goodFraction: number,
    total: number | bigint,
    totalFraction: number,
    goodResidue = 0,
  ): this {
    this.goodFraction = goodFraction;
    this.goodResidue = goodResidue;
    this.totalFraction = totalFraction;
    this.#take(partsOf(good), partsOf(total));
    return this;
  }

  /** Adds whole numbers, fractions in units of 2^-32 and a residue, as another tally has them. */
  add(
    good: number,
    goodFraction: number,
    total: number,
    totalFraction: number,
    high: High | null,
    goodResidue = 0,
  ): void {
    const r = this.goodResidue + goodResidue;
    const residueCarry = r >= RESIDUE ? 1 : 0;
    this.goodResidue = r - residueCarry * RESIDUE;
    const g = this.goodFraction + goodFraction + residueCarry;
    const t = this.totalFraction + totalFraction;
    const goodCarry = g >= FRACTION ? 1 : 0;
    const totalCarry = t >= FRACTION ? 1 : 0;
    this.goodFraction = g - goodCarry * FRACTION;
    this.totalFraction = t - totalCarry * FRACTION;
    this.#setWhole(this.good + good + goodCarry, this.total + total + totalCarry, high, 1n);
  }

  /** Takes back what was added before. */
  subtract(
    good: number,
    goodFraction: number,
    total: number,
    totalFraction: number,
    high: High | null,
    goodResidue = 0,
  ): void {
    const r = this.goodResidue - goodResidue;
    const residueBorrow = r < 0 ? 1 : 0;
    this.goodResidue = r + residueBorrow * RESIDUE;
    const g = this.goodFraction - goodFraction - residueBorrow;
    const t = this.totalFraction - totalFraction;
    const goodBorrow = g < 0 ? 1 : 0;
    const totalBorrow = t < 0 ? 1 : 0;
    this.goodFraction = g + goodBorrow * FRACTION;
    this.totalFraction = t + totalBorrow * FRACTION;
    this.#setWhole(this.good - good - goodBorrow, this.total - total - totalBorrow, high, -1n);
  }

  plus(other: Tally): this {
    const { good, goodFraction, total, totalFraction, high, goodResidue } = other;
    this.add(good, goodFraction, total, totalFraction, high, goodResidue);
    return this;
  }

  minus(other: Tally): this {
    const { good, goodFraction, total, totalFraction, high, goodResidue } = other;
    this.subtract(good, goodFraction, total, totalFraction, high, goodResidue);
    return this;
  }

  equals(other: Tally): boolean {
    return (
      this.good === other.good &&
      this.goodFraction === other.goodFraction &&
      this.goodResidue === other.goodResidue &&
      this.total === other.total &&
      this.totalFraction === other.totalFraction &&
      this.high?.good === other.high?.good &&
      this.high?.total === other.high?.total
    );
  }

  clear(): void {
    this.good = 0;
    this.goodFraction = 0;
    this.goodResidue = 0;
    this.total = 0;
    this.totalFraction = 0;
    this.high = null;
  }

  copy(): Tally {
    return new Tally().plus(this);
  }

  /** As many events, all of them good. */
  allGood(): Tally {
    const tally = new Tally();
    const { total, totalFraction, high } = this;
    tally.add(total, totalFraction, total, totalFraction, high && { good: high.total, total: high.total });
    return tally;
  }

  /** Good events but their fraction, exactly. */
  get goodWhole(): bigint {
    return wholeValue(this.good, this.high?.good ?? 0n);
  }

  /** All events but their fraction, exactly. */
  get totalWhole(): bigint {
    return wholeValue(this.total, this.high?.total ?? 0n);
  }

  /** Good events as a float. */
  get goodCount(): number {
    // Nearly all there is: not worth a call for each window of each SLO.
    if (this.high === null && this.goodResidue === 0) return this.good + this.goodFraction / FRACTION;
    return nearest(this.good, this.goodFraction, this.high?.good ?? 0n, this.goodResidue);
  }

  /** All events as a float. */
  get totalCount(): number {
    if (this.high === null) return this.total + this.totalFraction / FRACTION;
    return nearest(this.total, this.totalFraction, this.high.total);
  }

  /** Bad events as a float, from the exact difference: 1e12 - 0.1 bad of 1e12 keeps its digits. */
  get badCount(): number {
    if (this.high === null && this.goodResidue === 0)
      return this.total - this.good + (this.totalFraction - this.goodFraction) / FRACTION;
    return nearest(
      this.total - this.good,
      this.totalFraction - this.goodFraction,
      this.high === null ? 0n : this.high.total - this.high.good,
      -this.goodResidue,
    );
  }

  /** Whether anything was counted; without it there is no ratio, and zero traffic is "no data", never "met". */
  get isEmpty(): boolean {
    return this.total === 0 && this.totalFraction === 0 && (this.high === null || this.high.total === 0n);
  }

  /** bad / total in [0, 1]; null when nothing was counted. */
  get errorRatio(): number | null {
    return this.isEmpty ? null : this.badCount / this.totalCount;
  }

  /** good / total in [0, 1]; null when nothing was counted. */
  get sli(): number | null {
    return this.isEmpty ? null : this.goodCount / this.totalCount;
  }

  #setWhole(good: number, total: number, high: High | null, sign: bigint): void {
    const isPlain =
      high === null &&
      isOnePart(good) &&
      isOnePart(total) &&
      (this.high === null || (isOnOneSide(this.good, good) && isOnOneSide(this.total, total)));
    if (isPlain) {
      this.good = good;
      this.total = total;
    } else {
      this.#carry(good, total, high, sign);
    }
  }

  #carry(good: number, total: number, high: High | null, sign: bigint): void {
    this.#take(
      carried(good, (this.high?.good ?? 0n) + sign * (high?.good ?? 0n)),
      carried(total, (this.high?.total ?? 0n) + sign * (high?.total ?? 0n)),
    );
  }

  #take(good: Whole, total: Whole): void {
    this.good = good.low;
    this.total = total.low;
    this.high = good.high === 0n && total.high === 0n ? null : { good: good.high, total: total.high };
  }
}
