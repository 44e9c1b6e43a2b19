import type { RecordedEvent } from './event.js';
import type { Projection } from './projection.js';
import { isOfTheEvent, lasts, messageOf } from './projection-failure.js';
import type { ProjectionSlots, Slot } from './projection-slots.js';

/** A projection cannot take an event, and cannot go on without it. */
export class CannotTake extends Error {
  constructor(
    readonly event: RecordedEvent,
    cause: unknown,
  ) {
    super(`event ${event.position} (${event.type}): ${messageOf(cause)}`, { cause });
    this.name = 'CannotTake';
  }
}

export interface Taking {
  slots: ProjectionSlots;
  projection: Projection;
  /** Told of each step forward. */
  onMoved: (slot: Slot) => void;
  /** Told of a key that is parked from now on. */
  onParked?: (error: unknown, event: RecordedEvent) => void;
}

/**
 * Takes a page as a whole; when that fails, one by one, so that a key is parked, or the projection stops, exactly before
 * the event at fault.
 * @throws CannotTake, SlotMoved, and what passes
 */
export async function take(taking: Taking, from: Slot, events: RecordedEvent[]): Promise<Slot> {
  const { slots, projection, onMoved } = taking;
  try {
    const slot = await slots.apply(projection, from, events);
    onMoved(slot);
    return slot;
  } catch (error) {
    if (!lasts(error)) throw error;
  }
  let slot = from;
  for (const event of events) {
    slot = await takeOne(taking, slot, event);
    onMoved(slot);
  }
  return slot;
}

async function takeOne(taking: Taking, slot: Slot, event: RecordedEvent): Promise<Slot> {
  const { slots, projection, onParked } = taking;
  try {
    return await slots.apply(projection, slot, [event]);
  } catch (error) {
    if (!lasts(error)) throw error;
    const key = isOfTheEvent(error) ? (projection.keyOf?.(event) ?? null) : null;
    if (key === null) throw new CannotTake(event, error);
    const parked = await slots.park(slot, { key, position: event.position, error: messageOf(error) });
    onParked?.(error, event);
    return parked;
  }
}
