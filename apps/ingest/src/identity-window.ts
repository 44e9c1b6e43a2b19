import type { Clock } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import { type Logger, Upkeep } from '@bellwether/service';

const everyMillis = 60 * 60_000;

/**
 * Forgets, once an hour, identities of measurements that are older than the window: what comes again after that is
 * a new measurement. Without it the table of identities would grow for ever.
 */
export function forgetIdentities(
  log: Pick<EventLog, 'pruneCommands'>,
  clock: Clock,
  windowMillis: number,
  logger: Pick<Logger, 'info' | 'warn'>,
): { stop(): Promise<void> } {
  return new Upkeep({
    clock,
    everyMillis,
    work: async (signal) => {
      const forgotten = await log.pruneCommands(new Date(clock.now().getTime() - windowMillis), signal);
      if (forgotten > 0) logger.info({ forgotten }, 'identities of measurements were forgotten');
    },
    onError: (error) =>
      logger.warn({ error }, 'identities of measurements could not be forgotten; trying again in an hour'),
  }).start();
}
