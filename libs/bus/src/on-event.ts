import type { EventType } from '@bellwether/contracts';
import { EventPattern } from '@nestjs/microservices';

/** An event of the catalogue, a group of them (`incident.*`), or all (`*`). */
export type EventPatternName = EventType | `${string}.*` | '*';

/**
 * Nest's `@EventPattern` for events of the log, for handlers `(event: EventEnvelope, context: JournalContext<Tx>)`.
 * Nest 12's own types allow no second parameter of a known type, and take any name.
 */
export function OnEvent(pattern: EventPatternName): MethodDecorator {
  return EventPattern<string>(pattern);
}
