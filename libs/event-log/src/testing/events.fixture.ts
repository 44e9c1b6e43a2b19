import type { EventMeta, NewEvent, RecordedEvent } from '../event.js';

export const meta: EventMeta = {
  correlationId: '0198c3f0-0000-7000-8000-000000000000',
  causationId: null,
  actor: 'service:test',
  source: '/bellwether/test',
};

/** An event whose data says which. */
export function event(name: string | number = 'x'): NewEvent {
  return {
    type: 'incident.note-added',
    data: { name },
    meta,
    occurredAt: new Date('2026-01-01T00:00:00.000Z'),
  };
}

export function positions(events: readonly RecordedEvent[]): number[] {
  return events.map((recorded) => recorded.position);
}

export function versions(events: readonly RecordedEvent[]): number[] {
  return events.map((recorded) => recorded.version);
}
