import { type CommandRequest, type EventEnvelope, onceOf, storyOf } from '@bellwether/contracts';
import type { EventMeta } from '@bellwether/event-log';

export const source = '/bellwether/paging';
export const ownActor = 'service:paging';

/** Why something is appended, and what makes repeating it harmless. */
export interface Cause {
  meta: EventMeta;
  commandId?: string;
  commandHash?: string;
}

/** A person or program asked for it. */
export function causeOfRequest(request: CommandRequest): Cause {
  return { meta: { ...storyOf(request), source }, ...onceOf(request) };
}

/** It follows from an event; the reaction's name keeps several reactions to one event apart. */
export function causeOfEvent(event: EventEnvelope, reaction: string): Cause {
  return {
    meta: {
      correlationId: event.correlationid,
      causationId: event.id,
      actor: ownActor,
      source,
      ...(event.traceparent ? { traceparent: event.traceparent } : {}),
    },
    commandId: `reaction:${reaction}:${event.id}`,
  };
}

/** The name of a person who acts; other actors as they are. */
export function byOf(actor: string): string {
  return actor.startsWith('user:') ? actor.slice('user:'.length) : actor;
}
