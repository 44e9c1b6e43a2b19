import { z } from 'zod';
import { incidentId, labels, pageId } from '../names.js';
import { budgetAction } from '../resources/error-budget-policy.js';
import { urgency } from '../resources/oncall.js';
import { severity } from '../resources/severity.js';
import { sourceState } from '../resources/sli-source.js';
import { alertSeverity, sloGroup } from '../resources/slo.js';
import { timestamp } from '../time.js';
import { absentSli } from './absent-sli.js';
import { alertState, burnRates, sloBudget, sloComponent, sloGrouping, sloGroupStatus } from './slo-groups.js';

/** A page of a list. */
export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });

/** Of the latest points of an SLI (`of`), those that cannot be read, the time of the newest of them, and what can be. */
export const unreadablePoints = z.object({
  points: z.int(),
  of: z.int(),
  newest: timestamp,
  reason: z.string(),
});
export type UnreadablePoints = z.infer<typeof unreadablePoints>;

/** Budget fractions are signed and never clamped: `remaining = 1 - consumed`. `sli` is null when nothing was measured. */
export const sloStatus = z
  .object({
    slo: z.string(),
    service: z.string(),
    asOf: timestamp,
    state: z.enum(['ok', 'at-risk', 'breached', 'no-data']),
    frozen: z.object({ since: timestamp, reason: z.string() }).nullable(),
    objective: z.number(),
    sli: z.number().nullable(),
    good: z.number(),
    total: z.number(),
    compliant: z.boolean().nullable(),
    budget: sloBudget,
    burn: burnRates,
    alerts: z.array(alertState),
    watermark: timestamp.nullable(),
    history: z.number(),
    coverage: z.number().nullable(),
    /** Corrections that hold for a part of the window up to now. */
    corrections: z.int(),
    /** Minutes of the window up to now that corrections hold for, by what they do. */
    correctedMinutes: z.object({ exclude: z.int(), good: z.int() }).optional(),
    /** Of a calendar window: the period that the budget is for; `to` is when it starts whole again. */
    period: z.object({ from: timestamp, to: timestamp }).optional(),
    /** Whether there is history enough to judge by the budget: 24 h, or the window where that is shorter. */
    settled: z.boolean().optional(),
    /** The error-budget policy: the SLO's own, its service's, or the one that holds without either. */
    policy: z
      .object({
        from: z.enum(['slo', 'service', 'default']),
        withoutData: z.enum(['allow', 'refuse']),
        steps: z.array(
          z.object({ action: budgetAction, remainingBelow: z.number(), since: timestamp.nullable() }),
        ),
      })
      .optional(),
    /** Where the SLI is fetched from, of one that is: whether the source answers. `waiting`: it was not asked yet. */
    source: z
      .object({
        kind: z.literal('prometheus'),
        state: sourceState.or(z.literal('waiting')),
        since: timestamp.nullable(),
        /** While it answers, the end of the newest period that it had data of. */
        lastSuccessAt: timestamp.nullable(),
        lastError: z.string().nullable(),
      })
      .optional(),
    /** The SLI is absent, or, of a composite, one that it is measured by: the one that is so the longest. Null for none. */
    absent: absentSli.nullable().optional(),
    /**
     * Where nothing is counted, or nothing new is: of the latest points of the SLI (`of`), how many its indicator has no
     * reading for, the time of the newest of them, and what it reads. Absent when it reads all of them.
     */
    unreadable: unreadablePoints.optional(),
    /**
     * Of the latest points of an SLI in percent or ratio (`of`), how many have a value outside of its scale, which a ratio
     * reads as the end of the scale: what is meant in another unit would look well, or bad, whatever it is. Absent for none.
     */
    outOfRange: z
      .object({ points: z.int(), of: z.int(), newest: timestamp, from: z.number(), to: z.number() })
      .optional(),
    /** Progress of a back-fill from the journal, while it runs. */
    backfill: z.object({ done: z.int(), of: z.int() }).nullable().optional(),
    /** What it is the status of, where a group was asked for; absent for the whole. */
    group: sloGroup.optional(),
    /** Of an SLO with `groupBy`, or a group of one: true where its own alerts never fire, as `groupBy.alerts` says. */
    alertsOff: z.boolean().optional(),
    /** Of an SLO with `groupBy`: how it is parted, and its groups, the worst first. */
    grouping: sloGrouping.optional(),
    groups: z.array(sloGroupStatus).optional(),
    /** Of a composite: what it is made of. */
    components: z.array(sloComponent).optional(),
  })
  .meta({ id: 'SloStatus' });
export type SloStatus = z.infer<typeof sloStatus>;

/** Points of a history at most: more than a screen can show, and a bound on the work of one request. */
export const HISTORY_POINTS = 5_000;

/**
 * The budget over time. `at` is the end of a step; `good`, `total`, `sli` and `burn` are of the step, `budgetRemaining` of
 * the SLO's window at its end. `…Min` and `…Max` are the extremes within the step: of the budget at the end of each of
 * its minutes (or slices), and of the burn rate of each of them, so that a minute's dip shows in a step of a day.
 */
export const sloHistory = z
  .object({
    points: z.array(
      z.object({
        at: timestamp,
        good: z.number(),
        total: z.number(),
        sli: z.number().nullable(),
        budgetRemaining: z.number().nullable(),
        burn: z.number().nullable(),
        budgetRemainingMin: z.number().nullable().optional(),
        budgetRemainingMax: z.number().nullable().optional(),
        burnMin: z.number().nullable().optional(),
        burnMax: z.number().nullable().optional(),
        /** A correction holds for a part of the step; absent where none does. */
        corrected: z.boolean().optional(),
      }),
    ),
    /** Periods of the calendar that the points lie in, oldest first: the budget starts whole at each. */
    periods: z.array(z.object({ from: timestamp, to: timestamp })).optional(),
  })
  .meta({ id: 'SloHistory' });
export type SloHistory = z.infer<typeof sloHistory>;

export const incidentStatus = z.enum(['investigating', 'identified', 'monitoring', 'resolved']);
export type IncidentStatus = z.infer<typeof incidentStatus>;
export const incidentRole = z.enum(['commander', 'operations', 'communications', 'planning', 'scribe']);
export type IncidentRole = z.infer<typeof incidentRole>;

export const pageStatus = z.enum(['open', 'acknowledged', 'cancelled', 'exhausted']);
export type PageStatus = z.infer<typeof pageStatus>;

/** An alert as an incident knows it. */
export const incidentAlert = z
  .object({
    kind: z.enum(['slo', 'rule']),
    name: z.string(),
    service: z.string(),
    severity: alertSeverity,
    tier: z.string().nullable(),
    /** The part of an SLO with `groupBy` that it is about; absent for the whole. */
    group: sloGroup.optional(),
    state: z.enum(['firing', 'resolved']),
    firedAt: timestamp,
    resolvedAt: timestamp.nullable(),
    eventId: z.string(),
    /** Of one that fired more than once: how often, and the first time; the rest is of the last. */
    firings: z.int().min(2).optional(),
    firstFiredAt: timestamp.optional(),
    /** Of its SLO or rule: where whoever is woken finds what to do. */
    runbookUrl: z.string().optional(),
    /**
     * False of a page alert whose SLO or rule declares no incident: it is on the timeline, and neither keeps the incident
     * open nor brings it back. Absent for every other.
     */
    declares: z.literal(false).optional(),
  })
  .meta({ id: 'IncidentAlert' });
export type IncidentAlert = z.infer<typeof incidentAlert>;

/** Whether an incident is open for this alert: a page alert, but of an SLO or rule that is not to page anybody. */
export const isPageAlert = ({ severity, declares }: Pick<IncidentAlert, 'severity' | 'declares'>): boolean =>
  severity === 'page' && declares !== false;

export const incident = z
  .object({
    id: incidentId,
    title: z.string(),
    summary: z.string().nullable(),
    severity,
    status: incidentStatus,
    startedAt: timestamp,
    detectedAt: timestamp,
    declaredAt: timestamp,
    acknowledgedAt: timestamp.nullable(),
    resolvedAt: timestamp.nullable(),
    commander: z.string().nullable(),
    roles: z.record(z.string(), z.string()),
    responders: z.array(z.string()),
    services: z.array(z.string()),
    alerts: z.array(incidentAlert),
    escalationPolicy: z.string().nullable(),
    labels,
    timeToResolveMinutes: z.number().nullable(),
    nextUpdateAt: timestamp.nullable(),
    mergedInto: z.string().nullable(),
    version: z.int(),
  })
  .meta({ id: 'Incident' });
export type Incident = z.infer<typeof incident>;

/** Ordered by `at`, then by log position. */
export const timelineEntry = z
  .object({
    at: timestamp,
    recordedAt: timestamp,
    kind: z.string(),
    text: z.string(),
    actor: z.string(),
    eventId: z.string(),
    pinned: z.boolean(),
    links: z.array(z.string()).optional(),
    suspect: z.boolean().optional(),
    correctedBy: z.string().optional(),
  })
  .meta({ id: 'TimelineEntry' });
export type TimelineEntry = z.infer<typeof timelineEntry>;

export const nextAction = z
  .object({
    kind: z.enum(['escalate', 'repeat', 'remind', 'none']),
    at: timestamp.nullable(),
    step: z.int().nullable(),
  })
  .meta({ id: 'NextAction' });
export type NextAction = z.infer<typeof nextAction>;

export const delivery = z
  .object({
    user: z.string().nullable(),
    method: z.string(),
    kind: z.enum(['webhook', 'console']),
    idempotencyKey: z.string(),
    step: z.int(),
    cycle: z.int(),
    dueAt: timestamp,
    attempts: z.int(),
    state: z.enum(['pending', 'delivered', 'failed']),
    lastError: z.string().nullable(),
  })
  .meta({ id: 'Delivery' });
export type Delivery = z.infer<typeof delivery>;

export const page = z
  .object({
    id: pageId,
    incident: incidentId,
    title: z.string(),
    severity,
    service: z.string().nullable(),
    status: pageStatus,
    urgency,
    policy: z.string().nullable(),
    step: z.int(),
    cycle: z.int(),
    requestedAt: timestamp,
    acknowledgedAt: timestamp.nullable(),
    acknowledgedBy: z.string().nullable(),
    nextAction: nextAction.nullable(),
    deliveries: z.array(delivery),
    version: z.int(),
  })
  .meta({ id: 'Page' });
export type Page = z.infer<typeof page>;

export const onCall = z
  .object({ schedule: z.string(), users: z.array(z.string()), until: timestamp.nullable() })
  .meta({ id: 'OnCall' });
export type OnCall = z.infer<typeof onCall>;

export const shift = z
  .object({
    from: timestamp,
    to: timestamp,
    users: z.array(z.string()),
    layer: z.string().nullable(),
    override: z.string().nullable(),
  })
  .meta({ id: 'Shift' });
export type Shift = z.infer<typeof shift>;

/** From an event back to the measurements. */
export const explanation = z
  .object({
    chain: z.array(
      z.object({
        eventId: z.string(),
        type: z.string(),
        at: timestamp,
        summary: z.string(),
        causedBy: z.array(z.string()),
      }),
    ),
  })
  .meta({ id: 'Explanation' });
export type Explanation = z.infer<typeof explanation>;

/** Body of a page's webhook. */
export const pageNotification = z
  .object({
    type: z.enum(['page.requested', 'page.resolved']),
    page: z.object({
      id: pageId,
      incident: incidentId,
      title: z.string(),
      severity,
      service: z.string().nullable(),
      step: z.int(),
      attempt: z.int(),
      runbookUrl: z
        .string()
        .optional()
        .describe(
          'What to do: of the alert that raised the severity, else of the first alert of the incident that has one',
        ),
      acknowledgeUrl: z.string(),
      explainUrl: z.string(),
    }),
  })
  .meta({ id: 'PageNotification' });
export type PageNotification = z.infer<typeof pageNotification>;
