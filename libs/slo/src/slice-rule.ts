import {
  type CorrectionEffect,
  durationMillis,
  formatDuration,
  type SloDefinition,
} from '@bellwether/contracts';
import { EPSILON } from './alert-pairs.js';
import { holds } from './comparison.js';
import type { Corrections } from './corrections/corrections.js';
import { boundary } from './indicator.js';
import { binOf, type Sketch } from './sketch.js';
import { Tally } from './tally.js';
import { MINUTE } from './time-grid.js';

/** What was measured in a slice, or in a part of it. */
export interface SliceContent {
  /** First minute of the slice. */
  start: number;
  /** Good and all events, or sum and count of values. */
  tally: Tally;
  /** The values that were observed; of a percentile only. */
  sketch: () => Sketch;
}

/** How a slice of time is judged. */
export interface SliceRule {
  /** Two SLOs with the same key over the same buckets share what was judged: `timeslices:1m:0.99`. */
  key: string;
  /** Minutes of a slice, on a grid from the epoch. */
  slice: number;
  /** Of a rule that says what corrections take from another one's: nothing is judged where none of them holds. */
  corrections?: Corrections;
  /**
   * Good and total of a slice: 0 of 0 without data, else its share of good, 0 or 1 or between, of 1.
   * @param under the part of it for which a correction of an effect holds, or none (null)
   */
  judge(content: SliceContent, under: (effect: CorrectionEffect | null) => SliceContent): Tally;
}

const GOOD = Tally.of(1, 1);
const BAD = Tally.of(0, 1);
const NONE = new Tally();

/** Minutes of a slice of the definition's budgeting: 1 of `occurrences`, whose grain is the minute. */
export function sliceMinutes({ budgeting }: SloDefinition): number {
  return budgeting.method === 'occurrences' ? 1 : durationMillis(budgeting.slice) / MINUTE;
}

/**
 * How a definition judges its slices; null for `occurrences`, which counts events.
 *
 * - `timeslices` of counts: good when good ÷ total ≥ `sliceTarget`, which for a threshold is 1 unless given.
 * - of a percentile: good when its bin compares with the bound's as asked. The bound itself is always on the right side,
 *   values within 1 % of it may be on either.
 * - of a mean: good when sum ÷ count compares with the bound as asked, within 1e-9.
 * - `ratio-timeslices`: good ÷ total itself; of a percentile or a mean, 1 or 0.
 */
export function sliceRule(definition: SloDefinition, sliUnit: string | undefined): SliceRule | null {
  const { budgeting, indicator } = definition;
  if (budgeting.method === 'occurrences') return null;
  const slice = sliceMinutes(definition);
  const length = formatDuration(slice * MINUTE);
  if (indicator.kind === 'percentile') {
    const bound = boundary(indicator, sliUnit);
    const { p, op } = indicator;
    return {
      key: `timeslices:${length}:p${p}:${op}:${bound}`,
      slice,
      judge: ({ tally, sketch }) => {
        const bin = tally.isEmpty ? null : sketch().percentileBin(p);
        return bin === null ? NONE : holds(op, bin - binOf(bound)) ? GOOD : BAD;
      },
    };
  }
  if (indicator.kind === 'mean') {
    const bound = boundary(indicator, sliUnit);
    const { op } = indicator;
    const residue = EPSILON * Math.max(1, Math.abs(bound));
    return {
      key: `timeslices:${length}:mean:${op}:${bound}`,
      slice,
      judge: ({ tally }) => {
        if (tally.isEmpty) return NONE;
        const difference = tally.goodCount / tally.totalCount - bound;
        return holds(op, Math.abs(difference) <= residue ? 0 : difference) ? GOOD : BAD;
      },
    };
  }
  if (budgeting.method === 'ratio-timeslices') {
    return {
      // Shares were rounded to 2^-32 once: slices that were judged so are judged anew under another key.
      key: `ratio-timeslices/52:${length}`,
      slice,
      judge: ({ tally }) => (tally.isEmpty ? NONE : Tally.slice(tally.errorRatio as number)),
    };
  }
  const target = budgeting.sliceTarget ?? 1;
  return {
    key: `timeslices:${length}:${target}`,
    slice,
    judge: ({ tally }) => {
      if (tally.isEmpty) return NONE;
      return (tally.sli as number) >= target - EPSILON ? GOOD : BAD;
    },
  };
}
