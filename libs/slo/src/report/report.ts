import type {
  Incident,
  Report,
  ReportAlert,
  ReportIncident,
  ReportSlo,
  ReportSummary,
  ReportVerdict,
  SloDefinition,
  SloMeasured,
  SloMeasuredPeriods,
} from '@bellwether/contracts';
import type { Period } from '../calendar.js';
import type { ReportPeriod } from './report-period.js';

/** A firing of an alert of an SLO. */
export type AlertFiring = ReportAlert & { slo: string };

/** Everything that a report is made of. */
export interface ReportKnowledge {
  period: ReportPeriod;
  before: ReportPeriod;
  /** Epoch milliseconds. */
  asOf: number;
  groupBy: 'team' | 'service';
  /** The SLOs to report on; `measured` is what kept one from being measured, in words. */
  slos: readonly { definition: SloDefinition; measured: SloMeasuredPeriods | string }[];
  /** Teams by service, of every service that is reported on: null for one that has none. */
  teams: ReadonlyMap<string, string | null>;
  /** Those that fired, and those that were declared, in either period. */
  alerts: readonly AlertFiring[];
  incidents: readonly Incident[];
}

/** Below this share of what was to be expected, a reader is told how much was measured. */
const COVERED = 0.9;

/** How SLOs did over a period, by team or service, the one that spent most of its budget first. */
export function reportOf(knowledge: ReportKnowledge): Report {
  const { period, before, groupBy, teams, asOf } = knowledge;
  // One that was merged into another is told there.
  const incidents = knowledge.incidents.filter(({ mergedInto }) => mergedInto === null);
  const declared = incidents.filter(({ declaredAt }) => isIn(period, declaredAt));
  const slos = knowledge.slos.map((slo) => sloOf(slo, knowledge, declared));
  slos.sort((a, b) => spentBy(b) - spentBy(a) || compare(a.slo, b.slo));

  const keyOf = (service: string): string | null =>
    groupBy === 'service' ? service : (teams.get(service) ?? null);
  const among = incidents.flatMap(({ services }) => services).filter((service) => teams.has(service));
  const keys = new Set([...slos.map(({ service }) => service), ...among].map(keyOf));
  const summaryOf = (of: readonly ReportSlo[], its: readonly Incident[]) =>
    summarize(of, knowledge, its, declared);
  const groups = [...keys].sort(lastNull).map((name) => {
    const own = slos.filter(({ service }) => keyOf(service) === name);
    const its = incidents.filter(({ services }) =>
      services.some((service) => teams.has(service) && keyOf(service) === name),
    );
    return {
      name,
      summary: summaryOf(own, its),
      slos: own,
      incidents: its.filter((incident) => declared.includes(incident)).map(incidentOf),
    };
  });
  const iso = ({ from, to }: Period) => ({
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
  });
  return {
    period: period.unit,
    at: period.at,
    ...iso(period),
    timeZone: period.timeZone,
    complete: period.to <= asOf,
    asOf: new Date(asOf).toISOString(),
    before: { at: before.at, ...iso(before) },
    groupBy,
    summary: summaryOf(slos, incidents),
    groups,
  };
}

function sloOf(
  { definition, measured }: ReportKnowledge['slos'][number],
  { period, before, teams, alerts }: ReportKnowledge,
  declared: readonly Incident[],
): ReportSlo {
  const { name, service, objective, window } = definition;
  const fired = alerts.filter(({ slo }) => slo === name);
  const own = fired.filter(({ firedAt }) => isIn(period, firedAt));
  const known = typeof measured === 'string' ? null : measured;
  const days = known?.days ?? [];
  const [worst] = [...days].sort((a, b) => (b.spent ?? 0) - (a.spent ?? 0));
  return {
    slo: name,
    service,
    team: teams.get(service) ?? null,
    objective,
    window: 'rolling' in window ? window.rolling : window.calendar,
    verdict: verdictOf(known?.period),
    measured: known?.period ?? null,
    worstDay: (worst?.spent ?? 0) > 0 ? (worst ?? null) : null,
    days,
    alerts: own.map(({ slo: _, ...alert }) => alert),
    alertCounts: countAlerts(own),
    incidents: declared.filter((incident) => slosOf(incident).includes(name)).map(({ id }) => id),
    before: known && {
      ...known.before,
      verdict: verdictOf(known.before),
      alertCounts: countAlerts(fired.filter(({ firedAt }) => isIn(before, firedAt))),
    },
    note: typeof measured === 'string' ? measured : noteOf(measured, period),
  };
}

const verdictOf = (measured: SloMeasured | undefined): ReportVerdict => {
  if (measured === undefined) return 'unknown';
  if (measured.met === null) return 'no-data';
  return measured.met ? 'met' : 'missed';
};

/** What a reader must know to take the numbers rightly. */
function noteOf({ period, since, building }: SloMeasuredPeriods, { from, to }: Period): string | null {
  const notes: string[] = [];
  if (building) notes.push('measurements are still being read in: the numbers are not complete');
  if (since === null || Date.parse(since) >= to) notes.push('nothing was measured yet');
  else if (Date.parse(since) > from) notes.push(`measured since ${since}`);
  if (period.coverage !== null && period.coverage < COVERED)
    notes.push(`${Math.floor(period.coverage * 100)} % of the expected measurements are there`);
  return notes.length === 0 ? null : notes.join('; ');
}

function summarize(
  slos: readonly ReportSlo[],
  { period, before, alerts }: ReportKnowledge,
  incidents: readonly Incident[],
  declared: readonly Incident[],
): ReportSummary {
  const names = new Set(slos.map(({ slo }) => slo));
  const own = alerts.filter(({ slo }) => names.has(slo));
  const firedIn = (span: Period) => countAlerts(own.filter(({ firedAt }) => isIn(span, firedAt)));
  const [most] = [...slos].sort((a, b) => spentBy(b) - spentBy(a));
  const verdicts = (of: ReportVerdict[]) => {
    const count = (verdict: ReportVerdict) => of.filter((each) => each === verdict).length;
    return {
      total: of.length,
      met: count('met'),
      missed: count('missed'),
      noData: count('no-data'),
      unknown: count('unknown'),
    };
  };
  return {
    slos: verdicts(slos.map(({ verdict }) => verdict)),
    alerts: firedIn(period),
    incidents: countIncidents(incidents.filter((incident) => declared.includes(incident))),
    mostSpent: most && spentBy(most) > 0 ? { slo: most.slo, spent: spentBy(most) } : null,
    before: {
      slos: verdicts(slos.map((slo) => slo.before?.verdict ?? 'unknown')),
      alerts: firedIn(before),
      incidents: countIncidents(incidents.filter(({ declaredAt }) => isIn(before, declaredAt))),
    },
  };
}

function countIncidents(incidents: readonly Incident[]): ReportSummary['incidents'] {
  const took = incidents.map((incident) => incident.timeToResolveMinutes).filter((time) => time !== null);
  return {
    declared: incidents.length,
    resolved: took.length,
    meanTimeToResolveMinutes:
      took.length === 0 ? null : took.reduce((sum, time) => sum + time, 0) / took.length,
  };
}

const countAlerts = (alerts: readonly { severity: string }[]): ReportSummary['alerts'] => ({
  page: alerts.filter(({ severity }) => severity === 'page').length,
  ticket: alerts.filter(({ severity }) => severity === 'ticket').length,
});

function incidentOf(incident: Incident): ReportIncident {
  const { id, title, severity, status, services, declaredAt, resolvedAt, timeToResolveMinutes } = incident;
  const slos = slosOf(incident);
  return { id, title, severity, status, services, slos, declaredAt, resolvedAt, timeToResolveMinutes };
}

const slosOf = ({ alerts }: Incident): string[] => [
  ...new Set(alerts.filter(({ kind }) => kind === 'slo').map(({ name }) => name)),
];

const isIn = ({ from, to }: Period, at: string): boolean => Date.parse(at) >= from && Date.parse(at) < to;
const spentBy = ({ measured }: ReportSlo): number => measured?.budget.spent ?? 0;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
/** By name; what has none is last. */
const lastNull = (a: string | null, b: string | null): number =>
  a === null || b === null ? Number(a === null) - Number(b === null) : compare(a, b);
