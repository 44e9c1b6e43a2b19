import type { z } from 'zod';
import { measurementRecorded } from '../measurements.js';
import * as gate from './gate.js';
import * as incident from './incident.js';
import * as oncall from './oncall.js';
import * as page from './page.js';
import * as rule from './rule.js';
import * as slo from './slo.js';

/** Every event that the log may hold: its name, its current schema version, the shape of `data`, and what it says. */
export const eventCatalog = {
  'measurement.recorded': {
    schema: 1,
    data: measurementRecorded,
    says: 'a message of measurements was accepted (measurement journals only)',
  },
  'service.defined': { schema: 1, data: slo.serviceDefined, says: 'a service was created or changed' },
  'sli.defined': { schema: 1, data: slo.sliDefined, says: 'an SLI was created or changed' },
  'sli.source-changed': {
    schema: 1,
    data: slo.sliSourceChanged,
    says: 'the source that an SLI is fetched from fails, has no data, or answers again',
  },
  'slo.defined': { schema: 1, data: slo.sloDefined, says: 'an SLO was created or changed' },
  'slo.retired': { schema: 1, data: slo.sloRetired, says: 'an SLO was retired' },
  'slo.alert.fired': {
    schema: 1,
    data: slo.sloAlertFired,
    says: 'the burn rate over both windows of a tier is above its threshold',
  },
  'slo.alert.resolved': {
    schema: 1,
    data: slo.sloAlertResolved,
    says: 'the burn rate is no longer above the threshold',
  },
  'slo.budget.crossed': {
    schema: 1,
    data: slo.sloBudgetCrossed,
    says: 'the remaining budget passed 0.5, 0.25, 0.1 or 0, either way',
  },
  'slo.corrected': {
    schema: 1,
    data: slo.sloCorrected,
    says: 'a correction of what an SLO counts was added or withdrawn',
  },
  'slo.policy.entered': {
    schema: 1,
    data: gate.sloPolicyEntered,
    says: 'so little of the budget remains that a step of the error-budget policy is in effect',
  },
  'slo.policy.left': {
    schema: 1,
    data: gate.sloPolicyLeft,
    says: 'a step of the error-budget policy is no longer in effect',
  },
  'rule.defined': { schema: 1, data: rule.ruleDefined, says: 'a threshold rule was created or changed' },
  'rule.retired': { schema: 1, data: rule.ruleRetired, says: 'a threshold rule was retired' },
  'rule.alert.fired': {
    schema: 1,
    data: rule.ruleAlertFired,
    says: 'a threshold rule, an absent SLI or an external alert fires',
  },
  'rule.alert.resolved': { schema: 1, data: rule.ruleAlertResolved, says: 'a rule alert no longer holds' },
  'change.recorded': { schema: 1, data: slo.changeRecorded, says: 'a deploy or another change of a service' },
  'freeze.defined': { schema: 1, data: gate.freezeDefined, says: 'a change freeze was created or changed' },
  'freeze.retired': { schema: 1, data: gate.freezeRetired, says: 'a change freeze was taken away' },
  'gate.overridden': {
    schema: 1,
    data: gate.gateOverridden,
    says: 'somebody lets changes of a service through for a time',
  },
  'gate.override-withdrawn': {
    schema: 1,
    data: gate.gateOverrideWithdrawn,
    says: 'an override of the gate was withdrawn',
  },
  'gate.decided': {
    schema: 1,
    data: gate.gateDecided,
    says: 'the gate answered for a change, and somebody wanted that on record',
  },
  'incident.declared': {
    schema: 1,
    data: incident.incidentDeclared,
    says: 'an incident began, by an alert or by a person',
  },
  'incident.alert-attached': {
    schema: 1,
    data: incident.incidentAlertAttached,
    says: 'an alert joined an open incident',
  },
  'incident.alert-resolved': {
    schema: 1,
    data: incident.incidentAlertResolved,
    says: 'an attached alert no longer fires',
  },
  'incident.status-changed': { schema: 1, data: incident.incidentStatusChanged, says: 'the status changed' },
  'incident.severity-changed': {
    schema: 1,
    data: incident.incidentSeverityChanged,
    says: 'the severity changed',
  },
  'incident.role-assigned': { schema: 1, data: incident.incidentRoleAssigned, says: 'a person took a role' },
  'incident.role-released': { schema: 1, data: incident.incidentRoleReleased, says: 'a person left a role' },
  'incident.responder-added': {
    schema: 1,
    data: incident.incidentResponderAdded,
    says: 'a responder joined',
  },
  'incident.service-affected': {
    schema: 1,
    data: incident.incidentServiceAffected,
    says: 'a further service is affected',
  },
  'incident.note-added': { schema: 1, data: incident.incidentNoteAdded, says: 'a note on the timeline' },
  'incident.note-corrected': {
    schema: 1,
    data: incident.incidentNoteCorrected,
    says: 'a note was corrected; both versions stay',
  },
  'incident.update-published': {
    schema: 1,
    data: incident.incidentUpdatePublished,
    says: 'an update to stakeholders',
  },
  'incident.acknowledged': {
    schema: 1,
    data: incident.incidentAcknowledged,
    says: 'the first acknowledge of one of its pages',
  },
  'incident.command-vacant': {
    schema: 1,
    data: incident.incidentCommandVacant,
    says: 'nobody took command of a sev1 or sev2 in time',
  },
  'incident.merged': {
    schema: 1,
    data: incident.incidentMerged,
    says: 'it was merged into another incident',
  },
  'incident.absorbed': {
    schema: 1,
    data: incident.incidentAbsorbed,
    says: 'another incident was merged into it',
  },
  'incident.resolved': { schema: 1, data: incident.incidentResolved, says: 'it was resolved' },
  'incident.reopened': { schema: 1, data: incident.incidentReopened, says: 'it was reopened' },
  'page.requested': {
    schema: 1,
    data: page.pageRequested,
    says: 'a step of the policy notifies these people',
  },
  'page.attempted': { schema: 1, data: page.pageAttempted, says: 'a delivery is being tried' },
  'page.delivered': { schema: 1, data: page.pageDelivered, says: 'a delivery was taken by the receiver' },
  'page.failed': {
    schema: 1,
    data: page.pageFailed,
    says: 'a delivery failed; retryAt says when it is tried again',
  },
  'page.acknowledged': { schema: 1, data: page.pageAcknowledged, says: 'somebody works on it' },
  'page.escalated': { schema: 1, data: page.pageEscalated, says: 'the page moved on to another step' },
  'page.reopened': { schema: 1, data: page.pageReopened, says: 'acknowledged, but not resolved in time' },
  'page.reassigned': { schema: 1, data: page.pageReassigned, says: 'given to other people' },
  'page.exhausted': {
    schema: 1,
    data: page.pageExhausted,
    says: 'the policy ran out: nobody answered, or nobody could be reached',
  },
  'page.cancelled': { schema: 1, data: page.pageCancelled, says: 'the incident ended' },
  'user.defined': { schema: 1, data: oncall.userDefined, says: 'a user was created or changed' },
  'schedule.defined': { schema: 1, data: oncall.scheduleDefined, says: 'a schedule was created or changed' },
  'policy.defined': {
    schema: 1,
    data: oncall.policyDefined,
    says: 'an escalation policy was created or changed',
  },
  'schedule.overridden': {
    schema: 1,
    data: oncall.scheduleOverridden,
    says: 'a schedule was overridden for a span',
  },
  'schedule.override-withdrawn': {
    schema: 1,
    data: oncall.scheduleOverrideWithdrawn,
    says: 'an override was withdrawn',
  },
  'token.created': { schema: 1, data: oncall.tokenCreated, says: 'an access token was created (hash only)' },
  'token.revoked': { schema: 1, data: oncall.tokenRevoked, says: 'an access token was revoked' },
} as const satisfies Record<string, { schema: number; data: z.ZodType; says: string }>;

export type EventType = keyof typeof eventCatalog;
/** Data of an event after parsing. */
export type EventData<T extends EventType> = z.output<(typeof eventCatalog)[T]['data']>;

/** Whether Bellwether knows the event name. */
export function isEventType(type: string): type is EventType {
  return Object.hasOwn(eventCatalog, type);
}

/** Parses an event's data by its name. @throws z.ZodError when it does not fit */
export function parseEventData<T extends EventType>(type: T, data: unknown): EventData<T> {
  return eventCatalog[type].data.parse(data) as EventData<T>;
}
