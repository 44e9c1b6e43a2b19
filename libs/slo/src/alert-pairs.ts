import {
  type AlertSeverity,
  durationMillis,
  type Fault,
  formatDuration,
  type SloDefinition,
  type SloGroup,
} from '@bellwether/contracts';
import { groupText } from './grouping.js';
import { DAY_MINUTES, MINUTE } from './time-grid.js';

/** Two look-back windows that must both burn faster than `threshold` for an alert of (SLO, severity, tier). */
export interface AlertPair {
  severity: AlertSeverity;
  tier: string;
  /** Wire durations. */
  long: string;
  short: string;
  longMinutes: number;
  shortMinutes: number;
  /** Burn rate; the alert fires strictly above it. */
  threshold: number;
}

/** `page/fast`, of a group `page/fast/["region","eu"]`: what tells the alerts of one SLO apart. */
export function alertKey({ severity, tier, group }: AlertName): string {
  const key = `${severity}/${tier}`;
  return group === undefined ? key : `${key}/${groupText(group)}`;
}

interface AlertName {
  severity: string;
  tier: string;
  group?: SloGroup | undefined;
}

/** Comparisons at thresholds allow for this much of float residue: 100 - 99.9 is 0.09999999999999432. */
export const EPSILON = 1e-9;

/** What the rounding of fractions to 2^-32 at entry can take from a share, and again where slices are counted. */
export const RESOLUTION = 2 ** -32;

/**
 * How much above a threshold a burn rate, or a share of a budget, must be to be above it: more than float residue, and more
 * than what the rounding of fractions comes to once it is divided by the budget. Fifty times a day 99.95 % measured against
 * an objective of 99.95 % is exactly on it.
 */
export const toleranceOf = (budget: number): number => Math.max(EPSILON, RESOLUTION / budget);

/** Slices that a look-back must span at least, or one late measurement decides alone. */
const SHORTEST = 2;

interface Tier {
  severity: AlertSeverity;
  tier: string;
  long: number;
  short: number;
  /** Share of the budget that is spent over the long window at the threshold: of a window above 7 days, and up to 7. */
  share: number;
  weekShare: number;
}

/** The multiwindow, multi-burn-rate alerts of Google's SRE workbook, chapter 5, with the tiers that Sloth generates. */
const GOOGLE_SRE: readonly Tier[] = [
  { severity: 'page', tier: 'fast', long: 60, short: 5, share: 0.02, weekShare: 0.08 },
  { severity: 'page', tier: 'slow', long: 360, short: 30, share: 0.05, weekShare: 0.125 },
  { severity: 'ticket', tier: 'fast', long: 1440, short: 120, share: 0.1, weekShare: 0.2 },
  { severity: 'ticket', tier: 'slow', long: 4320, short: 360, share: 0.1, weekShare: 0.42 },
];

/**
 * The preset's pairs for an SLO window of `windowMinutes`: threshold = share · W / long. Windows under 3 days scale the
 * look-backs with them, to whole minutes.
 */
export function googleSre(windowMinutes: number): AlertPair[] {
  const scale = scaleOf(windowMinutes);
  return GOOGLE_SRE.map((tier) => {
    const longMinutes = Math.round(tier.long * scale);
    const shortMinutes = Math.round(tier.short * scale);
    const share = windowMinutes <= 7 * DAY_MINUTES ? tier.weekShare : tier.share;
    return {
      severity: tier.severity,
      tier: tier.tier,
      long: formatDuration(longMinutes * MINUTE),
      short: formatDuration(shortMinutes * MINUTE),
      longMinutes,
      shortMinutes,
      threshold: Number(((share * windowMinutes) / longMinutes).toPrecision(12)),
    };
  });
}

/** How much of the preset's look-backs a window has: all from 3 days on. */
const scaleOf = (windowMinutes: number): number => Math.min(1, windowMinutes / (3 * DAY_MINUTES));

/** What a definition's `alerting` comes to. */
export interface Alerts {
  pairs: AlertPair[];
  warnings: string[];
  faults: Fault[];
}

/**
 * The pairs that a definition asks for. A threshold of 1/B or more can never be exceeded: a preset's pair is dropped
 * with a warning, a custom one refused, as is a short window of less than two slices.
 * @param windowMinutes the SLO's window
 * @param budget B = 1 - objective
 * @param slice minutes of a slice
 */
export function alertPairs(
  definition: SloDefinition,
  windowMinutes: number,
  budget: number,
  slice: number,
): Alerts {
  const { alerting } = definition;
  if (alerting.windows !== undefined) return customPairs(alerting.windows, windowMinutes, budget, slice);
  const result: Alerts = { pairs: [], warnings: [], faults: [] };
  if (alerting.preset === 'none') return result;
  for (const [i, pair] of googleSre(windowMinutes).entries()) {
    if (pair.shortMinutes < SHORTEST * slice) {
      // Before it is rounded to minutes: that would say 0s of an hour's window.
      const seconds = Math.round((GOOGLE_SRE[i] as Tier).short * scaleOf(windowMinutes) * 60);
      const looks = `${pair.severity} ${pair.tier} would look back ${formatDuration(seconds * 1000)}, less than two slices`;
      result.faults.push(
        slice === 1
          ? {
              path: 'window.rolling',
              message: `is too short for the preset google-sre: ${looks} of a minute; use a longer window or give alerting.windows`,
            }
          : {
              path: 'budgeting.slice',
              message: `is too long for the preset google-sre: ${looks}; use a shorter slice or give alerting.windows`,
            },
      );
      return result;
    }
    if (isUnreachable(pair.threshold, budget)) {
      result.warnings.push(
        `alerting: ${pair.severity} ${pair.tier} is left out: its burn rate of ${pair.threshold} can never be exceeded, the largest possible with an objective of ${definition.objective} is ${largest(budget)}`,
      );
    } else {
      result.pairs.push(pair);
    }
  }
  return result;
}

function customPairs(
  windows: NonNullable<SloDefinition['alerting']['windows']>,
  windowMinutes: number,
  budget: number,
  slice: number,
): Alerts {
  const result: Alerts = { pairs: [], warnings: [], faults: [] };
  const least = formatDuration(SHORTEST * slice * MINUTE);
  const seen = new Set<string>();
  for (const [i, window] of windows.entries()) {
    const fault = (field: string, message: string) =>
      result.faults.push({ path: `alerting.windows.${i}${field && `.${field}`}`, message });
    const longMinutes = durationMillis(window.long) / MINUTE;
    const shortMinutes = durationMillis(window.short) / MINUTE;
    if (!Number.isInteger(longMinutes)) fault('long', 'must be a whole number of minutes');
    if (!Number.isInteger(shortMinutes)) fault('short', 'must be a whole number of minutes');
    if (shortMinutes < SHORTEST * slice) fault('short', `must be at least two slices: ${least}`);
    if (shortMinutes > longMinutes) fault('short', 'must not be longer than long');
    if (longMinutes > windowMinutes) fault('long', 'must not be longer than the window of the SLO');
    if (isUnreachable(window.burn, budget)) {
      fault(
        'burn',
        `can never be exceeded: the largest possible burn rate is ${largest(budget)} (1 / (1 - objective))`,
      );
    }
    const key = alertKey(window);
    if (seen.has(key))
      fault('', `${window.severity} ${window.tier} is there already: severity and tier name an alert`);
    seen.add(key);
    result.pairs.push({
      severity: window.severity,
      tier: window.tier,
      long: window.long,
      short: window.short,
      longMinutes,
      shortMinutes,
      threshold: window.burn,
    });
  }
  return result;
}

const isUnreachable = (threshold: number, budget: number): boolean => threshold * budget >= 1 - EPSILON;
const largest = (budget: number): number => Number((1 / budget).toPrecision(6));
