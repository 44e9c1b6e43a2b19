/** The rest of a division that is never negative: −1 modulo 7 is 6. */
export function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}

/** The greatest whole number that divides both. */
export function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
