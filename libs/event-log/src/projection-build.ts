import type { RecordedEvent } from './event.js';
import type { EventLog } from './event-log.js';
import type { BuildProgress, Projection } from './projection.js';
import { lasts, messageOf } from './projection-failure.js';
import type { ProjectionSlots, Slot } from './projection-slots.js';

export interface BuildOptions {
  log: EventLog;
  slots: ProjectionSlots;
  projection: Projection;
  journal: string;
  /** Events of a transaction at most. */
  batch: number;
  /** The same for what the tables that are read have taken beyond the build, while nobody can write to them. */
  swapBatch: number;
  /** Gives up. */
  signal: AbortSignal;
  onProgress: (progress: BuildProgress) => void;
}

/**
 * Makes the tables of a projection from the whole journal beside those that are read, and swaps them.
 * @throws Error that names the event which cannot be taken; the tables that are read stay as they are then
 */
export async function buildBeside(options: BuildOptions): Promise<Slot> {
  const { log, slots, projection, journal, batch, swapBatch, signal, onProgress } = options;
  const { position: head } = await log.head(journal);
  onProgress({ position: 0, head });
  let built = await slots.makeBuilding(projection);
  if (head > 0) {
    for await (const events of log.follow(journal, { after: 0, signal, batch })) {
      built = await take(options, built, events);
      onProgress({ position: built.position, head: Math.max(head, built.position) });
      if (built.position >= head) break;
    }
  }
  signal.throwIfAborted();
  await slots.index(projection, built);
  return slots.swap(projection, built, (after, until) =>
    log.readJournal(journal, { after, limit: Math.min(swapBatch, until - after) }),
  );
}

/** Takes a page as a whole; when that fails, one by one, so that who asked is told which event it is. */
async function take(
  { slots, projection }: BuildOptions,
  built: Slot,
  events: RecordedEvent[],
): Promise<Slot> {
  try {
    return await slots.apply(projection, built, events);
  } catch (error) {
    if (!lasts(error)) throw error;
    let slot = built;
    for (const event of events) {
      slot = await slots.apply(projection, slot, [event]).catch((cause: unknown) => {
        throw new Error(`event ${event.position} (${event.type}): ${messageOf(cause)}`, { cause });
      });
    }
    return slot;
  }
}
