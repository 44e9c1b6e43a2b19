import { CommandRefused } from '@bellwether/contracts';
import { alertTitle, eventsOf } from './alerts.js';
import type { CommandOf, IncidentSettings } from './command.js';
import { change, type IncidentChange } from './event.js';
import { firingPages, type IncidentState } from './incident.js';
import { quietPeriodEnds, reopensAt, vacancyRaisedAt } from './timers.js';

/**
 * The time of a change that may be back-dated.
 * @throws CommandRefused 422 before the incident's start or after now
 */
export function backDated(at: string | undefined, now: string, state: IncidentState): string {
  if (at === undefined) return now;
  if (at > now) {
    throw CommandRefused.refused('at is in the future', [
      { path: 'at', message: `must not be after ${now}` },
    ]);
  }
  if (at < state.startedAt) {
    throw CommandRefused.refused(`at is before the start of ${state.id}`, [
      { path: 'at', message: `must not be before startedAt, ${state.startedAt}` },
    ]);
  }
  return at;
}

/** Any status may follow any of the first three, with a note; what is resolved can only be reopened. */
export function setStatus(
  command: CommandOf<'incident.set-status'>,
  state: IncidentState,
): readonly IncidentChange[] {
  const incident = state.id;
  const { status, note } = command.data;
  if (state.status === 'resolved') {
    throw CommandRefused.conflict(
      `${incident} is resolved; reopen it with a reason to change its status`,
      'incident-resolved',
    );
  }
  const at = backDated(command.data.at, command.now, state);
  if (status === 'resolved') return [change('incident.resolved', { incident, at, note, automatic: false })];
  return [
    change('incident.status-changed', {
      incident,
      from: state.status,
      to: status,
      note,
      at,
      automatic: false,
    }),
  ];
}

export function setSeverity(
  command: CommandOf<'incident.set-severity'>,
  state: IncidentState,
): readonly IncidentChange[] {
  const { severity, reason } = command.data;
  if (severity === state.severity) return [];
  return [
    change('incident.severity-changed', { incident: state.id, from: state.severity, to: severity, reason }),
  ];
}

export function reopen(
  command: CommandOf<'incident.reopen'>,
  state: IncidentState,
): readonly IncidentChange[] {
  if (state.status !== 'resolved') {
    throw CommandRefused.conflict(`${state.id} is ${state.status}, not resolved`, 'incident-open');
  }
  return [change('incident.reopened', { incident: state.id, reason: command.data.reason })];
}

/**
 * What is due by `now`: raising that nobody is in command, the resolve after a quiet period, and reopening what was
 * resolved and still fires.
 */
export function passTime(
  command: CommandOf<'pass-time'>,
  state: IncidentState,
  settings: IncidentSettings,
): readonly IncidentChange[] {
  const incident = state.id;
  const quietUntil = quietPeriodEnds(state, settings);
  if (quietUntil !== null && quietUntil <= command.now) {
    const minutes = settings.quietPeriodMs / 60_000;
    const note = `quiet for ${minutes} min in monitoring, and nobody took command`;
    return [change('incident.resolved', { incident, at: command.now, note, automatic: true })];
  }
  const raise = vacancyRaisedAt(state, settings);
  if (raise !== null && raise.at <= command.now) {
    return [change('incident.command-vacant', { incident, since: raise.since })];
  }
  const reopens = reopensAt(state, settings);
  if (reopens !== null && reopens <= command.now) {
    const minutes = settings.stillFiringMs / 60_000;
    const reason = `still firing ${minutes} min after it was resolved: ${titlesOf(state)}`;
    return [
      change('incident.reopened', { incident, reason, stillFiring: eventsOf(firingPages(state.alerts)) }),
    ];
  }
  return [];
}

/** What to tell whoever resolves an incident while page alerts of it fire; null when none does. */
export function resolveWarning(state: IncidentState, settings: IncidentSettings): string | null {
  if (state.status !== 'resolved' || state.mergedInto !== null || firingPages(state.alerts).length === 0) {
    return null;
  }
  const at = reopensAt(state, settings);
  const what =
    at === null
      ? 'nobody is paged for it any more'
      : `if it does at ${at}, the incident is reopened and pages again`;
  return `still firing: ${titlesOf(state)}; ${what}`;
}

const titlesOf = ({ alerts }: IncidentState): string => firingPages(alerts).map(alertTitle).join(', ');
