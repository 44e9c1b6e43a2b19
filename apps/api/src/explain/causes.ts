import { type EventData, type EventType, type IncidentAlert, LogStreams } from '@bellwether/contracts';
import type { RecordedEvent } from '@bellwether/event-log';

/** Where to look for what caused an event. */
export type Cause =
  | { kind: 'event'; id: string }
  | { kind: 'measurement'; journal: string; position: number; id: string }
  /** The measurement that made an unknown SLI known: one of the first of its stream. */
  | { kind: 'first-measurement'; stream: string; id: string }
  /** The alert of an SLO that fired at that time. */
  | { kind: 'firing'; slo: string }
  /** The last event of these types in the stream, before the event itself when it is of the same one. */
  | { kind: 'last'; stream: string; types: readonly EventType[] };

/** What becomes of a delivery: a timer runs out after it, and not because of it. */
const DELIVERIES: ReadonlySet<string> = new Set<EventType>([
  'page.attempted',
  'page.delivered',
  'page.failed',
]);
/** Events of a page that follow from what was asked of somebody, or from that nobody answered. */
const ANSWERS: ReadonlySet<string> = new Set<EventType>([
  'page.requested',
  'page.escalated',
  'page.reopened',
  'page.exhausted',
]);

/** After what an incident that nobody took command of resolves by itself, once the quiet period is over. */
const QUIETS: readonly EventType[] = ['incident.status-changed', 'incident.alert-resolved'];

/**
 * Whether the event that the log has as the direct cause of another one is why that came about. Where time ran out it is only
 * what came last before: {@link causesOf} says then what did.
 */
export function isWhy(direct: RecordedEvent, event: RecordedEvent): boolean {
  if (event.type === 'incident.command-vacant') return false;
  if (is(event, 'incident.reopened') && event.data.stillFiring !== undefined) return false;
  if (is(event, 'incident.resolved') && event.data.automatic)
    return QUIETS.includes(direct.type as EventType);
  return !(ANSWERS.has(event.type) && DELIVERIES.has(direct.type));
}

const is = <T extends EventType>(
  event: RecordedEvent,
  type: T,
): event is RecordedEvent & { data: EventData<T> } => event.type === type;

/**
 * What the data of an event says about its causes, the most telling first. The causation id of the log is asked
 * first (see the explainer); this is what connects events where a person, a timer or another journal is in between.
 */
export function causesOf(event: RecordedEvent): Cause[] {
  if (is(event, 'slo.alert.fired'))
    return [...evidence(event.data.evidence), ...components(event.data.components)];
  if (is(event, 'slo.alert.resolved')) return evidence(event.data.evidence);
  if (is(event, 'rule.alert.fired') || is(event, 'rule.alert.resolved')) return evidence(event.data.evidence);
  if (is(event, 'slo.budget.crossed')) return evidence(event.data.evidence);
  if (is(event, 'slo.policy.entered') || is(event, 'slo.policy.left')) return evidence(event.data.evidence);
  if (is(event, 'sli.defined')) return firstMeasurement(event);
  if (is(event, 'incident.declared') || is(event, 'incident.alert-attached')) return alert(event.data.alert);
  // A person who reopens it names no alert: then it follows from what the incident began with, as all else of it.
  if (is(event, 'incident.reopened') && event.data.alert !== undefined) return alert(event.data.alert);
  if (is(event, 'incident.reopened') && event.data.stillFiring !== undefined)
    return event.data.stillFiring.map((id) => ({ kind: 'event', id }));
  if (is(event, 'incident.resolved') && event.data.automatic)
    return [{ kind: 'last', stream: event.stream, types: QUIETS }];
  if (is(event, 'incident.absorbed')) return event.data.alerts.flatMap(alert);
  if (is(event, 'incident.alert-resolved')) return [{ kind: 'event', id: event.data.eventId }];
  if (is(event, 'page.requested')) {
    const { incident, page, step, cycle } = event.data;
    // A later step follows from what happened to the page, the first from the incident.
    return step > 1 || cycle > 1
      ? [{ kind: 'last', stream: LogStreams.page(page), types: ['page.escalated', 'page.requested'] }]
      : [
          {
            kind: 'last',
            stream: LogStreams.incident(incident),
            types: ['incident.declared', 'incident.reopened'],
          },
        ];
  }
  if (event.type.startsWith('page.')) {
    return [{ kind: 'last', stream: event.stream, types: ['page.requested'] }];
  }
  if (event.type.startsWith('incident.')) {
    return [{ kind: 'last', stream: event.stream, types: ['incident.declared', 'incident.reopened'] }];
  }
  return [];
}

/** Of a request that defined the SLI, the causation is no event; then none is found by it. */
function firstMeasurement({
  data: { service, name },
  meta: { causationId },
}: RecordedEvent & { data: EventData<'sli.defined'> }): Cause[] {
  if (causationId === null) return [];
  return [{ kind: 'first-measurement', stream: LogStreams.measurement(service, name), id: causationId }];
}

function evidence(found: { journal: string; position: number; eventId: string } | null | undefined): Cause[] {
  if (!found) return [];
  return [{ kind: 'measurement', journal: found.journal, position: found.position, id: found.eventId }];
}

/** Of a composite, the alerts of the components that had to do with it. */
function components(found: EventData<'slo.alert.fired'>['components'] = []): Cause[] {
  return found.filter(({ good, total }) => good < total).map(({ slo }) => ({ kind: 'firing', slo }));
}

const alert = (given: IncidentAlert | undefined): Cause[] =>
  given === undefined ? [] : [{ kind: 'event', id: given.eventId }];
