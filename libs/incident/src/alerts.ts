import { groupName, type IncidentAlert, isPageAlert } from '@bellwether/contracts';
import type { CommandOf } from './command.js';
import { change, type IncidentChange } from './event.js';
import { alertKey, firingPages, type IncidentState, isHigher } from './incident.js';

/** The ids of the events that alerts come from. */
export const eventsOf = (alerts: readonly IncidentAlert[]): string[] => alerts.map(({ eventId }) => eventId);

/** Words for an alert: `checkout-availability (page, fast)`, of a group `checkout-availability (page, fast, region eu)`. */
export function alertTitle(alert: Pick<IncidentAlert, 'name' | 'severity' | 'tier' | 'group'>): string {
  const group = alert.group && groupName(alert.group);
  return `${alert.name} (${[alert.severity, alert.tier, group].filter(Boolean).join(', ')})`;
}

/**
 * An alert joins: it reopens a resolved incident, brings its service along, and raises the severity if it asks for
 * more. An alert that is here and fires already changes nothing.
 */
export function attachAlert(
  command: CommandOf<'attach-alert'>,
  state: IncidentState,
): readonly IncidentChange[] {
  const incident = state.id;
  const { alert, asks } = command.data;
  const changes: IncidentChange[] = [];
  const known = state.alerts.find((one) => alertKey(one) === alertKey(alert));
  if (state.status === 'resolved') {
    // A ticket that asks for no incident does not bring one back, either.
    if (asks === null) return [];
    changes.push(
      change('incident.reopened', { incident, reason: `${alertTitle(alert)} fires again`, alert }),
    );
  } else if (known?.state === 'firing') {
    return [];
  } else {
    changes.push(change('incident.alert-attached', { incident, alert }));
  }
  if (!state.services.includes(alert.service)) {
    changes.push(change('incident.service-affected', { incident, service: alert.service }));
  }
  if (asks !== null && isHigher(asks, state.severity)) {
    changes.push(
      change('incident.severity-changed', {
        incident,
        from: state.severity,
        to: asks,
        reason: `${alertTitle(alert)} asks for ${asks}`,
        alert,
      }),
    );
  }
  if (isPageAlert(alert)) changes.push(...backFromMonitoring(state, alertTitle(alert), command.now));
  return changes;
}

/**
 * What went to monitoring because all was quiet comes back by itself when a page alert fires; where a person said so, a
 * person decides. @param what fires
 */
export function backFromMonitoring(
  state: IncidentState,
  what: string,
  now: string,
): readonly IncidentChange[] {
  if (!state.monitoringByItself) return [];
  return [
    change('incident.status-changed', {
      incident: state.id,
      from: 'monitoring',
      to: 'investigating',
      note: `${what} fires`,
      at: now,
      automatic: true,
    }),
  ];
}

/**
 * An attached alert is over. With the last page alert the incident moves to `monitoring`; tickets run for hours after
 * a fault and do not count.
 */
export function resolveAlert(
  command: CommandOf<'resolve-alert'>,
  state: IncidentState,
): readonly IncidentChange[] {
  const incident = state.id;
  const { kind, name, severity, tier, group, resolvedAt, eventId } = command.data;
  const firing = state.alerts.find((alert) => alertKey(alert) === alertKey(command.data));
  if (firing?.state !== 'firing') return [];

  const changes = [
    change('incident.alert-resolved', {
      incident,
      ...{ kind, name, severity, tier },
      ...(group && { group }),
      ...{ resolvedAt, eventId },
    }),
  ];
  const quiet = firingPages(state.alerts).every((alert) => alert === firing);
  if (quiet && isPageAlert(firing) && (state.status === 'investigating' || state.status === 'identified')) {
    changes.push(
      change('incident.status-changed', {
        incident,
        from: state.status,
        to: 'monitoring',
        note: 'all page alerts have resolved',
        at: command.now,
        automatic: true,
      }),
    );
  }
  return changes;
}
