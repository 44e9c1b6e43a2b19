import type { SloDefinition } from '@bellwether/contracts';
import type { SliceRule } from '../slice-rule.js';

/** How a composite judges its slices: never from measurements of its own. Null for `occurrences`. */
export function compositeRule({ budgeting, indicator }: SloDefinition, slice: number): SliceRule | null {
  if (budgeting.method === 'occurrences') return null;
  return {
    key: `composite:${budgeting.method}:${slice}m`,
    slice,
    judge: () => {
      throw new RangeError(`a ${indicator.kind} has no measurements of its own`);
    },
  };
}
