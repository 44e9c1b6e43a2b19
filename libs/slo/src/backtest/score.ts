import type { AlertSeverity, BacktestScore, DetectionDelay, LabelledIncident } from '@bellwether/contracts';
import { formatDuration } from '@bellwether/contracts';
import type { Firing } from './alarms.js';
import type { BacktestSpan } from './span.js';

/** A labelled incident, epoch milliseconds. */
interface Known {
  from: number;
  to: number;
  counted: boolean;
}

type Counts = Omit<BacktestScore['parts'][number], 'severity' | 'tier'>;

/**
 * How well alerts found incidents. Precision is the share of alarms that were about something, recall the share of
 * incidents that were found (Google's SRE workbook, chapter 5), counted as people meet them:
 *
 * - An alert finds an incident when it fires from the incident's start up to `grace` after its end, both inclusive.
 * - An incident that several alerts find is found once, by the first of them; an alert that fires while several last
 *   finds each of them.
 * - Alerts behind the same incident are one alarm, whether one alert found several incidents or several alerts found one.
 * - An alert that finds none, but fires while one that did is firing, belongs to its alarm, as it would be attached to
 *   that incident; but a page does not belong to a ticket's alarm, and what joined an alarm brings in no others.
 * - All other alerts that overlap in time are one false alarm: they would have been one incident.
 * - What fires within the span is judged, and what begins within the span is counted. An incident that began before
 *   explains an alert all the same.
 *
 * Notes in each firing which incidents it found, and whose alarm it joins.
 * @param grace milliseconds
 */
export function scoreOf(
  firings: readonly Firing[],
  incidents: readonly LabelledIncident[],
  { span, grace }: { span: BacktestSpan; grace: number },
): BacktestScore {
  const known = incidents.map((incident): Known => {
    const from = Date.parse(incident.from);
    return { from, to: Date.parse(incident.to), counted: from >= span.from && from < span.to };
  });
  for (const { alert, firedAt } of firings) {
    alert.incidents = known.flatMap(({ from, to }, i) =>
      firedAt >= from && firedAt <= to + grace ? [i] : [],
    );
  }
  for (const firing of firings) {
    const joins = joined(firing, firings);
    if (joins.length > 0) firing.alert.joins = joins;
  }
  const judged = firings.filter(({ firedAt }) => firedAt >= span.from);
  const first = firstFound(judged);
  const severities = [...new Set(judged.map(({ alert }) => alert.severity))];
  return {
    grace: formatDuration(grace),
    ...countsOf(judged, known),
    parts: severities.sort().flatMap((severity) => partsOf(severity, judged, known)),
    incidents: incidents.map(({ from, to, name }, i) => {
      const incident = known[i] as Known;
      const detected = first.get(i);
      return {
        from,
        to,
        name: name ?? null,
        counted: incident.counted,
        detectedAt: detected === undefined ? null : new Date(detected).toISOString(),
        detectionDelay: detected === undefined ? null : (detected - incident.from) / 1000,
        firingBefore: firings.some(
          ({ firedAt, resolvedAt }) =>
            firedAt < incident.from && (resolvedAt === null || resolvedAt > incident.from),
        ),
      };
    }),
  };
}

function partsOf(
  severity: AlertSeverity,
  firings: readonly Firing[],
  known: readonly Known[],
): BacktestScore['parts'] {
  const own = firings.filter(({ alert }) => alert.severity === severity);
  const tiers = [...new Set(own.map(({ alert }) => alert.tier))].sort();
  return [
    { severity, tier: null, ...countsOf(own, known) },
    ...tiers.map((tier) => ({
      severity,
      tier,
      ...countsOf(
        own.filter(({ alert }) => alert.tier === tier),
        known,
      ),
    })),
  ];
}

function countsOf(firings: readonly Firing[], known: readonly Known[]): Counts {
  const first = firstFound(firings);
  const delays: number[] = [];
  let missed = 0;
  known.forEach(({ from, counted }, i) => {
    const found = first.get(i);
    if (counted && found !== undefined) delays.push((found - from) / 1000);
    else if (counted) missed++;
  });
  const truePositives = delays.length;
  const falsePositives = falseAlarms(firings);
  const found = trueAlarms(firings);
  const alarms = found + falsePositives;
  const share = (part: number, of: number): number | null => (of === 0 ? null : part / of);
  return {
    truePositives,
    alarms,
    falsePositives,
    falseNegatives: missed,
    precision: share(found, alarms),
    recall: share(truePositives, truePositives + missed),
    detectionDelay: delayOf(delays),
  };
}

/** When each incident was found first, by its place. */
function firstFound(firings: readonly Firing[]): Map<number, number> {
  const first = new Map<number, number>();
  for (const { alert, firedAt } of firings) {
    for (const i of alert.incidents ?? []) first.set(i, Math.min(first.get(i) ?? firedAt, firedAt));
  }
  return first;
}

/** The incidents whose alarm a firing belongs to, though it found none: a ticket may follow a page, and not lead to one. */
function joined({ alert, firedAt }: Firing, firings: readonly Firing[]): number[] {
  if ((alert.incidents ?? []).length > 0) return [];
  const found = new Set<number>();
  for (const other of firings) {
    if (other.firedAt > firedAt || (other.resolvedAt ?? Number.POSITIVE_INFINITY) < firedAt) continue;
    if (alert.severity === 'page' && other.alert.severity !== 'page') continue;
    for (const i of other.alert.incidents ?? []) found.add(i);
  }
  return [...found].sort((a, b) => a - b);
}

/** The incidents behind a firing: found, or joined. */
const behind = ({ alert }: Firing): number[] => [...(alert.incidents ?? []), ...(alert.joins ?? [])];

/** Alarms with an incident behind them: firings that share one are the same alarm. */
function trueAlarms(firings: readonly Firing[]): number {
  let alarms: Set<number>[] = [];
  for (const firing of firings) {
    const incidents = behind(firing);
    if (incidents.length === 0) continue;
    const apart = alarms.filter((alarm) => !incidents.some((i) => alarm.has(i)));
    const same = alarms.filter((alarm) => !apart.includes(alarm));
    alarms = [...apart, new Set([...incidents, ...same.flatMap((alarm) => [...alarm])])];
  }
  return alarms.length;
}

function falseAlarms(firings: readonly Firing[]): number {
  let alarms = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const firing of firings) {
    const { firedAt, resolvedAt } = firing;
    if (behind(firing).length > 0) continue;
    if (firedAt > until) alarms++;
    until = Math.max(until, resolvedAt ?? Number.POSITIVE_INFINITY);
  }
  return alarms;
}

/** Percentiles by nearest rank: delays that occurred. */
function delayOf(delays: readonly number[]): DetectionDelay | null {
  if (delays.length === 0) return null;
  const sorted = [...delays].sort((a, b) => a - b);
  const rank = (p: number): number => sorted[Math.ceil(p * sorted.length) - 1] as number;
  return {
    mean: sorted.reduce((sum, delay) => sum + delay, 0) / sorted.length,
    p50: rank(0.5),
    p90: rank(0.9),
    max: sorted.at(-1) as number,
  };
}
