import { CommandRefused } from '@bellwether/contracts';
import { alertTitle, backFromMonitoring, eventsOf } from './alerts.js';
import type { CommandOf } from './command.js';
import { change, type IncidentChange } from './event.js';
import { alertKey, firingPages, type IncidentState, isHigher } from './incident.js';

/** Ends this incident in favour of another one, which goes on with its services and alerts. */
export function merge(command: CommandOf<'incident.merge'>, state: IncidentState): readonly IncidentChange[] {
  const { target } = command;
  const { into } = command.data;
  if (into === state.id) throw CommandRefused.conflict(`${into} cannot be merged into itself`);
  if (target === null) {
    throw CommandRefused.refused(`${into} does not exist`, [{ path: 'into', message: 'names no incident' }]);
  }
  if (target.mergedInto !== null) {
    throw CommandRefused.conflict(`${into} was itself merged into ${target.mergedInto}; merge into that one`);
  }
  if (target.status === 'resolved' && state.status !== 'resolved') {
    throw CommandRefused.conflict(
      `${into} is resolved: merging would end ${state.id} with nobody at work; reopen ${into} first`,
    );
  }
  return [change('incident.merged', { incident: state.id, into })];
}

/** Takes in what another incident had: its services, its alerts, and its severity if that is higher. */
export function absorb(command: CommandOf<'absorb'>, state: IncidentState): readonly IncidentChange[] {
  const incident = state.id;
  const { source } = command.data;
  if (state.absorbed.includes(source.id)) return [];
  const firing = new Set(state.alerts.filter((alert) => alert.state === 'firing').map(alertKey));
  const alerts = source.alerts.filter((alert) => !firing.has(alertKey(alert)));
  const firingToo = firingPages(alerts);
  const changes: IncidentChange[] = [];
  // It was open when the merge was decided; an alert that came along is not to be left with a resolved incident.
  if (state.status === 'resolved' && firingToo.length > 0) {
    changes.push(
      change('incident.reopened', {
        incident,
        reason: `${source.id} was merged into it and still fires`,
        stillFiring: eventsOf(firingToo),
      }),
    );
  }
  changes.push(
    change('incident.absorbed', { incident, merged: source.id, services: [...source.services], alerts }),
  );
  if (isHigher(source.severity, state.severity)) {
    changes.push(
      change('incident.severity-changed', {
        incident,
        from: state.severity,
        to: source.severity,
        reason: `${source.id}, merged into it, was ${source.severity}`,
      }),
    );
  }
  if (firingToo.length > 0) {
    const what = `${firingToo.map(alertTitle).join(', ')} of ${source.id}, merged into it,`;
    changes.push(...backFromMonitoring(state, what, command.now));
  }
  return changes;
}
