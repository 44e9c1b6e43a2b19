import type { EventLog } from '@bellwether/event-log';
import { LogBusy } from './log-busy.js';
import { commandOf, type MeasurementMessage } from './measurement/message.js';
import { Refusal } from './measurement/refusal.js';

/**
 * Refuses a batch in which an identity was used for other content before, ahead of writing anything: its events go
 * to several journals, so the log alone would take the others and refuse that one.
 *
 * @throws Refusal whose path begins with the event's index
 * @throws LogBusy
 */
export async function refuseReusedIdentities(
  log: Pick<EventLog, 'commandHashes'>,
  messages: readonly MeasurementMessage[],
): Promise<void> {
  const commands = messages.map(({ identity }) => (identity === null ? null : commandOf(identity)));
  let known: Map<string, string | null>;
  try {
    known = await log.commandHashes(commands.filter((command) => command !== null));
  } catch (error) {
    throw new LogBusy(error);
  }
  for (const [index, { points }] of messages.entries()) {
    const command = commands[index];
    const hash = command == null ? undefined : known.get(command);
    if (hash !== undefined && hash !== null && hash !== points.hash) {
      throw Refusal.identityReused().within(`${index}.id`);
    }
  }
}
