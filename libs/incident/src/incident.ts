import {
  type AlertSeverity,
  type EventData,
  type Incident,
  type IncidentAlert,
  type IncidentRole,
  type IncidentStatus,
  isPageAlert,
  type Severity,
  type SloGroup,
} from '@bellwether/contracts';
import { durations } from './metrics.js';

/** One person's time in a role. */
export interface RoleHolding {
  readonly role: IncidentRole;
  readonly user: string;
  readonly from: string;
  readonly to: string | null;
  readonly assignedBy: string;
  /** When the person said that the role is theirs: at once for who takes it, null until then for who is given it. */
  readonly confirmedAt: string | null;
}

/** One version of a note. */
export interface NoteVersion {
  readonly eventId: string;
  readonly text: string;
  readonly at: string;
  readonly links: readonly string[];
  readonly pinned: boolean;
}

/** A note with all its versions, the current one last. */
export interface Note {
  readonly id: string;
  readonly author: string;
  readonly versions: readonly NoteVersion[];
}

/** What is known of an incident: the fold of its stream. Instants are UTC text with milliseconds, so they compare as text. */
export interface IncidentState {
  readonly id: string;
  readonly title: string;
  readonly summary: string | null;
  readonly severity: Severity;
  readonly status: IncidentStatus;
  readonly startedAt: string;
  readonly detectedAt: string;
  readonly declaredAt: string;
  readonly acknowledgedAt: string | null;
  readonly resolvedAt: string | null;
  /** When it was said to be resolved, whatever time that was back-dated to; null while it is open. */
  readonly resolvedOn: string | null;
  readonly services: readonly string[];
  readonly responders: readonly string[];
  readonly alerts: readonly IncidentAlert[];
  readonly roles: Readonly<Partial<Record<IncidentRole, string>>>;
  readonly holdings: readonly RoleHolding[];
  readonly notes: readonly Note[];
  readonly escalationPolicy: string | null;
  readonly labels: EventData<'incident.declared'>['labels'];
  readonly nextUpdateAt: string | null;
  readonly mergedInto: string | null;
  readonly absorbed: readonly string[];
  /** It is in `monitoring` because its alerts resolved, not because a person said so. */
  readonly monitoringByItself: boolean;
  /** Since when it is in `monitoring`, whatever time that was back-dated to; null while it is not. */
  readonly monitoringSince: string | null;
  /** When the last page alert that fired resolved; null while one fires, or none did since it was declared or reopened. */
  readonly quietSince: string | null;
  /** Somebody took command since it was declared, or reopened. */
  readonly commandTaken: boolean;
  /** Since when nobody holds command; null while somebody does. */
  readonly commandVacantSince: string | null;
  /** Since when the severity asks for somebody in command (sev1, sev2). */
  readonly urgentSince: string | null;
  /** The present vacancy of command was raised already. */
  readonly vacancyRaised: boolean;
  /** Version of its stream. */
  readonly version: number;
}

/** What makes two alerts the same: an SLO's page fast and page slow fire and resolve on their own. */
export interface AlertIdentity {
  readonly kind: 'slo' | 'rule';
  readonly name: string;
  readonly severity: AlertSeverity;
  readonly tier: string | null;
  /** The part of an SLO that it is about; absent for the whole. */
  readonly group?: SloGroup | undefined;
}

/** Text form of an alert's identity, such as `slo/checkout-availability/page/fast`; of a group, with its label and value. */
export function alertKey({ kind, name, severity, tier, group }: AlertIdentity): string {
  const key = [kind, name, severity, tier ?? '-'].join('/');
  return group === undefined ? key : `${key}/${JSON.stringify([group.label, group.value])}`;
}

/** The page alerts of an incident that fire. */
export function firingPages(alerts: readonly IncidentAlert[]): readonly IncidentAlert[] {
  return alerts.filter((alert) => isPageAlert(alert) && alert.state === 'firing');
}

/** Sev1 and sev2 ask for somebody in command. */
export function isUrgent(severity: Severity): boolean {
  return severity === 'sev1' || severity === 'sev2';
}

/** Whether `a` is the higher severity: sev1 is above sev2. */
export function isHigher(a: Severity, b: Severity): boolean {
  return a < b;
}

/** The incident as the API gives it. */
export function incidentView(state: IncidentState): Incident {
  return {
    id: state.id,
    title: state.title,
    summary: state.summary,
    severity: state.severity,
    status: state.status,
    startedAt: state.startedAt,
    detectedAt: state.detectedAt,
    declaredAt: state.declaredAt,
    acknowledgedAt: state.acknowledgedAt,
    resolvedAt: state.resolvedAt,
    commander: state.roles.commander ?? null,
    roles: { ...state.roles },
    responders: [...state.responders],
    services: [...state.services],
    alerts: [...state.alerts],
    escalationPolicy: state.escalationPolicy,
    labels: state.labels,
    timeToResolveMinutes: durations(state).timeToResolveMinutes,
    nextUpdateAt: state.nextUpdateAt,
    mergedInto: state.mergedInto,
    version: state.version,
  };
}
