import type { EventData, EventType, LoggedEvent } from '@bellwether/contracts';

/** Names of the events of an incident's own stream. */
export type IncidentEventType = Extract<EventType, `incident.${string}`>;

/** What `decide` answers: an event that is still to be recorded. */
export type IncidentChange = {
  [T in IncidentEventType]: { readonly type: T; readonly data: EventData<T> };
}[IncidentEventType];

/** An event of an incident's stream. */
export type IncidentEvent = IncidentChange & {
  /** Event id. */
  readonly id: string;
  /** `user:<name>`, `service:<app>` or `key:<id>`. */
  readonly actor: string;
  /** When it happened: an instant in UTC with milliseconds, as everywhere in this library. */
  readonly occurredAt: string;
};

/** Reads an event of an incident's stream from its record in the log. */
export function incidentEvent(logged: LoggedEvent): IncidentEvent {
  // The log took the data through the schemas of contracts, and upcasts old versions on read.
  const change = { type: logged.type, data: logged.data } as IncidentChange;
  return {
    ...change,
    id: logged.id,
    actor: logged.meta.actor,
    occurredAt: logged.occurredAt.toISOString(),
  };
}

/** An event to be recorded. */
export function change<T extends IncidentEventType>(type: T, data: EventData<T>): IncidentChange {
  return { type, data } as IncidentChange;
}
