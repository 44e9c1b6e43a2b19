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
  log: Pick<EventLog, 'pool'>,
  messages: readonly MeasurementMessage[],
): Promise<void> {
  const commands = messages.map(({ identity }) => (identity === null ? null : commandOf(identity)));
  const known = new Map<string, string | null>();
  try {
    const { rows } = await log.pool.query<{ command_id: string; command_hash: string | null }>({
      name: 'ingest-known-identities',
      text: 'select command_id, command_hash from log.commands where command_id = any($1)',
      values: [commands.filter((command) => command !== null)],
    });
    for (const { command_id, command_hash } of rows) known.set(command_id, command_hash);
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
