import type { EventData, IncidentAlert, IncidentRole } from '@bellwether/contracts';
import type { IncidentEvent } from './event.js';
import { alertKey, firingPages, type IncidentState, isUrgent } from './incident.js';

/** Before it is declared an incident is nothing. */
export const initial: IncidentState | null = null;

/**
 * The state after one more event of the stream. Total: an event that does not fit, or that a later version added,
 * changes nothing but the version, so that no log can make an incident unreadable.
 */
export function evolve(state: IncidentState | null, event: IncidentEvent): IncidentState | null {
  if (state === null)
    return event.type === 'incident.declared' ? declared(event.data, event.occurredAt) : null;
  return { ...state, ...changesOf(state, event), version: state.version + 1 };
}

/** The fold of a stream, or of a prefix of it. */
export function fold(
  events: Iterable<IncidentEvent>,
  from: IncidentState | null = initial,
): IncidentState | null {
  let state = from;
  for (const event of events) state = evolve(state, event);
  return state;
}

function declared(data: EventData<'incident.declared'>, occurredAt: string): IncidentState {
  const alerts = data.alert ? [data.alert] : [];
  return {
    id: data.incident,
    title: data.title,
    summary: data.summary ?? null,
    severity: data.severity,
    status: 'investigating',
    startedAt: data.startedAt,
    detectedAt: data.detectedAt,
    declaredAt: occurredAt,
    acknowledgedAt: null,
    resolvedAt: null,
    resolvedOn: null,
    services: data.services,
    responders: [],
    alerts,
    roles: {},
    holdings: [],
    notes: [],
    escalationPolicy: data.escalationPolicy ?? null,
    labels: data.labels ?? {},
    nextUpdateAt: null,
    mergedInto: null,
    absorbed: [],
    monitoringByItself: false,
    monitoringSince: null,
    quietSince: null,
    commandTaken: false,
    commandVacantSince: occurredAt,
    urgentSince: isUrgent(data.severity) ? occurredAt : null,
    vacancyRaised: false,
    version: 1,
  };
}

function changesOf(state: IncidentState, event: IncidentEvent): Partial<IncidentState> {
  switch (event.type) {
    case 'incident.alert-attached':
      return alertsChanged(state, withAlert(state.alerts, event.data.alert), event.occurredAt);
    case 'incident.alert-resolved':
      return alertsChanged(state, withResolved(state.alerts, event.data), event.occurredAt);
    case 'incident.status-changed':
      return {
        status: event.data.to,
        monitoringByItself: event.data.to === 'monitoring' && event.data.automatic,
        monitoringSince: event.data.to === 'monitoring' ? event.occurredAt : null,
        ...(event.data.to === 'resolved' ? { resolvedAt: event.data.at, resolvedOn: event.occurredAt } : {}),
      };
    case 'incident.severity-changed':
      return {
        severity: event.data.to,
        urgentSince: isUrgent(event.data.to) ? (state.urgentSince ?? event.occurredAt) : null,
      };
    case 'incident.role-assigned':
      return roleAssigned(state, event.data, event.actor, event.occurredAt);
    case 'incident.role-released':
      return roleReleased(state, event.data.role, event.occurredAt);
    case 'incident.responder-added':
      return { responders: withOne(state.responders, event.data.user) };
    case 'incident.service-affected':
      return { services: withOne(state.services, event.data.service) };
    case 'incident.note-added': {
      const { text, at, links, pinned } = event.data;
      const version = { eventId: event.id, text, at, links, pinned };
      return { notes: [...state.notes, { id: event.id, author: event.actor, versions: [version] }] };
    }
    case 'incident.note-corrected': {
      const { note: id, text, at, links, pinned } = event.data;
      const version = { eventId: event.id, text, at, links, pinned };
      return {
        notes: state.notes.map((note) =>
          note.id === id ? { ...note, versions: [...note.versions, version] } : note,
        ),
      };
    }
    case 'incident.update-published':
      return { nextUpdateAt: event.data.nextUpdateAt };
    case 'incident.acknowledged':
      return { acknowledgedAt: state.acknowledgedAt ?? event.data.at };
    case 'incident.command-vacant':
      return { vacancyRaised: true };
    case 'incident.merged':
      return {
        mergedInto: event.data.into,
        status: 'resolved',
        resolvedAt: state.resolvedAt ?? event.occurredAt,
        monitoringByItself: false,
        monitoringSince: null,
        nextUpdateAt: null,
      };
    case 'incident.absorbed':
      return {
        ...alertsChanged(state, event.data.alerts.reduce(withAlert, state.alerts), event.occurredAt),
        services: event.data.services.reduce(withOne, state.services),
        absorbed: withOne(state.absorbed, event.data.merged),
      };
    case 'incident.resolved':
      return {
        status: 'resolved',
        resolvedAt: event.data.at,
        resolvedOn: event.occurredAt,
        monitoringByItself: false,
        monitoringSince: null,
        nextUpdateAt: null,
      };
    case 'incident.reopened':
      return {
        ...(event.data.alert
          ? alertsChanged(state, withAlert(state.alerts, event.data.alert), event.occurredAt)
          : {}),
        status: 'investigating',
        resolvedAt: null,
        resolvedOn: null,
        // What was quiet before the resolve says nothing about why it was reopened.
        quietSince: null,
        // Whoever held a role went home with the resolve; until the reopening it says who resolved it.
        roles: {},
        holdings: state.holdings.map((holding) => ({
          ...holding,
          to: holding.to ?? state.resolvedOn ?? event.occurredAt,
        })),
        commandTaken: false,
        commandVacantSince: event.occurredAt,
        urgentSince: isUrgent(state.severity) ? event.occurredAt : null,
        vacancyRaised: false,
      };
    default:
      return {};
  }
}

function withOne(names: readonly string[], name: string): readonly string[] {
  return names.includes(name) ? names : [...names, name];
}

function withAlert(alerts: readonly IncidentAlert[], alert: IncidentAlert): readonly IncidentAlert[] {
  const key = alertKey(alert);
  const index = alerts.findIndex((known) => alertKey(known) === key);
  const known = alerts[index];
  if (known === undefined) return [...alerts, alert];
  // The firing that declared the incident, or joined it first, is not to be lost with the ones that follow.
  const firings = (known.firings ?? 1) + (alert.firings ?? 1);
  return alerts.with(index, { ...alert, firings, firstFiredAt: known.firstFiredAt ?? known.firedAt });
}

function withResolved(
  alerts: readonly IncidentAlert[],
  resolved: EventData<'incident.alert-resolved'>,
): readonly IncidentAlert[] {
  const key = alertKey(resolved);
  return alerts.map((alert) =>
    alertKey(alert) === key && alert.state === 'firing'
      ? { ...alert, state: 'resolved' as const, resolvedAt: resolved.resolvedAt }
      : alert,
  );
}

function alertsChanged(
  state: IncidentState,
  alerts: readonly IncidentAlert[],
  occurredAt: string,
): Partial<IncidentState> {
  // The quiet starts over with every page alert that fired in between; a ticket does not break it, nor begin it.
  if (firingPages(alerts).length > 0) return { alerts, quietSince: null };
  return { alerts, quietSince: firingPages(state.alerts).length > 0 ? occurredAt : state.quietSince };
}

function roleAssigned(
  state: IncidentState,
  data: EventData<'incident.role-assigned'>,
  actor: string,
  occurredAt: string,
): Partial<IncidentState> {
  const { role, user } = data;
  const byTaker = actor === `user:${user}` || data.automatic;
  const vacancy =
    role === 'commander' ? { commandTaken: true, commandVacantSince: null, vacancyRaised: false } : {};
  const current = state.holdings.findIndex((holding) => holding.role === role && holding.to === null);
  const holding = state.holdings[current];
  if (holding?.user === user) {
    const confirmed = { ...holding, confirmedAt: holding.confirmedAt ?? (byTaker ? occurredAt : null) };
    return { holdings: state.holdings.with(current, confirmed) };
  }
  const closed = holding ? state.holdings.with(current, { ...holding, to: occurredAt }) : state.holdings;
  const taken = {
    role,
    user,
    from: occurredAt,
    to: null,
    assignedBy: actor,
    confirmedAt: byTaker ? occurredAt : null,
  };
  return {
    roles: { ...state.roles, [role]: user },
    holdings: [...closed, taken],
    responders: withOne(state.responders, user),
    ...vacancy,
  };
}

function roleReleased(state: IncidentState, role: IncidentRole, occurredAt: string): Partial<IncidentState> {
  if (state.roles[role] === undefined) return {};
  const { [role]: _left, ...roles } = state.roles;
  const holdings = state.holdings.map((holding) =>
    holding.role === role && holding.to === null ? { ...holding, to: occurredAt } : holding,
  );
  return {
    roles,
    holdings,
    ...(role === 'commander' ? { commandVacantSince: occurredAt, vacancyRaised: false } : {}),
  };
}
