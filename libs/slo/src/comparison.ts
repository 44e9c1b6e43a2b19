import type { Comparison } from '@bellwether/contracts';
import { EPSILON } from './alert-pairs.js';

/** Whether a value holds against a level, given how far it is above it: 0 is the level itself. */
export function holds(op: Comparison, difference: number): boolean {
  switch (op) {
    case 'lte':
      return difference <= 0;
    case 'lt':
      return difference < 0;
    case 'gte':
      return difference >= 0;
    case 'gt':
      return difference > 0;
  }
}

/** How far a value is above a level; 0 where the difference is no more than residue of floats. */
export function above(value: number, level: number): number {
  const difference = value - level;
  return Math.abs(difference) <= EPSILON * Math.max(1, Math.abs(level)) ? 0 : difference;
}

/** Whether the operator looks for low values. */
export const isLower = (op: Comparison): boolean => op === 'lt' || op === 'lte';

/** Whether every value, or none, holds against a level, where values are from `least` to `most`. */
export function isSettled(
  op: Comparison,
  level: number,
  least: number,
  most: number,
): 'always' | 'never' | null {
  const [low, high] = [holds(op, above(least, level)), holds(op, above(most, level))];
  return low && high ? 'always' : low || high ? null : 'never';
}
