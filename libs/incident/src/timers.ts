import type { IncidentSettings } from './command.js';
import { firingPages, type IncidentState } from './incident.js';
import { latest, plus } from './instant.js';

/**
 * When the incident resolves by itself; null when it does not: an alert fires, or somebody took command. It is watched for
 * the whole quiet period: whoever sets `monitoring` long after the last alert is not to see it resolved at once.
 */
export function quietPeriodEnds(state: IncidentState, settings: IncidentSettings): string | null {
  const { monitoringSince, quietSince, commandTaken } = state;
  if (settings.quietPeriodMs === 0 || monitoringSince === null || quietSince === null) return null;
  return commandTaken ? null : plus(latest(monitoringSince, quietSince), settings.quietPeriodMs);
}

/** When it is raised that nobody is in command of a sev1 or sev2, and since when that is so; null when it is not. */
export function vacancyRaisedAt(
  state: IncidentState,
  settings: IncidentSettings,
): { at: string; since: string } | null {
  const { commandVacantSince, urgentSince } = state;
  if (settings.commandVacancyMs === 0 || state.status === 'resolved' || state.vacancyRaised) return null;
  if (commandVacantSince === null || urgentSince === null) return null;
  const since = latest(commandVacantSince, urgentSince);
  return { at: plus(since, settings.commandVacancyMs), since };
}

/**
 * When an incident that was resolved is reopened, unless its page alerts have resolved by then; null when none fires. A
 * resolve ends its pages, and an alert fires only once: without this an outage that goes on would never page again.
 */
export function reopensAt(state: IncidentState, settings: IncidentSettings): string | null {
  const { status, mergedInto, resolvedOn } = state;
  if (settings.stillFiringMs === 0 || status !== 'resolved' || mergedInto !== null || resolvedOn === null)
    return null;
  return firingPages(state.alerts).length === 0 ? null : plus(resolvedOn, settings.stillFiringMs);
}

/**
 * When time next changes the incident by itself; null when only events can. It follows from the state alone, so a
 * table of due times is rebuilt from the log.
 */
export function nextDue(state: IncidentState, settings: IncidentSettings): string | null {
  const due = [
    quietPeriodEnds(state, settings),
    vacancyRaisedAt(state, settings)?.at ?? null,
    reopensAt(state, settings),
  ];
  return due.filter((at) => at !== null).sort()[0] ?? null;
}
