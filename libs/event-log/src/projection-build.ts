import type { RecordedEvent } from './event.js';
import type { EventLog } from './event-log.js';
import type { BuildProgress, Projection } from './projection.js';
import { lasts } from './projection-failure.js';
import type { ProjectionSlots, Slot } from './projection-slots.js';
import { take } from './projection-taking.js';

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
  /** Told of a key that the new tables park. */
  onParked: (error: unknown, event: RecordedEvent) => void;
}

/**
 * Makes the tables of a projection from the whole journal beside those that are read, and swaps them.
 * @throws Error that names the event which cannot be taken; the tables that are read stay as they are then
 */
export async function buildBeside(options: BuildOptions): Promise<Slot> {
  const { log, slots, projection, journal, batch, swapBatch, signal, onProgress, onParked } = options;
  const { position: head } = await log.head(journal);
  onProgress({ position: 0, head });
  let built = await slots.makeBuilding(projection);
  const onMoved = ({ position }: Slot) => onProgress({ position, head: Math.max(head, position) });
  const taking = { slots, projection, onMoved, onParked };
  if (head > 0) {
    // Nobody else reads the whole journal at this pace.
    const read = (after: number, limit: number) => log.readPage(journal, { after, limit });
    for await (const events of log.followWith(read, journal, { after: 0, signal, batch })) {
      built = await take(taking, built, events);
      if (built.position >= head) break;
    }
  }
  signal.throwIfAborted();
  await slots.index(projection, built);
  const read = (after: number, until: number) =>
    log.readJournal(journal, { after, limit: Math.min(swapBatch, until - after) });
  for (;;) {
    try {
      return await slots.swap(projection, built, read);
    } catch (error) {
      // An event at fault came during the build: taken here, it parks its key, and what is left to swap is without it.
      const events = lasts(error)
        ? await log.readJournal(journal, { after: built.position, limit: batch })
        : [];
      if (events.length === 0) throw error;
      built = await take(taking, built, events);
    }
  }
}
