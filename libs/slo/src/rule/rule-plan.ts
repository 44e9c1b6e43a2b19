import { durationMillis, type Fault, type Rule, type Severity } from '@bellwether/contracts';
import { isLower, isSettled } from '../comparison.js';
import { boundary, type Measure } from '../indicator.js';
import { DAY_MINUTES, MINUTE } from '../time-grid.js';
import { RATIO_UNITS, unitScale } from '../unit.js';
import { rolling, type Window } from '../window.js';
import { isSketched, measureOf } from './aggregate.js';

/** The longest window of a rule: the minutes of so many are in memory. */
const LONGEST_WINDOW_MINUTES = 3 * DAY_MINUTES;
/** The longest time that a rule may have to hold. */
const LONGEST_HOLD_DAYS = 30;

/** A threshold rule ready for evaluation. */
export interface RulePlan {
  definition: Rule;
  /** What buckets it is read from. */
  measure: Measure;
  window: Window;
  /** How long it must hold, milliseconds. */
  holdMillis: number;
  /** In the SLI's unit. */
  threshold: number;
  /** What the value has to pass to resolve, in the SLI's unit; the threshold itself without hysteresis. */
  clear: number;
  /** One of `unit` in units of the SLI. */
  scale: number;
  /** Unit in which the rule speaks: its own, else the SLI's; `1/s` of a rate. */
  unit: string;
  /** What tells what is watched from what it was before: a rule that changes it begins to be pending anew. */
  condition: string;
}

export type PlannedRule = { ok: true; plan: RulePlan; warnings: string[] } | { ok: false; faults: Fault[] };

/** Severity of incident that an alert of the rule asks for; null for none. */
export function declareOf({ declare, severity }: Pick<Rule, 'declare' | 'severity'>): Severity | null {
  if (declare !== undefined) return declare;
  return severity === 'page' ? 'sev2' : null;
}

/**
 * Checks a rule as a whole and works out what its evaluation needs. One that could never fire, never resolve, or always
 * fires is refused.
 * @param sliUnit unit of the SLI's definition; undefined while it has none
 */
export function planRule(definition: Rule, sliUnit?: string): PlannedRule {
  const faults = [...timeFaults(definition), ...unitFaults(definition, sliUnit), ...levelFaults(definition)];
  if (faults.length > 0) return { ok: false, faults };
  const { aggregate, unit } = definition;
  const [threshold, clear] = [definition.threshold, clearOf(definition)].map((value) =>
    boundary({ value, unit }, sliUnit),
  ) as [number, number];
  const window = rolling(durationMillis(definition.window) / MINUTE);
  const measure = measureOf(aggregate, sliUnit);
  return {
    ok: true,
    warnings: unitWarnings(definition, sliUnit),
    plan: {
      definition,
      measure,
      window,
      holdMillis: holdOf(definition),
      threshold,
      clear,
      scale: unitScale(unit, sliUnit) ?? 1,
      unit: aggregate === 'rate' ? '1/s' : aggregate === 'ratio' ? 'ratio' : (unit ?? sliUnit ?? 'none'),
      condition: [
        `${definition.service}/${definition.sli}`,
        aggregate,
        window.key,
        definition.op,
        threshold,
      ].join(' '),
    },
  };
}

/** What the value has to pass to resolve, in the rule's unit. */
export function clearOf({ clear, threshold, op }: Rule): number {
  if (clear === undefined) return threshold;
  if ('threshold' in clear) return clear.threshold;
  // 12 digits: 0.9 - 0.1 is 0.8.
  return Number((isLower(op) ? threshold + clear.margin : threshold - clear.margin).toPrecision(12));
}

const holdOf = (definition: Rule): number =>
  definition.for.startsWith('0') ? 0 : durationMillis(definition.for);

function timeFaults(definition: Rule): Fault[] {
  const faults: Fault[] = [];
  const minutes = durationMillis(definition.window) / MINUTE;
  if (!Number.isInteger(minutes)) {
    faults.push({ path: 'window', message: 'must be a whole number of minutes, at least 1m' });
  } else if (minutes > LONGEST_WINDOW_MINUTES) {
    faults.push({ path: 'window', message: 'must not be longer than 3d; an SLO looks further back' });
  }
  if (holdOf(definition) > LONGEST_HOLD_DAYS * DAY_MINUTES * MINUTE) {
    faults.push({ path: 'for', message: `must not be longer than ${LONGEST_HOLD_DAYS}d` });
  }
  return faults;
}

function unitFaults({ aggregate, unit }: Rule, sliUnit: string | undefined): Fault[] {
  if (unit === undefined) return [];
  if (aggregate === 'rate' || aggregate === 'ratio') {
    const own = aggregate === 'rate' ? 'events a second' : 'a share from 0 to 1';
    return [{ path: 'unit', message: `must be left out: the threshold of a "${aggregate}" is ${own}` }];
  }
  return unitScale(unit, sliUnit) === null
    ? [{ path: 'unit', message: `is "${unit}", but the SLI is measured in "${sliUnit}"` }]
    : [];
}

/** What values an aggregate may have. */
function rangeOf({ aggregate }: Rule): [least: number, most: number] {
  if (aggregate === 'ratio') return [0, 1];
  return [aggregate === 'rate' ? 0 : Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
}

function levelFaults(definition: Rule): Fault[] {
  const { aggregate, op, threshold, clear } = definition;
  const [least, most] = rangeOf(definition);
  const range = aggregate === 'ratio' ? 'a ratio is from 0 to 1' : 'a rate is never below 0';
  const settled = isSettled(op, threshold, least, most);
  if (settled !== null) {
    return [{ path: 'threshold', message: `${settled} holds with "${op}": ${range}` }];
  }
  if (clear === undefined) return [];
  const path = 'threshold' in clear ? 'clear.threshold' : 'clear.margin';
  const level = clearOf(definition);
  if (isLower(op) ? level < threshold : level > threshold) {
    const side = isLower(op) ? 'below' : 'above';
    return [
      { path, message: `must not be ${side} the threshold: it is what the value has to pass to resolve` },
    ];
  }
  return isSettled(op, level, least, most) === 'always'
    ? [{ path, message: `leaves nothing to resolve at: ${range}` }]
    : [];
}

function unitWarnings({ aggregate }: Rule, sliUnit: string | undefined): string[] {
  if (sliUnit === undefined) return [];
  if (aggregate === 'ratio' && !RATIO_UNITS.has(sliUnit)) {
    return [
      `aggregate: the SLI is measured in "${sliUnit}", and a ratio counts only good and total: values and histograms are left out`,
    ];
  }
  return (isSketched(aggregate) || aggregate === 'mean') && sliUnit === 'count'
    ? [
        `aggregate: the SLI is measured in "count", and a ${aggregate} looks at values and histograms: good and total are left out`,
      ]
    : [];
}
