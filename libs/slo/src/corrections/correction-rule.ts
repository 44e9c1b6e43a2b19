import type { CorrectionEffect } from '@bellwether/contracts';
import type { SliceContent, SliceRule } from '../slice-rule.js';
import { Tally } from '../tally.js';
import type { Corrections } from './corrections.js';

/** What is counted, before anything is corrected. */
export interface Counted {
  /** How slices are judged; null where events are counted by the minute. */
  rule: SliceRule | null;
  /** Whether events are good or bad one by one; else a slice is judged as a whole. */
  isCounting: boolean;
  /** Whether slices without data count as well. */
  countsMissing: boolean;
}

type Under = (effect: CorrectionEffect | null) => SliceContent;

/**
 * What corrections take from what is counted: of each slice (or minute of events) that they touch, what was counted of it
 * less what is counted of it with them. It is kept as a series of its own beside the one that it is taken from, which
 * stays as it is: a correction that is withdrawn leaves nothing behind.
 *
 * - Events: those of excluded minutes are taken away, and those of `good` minutes are all good.
 * - Slices of counts are judged by what is left of their events after that.
 * - Slices of percentiles and means are judged by the minutes that no correction holds for; one of which only `good`
 *   minutes were measured besides excluded ones is good.
 *
 * A slice that lies in corrections as a whole, and not all of it excluded, is good with or without data, where slices
 * without data count: it is left to {@link withMissing}, which knows how many there are.
 */
export function correctionRule(
  { rule, isCounting, countsMissing }: Counted,
  corrections: Corrections,
): SliceRule {
  const slice = rule?.slice ?? 1;
  const after = (start: number, under: Under): Tally => {
    if (rule === null) return under('good').tally.allGood().plus(under(null).tally);
    if (countsMissing && corrections.forgives(start, slice)) return new Tally();
    const kept = under(null);
    if (isCounting) {
      const tally = under('good').tally.allGood().plus(kept.tally);
      return rule.judge({ ...kept, tally }, under);
    }
    if (!kept.tally.isEmpty) return rule.judge(kept, under);
    return under('good').tally.isEmpty ? new Tally() : Tally.of(1, 1);
  };
  return {
    key: `${rule?.key ?? 'events'}~${corrections.key}${rule !== null && countsMissing ? '+' : ''}`,
    slice,
    corrections,
    judge: (content, under) => {
      const before = rule === null ? content.tally : rule.judge(content, under);
      return before.copy().minus(after(content.start, under));
    },
  };
}
