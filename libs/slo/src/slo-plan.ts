import {
  durationMillis,
  type Fault,
  type Indicator,
  MeasurementLimits,
  type SloDefinition,
  type SloGroup,
} from '@bellwether/contracts';
import { type AlertPair, alertKey, alertPairs } from './alert-pairs.js';
import { compositeRule } from './composite/composite-rule.js';
import { correctionRule } from './corrections/correction-rule.js';
import { Corrections } from './corrections/corrections.js';
import { type Grouping, groupingOf } from './grouping.js';
import { isCounting } from './indicator.js';
import { nominalMinutes } from './nominal-window.js';
import { type SliceRule, sliceMinutes, sliceRule } from './slice-rule.js';
import { DAY_MINUTES, MINUTE } from './time-grid.js';
import { RATIO_UNITS, unitScale } from './unit.js';
import { calendar, ofSlices, rolling, type Window } from './window.js';

/** An alert pair with what each evaluation looks for: its name, and the windows over what the SLO counts. */
export interface PairLook {
  pair: AlertPair;
  /** {@link alertKey} of the whole SLO's alert. */
  key: string;
  long: Window;
  short: Window;
}

/** A definition ready for evaluation: durations in minutes, alerts resolved. */
export interface SloPlan {
  definition: SloDefinition;
  indicator: Indicator;
  /** How slices are judged; null for `occurrences`, which counts events. */
  rule: SliceRule | null;
  /** Minutes of a slice; 1 for `occurrences`. */
  slice: number;
  /** B = 1 - objective, without float residue. */
  budget: number;
  /** What the budget is over: W. */
  window: Window;
  /** W in minutes; of a calendar window 7, 30, 90 or 365 days, whatever the current period's length. */
  windowMinutes: number;
  pairs: AlertPair[];
  /** Of each pair, in the same order. */
  looks: readonly PairLook[];
  /** All windows that evaluation reads, the shortest first; W is one of them. */
  windows: Window[];
  /** Windows over events that are read besides, for traffic floors of an SLO that counts slices. */
  eventWindows: Window[];
  /** How it is parted into groups beside the whole; null when it is not. */
  grouping: Grouping | null;
  /** The corrections that are in effect. */
  corrections: Corrections;
  /** What they take from what the SLO counts, and from the events of those windows; null where they take nothing. */
  taken: SliceRule | null;
  takenTraffic: SliceRule | null;
}

export type Planned = { ok: true; plan: SloPlan; warnings: string[] } | { ok: false; faults: Fault[] };

/** 1 - objective with 12 decimals: 1 - 0.99999 is 0.00001, not 0.000010000000000065512. */
export function budgetOf(objective: number): number {
  return Number((1 - objective).toFixed(12));
}

/** The window of an alert's look-back over what an SLO counts; one as long as a rolling budget's is the same. */
export const lookBack = (
  {
    definition,
    slice,
    window,
    windowMinutes,
  }: Pick<SloPlan, 'definition' | 'slice' | 'window' | 'windowMinutes'>,
  minutes: number,
): Window => ('rolling' in definition.window && minutes === windowMinutes ? window : rolling(minutes, slice));

/** Whether the alerts of an SLO, or of one group of it, are off: those of its groups, or of the whole, are all there are. */
export const alertsOff = (
  { definition }: Pick<SloPlan, 'definition'>,
  group: SloGroup | undefined,
): boolean => definition.groupBy?.alerts === (group === undefined ? 'groups' : 'overall');

/**
 * Checks a definition as a whole and works out what its evaluation needs. What cannot be evaluated as it is asked for is
 * refused by the name of its field: an SLO that is silently taken for another one is worse than none.
 * @param sliUnit unit of the SLI's definition; undefined while it has none
 * @param corrections what is in effect of what people said of its data
 */
export function planSlo(
  definition: SloDefinition,
  sliUnit?: string,
  corrections: Corrections = Corrections.NONE,
): Planned {
  const warnings: string[] = [];
  const faults = [
    ...indicatorFaults(definition, sliUnit),
    ...sliceFaults(definition),
    ...windowFaults(definition),
    ...compositeFaults(definition),
  ];
  const budget = budgetOf(definition.objective);
  if (!(budget > 0 && budget < 1)) {
    faults.push({
      path: 'objective',
      message: 'leaves no budget that can be told from 0 or 1 (12 decimals)',
    });
  }
  if (faults.length > 0) return { ok: false, faults };
  const { indicator } = definition;
  warnings.push(...unitWarnings(indicator, sliUnit));
  const { budgeting } = definition;
  if (
    (indicator.kind === 'percentile' || indicator.kind === 'mean') &&
    budgeting.method === 'timeslices' &&
    budgeting.sliceTarget !== undefined
  ) {
    warnings.push(
      `budgeting.sliceTarget: has no meaning with "${indicator.kind}", which judges the slice as a whole, and is not used`,
    );
  }

  const slice = sliceMinutes(definition);
  const window = windowOf(definition, slice);
  const windowMinutes = nominalMinutes(definition.window);
  const alerts = alertPairs(definition, windowMinutes, budget, slice);
  if (alerts.faults.length > 0) return { ok: false, faults: alerts.faults };
  if (alerts.pairs.length === 0 && definition.alerting.preset !== 'none')
    warnings.push('alerting: nothing will alert on this SLO');
  const rule =
    indicator.kind === 'composite' ? compositeRule(definition, slice) : sliceRule(definition, sliUnit);
  const looks = { definition, slice, window, windowMinutes };
  const lengths = new Set(alerts.pairs.flatMap((pair) => [pair.longMinutes, pair.shortMinutes]));
  const windows = new Map(
    [...[...lengths].sort((a, b) => a - b).map((minutes) => lookBack(looks, minutes)), window].map(
      (each) => [each.key, each] as const,
    ),
  );
  const { minTotal, minBad } = definition.alerting;
  const hasFloors = minTotal !== undefined || minBad !== undefined;
  const longs = rule !== null && hasFloors ? alerts.pairs.map((pair) => pair.longMinutes) : [];
  // A composite is corrected where it is judged: it has no measurements of its own.
  const isCorrected = !corrections.isEmpty && indicator.kind !== 'composite';
  const counted = { isCounting: isCounting(indicator), countsMissing: definition.missingData !== 'freeze' };
  return {
    ok: true,
    warnings: [...warnings, ...alerts.warnings],
    plan: {
      definition,
      indicator,
      rule,
      slice,
      budget,
      window,
      windowMinutes,
      pairs: alerts.pairs,
      looks: alerts.pairs.map((pair) => ({
        pair,
        key: alertKey(pair),
        long: lookBack(looks, pair.longMinutes),
        short: lookBack(looks, pair.shortMinutes),
      })),
      windows: [...windows.values()],
      eventWindows: [...new Set(longs)].map((minutes) => rolling(minutes)),
      grouping: groupingOf(definition, window),
      corrections,
      taken: isCorrected ? correctionRule({ ...counted, rule }, corrections) : null,
      takenTraffic:
        isCorrected && longs.length > 0 ? correctionRule({ ...counted, rule: null }, corrections) : null,
    },
  };
}

function windowOf({ window, budgeting }: SloDefinition, slice: number): Window {
  if ('calendar' in window) return calendar(window.calendar, window.timeZone);
  const minutes = nominalMinutes(window);
  return budgeting.method === 'occurrences' ? rolling(minutes) : ofSlices(minutes, slice);
}

function indicatorFaults(definition: SloDefinition, sliUnit: string | undefined): Fault[] {
  const { indicator, budgeting, alerting } = definition;
  const faults: Fault[] = [];
  if (indicator.kind === 'composite') return faults;
  if (!isCounting(indicator) && budgeting.method === 'occurrences') {
    faults.push({
      path: 'indicator.kind',
      message: `"${indicator.kind}" judges slices of time, and "occurrences" counts events; use budgeting.method "timeslices", or "threshold" to count what is within a bound`,
    });
  }
  if (!isCounting(indicator) && alerting.minBad !== undefined) {
    faults.push({
      path: 'alerting.minBad',
      message: `counts bad events, and a "${indicator.kind}" has none; use minTotal`,
    });
  }
  if (indicator.kind !== 'ratio' && unitScale(indicator.unit, sliUnit) === null) {
    faults.push({
      path: 'indicator.unit',
      message: `is "${indicator.unit}", but the SLI is measured in "${sliUnit}"`,
    });
  }
  return faults;
}

/** What would be measured and not counted, as far as the unit tells. */
function unitWarnings(indicator: Indicator, sliUnit: string | undefined): string[] {
  const { kind } = indicator;
  if (kind === 'composite') return [];
  // Seconds that are taken for milliseconds make an SLO that can never fail.
  if (kind !== 'ratio' && indicator.unit !== undefined && (sliUnit === undefined || sliUnit === 'none'))
    return [
      `indicator.unit: the SLI says no unit, and its values are taken as ${indicator.unit}: define it with the unit in which they are sent`,
    ];
  if (sliUnit === undefined) return [];
  if (kind === 'ratio')
    return RATIO_UNITS.has(sliUnit)
      ? []
      : [
          `indicator: the SLI is measured in "${sliUnit}", and a ratio counts only good and total: values and histograms are left out`,
        ];
  return sliUnit === 'count'
    ? [
        `indicator: the SLI is measured in "count", and a ${kind} looks at values and histograms: good and total are left out`,
      ]
    : [];
}

/** Minutes of a slice at most: a day. */
const LONGEST_SLICE = DAY_MINUTES;

function sliceFaults(definition: SloDefinition): Fault[] {
  const { indicator, budgeting, window, missingData } = definition;
  const faults: Fault[] = [];
  if (budgeting.method === 'occurrences') {
    if (missingData === 'bad') {
      faults.push({
        path: 'missingData',
        message:
          '"bad" needs slices to count: "occurrences" counts events, and absent data has none; use "freeze"',
      });
    }
    return faults;
  }
  const slice = durationMillis(budgeting.slice);
  if (slice % MINUTE !== 0) {
    faults.push({ path: 'budgeting.slice', message: 'must be a whole number of minutes' });
  } else if (slice > LONGEST_SLICE * MINUTE) {
    faults.push({ path: 'budgeting.slice', message: 'must not be longer than a day' });
  } else if ('rolling' in window && durationMillis(window.rolling) % slice !== 0) {
    faults.push({
      path: 'window.rolling',
      message: `must be a whole number of slices of ${budgeting.slice}`,
    });
  }
  if (
    budgeting.method === 'timeslices' &&
    indicator.kind === 'ratio' &&
    budgeting.sliceTarget === undefined
  ) {
    faults.push({
      path: 'budgeting.sliceTarget',
      message: 'is needed: the share of good events from which on a slice is good, above 0 and up to 1',
    });
  }
  return faults;
}

/** What has no meaning without measurements of one's own, and components that cannot be. */
function compositeFaults({ name, indicator, budgeting, alerting, groupBy }: SloDefinition): Fault[] {
  if (indicator.kind !== 'composite') return [];
  const faults: Fault[] = [];
  if (groupBy !== undefined) {
    faults.push({
      path: 'groupBy',
      message: 'has no meaning with "composite", which has no points: group its components',
    });
  }
  for (const floor of ['minTotal', 'minBad'] as const) {
    if (alerting[floor] === undefined || budgeting.method === 'occurrences') continue;
    faults.push({
      path: `alerting.${floor}`,
      message: 'counts events, and slices of a "composite" have none: give it to its components',
    });
  }
  const seen = new Set<string>();
  for (const [i, { slo }] of indicator.of.entries()) {
    const path = `indicator.of.${i}.slo`;
    if (slo === name) faults.push({ path, message: 'an SLO cannot be made of itself' });
    if (seen.has(slo)) faults.push({ path, message: `${slo} is there already: give it more weight` });
    seen.add(slo);
  }
  return faults;
}

function windowFaults({ window }: SloDefinition): Fault[] {
  if ('calendar' in window) return [];
  const faults: Fault[] = [];
  const millis = durationMillis(window.rolling);
  if (millis % MINUTE !== 0 || millis < 2 * MINUTE) {
    faults.push({ path: 'window.rolling', message: 'must be a whole number of minutes, at least 2m' });
  }
  if (millis > MeasurementLimits.ageMillis) {
    faults.push({ path: 'window.rolling', message: 'must not be longer than measurements are kept: 400d' });
  }
  return faults;
}
