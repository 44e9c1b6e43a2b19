/** Fractions are kept as integers of 2^-32. */
export const FRACTION = 2 ** 32;

/** The integer part of a count as it is entered; see {@link fractionOf}. */
export function wholeOf(count: number): number {
  const whole = Math.floor(count);
  return Math.round((count - whole) * FRACTION) === FRACTION ? whole + 1 : whole;
}

/** The fractional part of a count as it is entered, rounded to 2^-32: an integer in [0, 2^32). */
export function fractionOf(count: number): number {
  const fraction = Math.round((count - Math.floor(count)) * FRACTION);
  return fraction === FRACTION ? 0 : fraction;
}

/**
 * Good and total events, exactly: a whole number (exact up to 2^53) and a fraction in units of 2^-32.
 *
 * All arithmetic is on integers, so a sum does not depend on the order of its terms and subtracting what was added
 * gives the earlier sum back bit for bit. A sum of plain floats would drift as windows slide.
 */
export class Tally {
  good = 0;
  goodFraction = 0;
  total = 0;
  totalFraction = 0;

  /** A tally of one entry; both numbers are rounded to 2^-32. */
  static of(good: number, total: number): Tally {
    const tally = new Tally();
    tally.add(wholeOf(good), fractionOf(good), wholeOf(total), fractionOf(total));
    return tally;
  }

  add(good: number, goodFraction: number, total: number, totalFraction: number): void {
    const g = this.goodFraction + goodFraction;
    const t = this.totalFraction + totalFraction;
    const goodCarry = g >= FRACTION ? 1 : 0;
    const totalCarry = t >= FRACTION ? 1 : 0;
    this.good += good + goodCarry;
    this.goodFraction = g - goodCarry * FRACTION;
    this.total += total + totalCarry;
    this.totalFraction = t - totalCarry * FRACTION;
  }

  /** Takes back what was added before. */
  subtract(good: number, goodFraction: number, total: number, totalFraction: number): void {
    const g = this.goodFraction - goodFraction;
    const t = this.totalFraction - totalFraction;
    const goodBorrow = g < 0 ? 1 : 0;
    const totalBorrow = t < 0 ? 1 : 0;
    this.good -= good + goodBorrow;
    this.goodFraction = g + goodBorrow * FRACTION;
    this.total -= total + totalBorrow;
    this.totalFraction = t + totalBorrow * FRACTION;
  }

  plus(other: Tally): this {
    this.add(other.good, other.goodFraction, other.total, other.totalFraction);
    return this;
  }

  minus(other: Tally): this {
    this.subtract(other.good, other.goodFraction, other.total, other.totalFraction);
    return this;
  }

  equals(other: Tally): boolean {
    return (
      this.good === other.good &&
      this.goodFraction === other.goodFraction &&
      this.total === other.total &&
      this.totalFraction === other.totalFraction
    );
  }

  clear(): void {
    this.good = 0;
    this.goodFraction = 0;
    this.total = 0;
    this.totalFraction = 0;
  }

  copy(): Tally {
    return new Tally().plus(this);
  }

  /** Good events as a float. */
  get goodCount(): number {
    return this.good + this.goodFraction / FRACTION;
  }

  /** All events as a float. */
  get totalCount(): number {
    return this.total + this.totalFraction / FRACTION;
  }

  /** Bad events as a float, from the exact difference: 1e12 - 0.1 bad of 1e12 keeps its digits. */
  get badCount(): number {
    return this.total - this.good + (this.totalFraction - this.goodFraction) / FRACTION;
  }

  /** Whether anything was counted; without it there is no ratio, and zero traffic is "no data", never "met". */
  get isEmpty(): boolean {
    return this.total === 0 && this.totalFraction === 0;
  }

  /** bad / total in [0, 1]; null when nothing was counted. */
  get errorRatio(): number | null {
    return this.isEmpty ? null : this.badCount / this.totalCount;
  }

  /** good / total in [0, 1]; null when nothing was counted. */
  get sli(): number | null {
    return this.isEmpty ? null : this.goodCount / this.totalCount;
  }
}
