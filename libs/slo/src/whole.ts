/** Fractions are kept as integers of 2^-32. */
export const FRACTION = 2 ** 32;

/** So many units of 2^-52, in which a share is kept below its fraction, are one of a fraction. */
export const RESIDUE = 2 ** 20;

/**
 * Whole numbers from here on are kept in two parts. Two parts below it, and a carry, add up without loss in a double,
 * which is exact to 2^53.
 */
export const PART = 2 ** 52;
const PART_BITS = 52n;

/**
 * A whole number of any size, as high · 2^52 + low. Both have the same sign, or one of them is 0, and low is between
 * -2^52 and 2^52: a number has one such form, so that equal sums are equal bit for bit, however they were come to.
 */
export interface Whole {
  low: number;
  high: bigint;
}

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

/** Whether a whole number is kept in one part. */
export const isOnePart = (whole: number): boolean => whole < PART && whole > -PART;

/** Whether what is above two low parts must have the same sign, so that a change from one to the other leaves it alone. */
export const isOnOneSide = (before: number, after: number): boolean =>
  before > 0 ? after > 0 : before < 0 && after < 0;

/** The parts of a whole number. */
export function partsOf(whole: number | bigint): Whole {
  if (typeof whole === 'bigint') {
    const high = whole / (1n << PART_BITS);
    return { low: Number(whole - (high << PART_BITS)), high };
  }
  // Without the 0, the low part of a negative number that has none would be -0.
  const low = (whole % PART) + 0;
  return { low, high: isOnePart(whole) ? 0n : BigInt(Math.trunc(whole / PART)) };
}

/** Parts that were added up, in the form that {@link Whole} asks for. */
export function carried(low: number, high: bigint): Whole {
  const over = low >= PART ? 1 : low <= -PART ? -1 : 0;
  const rest = low - over * PART;
  const above = over === 0 ? high : high + BigInt(over);
  if (above > 0n && rest < 0) return { low: rest + PART, high: above - 1n };
  if (above < 0n && rest > 0) return { low: rest - PART, high: above + 1n };
  return { low: rest, high: above };
}

/** The whole number of two parts. */
export const wholeValue = (low: number, high: bigint): bigint => (high << PART_BITS) + BigInt(low);

/** The nearest double to a count of two parts, a fraction and a residue below it: it is rounded once, here. */
export function nearest(low: number, fraction: number, high: bigint, residue = 0): number {
  const below = fraction * RESIDUE + residue;
  if (high === 0n) return low + below / (FRACTION * RESIDUE);
  return Number((wholeValue(low, high) << 52n) + BigInt(below)) / (FRACTION * RESIDUE);
}
