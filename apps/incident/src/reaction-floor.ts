import { CONTROL_JOURNAL, type EventEnvelope } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';

const PAGE = 1_000;

/**
 * The position up to which this service has reacted already. It matters when its tables are rebuilt from the log:
 * an alert that led to nothing then must not lead to an incident now. Events are handled in order, so everything up
 * to the cause of the last reaction was handled; what comes after it is handled now, as after any pause.
 */
export class ReactionFloor {
  constructor(readonly position: number) {}

  /** Whether the event was reacted to before the tables were lost. */
  isBelow(event: EventEnvelope): boolean {
    return event.position <= this.position;
  }

  /** @param checkpoint of the consumer: where it is not 0, the tables are whole and nothing is repeated */
  static async find(log: EventLog, checkpoint: number): Promise<ReactionFloor> {
    if (checkpoint > 0) return new ReactionFloor(0);
    const causes = new Map<string, number>();
    let floor = 0;
    for (let after = 0; ; ) {
      const events = await log.readJournal(CONTROL_JOURNAL, { after, limit: PAGE });
      for (const { id, position, type, meta } of events) {
        if (/^(slo|rule)[.]alert[.]|^page[.]acknowledged$|^incident[.]merged$/.test(type))
          causes.set(id, position);
        if (meta.actor === 'service:incident' && meta.causationId !== null) {
          floor = Math.max(floor, causes.get(meta.causationId) ?? 0);
        }
      }
      const last = events.at(-1);
      if (!last) return new ReactionFloor(floor);
      after = last.position;
    }
  }
}
