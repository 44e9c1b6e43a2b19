import { z } from 'zod';
import { incidentId, labels, pageId, resourceName } from '../names.js';
import { severity } from '../resources/severity.js';
import { alertSeverity, sloGroup } from '../resources/slo.js';
import { loggedTimestamp, timestamp } from '../time.js';
import { incidentAlert, incidentRole, incidentStatus } from '../views/views.js';

const of = <T extends z.ZodRawShape>(shape: T) => z.object({ incident: incidentId, ...shape });

export const incidentDeclared = of({
  title: z.string(),
  summary: z.string().optional(),
  severity,
  services: z.array(resourceName),
  // What was taken when any year was.
  startedAt: loggedTimestamp,
  detectedAt: timestamp,
  labels: labels.default({}),
  /** The alert that declared it; absent when a person did. */
  alert: incidentAlert.optional(),
  escalationPolicy: z.string().optional(),
});
export const incidentAlertAttached = of({ alert: incidentAlert });
export const incidentAlertResolved = of({
  kind: z.enum(['slo', 'rule']),
  name: z.string(),
  severity: alertSeverity,
  tier: z.string().nullable(),
  group: sloGroup.optional(),
  resolvedAt: timestamp,
  eventId: z.string(),
});
export const incidentStatusChanged = of({
  from: incidentStatus,
  to: incidentStatus,
  note: z.string(),
  at: timestamp,
  automatic: z.boolean().default(false),
});
export const incidentSeverityChanged = of({
  from: severity,
  to: severity,
  reason: z.string(),
  /** The alert that asks for it; absent when a person, or a merge, did. */
  alert: incidentAlert.optional(),
});
export const incidentRoleAssigned = of({
  role: incidentRole,
  user: resourceName,
  previous: resourceName.nullable(),
  automatic: z.boolean().default(false),
});
export const incidentRoleReleased = of({ role: incidentRole, user: resourceName });
export const incidentResponderAdded = of({ user: resourceName });
export const incidentServiceAffected = of({ service: resourceName });
export const incidentNoteAdded = of({
  text: z.string(),
  at: timestamp,
  links: z.array(z.string()).default([]),
  pinned: z.boolean().default(false),
});
/** Replaces the text shown for the note of event `note`; the earlier version stays in the log. */
export const incidentNoteCorrected = of({
  note: z.string(),
  text: z.string(),
  at: timestamp,
  links: z.array(z.string()).default([]),
  pinned: z.boolean().default(false),
});
export const incidentUpdatePublished = of({
  audience: z.enum(['internal', 'public']),
  text: z.string(),
  nextUpdateAt: timestamp.nullable(),
});
/** On the incident that ends: what it was merged into. */
export const incidentMerged = of({ into: incidentId });
/** On the incident that goes on: what it took in. */
export const incidentAbsorbed = of({
  merged: incidentId,
  services: z.array(resourceName),
  alerts: z.array(incidentAlert),
});
export const incidentAcknowledged = of({ by: z.string(), page: pageId, at: timestamp });
export const incidentCommandVacant = of({ since: timestamp });
export const incidentResolved = of({
  at: timestamp,
  note: z.string(),
  automatic: z.boolean().default(false),
});
export const incidentReopened = of({
  reason: z.string(),
  /** The alert that fires again; absent when a person, a merge or time did it. */
  alert: incidentAlert.optional(),
  /** Of time and of a merge: the events of the page alerts that fire still. */
  stillFiring: z.array(z.string()).optional(),
});

export type IncidentDeclared = z.infer<typeof incidentDeclared>;
export type IncidentAlertAttached = z.infer<typeof incidentAlertAttached>;
export type IncidentAlertResolved = z.infer<typeof incidentAlertResolved>;
export type IncidentStatusChanged = z.infer<typeof incidentStatusChanged>;
export type IncidentSeverityChanged = z.infer<typeof incidentSeverityChanged>;
export type IncidentRoleAssigned = z.infer<typeof incidentRoleAssigned>;
export type IncidentRoleReleased = z.infer<typeof incidentRoleReleased>;
export type IncidentResponderAdded = z.infer<typeof incidentResponderAdded>;
export type IncidentServiceAffected = z.infer<typeof incidentServiceAffected>;
export type IncidentNoteAdded = z.infer<typeof incidentNoteAdded>;
export type IncidentNoteCorrected = z.infer<typeof incidentNoteCorrected>;
export type IncidentUpdatePublished = z.infer<typeof incidentUpdatePublished>;
export type IncidentMerged = z.infer<typeof incidentMerged>;
export type IncidentAbsorbed = z.infer<typeof incidentAbsorbed>;
export type IncidentAcknowledged = z.infer<typeof incidentAcknowledged>;
export type IncidentCommandVacant = z.infer<typeof incidentCommandVacant>;
export type IncidentResolved = z.infer<typeof incidentResolved>;
export type IncidentReopened = z.infer<typeof incidentReopened>;
