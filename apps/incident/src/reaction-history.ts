import { CONTROL_JOURNAL, type EventEnvelope, keyOfStream } from '@bellwether/contracts';
import type { EventLog, PgConsumerStore } from '@bellwether/event-log';

const PAGE = 1_000;
const CAUSES = /^(slo|rule)[.]alert[.]|^slo[.]policy[.]|^page[.]acknowledged$|^incident[.]merged$/;

/**
 * How far this service has reacted, read from the log itself. Events are handled in order, so whatever comes before
 * the cause of its last reaction was handled. When events are handled again (a crash before the checkpoint, tables
 * rebuilt from the log), what led to nothing then must not lead to something now, because of what came later.
 */
export class ReactionHistory {
  /** Position of the cause of the last reaction. */
  #last = 0;
  #scanned = 0;
  readonly #causes = new Map<string, { position: number; ledTo: Set<string> }>();

  /** @param consumer name under which the store keeps this service's parked events */
  constructor(
    private readonly log: EventLog,
    private readonly store: Pick<PgConsumerStore, 'list'>,
    private readonly consumer: string,
  ) {}

  /**
   * The incidents that an event led to, when it was handled before and only that counts; null when it is to be
   * handled. The cause of the last reaction is handled once more: the process may have ended in the middle of it.
   */
  async ledTo(event: EventEnvelope): Promise<ReadonlySet<string> | null> {
    if (event.position >= this.#last) await this.#scan(event.position);
    if (event.position >= this.#last) return null;
    // What was put aside has not been handled, though later ones were.
    const parked = await this.store.list(this.consumer);
    if (parked.some(({ position }) => position === event.position)) return null;
    return this.#causes.get(event.id)?.ledTo ?? new Set();
  }

  /** Reactions come after their cause, so to know of causes from `from` on the log is read from there. */
  async #scan(from: number): Promise<void> {
    for (let after = Math.max(this.#scanned, from - 1); ; after = this.#scanned) {
      const events = await this.log.readJournal(CONTROL_JOURNAL, { after, limit: PAGE });
      for (const { id, position, type, stream, meta } of events) {
        this.#scanned = position;
        if (CAUSES.test(type)) this.#causes.set(id, { position, ledTo: new Set() });
        const cause = this.#causes.get(meta.causationId ?? '');
        if (meta.actor !== 'service:incident' || !cause) continue;
        cause.ledTo.add(keyOfStream(stream));
        this.#last = Math.max(this.#last, cause.position);
      }
      if (events.length < PAGE) return;
    }
  }
}
