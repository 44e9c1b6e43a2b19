import type { EventData, EventType, LoggedEvent, TimelineEntry } from '@bellwether/contracts';
import { LogStreams } from '@bellwether/contracts';
import { incidentEvent } from './event.js';
import { fold } from './evolve.js';
import type { IncidentState } from './incident.js';
import { plus } from './instant.js';
import { type TimelineText, timelineText } from './timeline-text.js';

/** How long before the start of an incident a change of an affected service is a suspect. */
export const SUSPECT_WINDOW_MS = 60 * 60_000;
const MINUTE = 60_000;

/** The events known at `asOf` (UTC text), by when the log took them; all of them when it is absent. */
export function knownAt<T extends LoggedEvent>(events: Iterable<T>, asOf?: string): T[] {
  const known = [...events];
  return asOf === undefined ? known : known.filter((event) => event.recordedAt.getTime() <= Date.parse(asOf));
}

/** The state of an incident as known at `asOf`, from any events of the control journal that include its stream's. */
export function incidentAt(id: string, events: Iterable<LoggedEvent>, asOf?: string): IncidentState | null {
  return fold(
    knownAt(events, asOf)
      .filter((event) => event.stream === LogStreams.incident(id))
      .sort((a, b) => a.version - b.version)
      .map(incidentEvent),
  );
}

/**
 * The timeline of an incident as known at `asOf`. `events` is any list of events of the control journal, in any
 * order, that holds the incident's stream, its pages' streams, and those of the SLOs, rules and changes of its
 * services; what does not belong is left out. Entries are ordered by `at`, then by log position.
 *
 * A corrected note keeps its own entry, which names the correction in `correctedBy`; the correction is an entry too.
 * Changes of affected services count from an hour before the start until the resolve; those before it, or within the
 * minute that it lies in, are suspects.
 */
export function timeline(id: string, events: Iterable<LoggedEvent>, asOf?: string): TimelineEntry[] {
  const known = knownAt(events, asOf).sort((a, b) => a.position - b.position);
  const state = incidentAt(id, known);
  if (state === null) return [];
  return storyOf(state, known)
    .flatMap((event) => {
      const says = timelineText(event);
      return says ? [{ position: event.position, entry: entryOf(event, says, state) }] : [];
    })
    .sort((a, b) => compareText(a.entry.at, b.entry.at) || a.position - b.position)
    .map(({ entry }) => entry);
}

function entryOf(event: LoggedEvent, says: TimelineText, state: IncidentState): TimelineEntry {
  const at = says.at ?? event.occurredAt.toISOString();
  return {
    at,
    recordedAt: event.recordedAt.toISOString(),
    kind: says.kind,
    text: says.text,
    actor: event.meta.actor,
    eventId: event.id,
    pinned: says.pinned ?? false,
    ...(says.links?.length ? { links: [...says.links] } : {}),
    ...(event.type === 'change.recorded' ? { suspect: isSuspect(at, state) } : {}),
    ...correction(event, state),
  };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function dataOf<T extends EventType>(event: LoggedEvent, _type: T): EventData<T> {
  return event.data as EventData<T>;
}

/** The events, in log order, that the timeline of this incident is made of. */
function storyOf(state: IncidentState, known: readonly LoggedEvent[]): LoggedEvent[] {
  const stream = LogStreams.incident(state.id);
  const own = known.filter((event) => event.stream === stream);
  const alerts = alertEvents(own);
  const alertSlos = new Set(state.alerts.filter((alert) => alert.kind === 'slo').map((alert) => alert.name));
  const present = new Set(known.map((event) => event.id));
  const acknowledged = new Set(
    known
      .filter((event) => event.type === 'page.acknowledged')
      .map((event) => dataOf(event, 'page.acknowledged').page),
  );
  return known.filter((event) => {
    switch (event.type) {
      // Where the alert itself is there, with its burn rates, its echo on the incident would say it twice.
      case 'incident.alert-attached':
        return (
          event.stream === stream && !present.has(dataOf(event, 'incident.alert-attached').alert.eventId)
        );
      case 'incident.alert-resolved':
        return event.stream === stream && !present.has(dataOf(event, 'incident.alert-resolved').eventId);
      case 'incident.acknowledged':
        return event.stream === stream && !acknowledged.has(dataOf(event, 'incident.acknowledged').page);
      case 'slo.alert.fired':
      case 'slo.alert.resolved':
      case 'rule.alert.fired':
      case 'rule.alert.resolved':
        return alerts.has(event.id);
      case 'slo.budget.crossed': {
        const { slo, eventTime } = dataOf(event, 'slo.budget.crossed');
        return alertSlos.has(slo) && isDuring(eventTime, state.startedAt, state);
      }
      case 'change.recorded': {
        const { service, at } = dataOf(event, 'change.recorded');
        const from = plus(state.startedAt, -SUSPECT_WINDOW_MS);
        return state.services.includes(service) && isDuring(at, from, state);
      }
      default:
        if (event.type.startsWith('page.'))
          return (event.data as { incident?: string }).incident === state.id;
        return event.stream === stream;
    }
  });
}

/** Ids of the alert events that this incident's stream refers to. */
function alertEvents(own: readonly LoggedEvent[]): Set<string> {
  const ids = new Set<string>();
  for (const logged of own) {
    const event = incidentEvent(logged);
    if (event.type === 'incident.declared' && event.data.alert) ids.add(event.data.alert.eventId);
    if (event.type === 'incident.alert-attached') ids.add(event.data.alert.eventId);
    if (event.type === 'incident.alert-resolved') ids.add(event.data.eventId);
    if (event.type === 'incident.reopened' && event.data.alert) ids.add(event.data.alert.eventId);
    if (event.type === 'incident.absorbed') for (const alert of event.data.alerts) ids.add(alert.eventId);
  }
  return ids;
}

function isDuring(at: string, from: string, state: IncidentState): boolean {
  return at >= from && (state.resolvedAt === null || at <= state.resolvedAt);
}

function isSuspect(at: string, state: IncidentState): boolean {
  // What is measured by the minute began somewhere in the minute of its start: a change within it may be the cause.
  const minute = Math.floor(Date.parse(state.startedAt) / MINUTE) * MINUTE;
  return Date.parse(at) < minute + MINUTE;
}

/** Which event corrected the version of a note that this event brought, if one did. */
function correction(event: LoggedEvent, state: IncidentState): { correctedBy?: string } {
  for (const { versions } of state.notes) {
    const index = versions.findIndex((version) => version.eventId === event.id);
    const next = index < 0 ? undefined : versions[index + 1];
    if (next) return { correctedBy: next.eventId };
  }
  return {};
}
