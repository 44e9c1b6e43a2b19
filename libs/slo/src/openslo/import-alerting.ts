import type { AlertSeverity } from '@bellwether/contracts';
import { type AlertPair, alertKey, EPSILON, googleSre } from '../alert-pairs.js';
import { type AlertWindowFields, samePairs } from '../interchange/alert-windows.js';
import { type Cursor, resourceNameOf } from '../interchange/cursor.js';
import { ANNOTATION } from './annotations.js';
import type { OpenSloObjects } from './objects.js';
import { fromShorthand, shorthandMinutes } from './shorthand.js';

/** Target of an AlertNotificationTarget that stands for an escalation policy of Bellwether, by its name. */
export const ESCALATION_TARGET = 'bellwether-escalation-policy';

/** Target of one that an export wrote because OpenSLO asks for one: whoever is paged without a policy. */
export const NO_TARGET = 'bellwether';

/** The fields of a definition that `alertPolicies` carry. */
export interface AlertingFields {
  alerting: { preset: 'google-sre' | 'none'; windows?: AlertWindowFields[] };
  escalationPolicy?: string;
}

/** The same, with the condition that each of its windows was read from. */
export interface ImportedAlerting {
  fields: AlertingFields;
  conditions: Cursor[];
}

const SEVERITIES: Record<string, AlertSeverity> = {
  ...Object.fromEntries(
    ['page', 'critical', 'emergency', 'error', 'high', 'sev1', 'sev2', 'p1', 'p2'].map((word) => [
      word,
      'page' as const,
    ]),
  ),
  ...Object.fromEntries(
    ['ticket', 'warning', 'medium', 'low', 'info', 'sev3', 'sev4', 'p3', 'p4'].map((word) => [
      word,
      'ticket' as const,
    ]),
  ),
};

/** The share of a long window that its short one is, in the SRE workbook's alerts; OpenSLO has a long one only. */
const SHORT_SHARE = 12;

/**
 * What the alert policies of an SLO say.
 * @param windowMinutes the SLO's window, to tell whether its alerts are those of a preset
 * @param budget 1 - objective
 */
export function importAlerting(
  alertPolicies: Cursor,
  objects: OpenSloObjects,
  windowMinutes: number,
  budget: number,
): ImportedAlerting {
  const windows: AlertWindowFields[] = [];
  const conditions: Cursor[] = [];
  let escalationPolicy: string | undefined;
  for (const entry of alertPolicies.items()) {
    const policy = inlineOr(entry, 'alertPolicyRef', 'AlertPolicy', objects);
    if (policy === undefined) continue;
    const spec = policy.at('spec');
    for (const target of spec.at('notificationTargets').items()) {
      escalationPolicy ??= escalationPolicyOf(target, objects);
    }
    if (spec.at('alertWhenBreaching').value === false) {
      spec
        .at('alertWhenBreaching')
        .warn('is false: its conditions are left out, since alerts here are of breaches');
      continue;
    }
    for (const reference of spec.at('conditions').items()) {
      const condition = inlineOr(reference, 'conditionRef', 'AlertCondition', objects);
      const window = condition && windowOf(condition, budget, windows);
      if (window === undefined) continue;
      windows.push(window);
      conditions.push(condition as Cursor);
    }
  }
  if (windows.length === 0) {
    alertPolicies.warn('nothing will alert on this SLO: add alerting: { preset: google-sre } to be paged');
  }
  const isPreset = windows.length > 0 && samePairs(windows, reachablePreset(windowMinutes, budget));
  return {
    fields: {
      alerting: isPreset
        ? { preset: 'google-sre' }
        : windows.length === 0
          ? { preset: 'none' }
          : { preset: 'google-sre', windows },
      ...(escalationPolicy === undefined ? {} : { escalationPolicy }),
    },
    conditions,
  };
}

/** The object that stands in a place itself, or that a reference in it names. */
function inlineOr(
  entry: Cursor,
  key: string,
  kind: 'AlertPolicy' | 'AlertCondition' | 'AlertNotificationTarget',
  objects: OpenSloObjects,
): Cursor | undefined {
  if (entry.at('spec').present) return entry;
  const found = objects.find(kind, entry.at(key));
  if (found === undefined)
    entry.at(key).warn(`names no ${kind} of these files: it is left out; give the file that has it, too`);
  return found;
}

function escalationPolicyOf(entry: Cursor, objects: OpenSloObjects): string | undefined {
  const target = inlineOr(entry, 'targetRef', 'AlertNotificationTarget', objects);
  if (target === undefined) return undefined;
  const kind = target.at('spec').at('target').text();
  if (kind === ESCALATION_TARGET) return target.at('metadata').at('name').name();
  if (kind === NO_TARGET) return undefined;
  target.warn(`notifications to "${kind}" are left out: name an escalationPolicy, which says who is paged`);
  return undefined;
}

function windowOf(
  condition: Cursor,
  budget: number,
  before: AlertWindowFields[],
): AlertWindowFields | undefined {
  const spec = condition.at('spec');
  const burnRate = spec.at('condition');
  const threshold = burnRate.at('threshold');
  const burn = threshold.number();
  const lookback = burnRate.at('lookbackWindow');
  const longMinutes = shorthandMinutes(lookback.text() ?? '');
  const long = fromShorthand(lookback.text() ?? '');
  if (burn === undefined || burn <= 0) {
    threshold.fault('must be a burn rate above 0');
    return undefined;
  }
  if (long === null || longMinutes === null || longMinutes < 2) {
    lookback.fault('must be a duration of at least 2m, such as 1h');
    return undefined;
  }
  const op = burnRate.at('op');
  if (op.text() === 'lt' || op.text() === 'lte')
    op.warn(
      'alerts on a burn rate that is low: it is taken as gt, since alerts here are of budget that burns',
    );
  else if (op.text() === 'gte') op.warn('is taken as gt: an alert fires strictly above its burn rate');
  if (burn * budget >= 1 - EPSILON) {
    threshold.warn(
      `can never be exceeded, the largest possible burn rate is ${Number((1 / budget).toPrecision(6))}: the condition is left out`,
    );
    return undefined;
  }
  const after = burnRate.at('alertAfter');
  if ((shorthandMinutes(after.text() ?? '') ?? 0) > 0)
    after.warn('is left out: the short window keeps an alert from firing on what is over already');
  const annotation = (name: string) =>
    condition.at('metadata').at('annotations').at(`${ANNOTATION}${name}`).text();
  const shortMinutes = Math.max(2, Math.round(longMinutes / SHORT_SHARE));
  const severity = severityOf(spec.at('severity'));
  return {
    severity,
    tier: annotation('tier') ?? tierOf(condition.at('metadata').at('name').text() ?? '', severity, before),
    long,
    short: annotation('short') ?? `${shortMinutes}m`,
    burn,
  };
}

function severityOf(severity: Cursor): AlertSeverity {
  const word = (severity.text() ?? '').toLowerCase();
  const known = SEVERITIES[word];
  if (known === undefined) severity.warn(`"${word}" is taken as ticket: here an alert is a page or a ticket`);
  return known ?? 'ticket';
}

/** A tier that the SLO has no other alert of the same severity of, named for the condition. */
function tierOf(condition: string, severity: AlertSeverity, before: AlertWindowFields[]): string {
  const name = resourceNameOf(condition, 28) || 'burn';
  const taken = new Set(before.map(alertKey));
  for (let n = 1; ; n++) {
    const tier = n === 1 ? name : `${name}-${n}`;
    if (!taken.has(alertKey({ severity, tier }))) return tier;
  }
}

/** The pairs of the preset that can fire at all with this budget. */
function reachablePreset(windowMinutes: number, budget: number): AlertPair[] {
  return googleSre(windowMinutes).filter(({ threshold }) => threshold * budget < 1 - EPSILON);
}
