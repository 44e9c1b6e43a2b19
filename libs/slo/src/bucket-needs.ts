import type { RulePlan } from './rule/rule-plan.js';
import type { SliceRule } from './slice-rule.js';
import type { SloPlan } from './slo-plan.js';
import type { Window } from './window.js';

/** What is needed of the buckets of an indicator by the SLOs and rules that look at it. */
export interface BucketNeeds {
  /** Windows over events by the minute. */
  windows: Map<string, Window>;
  /** Rules that judge slices, and the windows over those. */
  rules: Map<string, { rule: SliceRule; windows: Map<string, Window> }>;
  /** Whether values are observed one by one, as percentiles need them. */
  sketched: boolean;
  /** Windows over values that were observed one by one. */
  sketchWindows: Map<string, Window>;
}

/** What the SLOs and threshold rules on one indicator of one SLI need together. */
export function needsOf(plans: Iterable<SloPlan>, thresholds: Iterable<RulePlan> = []): BucketNeeds {
  const needs: BucketNeeds = {
    windows: new Map(),
    rules: new Map(),
    sketched: false,
    sketchWindows: new Map(),
  };
  for (const { measure, window } of thresholds) {
    const isSketched = measure.kind === 'percentile';
    if (isSketched) needs.sketched = true;
    (isSketched ? needs.sketchWindows : needs.windows).set(window.key, window);
  }
  const over = (rule: SliceRule | null, windows: readonly Window[]): void => {
    let asked = needs.windows;
    if (rule !== null) {
      const known = needs.rules.get(rule.key) ?? { rule, windows: new Map() };
      needs.rules.set(rule.key, known);
      asked = known.windows;
    }
    for (const window of windows) asked.set(window.key, window);
  };
  for (const { rule, taken, takenTraffic, windows, eventWindows, indicator } of plans) {
    over(rule, windows);
    over(null, eventWindows);
    if (taken !== null) over(taken, windows);
    if (takenTraffic !== null) over(takenTraffic, eventWindows);
    if (indicator.kind === 'percentile') needs.sketched = true;
  }
  return needs;
}
