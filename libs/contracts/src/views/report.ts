import { z } from 'zod';
import { severity } from '../resources/severity.js';
import { alertSeverity, sloGroup } from '../resources/slo.js';
import { timestamp } from '../time.js';
import { incidentStatus } from './views.js';

/**
 * How an SLO was over a period. `met`: whether the SLI over the period reached the objective; null where nothing was
 * measured. `coverage`: slices with data of those that were to be expected since the first measurement. Of the budget,
 * `atStart`, `atEnd` and `lowest` are what remained of it, and `spent` is the share of it that the period's bad events (or
 * slices) cost: of several windows where the period is longer than the SLO's.
 */
export const sloMeasured = z.object({
  from: timestamp,
  to: timestamp,
  good: z.number(),
  total: z.number(),
  sli: z.number().nullable(),
  met: z.boolean().nullable(),
  coverage: z.number().nullable(),
  budget: z.object({
    atStart: z.number().nullable(),
    atEnd: z.number().nullable(),
    lowest: z.number().nullable(),
    spent: z.number().nullable(),
  }),
});
export type SloMeasured = z.infer<typeof sloMeasured>;

/** A day of a period: from its first instant in the report's zone to that of the next one. `date`: `2026-11-16`. */
export const sloMeasuredDay = z
  .object({
    date: z.string(),
    from: timestamp,
    to: timestamp,
    good: z.number(),
    total: z.number(),
    sli: z.number().nullable(),
    burn: z.number().nullable(),
    spent: z.number().nullable(),
  })
  .meta({ id: 'ReportDay' });
export type SloMeasuredDay = z.infer<typeof sloMeasuredDay>;

/** How an SLO was over a period and the one before, as today's definition and today's knowledge have it. */
export const sloMeasuredPeriods = z.object({
  slo: z.string(),
  /** Event time of the first measurement; null when there was none. */
  since: timestamp.nullable(),
  period: sloMeasured,
  before: sloMeasured,
  days: z.array(sloMeasuredDay),
  /** Buckets are still being made from the log: the numbers are not complete. */
  building: z.boolean(),
});
export type SloMeasuredPeriods = z.infer<typeof sloMeasuredPeriods>;

/** `unknown`: it could not be measured, see `note`. */
export const reportVerdict = z.enum(['met', 'missed', 'no-data', 'unknown']);
export type ReportVerdict = z.infer<typeof reportVerdict>;

const alertCounts = z.object({ page: z.int(), ticket: z.int() });

/** A firing of an SLO's alert. */
export const reportAlert = z
  .object({
    severity: alertSeverity,
    tier: z.string(),
    /** The group of the SLO that it is about; null for the whole. */
    group: sloGroup.nullable(),
    firedAt: timestamp,
    resolvedAt: timestamp.nullable(),
    eventId: z.string(),
  })
  .meta({ id: 'ReportAlert' });
export type ReportAlert = z.infer<typeof reportAlert>;

/** An incident that was declared in the period. */
export const reportIncident = z
  .object({
    id: z.string(),
    title: z.string(),
    severity,
    status: incidentStatus,
    services: z.array(z.string()),
    /** SLOs whose alerts it has. */
    slos: z.array(z.string()),
    declaredAt: timestamp,
    resolvedAt: timestamp.nullable(),
    timeToResolveMinutes: z.number().nullable(),
  })
  .meta({ id: 'ReportIncident' });
export type ReportIncident = z.infer<typeof reportIncident>;

/** An SLO in a report. */
export const reportSlo = z
  .object({
    slo: z.string(),
    service: z.string(),
    team: z.string().nullable(),
    objective: z.number(),
    /** `30d`, or the unit of its calendar: `month`. */
    window: z.string(),
    verdict: reportVerdict,
    /** Null where it could not be measured. */
    measured: sloMeasured.nullable(),
    /** The day that spent most of the budget; null where none spent any. */
    worstDay: sloMeasuredDay.nullable(),
    days: z.array(sloMeasuredDay),
    alerts: z.array(reportAlert),
    alertCounts,
    /** Ids of the incidents of the period that have its alerts. */
    incidents: z.array(z.string()),
    /** The period before; null where it was not measured. */
    before: sloMeasured.extend({ verdict: reportVerdict, alertCounts }).nullable(),
    /** What a reader must know to take the numbers rightly; null when there is nothing. */
    note: z.string().nullable(),
  })
  .meta({ id: 'ReportSlo' });
export type ReportSlo = z.infer<typeof reportSlo>;

const counts = {
  /** How many SLOs have which verdict. */
  slos: z.object({ total: z.int(), met: z.int(), missed: z.int(), noData: z.int(), unknown: z.int() }),
  alerts: alertCounts,
  incidents: z.object({
    declared: z.int(),
    /** Of those, how many are resolved, and how long that took from their detection on. */
    resolved: z.int(),
    meanTimeToResolveMinutes: z.number().nullable(),
  }),
};

/** Several SLOs together, and the same of the period before. */
export const reportSummary = z
  .object({
    ...counts,
    /** The SLO that spent most of its budget, and how much of it; null where none spent any. */
    mostSpent: z.object({ slo: z.string(), spent: z.number() }).nullable(),
    before: z.object(counts),
  })
  .meta({ id: 'ReportSummary' });
export type ReportSummary = z.infer<typeof reportSummary>;

/** Weeks and months of SLOs, by team or by service. */
export const report = z
  .object({
    period: z.enum(['week', 'month']),
    /** `2026-W47`, `2026-10`. */
    at: z.string(),
    from: timestamp,
    to: timestamp,
    timeZone: z.string(),
    /** Whether the period is over. Late measurements may restate it all the same. */
    complete: z.boolean(),
    asOf: timestamp,
    /** The period that everything is compared with. */
    before: z.object({ at: z.string(), from: timestamp, to: timestamp }),
    groupBy: z.enum(['team', 'service']),
    summary: reportSummary,
    groups: z.array(
      z.object({
        /** The team or the service; null for SLOs whose service has no team. */
        name: z.string().nullable(),
        summary: reportSummary,
        slos: z.array(reportSlo),
        incidents: z.array(reportIncident),
      }),
    ),
  })
  .meta({ id: 'Report' });
export type Report = z.infer<typeof report>;
