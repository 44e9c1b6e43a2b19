import { durationMillis, type Fault, MeasurementLimits, type SloDefinition } from '@bellwether/contracts';
import { type AlertPair, alertPairs } from './alert-pairs.js';
import type { CountingIndicator } from './indicator.js';
import { MINUTE } from './time-grid.js';
import { unitScale } from './unit.js';

/** A definition ready for evaluation: durations in minutes, alerts resolved. */
export interface SloPlan {
  definition: SloDefinition;
  indicator: CountingIndicator;
  /** B = 1 - objective, without float residue. */
  budget: number;
  /** W in minutes. */
  windowMinutes: number;
  pairs: AlertPair[];
  /** Lengths of all windows that evaluation reads, ascending, in minutes; W is one of them. */
  windows: number[];
}

export type Planned = { ok: true; plan: SloPlan; warnings: string[] } | { ok: false; faults: Fault[] };

/** 1 - objective with 12 decimals: 1 - 0.99999 is 0.00001, not 0.000010000000000065512. */
export function budgetOf(objective: number): number {
  return Number((1 - objective).toFixed(12));
}

/**
 * Checks a definition as a whole and works out what its evaluation needs. What this version does not evaluate is refused
 * by name: an SLO that is silently taken for another one is worse than none.
 * @param sliUnit unit of the SLI's definition; undefined while it has none
 */
export function planSlo(definition: SloDefinition, sliUnit?: string): Planned {
  const faults: Fault[] = [];
  const warnings: string[] = [];
  const { indicator, budgeting, window } = definition;

  if (indicator.kind === 'percentile' || indicator.kind === 'mean') {
    faults.push({
      path: 'indicator.kind',
      message: `"${indicator.kind}" is not evaluated by this version; use "ratio", or "threshold" to count what is within a bound`,
    });
  }
  if (budgeting.method !== 'occurrences') {
    faults.push({
      path: 'budgeting.method',
      message: `"${budgeting.method}" is not evaluated by this version; use "occurrences"`,
    });
  }
  if (definition.missingData === 'bad' && budgeting.method === 'occurrences') {
    faults.push({
      path: 'missingData',
      message:
        '"bad" needs slices to count: "occurrences" counts events, and absent data has none; use "freeze"',
    });
  }
  if (indicator.kind === 'threshold') {
    if (unitScale(indicator.unit, sliUnit) === null) {
      faults.push({
        path: 'indicator.unit',
        message: `is "${indicator.unit}", but the SLI is measured in "${sliUnit}"`,
      });
    }
  } else if (indicator.kind === 'ratio' && sliUnit !== undefined && !RATIO_UNITS.has(sliUnit)) {
    warnings.push(
      `indicator: the SLI is measured in "${sliUnit}", and a ratio counts only good and total: values and histograms are left out`,
    );
  }

  if ('calendar' in window) {
    faults.push({
      path: 'window.calendar',
      message: 'calendar windows are not evaluated by this version; use a rolling window',
    });
    return { ok: false, faults };
  }
  const windowMillis = durationMillis(window.rolling);
  if (windowMillis % MINUTE !== 0 || windowMillis < 2 * MINUTE) {
    faults.push({ path: 'window.rolling', message: 'must be a whole number of minutes, at least 2m' });
  }
  if (windowMillis > MeasurementLimits.ageMillis) {
    faults.push({ path: 'window.rolling', message: 'must not be longer than measurements are kept: 400d' });
  }
  const budget = budgetOf(definition.objective);
  if (!(budget > 0 && budget < 1)) {
    faults.push({
      path: 'objective',
      message: 'leaves no budget that can be told from 0 or 1 (12 decimals)',
    });
  }
  if (faults.length > 0) return { ok: false, faults };

  const windowMinutes = windowMillis / MINUTE;
  const alerts = alertPairs(definition, windowMinutes, budget);
  if (alerts.faults.length > 0) return { ok: false, faults: alerts.faults };
  if (alerts.pairs.length === 0 && definition.alerting.preset !== 'none')
    warnings.push('alerting: nothing will alert on this SLO');
  const windows = new Set([windowMinutes]);
  for (const pair of alerts.pairs) windows.add(pair.longMinutes).add(pair.shortMinutes);
  return {
    ok: true,
    warnings: [...warnings, ...alerts.warnings],
    plan: {
      definition,
      indicator: indicator as CountingIndicator,
      budget,
      windowMinutes,
      pairs: alerts.pairs,
      windows: [...windows].sort((a, b) => a - b),
    },
  };
}

/** Units whose measurements a ratio has a reading for. */
const RATIO_UNITS: ReadonlySet<string> = new Set(['count', 'none', 'percent', 'ratio']);
