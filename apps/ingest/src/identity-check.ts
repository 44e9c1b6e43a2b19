import type { EventLog } from '@bellwether/event-log';
import { LogBusy } from './log-busy.js';
import { commandOf, type MeasurementMessage } from './measurement/message.js';
import { Refusal } from './measurement/refusal.js';

/**
 * Refuses messages of which one has an identity that stands for other content, in the log or in one before it, ahead of
 * writing anything: neither is an SLI defined from it, nor are the journals of a batch locked for nothing.
 *
 * @throws Refusal whose path is that of the identity
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
    if (command == null) continue;
    const hash = known.get(command) ?? null;
    if (hash !== null && hash !== points.hash) {
      throw messages.length > 1 ? Refusal.identityReused().within(`${index}.id`) : Refusal.identityReused();
    }
    known.set(command, points.hash);
  }
}
