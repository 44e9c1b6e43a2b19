import type { EventData, EventType, Incident, LoggedEvent, TimelineEntry } from '@bellwether/contracts';
import { incidentView, type RoleHolding } from './incident.js';
import { durations, type IncidentDurations } from './metrics.js';
import { personOf } from './people.js';
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

/** Error budget of an SLO over the incident, as its alerts and crossings recorded it: fractions, signed, not clamped. */
export interface ReportBudget {
  readonly slo: string;
  /** Budget left at the first alert. */
  readonly remainingAtFirst: number | null;
  /** Budget left at the last alert or crossing. */
  readonly remainingAtLast: number | null;
  /** The difference: what the incident spent from the first alert on. */
  readonly spent: number | null;
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
    budgets: budgetsOf(new Set(entries.map((entry) => entry.eventId)), known),
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
      users: [...new Set(requests.flatMap(({ data }) => data.users))],
      deliveries: calls(events, 'page.delivered'),
      failures: calls(events, 'page.failed'),
      escalations: only(events, 'page.escalated').length,
      acknowledgedAt: acknowledged?.at ?? null,
      acknowledgedBy: acknowledged ? (personOf(acknowledged.by) ?? acknowledged.by) : null,
      endedAt: only(events, 'page.cancelled')[0]?.at ?? null,
    };
  });
}

function budgetsOf(told: ReadonlySet<string>, known: readonly LoggedEvent[]): ReportBudget[] {
  const readings = known
    .filter((event) => told.has(event.id))
    .flatMap((event): { slo: string; at: string; remaining: number | null }[] => {
      if (event.type === 'slo.alert.fired' || event.type === 'slo.alert.resolved') {
        const data = event.data as EventData<'slo.alert.fired'>;
        return [{ slo: data.slo, at: data.eventTime, remaining: data.budgetRemaining }];
      }
      if (event.type === 'slo.budget.crossed') {
        const data = event.data as EventData<'slo.budget.crossed'>;
        return [{ slo: data.slo, at: data.eventTime, remaining: data.remaining }];
      }
      return [];
    })
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return [...Map.groupBy(readings, ({ slo }) => slo)].map(([slo, ofSlo]) => {
    const first = ofSlo[0]?.remaining ?? null;
    const last = ofSlo.at(-1)?.remaining ?? null;
    return {
      slo,
      remainingAtFirst: first,
      remainingAtLast: last,
      // One reading says nothing about what was spent.
      spent: ofSlo.length < 2 || first === null || last === null ? null : first - last,
    };
  });
}
