import type { EventData, EventType, Incident, LoggedEvent, TimelineEntry } from '@bellwether/contracts';
import { incidentView, type RoleHolding } from './incident.js';
import { durations, type IncidentDurations } from './metrics.js';
import { personOf } from './people.js';
import { type MeasuredBudget, type ReportBudget, recordedBudgets, withMeasured } from './report-budget.js';
import { incidentAt, knownAt, timeline } from './timeline.js';

/** What a person did, from the log. */
export interface ReportPerson {
  readonly user: string;
  readonly roles: readonly RoleHolding[];
  /** What they did, in order. */
  readonly deeds: readonly { readonly at: string; readonly text: string }[];
}

/** One page of the incident. */
export interface ReportPage {
  readonly id: string;
  readonly requestedAt: string;
  readonly users: readonly string[];
  /** Calls that reached somebody; the calls that say that the page ended are not counted. */
  readonly deliveries: number;
  readonly failures: number;
  readonly escalations: number;
  readonly acknowledgedAt: string | null;
  readonly acknowledgedBy: string | null;
  readonly endedAt: string | null;
}

/** Everything the log says of an incident, ready to print. */
export interface IncidentReport {
  readonly incident: Incident;
  readonly durations: IncidentDurations;
  readonly budgets: readonly ReportBudget[];
  readonly people: readonly ReportPerson[];
  readonly pages: readonly ReportPage[];
  /** Changes of affected services in the hour before the start. */
  readonly suspects: readonly TimelineEntry[];
  readonly timeline: readonly TimelineEntry[];
}

/** The report with what was measured of the budgets, by SLO: the log of what happened has only what alerts recorded. */
export function withMeasuredBudgets(
  report: IncidentReport,
  measured: ReadonlyMap<string, MeasuredBudget>,
): IncidentReport {
  return {
    ...report,
    budgets: report.budgets.map((budget) => withMeasured(budget, measured.get(budget.slo))),
  };
}

/**
 * The report of an incident as known at `asOf`; null when it was not declared then. `events` as for `timeline`.
 */
export function incidentReport(
  id: string,
  events: Iterable<LoggedEvent>,
  asOf?: string,
): IncidentReport | null {
  const known = knownAt(events, asOf).sort((a, b) => a.position - b.position);
  const state = incidentAt(id, known);
  if (state === null) return null;
  const entries = timeline(id, known);
  return {
    incident: incidentView(state),
    durations: durations(state),
    budgets: recordedBudgets(new Set(entries.map((entry) => entry.eventId)), known),
    people: peopleOf(state.holdings, state.responders, entries),
    pages: pagesOf(id, known),
    suspects: entries.filter((entry) => entry.suspect === true),
    timeline: entries,
  };
}

function peopleOf(
  holdings: readonly RoleHolding[],
  responders: readonly string[],
  entries: readonly TimelineEntry[],
): ReportPerson[] {
  // Corrections are deeds of their own; what they corrected is not told twice.
  const byPerson = Map.groupBy(
    entries.filter((entry) => entry.correctedBy === undefined),
    (entry) => personOf(entry.actor),
  );
  const users = new Set([...holdings.map(({ user }) => user), ...responders, ...byPerson.keys()]);
  return [...users]
    .filter((user) => user !== null)
    .map((user) => ({
      user,
      roles: holdings.filter((holding) => holding.user === user),
      deeds: (byPerson.get(user) ?? []).map(({ at, text }) => ({ at, text })),
    }))
    .sort((a, b) => (a.user < b.user ? -1 : 1));
}

function only<T extends EventType>(events: readonly LoggedEvent[], type: T) {
  return events
    .filter((event) => event.type === type)
    .map((event) => ({ at: event.occurredAt.toISOString(), data: event.data as EventData<T> }));
}

/** How many calls had this outcome. What merely told that the page had ended paged nobody. */
function calls(events: readonly LoggedEvent[], outcome: 'page.delivered' | 'page.failed'): number {
  return only(events, outcome).filter(({ data }) => !data.notice).length;
}

function pagesOf(id: string, known: readonly LoggedEvent[]): ReportPage[] {
  const mine = known.filter(
    (event) => event.type.startsWith('page.') && (event.data as { incident?: string }).incident === id,
  );
  return [...Map.groupBy(mine, (event) => (event.data as { page: string }).page)].map(([page, events]) => {
    const requests = only(events, 'page.requested');
    const acknowledged = only(events, 'page.acknowledged')[0]?.data;
    return {
      id: page,
      requestedAt: (requests[0]?.at ?? events[0]?.occurredAt.toISOString()) as string,
      users: [...new Set(requests.flatMap(({ data }) => data.intents.flatMap(({ user }) => user ?? [])))],
      deliveries: calls(events, 'page.delivered'),
      failures: calls(events, 'page.failed'),
      escalations: only(events, 'page.escalated').length,
      acknowledgedAt: acknowledged?.at ?? null,
      acknowledgedBy: acknowledged ? (personOf(acknowledged.by) ?? acknowledged.by) : null,
      endedAt: only(events, 'page.cancelled')[0]?.at ?? null,
    };
  });
}
